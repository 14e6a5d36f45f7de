"""Grids of Recipes over one or two parameters, and the sheet that shows one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.cancel import CancelToken
from engine.comparing import AXES, SAMPLER_TITLES, choices, denoising_of, grid_of
from engine.denoising import (
    Classes,
    ClassifierFree,
    ClipGuidance,
    Denoise,
    DenoiserInfo,
    Texts,
    TextWeight,
    Upscale,
)
from engine.errors import Cancelled, ModelError, RecipeError
from engine.frame import Frame, Progress, RenderSettings
from engine.recipe import ClassWeight, Generate, ModelRef, Recipe, Resize, Seed
from engine.services.contact_sheet import typeface, wrapped
from engine.services.grid import sheet_of
from engine.services.grid_sheet import Sides, grid_sheet

MODEL = ModelRef("m", "0" * 64)
NAMES = ("a round hat", "no hat", "a very long name of a class, with commas, that takes room")
NODE = Denoise(
    MODEL, Seed(5), Classes((ClassWeight(1),)), (ClassifierFree(3.0, start=0.1),), "euler", 30,
    "karras",
)  # fmt: skip
CLIP = ClipGuidance(MODEL, "a hat", 1.0)
INFO = DenoiserInfo("m", "Hats", MODEL.sha256, 32, NAMES, False, False, True, Path())


def render(recipe: Recipe) -> Frame:
    pixels = np.full((32, 32, 3), denoising_of(recipe).steps, np.uint8)
    return Frame(pixels, recipe, RenderSettings(), "torch", "full", 0.0)


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_varies_the_picture_alone(axis: str) -> None:
    grid = grid_of(Recipe(NODE), axis, "", NAMES)
    assert len(grid.recipes) == len(grid.columns) >= 3
    assert grid.rows[0].words == ""
    others = ("guidance", "steps", "eta", "sampler", "start", "prompt", "negative")
    assert Recipe(NODE) in grid.recipes or axis in others


def test_any_two_axes_go_together() -> None:
    for across in AXES:
        for down in AXES:
            if across != down and {across, down} != {"class", "prompt"}:
                grid = grid_of(Recipe(NODE), across, down, NAMES)
                sizes = [len(row) for row in grid.cells]
                assert sizes == [len(grid.columns)] * len(grid.rows)
                assert len(grid.recipes) > len(grid.columns) or "eta" in (across, down)


def test_prompts_and_negative_prompts_stand_on_the_sides() -> None:
    node = replace(
        NODE, conditioning=Texts((TextWeight("a hat"),)), guidance=(CLIP, *NODE.guidance)
    )
    given = {"prompt": ["a hat, round", "a cap"], "negative": ["a man"]}
    grid = grid_of(Recipe(node), "prompt", "negative", (), given)
    assert [one.words for one in grid.columns] == ["“a hat, round”", "“a cap”"]
    assert [one.words for one in grid.rows] == ["nothing", "“a man”"]
    cell = grid.cells[1][1]
    assert cell is not None
    away = replace(NODE.guidance[0], negative=Texts((TextWeight("a man"),)))
    said = Texts((TextWeight("a cap"),))
    assert cell.image == replace(node, conditioning=said, guidance=(CLIP, away))
    assert "a hat" not in grid.fixed
    own = grid_of(Recipe(node), "prompt").columns
    assert own[0].words == "“a hat”"
    unguided = grid_of(Recipe(replace(node, guidance=())), "negative").cells[0][1]
    assert unguided is not None
    assert denoising_of(unguided).guidance[0].scale == 3.0


def test_a_private_grid_does_not_say_its_texts() -> None:
    node = replace(NODE, conditioning=Texts((TextWeight("a secret hat"),)))
    grid = grid_of(Recipe(node), "negative", "prompt", (), {"prompt": ["a secret cap", "b"]})
    told = grid.private()
    assert told.cells == grid.cells
    words = [one.words for one in (*told.columns, *told.rows)] + [told.fixed]
    assert not any("secret" in text or "glasses" in text for text in words)
    assert [one.words for one in told.rows] == ["text 1", "text 2"]
    with pytest.raises(RecipeError, match="by a class or by a prompt"):
        grid_of(Recipe(node), "class", "prompt", NAMES)
    steps = grid_of(Recipe(node), "steps")
    assert "secret" in steps.fixed
    assert "secret" not in steps.private().fixed
    assert steps.private().columns == steps.columns


def test_a_cell_differs_in_both_parameters_and_in_nothing_else() -> None:
    grid = grid_of(Recipe(NODE), "guidance", "steps", NAMES)
    cell = grid.cells[1][3]
    assert cell == Recipe(
        replace(NODE, steps=10, guidance=(ClassifierFree(4.0, start=0.1),)),
    )
    assert (grid.columns[3].words, grid.rows[1].words) == ("4", "10 steps")
    assert grid.fixed == "seed 5 · no hat · Euler"


def test_what_does_not_go_together_stays_free() -> None:
    grid = grid_of(Recipe(NODE), "eta", "sampler")
    for choice, row in zip(grid.rows, grid.cells, strict=True):
        made = [cell is not None for cell in row]
        assert made == ([True] * 5 if choice.words == "DDIM" else [True] + [False] * 4)
    spaced = grid_of(Recipe(NODE), "spacing", "sampler")
    free = {
        (r.words, c.words)
        for r, row in zip(spaced.rows, spaced.cells, strict=True)
        for c, cell in zip(spaced.columns, row, strict=True)
        if cell is None
    }
    assert free == {(s, t) for s in ("DDIM", "DDPM") for t in ("Karras", "Exponential")}


def test_an_eta_alone_takes_the_sampler_that_knows_one() -> None:
    made = [denoising_of(recipe) for recipe in grid_of(Recipe(NODE), "eta").recipes]
    assert {node.sampler for node in made} == {"ddim"}
    assert "DDIM" in grid_of(Recipe(NODE), "eta").fixed


def test_upsampling_stays_around_every_picture() -> None:
    whole = Recipe(Resize(Upscale(NODE, MODEL, Seed(1)), 512, 512))
    for recipe in grid_of(whole, "steps").recipes:
        assert isinstance(recipe.image, Resize)
        assert isinstance(recipe.image.image, Upscale)


def test_values_may_be_given() -> None:
    given = {"guidance": ("0.5", "3"), "class": ("2",), "noise": ("7", "9")}
    grid = grid_of(Recipe(NODE), "guidance", "noise", NAMES, given)
    assert [one.words for one in grid.columns] == ["0.5", "3"]
    assert [one.words for one in grid.rows] == ["seed 7", "seed 9"]
    assert choices("class", NODE, NAMES, ("2",))[0].words == NAMES[2]
    assert len(choices("sampler", NODE, (), tuple(SAMPLER_TITLES))) == 9


@pytest.mark.parametrize(
    ("across", "down", "given", "words"),
    [
        ("hue", "", {}, "varies one of guidance, .* got 'hue'"),
        ("steps", "steps", {}, "Both sides vary steps"),
        ("steps", "", {"steps": ("5", "x")}, "whole numbers, got 'x'"),
        ("steps", "", {"steps": ("0",)}, "steps"),
        ("steps", "", {"steps": ()}, "no values"),
        ("guidance", "", {"guidance": ("high",)}, "numbers, got 'high'"),
        ("guidance", "", {"guidance": ("nan",)}, "scale"),
        ("sampler", "", {"sampler": ("best",)}, "one of dpmpp_2m.* got 'best'"),
        ("class", "", {"class": ("3",)}, "classes 0 to 2, got 3"),
        ("noise", "steps", {"noise": tuple("0123456789" * 3)}, "at most 100 pictures"),
        ("eta", "sampler", {"eta": ("0.5",), "sampler": ("euler",)}, "No two of these"),
    ],
)
def test_what_cannot_be_compared_is_told(
    across: str, down: str, given: dict[str, tuple[str, ...]], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        grid_of(Recipe(NODE), across, down, NAMES, given)


def test_a_generators_picture_is_not_compared() -> None:
    with pytest.raises(RecipeError, match="got 'generate'"):
        grid_of(Recipe(Generate(MODEL, Seed(1))), "steps")


def test_a_model_without_classes_has_one_value_of_class() -> None:
    assert [one.words for one in choices("class", NODE)] == ["any"]
    with pytest.raises(RecipeError, match="no classes, got 0"):
        choices("class", NODE, (), ("0",))


# --- the sheet


def test_every_picture_stands_in_its_place() -> None:
    grid = grid_of(Recipe(NODE), "steps", "guidance", NAMES)
    frame = sheet_of(grid, [INFO], render)
    assert frame.recipe == grid.cells[0][0]
    for column, steps in enumerate((5, 10, 25, 50)):
        marks = np.all(frame.pixels == steps, axis=2)
        x = np.nonzero(marks.any(axis=0))[0]
        assert len(x) == 128, column
        assert marks.sum() > 5 * 120 * 120, column
    assert frame.pixels.shape[1] > frame.pixels.shape[0] * 0.5


def test_a_free_place_shows_no_picture() -> None:
    grid = grid_of(Recipe(NODE), "eta", "sampler")
    rendered: list[Recipe] = []

    def heard(recipe: Recipe) -> Frame:
        rendered.append(recipe)
        return render(recipe)

    sheet_of(grid, [INFO], heard)
    assert len(rendered) == 10


def test_a_sheet_says_how_far_it_is_and_can_be_stopped() -> None:
    token, heard = CancelToken(), []

    def hear(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        sheet_of(grid_of(Recipe(NODE), "steps"), [INFO], render, hear, token)
    assert [one.stage for one in heard] == ["Rendering 1 of 4", "Rendering 2 of 4"]
    assert heard[0].fraction == pytest.approx(0.05)


def test_a_sheet_of_a_model_that_is_gone_is_refused() -> None:
    with pytest.raises(ModelError, match="not on this machine"):
        sheet_of(grid_of(Recipe(NODE), "steps"), [], render)


def test_words_wrap_within_their_picture_and_long_ones_end_in_dots() -> None:
    font = typeface(14)
    lines = wrapped(NAMES[2], font, 128)
    assert len(lines) > 1
    assert all(font.getlength(line) <= 128 for line in lines)
    assert " ".join(lines) == NAMES[2]
    assert wrapped("word " * 40, font, 128)[-1].endswith("…")
    assert len(wrapped("word " * 40, font, 128)) == 4
    clipped = wrapped("x" * 80, font, 128)
    assert clipped[0].endswith("…")
    assert font.getlength(clipped[0]) <= 128


def test_a_sheet_is_as_wide_as_its_title_and_large_pictures_stay_large() -> None:
    tile = np.zeros((300, 300, 3), np.uint8)
    narrow = grid_sheet("A title that is much wider than the picture", ("",), Sides("x", ["1"]),
                        [[tile]])  # fmt: skip
    assert narrow.shape[1] > 500
    assert narrow.shape[0] > 256
