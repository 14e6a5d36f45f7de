"""The trainer runs, stops, goes on exactly where it stopped, and measures what it made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cancel import CancelToken
from engine.errors import Cancelled, TrainingError
from engine.gan.stylegan2 import Generator
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.training.augment import AdaptiveStrength, apply_changes, draw_changes
from engine.training.cache import drawn_pictures, real_batch
from engine.training.checkpoint import load_generator, load_state
from engine.training.ema import ema_keep, ema_update, settle_w_avg
from engine.training.hardware import Hardware, choose_hardware
from engine.training.metrics import frechet_distance, precision_recall
from engine.training.options import Stage, TrainStyleGAN2, parse_stages
from engine.training.progress import Progress
from engine.training.shards import Shards, add_gradients
from engine.training.stylegan2_game import StyleGAN2Game
from engine.training.train_stylegan2 import train
from engine.training_spec import LOSSES

CPU = torch.device("cpu")


def discs(seed: int, indices: np.ndarray, size: int) -> tuple[np.ndarray, None]:
    """A coloured disc on a coloured ground for each index."""
    y, x = np.mgrid[0:size, 0:size] / size
    pictures = []
    for index in indices:
        random = np.random.default_rng([seed, int(index)])
        ground, disc = random.integers(0, 256, (2, 3, 1, 1))
        inside = (x - random.uniform(0.3, 0.7)) ** 2 + (y - 0.5) ** 2 < 0.08
        pictures.append(np.where(inside[None], disc, ground))
    return np.stack(pictures).astype(np.uint8), None


def small_run(folder: Path, images: int = 48) -> TrainStyleGAN2:
    """A run of a few steps through two sizes."""
    return TrainStyleGAN2(
        work=folder / "work", cache=folder / "cache", resolution=16, batch=8, portraits=40,
        stages=(Stage(8, 24), Stage(16, images - 24, 16)), z_dim=8, w_dim=8, mapping_layers=2,
        channel_base=128, channel_max=8, device="cpu", r1_every=2, tick_s=0.0,
    )  # fmt: skip


def run(spec: TrainStyleGAN2, cancel: CancelToken | None = None) -> tuple[Path, list[Progress]]:
    said: list[Progress] = []
    return train(spec, said.append, cancel or CancelToken(), discs), said


def tensors_of(state: dict[str, object], prefix: str = "") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            found[f"{prefix}{key}"] = value
        elif isinstance(value, dict):
            found |= tensors_of(value, f"{prefix}{key}.")
    return found


def test_a_run_leaves_weights_metrics_and_sheets(tmp_path: Path) -> None:
    path, said = run(small_run(tmp_path))
    generator = load_generator(path)
    assert generator.config.resolution == 16
    assert torch.isfinite(generator(torch.randn(2, 8))).all()
    lines = (path.parent / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["images"] == 48
    assert last["resolution"] == 16
    assert {"loss_g", "loss_d", "r_t", "p", "images_per_s", "seconds"} <= set(last)
    sheets = list((path.parent / "sheets").glob("*.png"))
    with Image.open(sheets[0]) as sheet:
        assert sheet.size == (1024, 1032)
    assert "16 px, 48 images" in said[-1].message
    assert not list(path.parent.glob("*.tmp"))


def test_a_stopped_run_goes_on_to_the_very_same_state(tmp_path: Path) -> None:
    straight = small_run(tmp_path / "straight")
    run(straight)
    parted = small_run(tmp_path / "parted")
    run(replace(parted, stages=(Stage(8, 24), Stage(16, 8, 16))))
    assert load_state(parted.work / "checkpoint.pt")["images"] == 32
    run(parted)
    one = load_state(straight.work / "checkpoint.pt")
    two = load_state(parted.work / "checkpoint.pt")
    assert one["images"] == two["images"] == 48
    ours, theirs = tensors_of(one), tensors_of(two)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_cancel_keeps_what_was_trained(tmp_path: Path) -> None:
    spec = small_run(tmp_path)
    cancel = CancelToken()
    path = train(spec, lambda progress: cancel.cancel(), CancelToken(), discs)
    assert path.exists()
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        train(replace(spec, cache=tmp_path / "other"), lambda progress: None, stopped, discs)
    seen: list[str] = []

    def stop_soon(progress: Progress) -> None:
        seen.append(progress.message)
        if " px, " in progress.message:
            token.cancel()

    token = CancelToken()
    train(replace(spec, work=tmp_path / "work2"), stop_soon, token, discs)
    assert load_state(tmp_path / "work2" / "checkpoint.pt")["images"] == 8


def test_a_run_of_other_sizes_is_refused(tmp_path: Path) -> None:
    spec = small_run(tmp_path)
    run(spec)
    with pytest.raises(TrainingError, match="other sizes"):
        run(replace(spec, w_dim=16))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    spec = small_run(tmp_path)
    spec.work.mkdir()
    (spec.work / "checkpoint.pt").write_bytes(b"nothing of the kind")
    with pytest.raises(TrainingError, match="cannot be read"):
        run(spec)


def test_shipped_weights_start_a_new_run(tmp_path: Path) -> None:
    path, _ = run(small_run(tmp_path / "old"))
    spec = replace(small_run(tmp_path / "new"), init=path, learning_rate=0.0)
    again, _ = run(spec)
    z = torch.randn(2, 8)
    assert torch.allclose(load_generator(path)(z), load_generator(again)(z), atol=1e-3)


def test_one_step_trains_both_networks_and_the_average_follows(tmp_path: Path) -> None:
    game = StyleGAN2Game(small_run(tmp_path), choose_hardware("cpu"))
    before = {name: p.clone() for name, p in game.generator.named_parameters()}
    judge = [p.clone() for p in game.discriminator.parameters()]
    average = game.average.synthesis.b4.const.clone()
    losses = game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, 1.0)
    assert {"loss_g", "loss_d", "r1"} <= set(losses)
    assert all(torch.isfinite(value) for value in losses.values())
    for name in ("mapping.fc0.weight", "synthesis.b16.conv0.weight", "synthesis.b16.torgb.bias"):
        assert not torch.equal(before[name], game.generator.get_parameter(name))
    changed = [
        not torch.equal(a, b) for a, b in zip(judge, game.discriminator.parameters(), strict=True)
    ]
    assert any(changed)
    assert not torch.equal(average, game.average.synthesis.b4.const)


def test_every_gradient_lies_in_memory_as_its_weight_does(tmp_path: Path) -> None:
    game = StyleGAN2Game(small_run(tmp_path), choose_hardware("cpu"))
    game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, 1.0)  # the first step has an R1 step in it
    for network in (game.generator, game.discriminator):
        for name, weight in network.named_parameters():
            if weight.grad is not None:
                assert weight.grad.stride() == weight.stride(), name


def test_sharding_a_batch_gives_the_gradients_of_the_whole() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(5, 3)
    x = torch.randn(16, 5)
    weights = [*layer.parameters(), torch.nn.Parameter(torch.zeros(2))]

    def work(part: slice) -> tuple[torch.Tensor | None, ...]:
        return torch.autograd.grad(layer(x[part]).square().sum(), weights, allow_unused=True)

    shards = Shards(CPU)
    assert sum(part.stop - part.start for part in shards.slices(16, 64)) == 16
    assert shards.slices(16, 16) == [slice(0, 16)]
    summed = add_gradients(shards.map(work, 16, 64))
    whole = work(slice(0, 16))
    assert summed[2] is None
    for ours, expected in zip(summed[:2], whole[:2], strict=True):
        assert ours is not None
        assert expected is not None
        assert torch.allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_plays_the_game(tmp_path: Path, name: str) -> None:
    game = StyleGAN2Game(replace(small_run(tmp_path), loss=LOSSES[name]), Hardware(CPU, None))
    before = game.generator.mapping.w_avg.clone()
    told = game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, 1.0)
    game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, 1.0)
    assert all(torch.isfinite(value).all() for value in told.values())
    assert ("r1" in told) == (name in ("minmax", "non-saturating", "lsgan", "hinge"))
    assert not torch.equal(before, game.generator.mapping.w_avg)
    if name == "wgan":
        limit = LOSSES[name].clip  # type: ignore[attr-defined]
        assert all(w.abs().max() <= limit for w in game.discriminator.parameters())


def test_the_average_forgets_half_in_one_half_life() -> None:
    assert ema_keep(100, 10**9, 1000, 0.05) ** 10 == pytest.approx(0.5)
    assert ema_keep(16, 16, 5000, 0.05) < 1e-3
    old, new = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    expected = old.weight * 0.75 + new.weight * 0.25
    ema_update(old, new, 0.75)
    assert torch.allclose(old.weight, expected)


def test_the_settled_average_is_the_mean_w_and_draws_nothing_from_training() -> None:
    torch.manual_seed(0)
    mapping = Generator(StyleGAN2Config(z_dim=6, w_dim=5, mapping_layers=2)).mapping
    before = torch.get_rng_state()
    settle_w_avg(mapping)
    assert torch.equal(before, torch.get_rng_state())
    mean = mapping.w(torch.randn(20_000, 6)).mean(dim=0)
    assert torch.allclose(mapping.w_avg, mean, atol=0.05)


def test_no_augmentation_at_p_zero_and_always_some_at_one() -> None:
    images = torch.rand(6, 3, 16, 16)
    assert draw_changes(6, 16, 0.0, CPU) is None
    assert apply_changes(images, None) is images
    changes = draw_changes(6, 16, 1.0, CPU)
    assert changes is not None
    changed = apply_changes(images, changes)
    assert changed.shape == images.shape
    assert not torch.allclose(changed, images, atol=0.05)
    assert torch.allclose(apply_changes(images[2:4], changes.part(slice(2, 4))), changed[2:4])


def test_a_tiny_p_leaves_nearly_all_pictures_as_they_are() -> None:
    torch.manual_seed(0)
    images = torch.rand(64, 3, 16, 16)
    changed = apply_changes(images, draw_changes(64, 16, 1e-4, CPU))
    alike = (changed - images).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert alike.float().mean() > 0.9


def test_p_rises_when_the_judge_is_sure_of_real_pictures_and_falls_when_not() -> None:
    strength = AdaptiveStrength(target=0.6, span=1000)
    for _ in range(8):
        strength.observe(torch.ones(10))
    assert strength.p == pytest.approx(0.08)
    assert strength.r_t == 1.0
    saved = AdaptiveStrength(target=0.6, span=1000)
    saved.restore(strength.state())
    for _ in range(40):
        saved.observe(-torch.ones(10))
    assert saved.p == 0.0


def test_pictures_are_drawn_once_and_a_broken_drawing_goes_on(tmp_path: Path) -> None:
    calls: list[int] = []
    token = CancelToken()

    def source(seed: int, indices: np.ndarray, size: int) -> tuple[np.ndarray, None]:
        calls.append(int(indices[0]))
        if len(calls) == 2:
            token.cancel()
        return np.full((len(indices), 3, size, size), indices[0] // 500, np.uint8), None

    def draw(cancel: CancelToken) -> np.ndarray:
        return drawn_pictures(
            source, tmp_path, seed=0, count=1200, size=8, cancel=cancel, on_drawn=lambda a, b: None
        )

    with pytest.raises(Cancelled):
        draw(token)
    pictures = draw(CancelToken())
    draw(CancelToken())
    assert calls == [0, 500, 1000]
    assert [int(pictures[i, 0, 0, 0]) for i in (0, 499, 500, 1199)] == [0, 0, 1, 2]


def test_real_batches_are_averaged_down_to_the_stage(tmp_path: Path) -> None:
    pictures = discs(0, np.arange(10), 32)[0]
    torch.manual_seed(0)
    batch = real_batch(pictures, 4, 8, 1.0, CPU)
    assert batch.shape == (4, 3, 8, 8)
    assert batch.min() >= -1.0
    assert batch.max() <= 1.0
    torch.manual_seed(0)
    full = real_batch(pictures, 4, 32, 1.0, CPU)
    assert torch.allclose(torch.nn.functional.avg_pool2d(full, 4), batch, atol=1e-6)


def test_stages_are_read_and_followed() -> None:
    stages = parse_stages("16:2,32:3:1,64")
    assert stages == (Stage(16, 2000), Stage(32, 3000, 1000), Stage(64, None, 4000))
    spec = TrainStyleGAN2(work=Path("w"), stages=stages)
    assert spec.stage_at(0) == (stages[0], 1.0)
    assert spec.stage_at(2500) == (stages[1], 0.5)
    assert spec.stage_at(10**7) == (stages[2], 1.0)
    assert replace(spec, stages=stages[:2], resolution=32).stage_at(5000) is None
    for wrong in ("16,64", "x", "4,8,16,32,64"):
        with pytest.raises(TrainingError):
            TrainStyleGAN2(work=Path("w"), stages=parse_stages(wrong))


def test_precision_and_recall_of_equal_and_of_distant_sets() -> None:
    random = np.random.default_rng(0)
    real, same = random.normal(size=(2, 1500, 8))
    precision, recall = precision_recall(real, same)
    assert precision > 0.8
    assert recall > 0.8
    assert precision_recall(real, same + 100) == (0.0, 0.0)


def test_a_collapsed_set_is_precise_but_recalls_little() -> None:
    random = np.random.default_rng(0)
    real = random.normal(size=(1500, 8))
    narrow = random.normal(size=(1500, 8)) * 0.2
    precision, recall = precision_recall(real, narrow)
    assert precision > 0.95
    assert recall < 0.2


def test_the_frechet_distance_of_gaussians_has_its_closed_form() -> None:
    random = np.random.default_rng(0)
    base = random.normal(size=(200_000, 3))
    other = random.normal(size=(200_000, 3)) * np.array([2.0, 1.0, 0.5]) + np.array([1.0, 0, 2.0])
    assert frechet_distance(base, base) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(base, other) == pytest.approx(5.0 + 1.0 + 0.25, rel=0.02)
