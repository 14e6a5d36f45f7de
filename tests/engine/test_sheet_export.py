"""Sheets of many pictures leave signed, too, and say what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.frame import ExportOptions
from engine.image.codec import read_picture
from engine.image.pixels import resize
from engine.recipe import Generate, Recipe, Seed
from engine.services.report import verdict_text
from engine.studio import Studio
from tests.random_model import NAME


def test_a_sheet_is_signed_marked_and_names_the_recipes_on_it(
    studio: Studio, tmp_path: Path
) -> None:
    recipes = [Recipe(Generate(studio.ref(NAME), Seed(seed))) for seed in (1, 2, 3)]
    frames = [studio.render(recipe) for recipe in recipes]
    tiles = [resize(frame.pixels, 160, 200) for frame in frames]
    sheet = replace(frames[0], pixels=np.ascontiguousarray(np.hstack(tiles)))
    path = tmp_path / "sheet.png"
    receipt = studio.export_sheet(sheet, recipes, path, ExportOptions(title="Three"))
    assert receipt.verdict == "own"
    assert read_picture(path).shape == (200, 480, 3)
    verdict = studio.verify(path, rerender=True)
    assert verdict.verdict == "own"
    assert verdict.watermark is not None
    assert verdict.claim["export"]["sheet"] == [recipe.sha256 for recipe in recipes]
    assert verdict.recipe == recipes[0]
    assert verdict.rerender is None
    actions = [step["action"] for step in verdict.claim["actions"]]
    assert actions == ["c2pa.created", "c2pa.watermarked.bound"]
    said = verdict_text(verdict)
    assert "a sheet of 3 pictures; the Recipe is that of the first" in said
    assert "is not rendered again" in said


def test_another_verifier_reads_a_sheet_as_intact(studio: Studio, tmp_path: Path) -> None:
    other = pytest.importorskip("encypher_c2pa", reason="encypher-c2pa is not installed here")
    recipe = Recipe(Generate(studio.ref(NAME), Seed(1)))
    frame = studio.render(recipe)
    sheet = replace(frame, pixels=resize(frame.pixels, 256, 256))
    studio.export_sheet(sheet, [recipe, recipe], tmp_path / "sheet.png")
    found = other.verify(
        str(tmp_path / "sheet.png"), no_default_trust=True, telemetry=False, online=False
    )
    assert (found["integrity"], found["hard_binding"]) == ("valid", "match")
