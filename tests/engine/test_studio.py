"""The one door: the public Python of the program, from an empty home folder on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CheckpointError, ImageError, ModelError, ProjectError
from engine.frame import ExportOptions, Progress
from engine.image.codec import encode
from engine.recipe import Generate, Move, Photo, Recipe, Seed, Truncate
from engine.studio import Entry, Project, Studio, default_home
from tests.random_model import NAME


def face(studio: Studio, seed: int = 7) -> Recipe:
    return Recipe(Generate(studio.ref(NAME), Truncate(Seed(seed), 0.7)))


def test_the_home_folder_is_the_one_named_in_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_home() == home
    assert Studio().home == home
    monkeypatch.delenv("LATENT_ATELIER_HOME")
    assert default_home().name == "latent-atelier"


def test_opening_the_studio_writes_nothing(home: Path) -> None:
    Studio().models()
    assert not home.exists()


def test_the_public_python_works_as_written(studio: Studio, tmp_path: Path) -> None:
    model = studio.open(NAME)
    z = np.random.RandomState(0).randn(2, model.info.z_dim).astype(np.float32)
    ws = model.map(z, c=None, psi=0.7, cutoff=None)
    assert ws.shape == (2, model.info.num_ws, model.info.w_dim)
    image = model.synthesize(ws, noise_mode="const")
    assert image.shape == (2, 3, 16, 16)
    assert image.dtype == np.float32
    recipe = face(studio)
    frame = studio.render(recipe)
    assert frame.pixels.shape == (16, 16, 3)
    receipt = studio.export(recipe, tmp_path / "x.png")
    assert receipt.path == tmp_path / "x.png"
    verdict = studio.verify(tmp_path / "x.png", rerender=True)
    assert verdict.verdict == "own"
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    assert verdict.rerender.largest_difference == 0
    assert verdict.recipe == receipt.recipe


def test_seed_85_is_nvidias_seed_85(studio: Studio) -> None:
    model = studio.open(NAME)
    z = np.random.RandomState(85).randn(1, model.info.z_dim).astype(np.float32)
    pixels = model.pixels(model.map(z, psi=0.7))[0]
    np.testing.assert_array_equal(pixels, studio.render(face(studio, 85)).pixels)


def test_an_export_tells_its_steps_and_never_uses_the_previews_pixels(
    studio: Studio, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    shown = studio.render(face(studio))
    receipt = studio.export(
        face(studio), tmp_path / "x.png", ExportOptions(size_px=None), steps.append
    )
    assert [step.stage for step in steps][:2] == ["Rendering", "Marking"]
    assert receipt.recipe == shown.recipe
    rows = studio.ledger.rows()
    assert [(row.status, row.sha256) for row in rows] == [("done", receipt.sha256)]


def test_what_another_installation_signed_is_not_ones_own(studio: Studio, tmp_path: Path) -> None:
    studio.export(face(studio), tmp_path / "x.png")
    other = Studio(tmp_path / "elsewhere")
    verdict = other.verify(tmp_path / "x.png", rerender=True)
    assert verdict.verdict == "intact-unverified"
    assert verdict.rerender is None
    assert any(NAME in item.text and "not here" in item.text for item in verdict.findings)


def test_a_model_is_opened_by_name_or_by_its_folder(studio: Studio, model_folder: Path) -> None:
    assert studio.open(NAME) is studio.open(NAME)
    assert studio.open(NAME, "torch").backend.name == "torch"
    assert studio.open(model_folder).info.sha256 == studio.open(NAME).info.sha256
    with pytest.raises(ModelError, match="no model called 'nothing'"):
        studio.open("nothing")
    with pytest.raises(CheckpointError, match="There is no file"):
        studio.open(model_folder / "nothing.safetensors")


def test_named_directions_come_first_and_their_vectors_are_at_hand(studio: Studio) -> None:
    found = studio.directions(NAME)
    assert [item.label for item in found] == ["Smile", "Principal 1"]
    for item in found:
        moved = Move(Truncate(Seed(7), 0.7), item.sha256, 2.0, item.layers)
        frame = studio.render(Recipe(Generate(studio.ref(NAME), moved)))
        assert not np.array_equal(frame.pixels, studio.render(face(studio)).pixels)


def test_a_photo_is_read_with_suspicion_and_kept(studio: Studio, tmp_path: Path) -> None:
    picture = np.random.RandomState(0).randint(0, 256, (12, 8, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    path.write_bytes(encode(picture, "png"))
    sha256 = studio.keep_photo(path)
    np.testing.assert_array_equal(studio.render(Recipe(Photo(sha256))).pixels, picture)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ImageError):
        studio.keep_photo(path)


def test_a_project_comes_back_and_unsaved_work_survives_a_crash(
    studio: Studio, home: Path, tmp_path: Path
) -> None:
    project = Project("Faces", face(studio), (Entry.now(face(studio, 1)),))
    assert studio.new_project() == Project()
    assert studio.recoverable() is None
    studio.autosave(project)
    after_crash = Studio(home)
    assert after_crash.recoverable() == project
    path = tmp_path / "faces.atelier"
    after_crash.save_project(project, path)
    assert after_crash.recent() == (path,)
    assert Studio(home).recoverable() is None
    assert Studio(home).open_project(path) == project
    after_crash.autosave(project)
    after_crash.close()
    assert Studio(home).recoverable() is None
    with pytest.raises(ProjectError):
        studio.open_project(tmp_path / "nothing.atelier")


def test_the_identity_is_made_at_the_first_export(studio: Studio, tmp_path: Path) -> None:
    assert not studio.identity_status().exists
    studio.export(face(studio), tmp_path / "x.jpg")
    assert studio.identity_status().storage == "throwaway"
