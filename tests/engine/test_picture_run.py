"""Training on pictures: folders, every loss, resuming, and a model at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cancel import CancelToken
from engine.course import PictureView
from engine.errors import ImageError, TrainingError
from engine.frame import Progress
from engine.models.card import info_of, read_card
from engine.models.opened import open_model
from engine.services.picture_model import keep_model, runs_of, skipped_in
from engine.training.checkpoint import load_state
from engine.training.picture_folder import pictures_of, small_square
from engine.training.picture_game import PictureGame, batch_of, config_of
from engine.training.picture_run import CHECKPOINT, folder_of, kept_runs, train_pictures
from engine.training_spec import (
    LOSSES,
    Adversarial,
    Network,
    Pictures,
    Portraits,
    TrainingSpec,
    picture_spec,
    with_value,
)

SIZE = 16


def fill(folder: Path, count: int = 20) -> Path:
    folder.mkdir()
    for index in range(count):
        colour = np.random.default_rng(index).integers(0, 256, 3)
        pixels = np.full((20, 24, 3), colour, np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return folder


def small(folder: Path, name: str = "non-saturating", steps: int = 3) -> TrainingSpec:
    method = Adversarial(LOSSES[name], z_dim=8, generator=Network(4), discriminator=Network(4))
    return TrainingSpec(Pictures(str(folder), SIZE), method, batch=4, steps=steps)  # type: ignore[arg-type]


def train(
    spec: TrainingSpec, root: Path, cancel: CancelToken | None = None
) -> tuple[Path, list[PictureView]]:
    seen: list[PictureView] = []
    inbox: SimpleQueue[str] = SimpleQueue()
    path = train_pictures(spec, root, seen.append, cancel or CancelToken(), inbox)
    return Path(path), seen


# --- folders


def test_odd_pictures_are_skipped_with_their_reason(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "words.jpg").write_text("no picture")
    Image.new("RGB", (8, 8)).save(folder / "tiny.png")
    Image.new("RGB", (400, 20)).save(folder / "strip.png")
    (folder / "notes.txt").write_text("not even called a picture")
    (folder / "deeper").mkdir()
    Image.new("L", (40, 40), 77).save(folder / "deeper" / "grey.png")
    kept, skipped = pictures_of(folder, SIZE, CancelToken())
    assert kept.shape == (21, 3, SIZE, SIZE)
    assert {name for name, _ in skipped} == {"broken.png", "words.jpg", "tiny.png", "strip.png"}
    reasons = dict(skipped)
    assert "smaller than 16 px" in reasons["tiny.png"]
    assert "too long" in reasons["strip.png"]
    assert all(reasons.values())


def test_the_middle_square_is_taken() -> None:
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = 200
    assert (small_square(pixels, 16) == 200).all()
    with pytest.raises(ImageError, match="smaller"):
        small_square(pixels, 32)


def test_too_few_pictures_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds 3 pictures"):
        pictures_of(fill(tmp_path / "few", 3), SIZE, CancelToken())


# --- the game


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_trains_a_dcgan(tmp_path: Path, name: str) -> None:
    game = PictureGame(replace(small(tmp_path, name)))
    before = game.generator.synthesis.main[0].weight.clone()
    pictures = np.random.default_rng(0).integers(0, 256, (8, 3, SIZE, SIZE), dtype=np.uint8)
    for _ in range(2):
        losses = game.step(lambda n: batch_of(pictures, n))
        assert np.isfinite(losses).all()
    assert not torch.equal(before, game.generator.synthesis.main[0].weight)
    assert game.average(torch.zeros(2, 8)).shape == (2, 3, SIZE, SIZE)


def test_the_sizes_follow_the_spec() -> None:
    assert config_of(picture_spec(size_px=32)).channels == (128, 64, 32)
    assert config_of(picture_spec(size_px=64)).resolution == 64
    with pytest.raises(TrainingError, match="pictures"):
        config_of(TrainingSpec())


# --- runs


def test_a_stopped_run_goes_on_to_the_very_same_state(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine")
    spec = small(folder, steps=4)
    straight, _ = train(spec, tmp_path / "straight")
    cancel = CancelToken()
    shown: list[PictureView] = []

    def stop(view: PictureView) -> None:
        shown.append(view)
        if view.images >= 8:
            cancel.cancel()

    import engine.training.picture_run as run

    old, run.SHOW_S = run.SHOW_S, 0.0
    try:
        train_pictures(spec, tmp_path / "parted", stop, cancel, SimpleQueue())
    finally:
        run.SHOW_S = old
    parted = folder_of(tmp_path / "parted", spec)
    assert load_state(parted / CHECKPOINT)["steps"] == 2
    assert [kept.images for kept in kept_runs(tmp_path / "parted")] == [8]
    _, seen = train(spec, tmp_path / "parted")
    assert seen[-1].stage == "done"
    assert len(seen[-1].loss_d) == 4  # the curves of both sittings
    one, two = load_state(straight / CHECKPOINT), load_state(parted / CHECKPOINT)
    for part in ("generator", "judge", "average"):
        for key, value in one[part].items():
            assert torch.equal(value, two[part][key]), key


def test_a_run_pauses_saves_and_goes_on(tmp_path: Path) -> None:
    spec = small(fill(tmp_path / "mine"), steps=2)
    inbox: SimpleQueue[str] = SimpleQueue()
    inbox.put("pause")
    seen: list[PictureView] = []

    def frame(view: PictureView) -> None:
        seen.append(view)
        if view.stage == "paused":
            assert (folder_of(tmp_path, spec) / CHECKPOINT).exists()
            inbox.put("run")

    train_pictures(spec, tmp_path, frame, CancelToken(), inbox)
    stages = [view.stage for view in seen]
    assert stages[0] == "reading"
    assert "paused" in stages
    assert stages[-1] == "done"
    assert seen[-1].grid.shape == (4 * SIZE, 8 * SIZE, 3)
    assert np.isfinite(seen[-1].frechet).all()


def test_what_cannot_be_read_is_no_run_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "spec.json").write_text("{")
    assert kept_runs(tmp_path) == ()
    assert runs_of(tmp_path / "nowhere") == ()


def test_a_full_disk_is_told_and_the_last_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small(fill(tmp_path / "mine"))
    path, _ = train(spec, tmp_path / "runs")
    kept = (path / CHECKPOINT).read_bytes()

    def full(state: object, file: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        train(with_value(spec, "steps", 3), tmp_path / "runs")
    assert (path / CHECKPOINT).read_bytes() == kept


def test_a_run_becomes_a_model_with_a_measured_card(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine")
    (folder / "odd.png").write_bytes(b"odd")
    path, _ = train(small(folder), tmp_path / "runs")
    assert [name for name, _ in skipped_in(tmp_path / "runs")] == ["odd.png"]
    told: list[Progress] = []
    name = keep_model(path, tmp_path / "models", told.append, CancelToken())
    card = read_card(tmp_path / "models" / name)
    assert card["family"] == "dcgan"
    assert card["trained"] == {
        "images": 12,
        "steps": 3,
        "loss": {"op": "non-saturating", "r1": 0.0},
    }
    assert {"precision", "recall", "frechet_distance"} <= set(card["scores"])
    model = open_model(info_of(tmp_path / "models" / name, card, bundled=False))
    z = np.random.RandomState(0).randn(1, 8).astype(np.float32)
    assert model.synthesize(model.map(z)).shape == (1, 3, SIZE, SIZE)
    assert Portraits().op != card["data"]["set"]
    with pytest.raises(TrainingError, match="saved nothing"):
        keep_model(tmp_path, tmp_path / "models", told.append, CancelToken())
