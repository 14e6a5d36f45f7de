"""A comparison leaves as one signed sheet; from the command line, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import main
from engine.cancel import CancelToken
from engine.comparing import grid_of
from engine.denoising import Denoise
from engine.errors import Cancelled
from engine.frame import Progress
from engine.image.codec import read_picture
from engine.recipe import Recipe
from engine.studio import LEDGER, Studio
from tests.random_denoiser import write_random_denoisers


@pytest.fixture
def studio(home: Path):
    write_random_denoisers(home / "models")
    studio = Studio(home)
    yield studio
    studio.stop_workers()


def node(studio: Studio, **changes: object) -> Denoise:
    from engine.recipe import ModelRef, Seed

    info = next(one for one in studio.denoisers() if not one.upsamples)
    return Denoise(ModelRef(info.name, info.sha256), Seed(3), steps=2, **changes)  # type: ignore[arg-type]


def test_a_grid_is_one_signed_marked_sheet_that_names_its_recipes(
    studio: Studio, tmp_path: Path
) -> None:
    grid = grid_of(Recipe(node(studio)), "guidance", "class", ("a", "b", "c", "d"))
    heard: list[Progress] = []
    receipt = studio.export_grid(grid, tmp_path / "sheet.png", progress=heard.append)
    assert receipt.verdict == "own"
    assert receipt.mark is not None
    assert receipt.recipe == grid.recipes[0]
    told = studio.verify(tmp_path / "sheet.png", rerender=True)
    assert told.verdict == "own"
    assert told.claim["export"]["sheet"] == [recipe.sha256 for recipe in grid.recipes]
    assert told.rerender is None
    assert read_picture(tmp_path / "sheet.png").shape[1] > 5 * 128
    stages = [one.stage for one in heard]
    assert f"Rendering {len(grid.recipes)} of {len(grid.recipes)}" in stages
    shares = [one.fraction or 0.0 for one in heard]
    assert shares == sorted(shares)


def test_a_stopped_sheet_leaves_nothing(studio: Studio, tmp_path: Path) -> None:
    token = CancelToken()

    def hear(progress: Progress) -> None:
        if progress.stage.startswith("Rendering 2"):
            token.cancel()

    with pytest.raises(Cancelled):
        studio.export_grid(
            grid_of(Recipe(node(studio)), "steps"), tmp_path / "x.png", progress=hear, cancel=token
        )
    assert list(tmp_path.glob("*.png")) == []
    assert [row.status for row in studio.ledger.rows()] == ["failed"]


def test_the_command_line_makes_a_sheet_and_a_diffusion_picture(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(studio.home))
    words = ["--model", "tiny-ddpm", "--seed", "3", "--steps", "2", "--guidance", "2"]
    out = tmp_path / "sheet.png"
    sheet = ["--across", "sampler=euler,ddim", "--down", "guidance=0,4", "--out", str(out)]
    assert main.main(["export", *words, *sheet]) == 0
    assert "verifies as own" in capsys.readouterr().out
    assert len(studio.verify(out).claim["export"]["sheet"]) == 4
    picture = tmp_path / "one.png"
    assert main.main(["render", *words, "--class", "1", "--out", str(picture)]) == 0
    assert read_picture(picture).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--model", "tiny-ddpm", "--prompt", "a hat"], 1, "tiny-ddpm reads no texts"),
        (["--model", "tiny-ddpm", "--sampler", "lcm"], 1, "LCM needs a model distilled for it"),
        (["--model", "tiny-ddpm", "--sampler", "euler", "--eta", "0.5"], 1, "eta is for the"),
        (["--model", "tiny-ddpm", "--sampler", "ddim", "--spacing", "karras"], 1, "ddim knows"),
        (["--model", "tiny-ddpm", "--steps", "0"], 1, "steps must lie in"),
        (["--model", "tiny-ddpm", "--class", "9"], 1, "classes 0 to 3, got 9"),
        (["--model", "tiny-ddpm", "--psi", "0.5"], 2, "--psi is for generators"),
        (["--model", "tiny-upsampler"], 1, "makes none from noise"),
        (["--model", "tiny-ddpm", "--down", "steps"], 2, "--down goes with --across"),
        (["--model", "tiny-ddpm", "--across", "hue"], 1, "varies one of"),
        (["--model", "tiny-ddpm", "--toward", " "], 1, "needs a text, got none"),
        (["--model", "tiny-ddpm", "--away", "a hat"], 2, "go with --toward"),
    ],
)
def test_bad_words_are_one_message_and_leave_nothing(
    given: list[str],
    code: int,
    said: str,
    studio: Studio,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(studio.home))
    out = tmp_path / "kept.png"
    out.write_bytes(b"what was there")
    assert main.main(["export", "--seed", "3", *given, "--out", str(out)]) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) <= 2
    assert out.read_bytes() == b"what was there"
    assert (studio.home / LEDGER).exists() is (
        "LCM" in said or "classes" in said or "noise" in said
    )


def test_models_tells_of_diffusion_models_and_classifiers(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(studio.home))
    assert main.main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    maker, guide = rows["portraits-ddpm"], rows["portraits-noisy-classifier"]
    assert (maker["family"], maker["resolution"], len(maker["classes"])) == ("diffusion", 32, 8)
    assert maker["licence"] == "Apache-2.0"
    # Those of the model that it goes on from count, too.
    assert maker["trained_images"] > 200_000
    assert len(maker["sha256"]) == len(guide["sha256"]) == 64
    assert guide["family"] == "noisy-classifier"
    assert len(guide["classes"]) == 8
    assert maker["bundled"] is guide["bundled"] is True
    assert rows["tiny-upsampler"]["upsamples"] is True
    assert rows["tiny-ddpm"]["bundled"] is rows["tiny-classifier"]["bundled"] is False
    assert main.main(["models"]) == 0
    said = capsys.readouterr().out
    for name in ("portraits-ddpm", "portraits-noisy-classifier", "tiny-upsampler"):
        assert name in said
        assert rows[name]["sha256"] in said
    assert "trained on" in said
    assert "enlarges pictures" in said
