"""The command line: the verbs, their exit codes, and one clear message for what is wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import main
from engine.errors import UsageError
from engine.image.codec import read_picture
from engine.image.xmp import stated_source_type
from engine.models.bundled import bundled_folder
from engine.recipe import Generate, ModelRef, Move, Recipe, Seed, Truncate
from engine.studio import Studio
from tests import benchmarks
from tests.benchmarks.figures import Figure
from tests.random_model import NAME
from verbs import general
from verbs.recipe_options import recipe_of


@dataclass(frozen=True)
class Said:
    """What one call of the command line answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], model_folder: Path) -> Run:
    """Call the command line in this process."""

    def call(*words: object) -> Said:
        capfd.readouterr()
        try:
            code = main.main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return call


def recipe_file(folder: Path, studio: Studio, change: Callable[[dict], None] | None = None) -> Path:
    recipe = Recipe(Generate(studio.ref(NAME), Truncate(Seed(7), 0.7)))
    data = json.loads(recipe.text())
    if change is not None:
        change(data)
    path = folder / "recipe.json"
    path.write_text(json.dumps(data))
    return path


def test_models_lists_what_is_here(run: Run) -> None:
    said = run("models")
    assert said.code == 0
    assert NAME in said.out
    rows = json.loads(run("models", "--json").out)
    row = next(row for row in rows if row["name"] == NAME)
    assert row["resolution"] == 16
    assert row["directions"] == ["smile", "principal 1"]


def test_render_writes_a_png_that_says_how_it_came_about(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    said = run("render", "--model", NAME, "--seed", 7, "--psi", 0.7, "--out", path)
    assert (said.code, said.err) == (0, "")
    assert read_picture(path).shape == (16, 16, 3)
    assert stated_source_type(path.read_bytes()) == "trainedAlgorithmicMedia"
    first = path.read_bytes()
    run("render", "--model", NAME, "--seed", 7, "--psi", 0.7, "--out", path)
    assert path.read_bytes() == first


def test_render_takes_a_recipe_a_size_and_a_backend(
    run: Run, tmp_path: Path, studio: Studio
) -> None:
    recipe = recipe_file(tmp_path, studio)
    pictures = {}
    for backend in ("onnx", "torch"):
        path = tmp_path / f"{backend}.png"
        assert run("render", recipe, "--size", 48, "--backend", backend, "--out", path).code == 0
        pictures[backend] = read_picture(path).astype(int)
    assert pictures["onnx"].shape == (48, 48, 3)
    assert np.abs(pictures["onnx"] - pictures["torch"]).max() <= 2


def test_render_writes_numbers(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    assert run("render", "--model", NAME, "--seed", 7, "--out", path).code == 0
    numbers = np.load(path, allow_pickle=False)
    assert numbers.shape == (1, 3, 16, 16)
    assert numbers.dtype == np.float32


def test_an_export_verifies_as_ones_own(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery staple")
    secret.chmod(0o600)
    words = ("--model", NAME, "--seed", 7, "--out", path, "--passphrase-file", secret)
    said = run("export", *words, "--json")
    assert said.code == 0
    told = json.loads(said.out)
    assert told["verdict"] == "own"
    assert read_picture(path).shape == (512, 512, 3)
    checked = run("verify", path, "--rerender", "--json")
    assert checked.code == 0
    found = json.loads(checked.out)
    assert found["verdict"] == "own"
    assert found["rerender"]["identical"] is True
    assert found["recipe_sha256"] == told["recipe_sha256"]
    assert "Rendered again: identical" in run("verify", path, "--rerender").out


def test_verify_answers_with_its_exit_code(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, signed = tmp_path / "plain.png", tmp_path / "signed.png"
    run("render", "--model", NAME, "--seed", 7, "--out", plain)
    assert run("verify", plain).code == 3
    run("export", "--model", NAME, "--seed", 7, "--out", signed)
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(tmp_path / "stranger"))
    said = run("verify", signed, "--json")
    assert (said.code, json.loads(said.out)["verdict"]) == (0, "intact-unverified")
    assert run("verify", signed, "--require-trusted").code == 1
    data = bytearray(signed.read_bytes())
    data[-200] ^= 1
    signed.write_bytes(data)
    assert run("verify", signed).code == 1


@pytest.mark.parametrize("kind", ["cut", "text", "folder", "absent"])
def test_verify_says_what_is_wrong_with_a_file(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.png"
    run("export", "--model", NAME, "--seed", 7, "--out", path)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "text":
        path.write_text("no picture")
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
    said = run("verify", path)
    assert said.code in (1, 3)
    assert said.code == 1 or kind == "text"
    assert said.out or said.err
    assert "Traceback" not in said.err


def unknown_key(data: dict) -> None:
    data["image"]["latent"]["strength"] = 3


def wide_psi(data: dict) -> None:
    data["image"]["latent"]["psi"] = 7.5


def unknown_model(data: dict) -> None:
    data["image"]["model"] = {"name": "elsewhere", "sha256": "ab" * 32}


def unknown_direction(data: dict) -> None:
    latent = Move(Truncate(Seed(1), 0.7), "cd" * 32, 1.0)
    data["image"]["latent"] = latent.plain()


BAD = {
    unknown_key: "unknown field 'strength'",
    wide_psi: r"psi.* must lie in \[-2, 2\], got 7.5",
    unknown_model: r"'elsewhere' with weights (ab){32}",
    unknown_direction: "(cd){32}",
}


@pytest.mark.parametrize("verb", ["render", "export"])
@pytest.mark.parametrize("change", BAD, ids=lambda change: change.__name__)
def test_a_bad_recipe_is_refused_with_one_message_and_nothing_is_left(
    run: Run, tmp_path: Path, studio: Studio, change: Callable[[dict], None], verb: str
) -> None:
    recipe = recipe_file(tmp_path, studio, change)
    out = tmp_path / "out"
    out.mkdir()
    said = run(verb, recipe, "--out", out / "x.png")
    assert said.code == 1
    assert re.search(BAD[change], said.err)
    assert 1 <= len(said.err.splitlines()) <= 2
    assert list(out.iterdir()) == []


def test_a_direction_for_another_model_is_refused(run: Run, tmp_path: Path, studio: Studio) -> None:
    longer = studio.store.put_array(np.ones(512, np.float32))
    latent = Move(Seed(1), longer, 1.0)
    path = tmp_path / "recipe.json"
    path.write_text(Recipe(Generate(studio.ref(NAME), latent)).text())
    said = run("render", path, "--out", tmp_path / "x.png")
    assert (said.code, len(said.err.splitlines())) == (1, 2)
    assert "w of 512 values, but the model makes 16" in said.err


def test_missing_weights_are_named(run: Run, tmp_path: Path, model_folder: Path) -> None:
    (model_folder / "weights.safetensors").unlink()
    said = run("render", "--model", NAME, "--seed", 7, "--out", tmp_path / "x.png")
    assert said.code == 1
    assert str(model_folder / "weights.safetensors") in said.err
    assert "Import the model again." in said.err
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("verb", ["render", "export"])
@pytest.mark.parametrize("place", ["a file is no folder", "no such folder"])
def test_a_folder_that_cannot_be_written_is_told(
    run: Run, tmp_path: Path, verb: str, place: str
) -> None:
    (tmp_path / "a file is no folder").write_text("")
    said = run(verb, "--model", NAME, "--seed", 7, "--out", tmp_path / place / "x.png")
    assert said.code == 1
    assert 1 <= len(said.err.splitlines()) <= 2
    assert place in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("render", "--out", "x.png"),
        ("render", "--model", NAME, "--out", "x.png"),
        ("render", "--model", NAME, "--seed", 1),
        ("render", "--model", NAME, "--seed", "one", "--out", "x.png"),
        ("render", "recipe.json", "--seed", 1, "--out", "x.png"),
        ("export", "--model", NAME, "--seed", 1, "--tier", "all", "--out", "x.png"),
        ("evaluate", NAME, "--quick", "--full"),
        ("paint",),
        ("verify",),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, words: tuple[object, ...]) -> None:
    said = run(*words)
    assert said.code == 2
    assert said.err


def test_a_seed_out_of_range_is_refused(run: Run, tmp_path: Path) -> None:
    said = run("render", "--model", NAME, "--seed", 2**32, "--out", tmp_path / "x.png")
    assert said.code == 1
    assert "4294967296" in said.err


def test_other_endings_are_refused(run: Run, tmp_path: Path) -> None:
    for verb in ("render", "export"):
        said = run(verb, "--model", NAME, "--seed", 1, "--out", tmp_path / "x.bmp")
        assert said.code == 1
        assert ".png" in said.err


def test_debug_shows_the_traceback(run: Run, tmp_path: Path) -> None:
    words = ("render", "--model", "nothing", "--seed", 1, "--out", tmp_path / "x.png")
    assert "Traceback" not in run(*words).err
    assert "Traceback" in run(*words, "--debug").err
    assert "Traceback" in run("--debug", *words).err


def test_inspect_and_import_read_only_what_they_know(
    run: Run, tmp_path: Path, model_folder: Path
) -> None:
    said = run("inspect", model_folder / "weights.safetensors", "--json")
    assert said.code == 0
    assert json.loads(said.out)["config"]["resolution"] == 16
    assert "stylegan2" in run("inspect", model_folder).out
    pickle = tmp_path / "network.pkl"
    pickle.write_bytes(b"\x80\x04.")
    for verb in ("inspect", "import"):
        said = run(verb, pickle)
        assert said.code == 1
        assert "network.pkl: its pickle leaves" in said.err
    said = run("import", model_folder, "--name", "again")
    assert said.code == 1
    assert "already" in said.err


def test_doctor_tells_what_is_lacking_and_what_mends_it(run: Run, model_folder: Path) -> None:
    (model_folder / "weights.safetensors").unlink()
    said = run("doctor")
    assert said.code == 0
    assert "ONNX Runtime" in said.out
    checks = json.loads(run("doctor", "--json").out)
    model = next(check for check in checks if NAME in check["name"])
    assert model["ok"] is False
    assert model["remedy"]
    assert all(check["remedy"] for check in checks if check["ok"] is False)


def test_benchmarks_need_a_checkout(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(general, "ROOT", tmp_path)
    said = run("bench")
    assert said.code == 1
    assert "checkout" in said.err


def test_benchmarks_need_no_display(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setattr(benchmarks, "_suite", lambda name: lambda: iter([Figure("one", 1.0, "")]))
    assert run("bench").code == 0
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_find_directions_keeps_those_of_other_methods(run: Run, studio: Studio) -> None:
    assert run("find-directions", "--model", NAME, "--method", "guessing").code == 1
    said = run("find-directions", "--model", NAME, "--method", "ganspace")
    assert said.code == 0
    found = Studio(studio.home).directions(NAME)
    assert [item.name for item in found][:2] == ["smile", "pc-1"]


def test_training_something_unknown_is_refused(run: Run) -> None:
    said = run("train", "nothing", "--minutes", 1)
    assert said.code == 1
    assert "portraits-stylegan2" in said.err


def test_evaluating_something_unknown_is_refused(run: Run) -> None:
    said = run("evaluate", "nothing", "--quick")
    assert said.code == 1
    assert said.err


def test_the_bar_is_silent_unless_asked(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("export", "--model", NAME, "--seed", 7, "--out", tmp_path / "x.png")
    assert run(*words).err == ""
    assert "Signing" in run(*words, "--progress").err


@pytest.mark.timeout(600)  # it draws a sheet for every kind of model: two minutes on a busy machine
def test_demo_leaves_pictures_and_a_report(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    said = run("demo", "--out", out, "--model", NAME)
    assert (said.code, said.err) == (0, "")
    for name in ("contact_sheet.png", "diffusion_sheet.png", "window.png", "export.png"):
        assert read_picture(out / name).shape[1] >= 512
        assert str(out / name) in said.out
    assert json.loads((out / "verification.json").read_text())["verdict"] == "own"
    assert "Rendered again: identical" in (out / "verification.txt").read_text()
    Recipe.from_json((out / "recipe.json").read_bytes())


def test_a_model_ref_is_what_the_command_line_means(run: Run, studio: Studio) -> None:
    options = main.build_parser().parse_args(
        ["render", "--model", NAME, "--seed", "3", "--noise", "none", "--out", "x.png"]
    )
    recipe = recipe_of(options, studio)
    assert isinstance(recipe.image, Generate)
    assert isinstance(recipe.image.model, ModelRef)
    assert recipe.image.noise.mode == "none"


def test_a_window_without_a_display_is_refused_in_words(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    said = run()
    assert said.code == 1
    assert "--offscreen" in said.err


def test_lessons_begin_with_models_and_controlnets(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    for name in ("portraits-latent", "portraits-edges"):
        assert general.start_of(name, studio) == bundled_folder() / name
    with pytest.raises(UsageError, match="'nobody'"):
        general.start_of("nobody", studio)
