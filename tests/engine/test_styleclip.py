"""Editing by text: what a pair of texts asks for, and the three ways to follow it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w, to_ws
from engine.directions.text_styles import TextStyles
from engine.editing.generator import differentiable
from engine.editing.invert import spread
from engine.editing.text_change import Ground, measure_ground, text_change
from engine.editing.text_mapper import Mapper, pack_mapper, unpack_mapper
from engine.editing.text_optimise import OptimiseSettings, gone, optimise, shifted
from engine.editing.text_styles import measure_relevance
from engine.errors import Cancelled, DirectionError, ModelError, RecipeError
from engine.frame import Progress
from engine.models.opened import Model
from engine.perception.clip.config import read_config
from engine.perception.clip.model import Clip
from engine.perception.clip.open import build
from engine.recipe import Blend, Computed, Generate, Move, Noise, Recipe, Seed, Truncate
from engine.services.clips import import_clip
from engine.services.edit_text import edit_text, recipe_at
from engine.services.find import find
from engine.studio import Studio
from engine.wishes import DirectionWish, TextPair, TextWish
from tests.clip_files import published_config, random_tensors, tokenizer, write_published
from tests.random_model import NAME

PAIR = TextPair("a face with glasses", "a face", "small", 0.02)


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def unseen(*_: object) -> None:
    """Nobody looks."""


@pytest.fixture
def model(studio: Studio) -> Model:
    return studio.open(NAME, "torch")


@pytest.fixture
def clip() -> Clip:
    config = published_config()
    return Clip(build(read_config(config, "small"), random_tensors(config), "small"), tokenizer())


@pytest.fixture
def small(home: Path, tmp_path: Path, studio: Studio) -> Studio:
    """The studio with a small random CLIP imported."""
    config = published_config()
    folder = write_published(tmp_path / "published", config, random_tensors(config))
    import_clip(home, folder, "small", quiet, CancelToken())
    studio.refresh()
    return studio


def start(studio: Studio) -> Recipe:
    return Recipe(Generate(studio.ref(NAME), Truncate(Seed(3), 0.8)))


@pytest.mark.parametrize(
    ("text", "neutral", "words"),
    [
        ("  ", "a face", "no text"),
        ("a face", " ", "no neutral"),
        ("A  face", "a face", "say the same"),
    ],
)
def test_texts_that_ask_for_nothing_are_refused(
    clip: Clip, text: str, neutral: str, words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        text_change(clip, text, neutral)


def test_a_change_is_a_unit_and_says_what_was_cut(clip: Clip) -> None:
    change = text_change(clip, "a face with glasses", "a face")
    assert float(change.direction.norm()) == pytest.approx(1, abs=1e-5)
    assert not change.cut
    assert text_change(clip, "a face with glasses " * 5, "a face").cut


def test_the_ground_is_what_pictures_differ_in(model: Model, clip: Clip) -> None:
    net = differentiable(model, Noise())
    ground = measure_ground(net, clip, sample_w(model, 48, 1), CancelToken())
    overlap = ground.axes @ ground.axes.T
    assert torch.allclose(overlap, torch.eye(len(ground.axes)), atol=1e-4)
    assert (ground.size.diff() <= 1e-6).all()
    aim = ground.aimed(text_change(clip, "a face with glasses"))
    assert float(aim.direction.norm()) == pytest.approx(1, abs=1e-4)
    assert 0 < aim.deviation <= float(ground.size[0]) + 1e-6
    nowhere = Ground(torch.zeros(2, clip.dim), torch.ones(2))
    with pytest.raises(RecipeError, match="Nothing that this model draws"):
        nowhere.aimed(text_change(clip, "a face with glasses"))


def test_optimising_goes_along_the_text_and_stops_when_asked(model: Model, clip: Clip) -> None:
    net = differentiable(model, Noise())
    w = sample_w(model, 64, 1)
    aim = measure_ground(net, clip, w, CancelToken()).aimed(text_change(clip, "an old man"))
    ws = torch.from_numpy(to_ws(w[:2], net.num_ws))
    settings = OptimiseSettings(steps=40, stay=0.0, apart=0.0)
    found = optimise(net, clip, spread(w), ws, aim, 2.0, settings, CancelToken(), unseen)
    with torch.no_grad():
        before, after = clip.embed_images(net.images(ws)), clip.embed_images(net.images(found))
    assert gone(after, before, aim, 2.0) > 0.5
    token, steps = CancelToken(), []

    def seen(step: int, *_: object) -> None:
        steps.append(step)
        token.cancel()

    optimise(net, clip, spread(w), ws, aim, 2.0, settings, token, seen)
    assert steps == [1]


def test_a_shift_moves_pictures_by_a_few_pixels_and_is_repeatable() -> None:
    images = torch.rand(1, 3, 64, 64)
    one, two = (shifted(images, 2, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == images.shape
    assert shifted(images, 0, torch.Generator()) is images


def test_relevance_is_what_moving_a_channel_does(model: Model, clip: Clip) -> None:
    w = sample_w(model, 48, 1)
    ground = measure_ground(differentiable(model, Noise()), clip, w, CancelToken())
    ws = to_ws(w[:4], model.num_ws)
    found = measure_relevance(model, clip, ground, ws, quiet, CancelToken())
    styles = model.styles(ws)
    channel = int(np.abs(found.step).max(0).argmax())
    small = np.zeros(styles.shape[1], np.float32)
    small[channel] = 0.05 * found.deviation[channel]
    sides = []
    for sign in (1, -1):
        backend = model.backend
        net = differentiable(model, Noise())
        with torch.no_grad(), backend.style_tap.writing(torch.from_numpy(styles + sign * small)):  # type: ignore[attr-defined]
            sides.append(clip.embed_images(net.images(torch.from_numpy(ws))) @ ground.axes.T)
    slope = ((sides[0] - sides[1]).mean(0) / 0.1).numpy()
    assert np.abs(slope - found.step[:, channel]).max() < 0.05 * np.abs(slope).max() + 1e-5
    assert np.linalg.norm(found.turn, axis=0).max() <= 1 + 1e-5


def test_a_threshold_leaves_the_channels_that_matter() -> None:
    styles = TextStyles(np.array([0.5, -0.2, 0.01], np.float32),
                        np.array([0.4, -0.1, 0.0], np.float32), np.ones(3, np.float32))  # fmt: skip
    assert [styles.channels(t) for t in (0.0, 0.1, 0.3)] == [3, 2, 1]
    vector = styles.vector(0.3)
    assert vector @ styles.gain == pytest.approx(1)
    assert (vector[1:] == 0).all()
    with pytest.raises(RecipeError, match=r"0\.50"):
        styles.vector(0.6)
    again = TextStyles.unpacked(styles.packed())
    assert np.array_equal(again.vector(0.1), styles.vector(0.1))


def test_a_mapper_that_was_not_trained_moves_nothing_and_is_kept_whole() -> None:
    mapper = Mapper(10, 6).eval().requires_grad_(False)
    v = torch.randn(3, 10, 6)
    assert not mapper(v).any()
    mapper.bands[1][-1].bias += 1.0  # type: ignore[index, union-attr]
    moved = mapper(v)
    assert moved[:, 4:8].eq(1).all() and not moved[:, :4].any() and not moved[:, 8:].any()  # noqa: PT018
    again = unpack_mapper(pack_mapper(mapper, {"text": "x"}))
    assert torch.equal(again(v), moved)
    with pytest.raises(ModelError):
        unpack_mapper(b"no file")


def test_each_way_gives_a_recipe_that_renders_and_goes_back(small: Studio, home: Path) -> None:
    base = start(small)
    before = small.render(base).pixels
    for way, steps in (("optimise", 6), ("mapper", 4), ("direction", 0)):
        wish = TextWish(base, PAIR, way, 2.0, steps)  # type: ignore[arg-type]
        found = edit_text(home, wish, quiet, CancelToken(), unseen)
        assert recipe_at(found, small.store, 0.0, 0.02) == base
        whole = recipe_at(found, small.store, 1.0, 0.02)
        assert (small.render(whole).pixels != before).any()
        assert Recipe.from_json(whole.canonical) == whole
        image = whole.image
        assert isinstance(image, Generate)
        if way == "direction":
            assert isinstance(image.latent, Move)
            assert image.latent.kind == "s"
        else:
            assert isinstance(image.latent, Computed)
            told = {s.name: s.value for s in image.latent.settings}
            assert (told["text"], told["way"]) == ("a face with glasses", way)
            half = recipe_at(found, small.store, 0.5, 0.02).image
            assert isinstance(half, Generate)
            assert isinstance(half.latent, Blend)


def test_a_mapper_is_trained_once_for_a_text(small: Studio, home: Path) -> None:
    wish = TextWish(start(small), PAIR, "mapper", 2.0, 3)
    notes, results = [], []
    for _ in range(2):
        found = edit_text(home, wish, quiet, CancelToken(), unseen)
        notes.append(found.note)
        results.append(found.result)
    assert "trained in" in notes[0]
    assert "trained before" in notes[1]
    assert results[0] == results[1]
    other = replace(wish, pair=replace(PAIR, text="an old man"))
    assert "trained in" in edit_text(home, other, quiet, CancelToken(), unseen).note


def test_a_cancelled_training_keeps_nothing(small: Studio, home: Path) -> None:
    token = CancelToken()

    def stop(progress: Progress) -> None:
        if "mapper" in progress.stage:
            token.cancel()

    with pytest.raises(Cancelled):
        edit_text(home, TextWish(start(small), PAIR, "mapper", 2.0, 9), stop, token, unseen)
    assert not list((home / "models" / NAME / "text").glob("mappers*"))


def test_a_text_finds_a_direction_with_a_slider(small: Studio, home: Path) -> None:
    wish = DirectionWish("text", name="glasses by text", text=PAIR)
    (found,) = find(home, NAME, wish, quiet, CancelToken())
    assert (found.space, found.method, found.name) == ("s", "text", "glasses by text")
    assert "a face with glasses" in found.note
    stages: list[str] = []
    find(home, NAME, replace(wish, name="once more"), lambda p: stages.append(p.stage),
         CancelToken())  # fmt: skip
    assert not [s for s in stages if "style channel" in s]  # measured once for both networks
    with pytest.raises(DirectionError, match="no text"):
        find(home, NAME, DirectionWish("text"), quiet, CancelToken())


def test_without_a_clip_and_without_styles_one_is_told(studio: Studio, home: Path) -> None:
    missing = replace(PAIR, clip="nowhere")
    with pytest.raises(ModelError, match="no CLIP called 'nowhere'"):
        edit_text(home, TextWish(start(studio), missing), quiet, CancelToken(), unseen)
    styled = Generate(studio.ref(NAME), Move(Truncate(Seed(1), 0.7), "0" * 64, 1.0, None, "s"))
    with pytest.raises(RecipeError, match="from z or w"):
        edit_text(home, TextWish(Recipe(styled), PAIR), quiet, CancelToken(), unseen)
