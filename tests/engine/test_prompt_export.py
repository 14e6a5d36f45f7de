"""What an export tells of a prompt and of the CLIP that read it, by disclosure tier."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.comparing import grid_of
from engine.denoising import ClassifierFree, Denoise, Texts, TextWeight
from engine.frame import ExportOptions, Frame, RenderSettings, Tier
from engine.models.bundled import bundled_folder
from engine.models.card import read_card
from engine.recipe import ModelRef, Recipe, Seed
from engine.services import grid as grids
from engine.services import grid_sheet
from engine.studio import Studio
from tests.random_denoiser import write_random_text_model

CLIP = bundled_folder() / "portraits-clip"
SAYS, AWAY, MIXED = "a face called zanzibar", "a hat called timbuktu", "the isle of samarkand"
SECRETS = ("zanzibar", "timbuktu", "samarkand")


def drawn(self: Studio, recipe: Recipe, **_: object) -> Frame:
    """Any picture: what is told of it is looked at here, not what it shows."""
    pixels = np.random.RandomState(1).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    return Frame(pixels, recipe, RenderSettings(), "torch", "full", 0.0)


@pytest.fixture
def studio(home: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    shutil.copytree(CLIP, home / "models" / "portraits-clip")
    write_random_text_model(home / "models", read_card(CLIP)["weights_sha256"])
    monkeypatch.setattr(Studio, "render_anew", drawn)
    return Studio(home)


@pytest.fixture
def picture(studio: Studio) -> Denoise:
    """A blend of two texts, away from a third."""
    info = next(one for one in studio.denoisers() if one.name == "tiny-text")
    asked = Texts((TextWeight(SAYS, 0.7), TextWeight(MIXED, 0.3)))
    away = ClassifierFree(2.0, Texts((TextWeight(AWAY),)))
    return Denoise(ModelRef(info.name, info.sha256), Seed(7), asked, (away,), steps=2)


def told(data: bytes, secret: str) -> bool:
    """Whether a file says a word in any of the encodings that its parts use."""
    forms = (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be"))
    return any(form in data.lower() for form in forms)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_the_full_tier_tells_the_prompt(
    studio: Studio, picture: Denoise, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"open.{ending}"
    studio.export(Recipe(picture), path)
    assert all(told(path.read_bytes(), secret) for secret in SECRETS)
    found = studio.verify(path).recipe
    assert found is not None
    assert SAYS in found.text()


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("tier", ["commitment", "disclosure"])
def test_private_tiers_do_not_tell_it_anywhere_in_the_file(
    studio: Studio, picture: Denoise, tmp_path: Path, tier: Tier, ending: str
) -> None:
    path = tmp_path / f"private.{ending}"
    studio.export(Recipe(picture), path, ExportOptions(tier=tier))
    data = path.read_bytes()
    assert not any(told(data, secret) for secret in SECRETS)
    verdict = studio.verify(path)
    assert verdict.claim["ingredients"] == []
    assert verdict.known_recipe is not None
    assert SAYS in verdict.known_recipe.text()  # it stays in this ledger


@pytest.mark.parametrize("tier", ["recipe", "commitment", "disclosure"])
def test_a_private_sheet_does_not_even_show_it(
    studio: Studio, picture: Denoise, tmp_path: Path, tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []

    def draw(*what: object) -> object:
        shown.extend(what[:3])
        return grid_sheet.grid_sheet(*what)  # type: ignore[arg-type]

    monkeypatch.setattr(grids, "grid_sheet", draw)
    grid = grid_of(
        Recipe(picture), "negative", "prompt", (), {"prompt": [SAYS], "negative": [AWAY]}
    )
    path = tmp_path / "sheet.png"
    studio.export_grid(grid, path, ExportOptions(tier=tier, watermark=False))
    words, open_ = repr(shown), tier == "recipe"
    assert (SAYS in words) is open_
    assert (AWAY in words) is open_
    assert told(path.read_bytes(), "zanzibar") is open_


def test_the_clip_that_reads_the_texts_is_an_input(
    studio: Studio, picture: Denoise, tmp_path: Path
) -> None:
    clip = studio.library.clip("portraits-clip")
    for path in (tmp_path / "one.png", tmp_path / "sheet.png"):
        if path.stem == "one":
            studio.export(Recipe(picture), path)
        else:
            studio.export_grid(grid_of(Recipe(picture), "guidance"), path)
        verdict = studio.verify(path)
        assert verdict.verdict == "own"
        models = verdict.claim["ingredients"]
        assert [part["title"] for part in models] == ["tiny-text", "portraits-clip"]
        assert {part["relationship"] for part in models} == {"inputTo"}
        assert clip.sha256 in models[1]["description"]


def test_a_clip_that_guides_too_is_named_once(
    studio: Studio, picture: Denoise, tmp_path: Path
) -> None:
    from dataclasses import replace

    from engine.denoising import ClipGuidance

    clip = studio.library.clip("portraits-clip")
    term = ClipGuidance(ModelRef("another name", clip.sha256), "a face", 0.5)
    both = replace(picture, guidance=(*picture.guidance, term))
    studio.export(Recipe(both), tmp_path / "x.png")
    models = studio.verify(tmp_path / "x.png").claim["ingredients"]
    assert [part["title"] for part in models] == ["tiny-text", "another name"]
