"""The words of `render` and `export` that mean a Recipe, and what their answers say when wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import main
from engine.image.codec import read_picture
from engine.recipe import ClassWeight, Crop, Generate, Noise, Recipe, Seed, Transform, Truncate
from engine.studio import Studio
from tests.random_model import NAME
from verbs.recipe_options import add_recipe_options, recipe_of


def words(studio: Studio, *given: str) -> Recipe:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    add_recipe_options(parser)
    return recipe_of(parser.parse_args(["--model", NAME, "--seed", "5", *given]), studio)


def made(recipe: Recipe) -> Generate:
    assert isinstance(recipe.image, Generate)
    return recipe.image


def test_bare_words_mean_what_they_always_meant(studio: Studio) -> None:
    assert words(studio) == Recipe(Generate(studio.ref(NAME), Truncate(Seed(5), 1.0)))


def test_classes_share_alike_unless_shares_are_given(studio: Studio) -> None:
    assert made(words(studio, "--class", "3")).classes == (ClassWeight(3),)
    alike = made(words(studio, "--class", "7", "--class", "2")).classes
    assert alike == (ClassWeight(2, 0.5), ClassWeight(7, 0.5))
    shared = made(words(studio, "--class", "7:0.2", "--class", "2:0.8")).classes
    assert shared == (ClassWeight(2, 0.8), ClassWeight(7, 0.2))


def test_noise_and_cutoff_have_words(studio: Studio) -> None:
    one = made(words(studio, "--noise", "random", "--noise-seed", "9", "--noise-strength", "0.5"))
    assert one.noise == Noise("random", 9, 0.5)
    many = made(words(studio, "--noise-strength", "0.5,1", "--psi", "0.6", "--cutoff", "2"))
    assert many.noise.strength == (0.5, 1.0)
    assert many.latent == Truncate(Seed(5), 0.6, 2)


def test_a_motion_is_a_transform_and_no_motion_is_none(studio: Studio) -> None:
    plain = words(studio)
    assert words(studio, "--translate", "0,0", "--rotate", "0") == plain
    moved = words(studio, "--translate=-0.2,0.1", "--rotate", "30")
    assert moved == Recipe(Transform(made(plain), -0.2, 0.1, 30.0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--class", "1", "--class", "1"], "once"),
        (["--class", "1:0.5", "--class", "2"], "share"),
        (["--noise-seed", "3"], "--noise random"),
        (["--translate", "1"], "X,Y"),
        (["--class", "cat"], "3:0.5"),
    ],
)
def test_wrong_usage_is_told_in_one_message(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: list[str], said: str, studio: Studio
) -> None:
    out = tmp_path / "x.png"
    try:
        code = main.main(["render", "--model", NAME, "--seed", "1", *given, "--out", str(out)])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_recipe_file_takes_no_parts_beside_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, studio: Studio
) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(words(studio).text())
    code = main.main(["render", str(path), "--rotate", "3", "--out", str(tmp_path / "x.png")])
    assert (code, "not both" in capsys.readouterr().err) == (2, True)


def test_a_size_keeps_the_picture_s_shape(tmp_path: Path, studio: Studio) -> None:
    path, out = tmp_path / "recipe.json", tmp_path / "x.png"
    path.write_text(Recipe(Crop(words(studio).image, 0, 0, 16, 8)).text())
    assert main.main(["render", str(path), "--size", "64", "--out", str(out)]) == 0
    assert read_picture(out.read_bytes()).shape[:2] == (32, 64)


def test_a_folder_is_no_file_to_render_into(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, studio: Studio
) -> None:
    arguments = ["render", "--model", NAME, "--seed", "1", "--out", str(tmp_path)]
    assert main.main(arguments) == 1
    assert "is a folder" in capsys.readouterr().err


def test_evaluating_what_is_not_there_names_what_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["evaluate", "foo"]) == 1
    told = capsys.readouterr().err
    assert "No bundled model is called 'foo'" in told
    assert "portraits-stylegan2" in told
    assert "/" not in told


def test_a_demo_without_weights_leaves_no_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model_folder: Path
) -> None:
    (model_folder / "weights.safetensors").unlink()
    out = tmp_path / "demo"
    assert main.main(["demo", "--model", NAME, "--out", str(out)]) == 1
    assert "weights" in capsys.readouterr().err
    assert not out.exists()


def test_an_import_notes_the_digest_of_its_file(studio: Studio, tmp_path: Path) -> None:
    from hashlib import sha256

    source = Path(__file__).parents[1] / "golden" / "checkpoints" / "sg2ada_64.pkl"
    info = studio.import_model(source)
    card = json.loads((info.folder / "card.json").read_text())
    assert card["source_sha256"] == sha256(source.read_bytes()).hexdigest()
    assert np.isfinite(studio.open(info.name).w_avg).all()
