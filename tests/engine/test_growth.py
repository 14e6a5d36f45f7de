"""Progressive growing: the stage follows from the steps, and a run that grows is like any other."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.course import PictureView
from engine.errors import RecipeError, TrainingError
from engine.frame import Progress
from engine.models.card import info_of, read_card
from engine.models.opened import open_model
from engine.services.picture_model import keep_model
from engine.services.train import train_model
from engine.training.checkpoint import load_state, save_state
from engine.training.growing_game import GrowingGame, lowered
from engine.training.growing_judge import GrowingJudge
from engine.training.growth import Stage, beginnings, sizes_up_to, stage_at, work_at
from engine.training.picture_game import batch_of
from engine.training.picture_measure import smaller
from engine.training.picture_run import CHECKPOINT, SPEC, folder_of, train_pictures
from engine.training_spec import (
    LOSSES,
    Adversarial,
    Network,
    Pictures,
    TrainingSpec,
    picture_spec,
    with_value,
)
from tests.engine.test_picture_run import fill

SIZE, STEPS = 16, 20  # a part of the growth is 3 steps


def small(folder: Path, loss: str = "non-saturating") -> TrainingSpec:
    method = Adversarial(
        LOSSES[loss], r1=0.1, z_dim=8, generator=Network(4), discriminator=Network(4), grows=True
    )
    return TrainingSpec(Pictures(str(folder), SIZE), method, batch=4, steps=STEPS)  # type: ignore[arg-type]


def some_pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 3, SIZE, SIZE), dtype=np.uint8)


# --- the stage


def test_every_size_fades_in_and_is_then_trained_whole() -> None:
    told = [(stage.size_px, stage.top_gain) for stage in (stage_at(n, 20, 16) for n in range(21))]
    assert [size for size, _ in told] == [4] * 3 + [8] * 6 + [16] * 12
    assert told[3:6] == [(8, 0.0), (8, pytest.approx(1 / 3)), (8, pytest.approx(2 / 3))]
    assert told[6:9] == [(8, 1.0)] * 3
    assert told[12:] == [(16, 1.0)] * 9


@given(st.integers(1, 1_000_000), st.sampled_from((4, 8, 16, 32, 64, 128)), st.data())
def test_a_run_never_shrinks_and_ends_whole(steps: int, full_px: int, data: st.DataObject) -> None:
    early = data.draw(st.integers(0, steps))
    late = data.draw(st.integers(early, steps))
    one, two = stage_at(early, steps, full_px), stage_at(late, steps, full_px)
    assert (one.size_px, one.top_gain) <= (two.size_px, two.top_gain)
    assert one.size_px in sizes_up_to(full_px)
    assert 0.0 <= one.top_gain <= 1.0
    assert one.whole_px >= 4
    assert stage_at(steps, steps, full_px) == Stage(full_px, 1.0)
    done, whole = work_at(early, steps, full_px), work_at(steps, steps, full_px)
    assert 0.0 <= done <= work_at(late, steps, full_px) <= whole <= steps * (1 + 1e-9)


def test_the_beginnings_are_where_the_stage_changes() -> None:
    assert beginnings(20, 16) == ((0, 4), (3.0, 8), (9.0, 16))
    for start, size in beginnings(10_000, 32):
        assert stage_at(int(start), 10_000, 32).size_px == size
        assert start == 0 or stage_at(int(start) - 1, 10_000, 32).size_px == size // 2


def test_the_stage_says_itself_in_words() -> None:
    assert Stage(16, 0.4).words == "16 px, fading in, 40 %"
    assert Stage(16, 1.0).words == "16 px"
    assert Stage(16, 0.4).whole_px == 8


# --- both players


def test_real_pictures_are_averaged_down_and_faded_in() -> None:
    image = torch.arange(64.0).reshape(1, 1, 8, 8).expand(1, 3, 8, 8)
    small_one = lowered(image, Stage(4, 1.0))
    assert small_one[0, 0, 0, 0] == (0 + 1 + 8 + 9) / 4
    half = lowered(image, Stage(8, 0.5))
    assert half[0, 0, 0, 0] == (0 + 4.5) / 2
    assert torch.equal(lowered(image, Stage(8, 1.0)), image)


def test_a_judge_that_has_not_faded_in_sees_the_half_size_only() -> None:
    torch.manual_seed(0)
    judge = GrowingJudge({4: 8, 8: 4, 16: 4})
    image = torch.randn(4, 3, 16, 16)
    below = judge(torch.nn.functional.avg_pool2d(image, 2))
    assert torch.allclose(judge(image, 0.0), below, atol=1e-6)
    assert not torch.allclose(judge(image, 1.0), below, atol=1e-3)


def test_what_is_shown_is_as_large_as_the_whole_picture_in_every_stage(tmp_path: Path) -> None:
    game = GrowingGame(small(tmp_path))
    for step in range(STEPS + 1):
        game.steps = step
        image = game.shown(torch.zeros(2, 8))
        assert image.shape == (2, 3, SIZE, SIZE)
        side = SIZE // game.stage.size_px
        assert torch.equal(
            image[:, :, ::side, ::side], image[:, :, side - 1 :: side, side - 1 :: side]
        )


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "ebgan"])
def test_every_loss_but_ebgan_grows(tmp_path: Path, loss: str) -> None:
    spec = small(tmp_path, loss)
    if loss in ("wgan", "wgan-gp"):
        spec = with_value(spec, "method.r1", 0.0)
    game = GrowingGame(spec)
    pictures = some_pictures()
    for step in (0, 4, 7, 10):
        game.steps = step
        assert np.isfinite(game.step(lambda n: batch_of(pictures, n))).all()


def test_ebgan_and_points_do_not_grow() -> None:
    with pytest.raises(RecipeError, match="autoencoder, which does not grow"):
        picture_spec(loss="ebgan", grows=True)
    with pytest.raises(RecipeError, match="Points of the plane do not grow"):
        TrainingSpec(method=Adversarial(grows=True))


def test_a_spec_that_grows_comes_back_from_its_text() -> None:
    spec = picture_spec(grows=True, steps=50)
    assert TrainingSpec.from_json(spec.canonical) == spec
    assert spec.sha256 != with_value(spec, "method.grows", False).sha256


# --- runs


def run(spec: TrainingSpec, root: Path, until: int | None = None) -> tuple[Path, list[PictureView]]:
    """Train, to the end or until so many images were seen."""
    cancel = CancelToken()
    seen: list[PictureView] = []

    def frame(view: PictureView) -> None:
        seen.append(view)
        if until is not None and view.images >= until:
            cancel.cancel()

    return Path(train_pictures(spec, root, frame, cancel, SimpleQueue())), seen


@pytest.fixture
def always_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.training.picture_run.SHOW_S", 0.0)


@pytest.mark.usefixtures("always_shown")
def test_a_run_left_while_a_size_fades_in_goes_on_to_the_very_same_state(tmp_path: Path) -> None:
    spec = small(fill(tmp_path / "mine"))
    straight, views = run(spec, tmp_path / "straight")
    words = [view.words for view in views]
    assert any(text.startswith("Training, 8 px, fading in, 33 %") for text in words)
    assert views[-1].words == "Done, 16 px"
    assert views[-1].marks == ((0.0, "4 px"), (12.0, "8 px"), (36.0, "16 px"))
    parted, _ = run(spec, tmp_path / "parted", until=4 * 4)
    assert parted == folder_of(tmp_path / "parted", spec)
    kept = load_state(parted / CHECKPOINT)
    assert stage_at(kept["steps"], STEPS, SIZE) == Stage(8, pytest.approx(1 / 3))
    run(spec, tmp_path / "parted")
    one, two = load_state(straight / CHECKPOINT), load_state(parted / CHECKPOINT)
    for part in ("generator", "judge", "average"):
        for key, value in one[part].items():
            assert torch.equal(value, two[part][key]), key


@pytest.mark.parametrize(("steps", "size"), [(STEPS, 16), (10, 8), (4, 4)])
def test_what_can_be_kept_is_the_largest_size_that_has_faded_in(
    tmp_path: Path, steps: int, size: int
) -> None:
    game = GrowingGame(small(tmp_path))
    game.steps = steps
    kept = game.whole()
    assert kept.config.resolution == size
    assert set(kept.config.channels) == set(sizes_up_to(size))
    z = torch.randn(2, 8)
    with torch.no_grad():
        assert torch.equal(kept.generator(z), game.average(z, size))


def test_a_run_that_is_growing_becomes_a_model_of_the_size_below(tmp_path: Path) -> None:
    spec = small(fill(tmp_path / "mine"))
    game = GrowingGame(spec)
    game.steps, game.images = 10, 40  # 16 px has begun to fade in
    folder = folder_of(tmp_path / "runs", spec)
    folder.mkdir(parents=True)
    (folder / SPEC).write_bytes(spec.canonical)
    save_state(folder / CHECKPOINT, game.state())
    told: list[Progress] = []
    name = keep_model(folder, tmp_path / "models", told.append, CancelToken())
    card = read_card(tmp_path / "models" / name)
    assert card["family"] == "progan"
    assert card["config"]["resolution"] == 8
    assert card["title"] == "ProGAN, my pictures, 8 px"
    assert card["trained"]["grows_to_px"] == SIZE
    assert card["command"] == "python main.py train pictures --grow"
    model = open_model(info_of(tmp_path / "models" / name, card, bundled=False))
    z = np.random.RandomState(0).randn(2, 8).astype(np.float32)
    with torch.no_grad():
        same = game.average(torch.from_numpy(z), 8).numpy()
    assert np.abs(model.synthesize(model.map(z)) - same).max() < 0.02


def test_pictures_are_averaged_down_for_the_card() -> None:
    pictures = some_pictures()
    assert smaller(pictures, SIZE) is pictures
    one = smaller(pictures, 4)
    assert one.shape == (8, 3, 4, 4)
    assert one[0, 0, 0, 0] == round(pictures[0, 0, :4, :4].mean())


def test_the_command_line_grows_pictures_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingError, match="takes no --grow"):
        train_model("portraits-clip", tmp_path, lambda _: None, CancelToken(), grows=True)
    with pytest.raises(TrainingError, match="takes no --steps"):
        train_model("portraits-clip", tmp_path, lambda _: None, CancelToken(), steps=5)
    kept: list[Path] = []

    def keep(run: Path, models: Path, *_: object) -> str:
        kept.append(run)
        return "grown"

    monkeypatch.setattr("engine.services.picture_model.keep_model", keep)
    folder = train_model(
        "pictures", tmp_path / "work", lambda _: None, CancelToken(),
        pictures=fill(tmp_path / "mine"), size_px=16, grows=True, steps=2,
    )  # fmt: skip
    assert folder.name == "grown"
    spec = TrainingSpec.from_json((kept[0] / SPEC).read_bytes())
    assert spec == picture_spec(tmp_path / "mine", 16, grows=True, steps=2)
    assert load_state(kept[0] / CHECKPOINT)["steps"] == 2
