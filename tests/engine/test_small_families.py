"""The small bundled generators: what their z stands for, and the lessons that each family takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import TrainingError
from engine.gan.biggan_config import BigGANConfig, Block
from engine.gan.dcgan_config import DCGANConfig
from engine.gan.progan_config import ProGANConfig
from engine.gan.stylegan1_config import StyleGAN1Config
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.models.bundled import bundled_folder
from engine.models.families import check_fits, family_of
from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share, sample
from engine.portraits.hair_classes import CLASSES, class_of, in_class
from engine.portraits.renderer import render
from engine.services import evaluate_generator
from engine.services.bundle_family import seen_in
from engine.services.train import FAMILIES
from engine.training.families import painting
from engine.training.families import train as training
from engine.training.families.codes import Codes, lengths, numbers_of
from engine.training.families.critic import GAMES, LAZY, Critic, penalty_of
from engine.training.families.painting import paint, settle, watch
from engine.training.families.renorm import PLAIN, RISE, BatchRenorm, plain, renormalise
from engine.training.families.run import FamilyRun
from engine.training.families.spec import Part, TrainFamily
from engine.training.families.specs import SPECS

TINY: dict[str, Any] = {
    "dcgan": DCGANConfig(z_dim=64, channels=(8, 8)),
    "progan": ProGANConfig(z_dim=64, resolution=16, channels={4: 8, 8: 8, 16: 8}),
    "stylegan1": StyleGAN1Config(
        z_dim=64, w_dim=16, resolution=16, channels={4: 8, 8: 8, 16: 8}, mapping_layers=2
    ),
    "stylegan3": StyleGAN3Config(
        z_dim=64, w_dim=16, resolution=16, channels=(8, 8, 8, 8), margin_size=2, first_stopband=4.0
    ),
    "biggan": BigGANConfig(
        z_dim=64, class_dim=8, c_dim=len(CLASSES), channel_width=4,
        blocks=(Block(True, 16, 4), Block(True, 4, 1)), attention=1, n_stats=3,
    ),
}  # fmt: skip


def spec(family: str, work: Path, **more: Any) -> TrainFamily:
    parts = (Part(16, 16), Part(16, 16, game=0.1))
    if family in ("progan", "stylegan1"):
        parts = (Part(8, 8), Part(8, 16, fade=8), Part(16, 16, game=0.1))
    given: dict[str, Any] = {"parts": parts, "batch": 4, "portraits": 16, "cache": work / "cache"}
    return TrainFamily(family, family, TINY[family], work, **given | more)


def told(_: object) -> None:
    """Nobody listens."""


def test_normal_numbers_become_evenly_spread_ones() -> None:
    code = np.random.RandomState(0).randn(4000, sum(lengths()))
    numbers = numbers_of(code)
    for attribute, column in zip(ATTRIBUTES, numbers.T, strict=False):
        if attribute.kind == "categorical":
            shares = np.bincount((column * len(attribute.values)).astype(int)) / 4000
            assert np.abs(shares - 1 / len(attribute.values)).max() < 0.03
        else:
            assert kstest(column, "uniform").pvalue > 1e-4


def test_a_portrait_depends_on_the_direction_of_z_alone() -> None:
    codes = Codes(64, 0, seed=3)
    z, c = codes.z(1, np.arange(50)), np.zeros(50, np.int64)
    assert abs(float(z.std()) - 1) < 0.05
    np.testing.assert_allclose(codes.table(z, c), codes.table(z * 3, c), atol=1e-5)
    others = Codes(64, 0, seed=4).table(z, c)
    assert np.abs(others - codes.table(z, c)).max() > 0.5


def test_every_portrait_clearly_belongs_to_its_class() -> None:
    table = sample(2, np.arange(600))
    classes = np.arange(600) % len(CLASSES)
    made = in_class(table, classes)
    assert np.array_equal(class_of(made), classes)
    grey = grey_share(made[:, COLUMN["age"]], made[:, COLUMN["greying"]])
    assert np.all(np.where(classes // 2 == 5, grey >= 0.74, grey <= 0.26))
    assert made[:, COLUMN["age"]].min() >= 0
    assert made[:, COLUMN["age"]].max() <= 1
    same = [i for i in range(len(ATTRIBUTES)) if i not in _CHANGED]
    np.testing.assert_array_equal(made[:, same], table[:, same])
    assert CLASSES[1] == "black hair, eyeglasses"


_CHANGED = {COLUMN[name] for name in ("age", "hair_color", "eyeglasses")}


@pytest.mark.parametrize("family", TINY)
def test_a_family_trains_resumes_and_ships_what_its_layout_wants(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "SETTLING_BATCH", 12)
    monkeypatch.setattr(painting, "SETTLING", 1)
    whole = spec(family, tmp_path / "whole")
    stopped = spec(family, tmp_path / "stopped", cache=whole.cache, minutes=0.0)
    source = training.train(whole, told, CancelToken())
    tensors = read_safetensors(source)
    check_fits(whole.config, tensors, family)
    assert tensors[next(iter(tensors))].dtype == np.float16
    assert [path.suffix for path in (whole.work / "sheets").iterdir()] == [".png"]
    # Stopped at once, and then carried to the end: the same weights.
    training.train(stopped, told, CancelToken())
    again = read_safetensors(training.train(replace(stopped, minutes=None), told, CancelToken()))
    for name, value in tensors.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
    other = replace(stopped, config=_wider(family))
    with pytest.raises(TrainingError, match="other sizes"):
        training.train(other, told, CancelToken())


def _wider(family: str) -> Any:
    wide = {"class_dim": 16} if family == "biggan" else {"z_dim": 72}
    return replace(TINY[family], **wide)


def test_lessons_bring_the_pictures_nearer(tmp_path: Path) -> None:
    run = FamilyRun(spec("dcgan", tmp_path, parts=(Part(4000, 16),)), _drawn(Codes(64, 0, 0), 16))
    first = float(run.step()["pixels"])
    for _ in range(60):
        last = float(run.step()["pixels"])
    assert last < 0.7 * first


def test_where_length_counts_it_changes_the_portrait() -> None:
    z = np.random.RandomState(0).randn(50, 64).astype(np.float32)
    by_direction, by_length = Codes(64, 0, 3), Codes(64, 0, 3, by_direction=False)
    c = np.zeros(50, np.int64)
    np.testing.assert_allclose(by_direction.table(2 * z, c), by_direction.table(z, c), atol=1e-5)
    assert np.abs(by_length.table(2 * z, c) - by_length.table(z, c)).max() > 0.1


def test_renormalised_lessons_see_what_pictures_will_see() -> None:
    torch.manual_seed(0)
    careful, usual = BatchRenorm(3, momentum=0.2), torch.nn.BatchNorm2d(3)
    for _ in range(PLAIN + RISE + 20):
        careful(3 + 2 * torch.randn(8, 3, 4, 4))
    few = 3 + 2 * torch.randn(2, 3, 4, 4)
    usual.load_state_dict(careful.state_dict())
    wanted = usual.eval()(few)
    torch.testing.assert_close(careful(few), wanted, atol=1e-5, rtol=1e-5)
    noisy = torch.nn.BatchNorm2d(3)(few)
    assert (noisy - wanted).abs().mean() > 0.02


def test_what_is_plain_again_counts_its_statistics() -> None:
    generator = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    renormalise(generator)
    plain(generator)
    batches = [torch.randn(4, 3, 2, 2) for _ in range(5)]
    for batch in batches:
        found = generator.train()(batch)
        torch.testing.assert_close(found, torch.nn.BatchNorm2d(3)(batch))
    mean = torch.stack([batch.mean((0, 2, 3)) for batch in batches]).mean(0)
    torch.testing.assert_close(generator[0].running_mean, mean)


def _drawn(codes: Codes, count: int) -> np.ndarray:
    return np.asarray(codes.source()(5, np.arange(count), 16)[0])


def test_growth_fades_in_what_is_new() -> None:
    plan = spec("progan", Path("none"))
    assert plan.part_at(0) == (Part(8, 8), 1.0)
    assert plan.part_at(10) == (Part(8, 16, fade=8), 0.25)
    assert plan.part_at(plan.total) is None
    assert seen_in(plan, 20) == {"at_8_px": 8, "at_16_px": 12, "with_discriminator": 4}
    with pytest.raises(TrainingError, match="must end at 16 px"):
        spec("progan", Path("none"), parts=(Part(8, 8),))


def test_standing_statistics_are_those_of_the_weights() -> None:
    config = TINY["biggan"]
    torch.manual_seed(0)
    generator = family_of(config).new_generator(config)
    z, c = torch.randn(512, 64), torch.arange(512) % config.c_dim
    generator.train()
    wanted = paint(generator, z, c).detach()
    settle(generator)
    with torch.no_grad():
        got = paint(generator, z, c)
    assert not generator.training
    assert float((got - wanted).abs().mean()) < 0.1 * float(wanted.std())
    norm = generator.synthesis.layers[0].bn_0
    spread = norm.running_vars.mean(dim=1)
    assert spread[0] < spread[1] < spread[2]


def test_stylegan3_filters_by_matrices_as_by_filters() -> None:
    config = TINY["stylegan3"]
    torch.manual_seed(0)
    generator = family_of(config).new_generator(config).eval()
    z, c = torch.randn(2, 64), torch.zeros(2, dtype=torch.long)
    with torch.no_grad():
        wanted = paint(generator, z, c)
        watch(generator)
        torch.testing.assert_close(paint(generator, z, c), wanted, rtol=1e-4, atol=1e-5)
        generator.train()
        for _ in range(3):
            paint(generator, z, c)
    layer = getattr(generator.synthesis, generator.synthesis.names[1])
    assert float(layer.magnitude_ema) != 1.0


@pytest.mark.parametrize("family", TINY)
def test_every_family_plays_by_its_own_loss(family: str) -> None:
    game = GAMES[family]
    torch.manual_seed(0)
    critic = Critic(16, 3 if family == "biggan" else 0, game.bounded)
    high, low = torch.full((4,), 3.0), torch.full((4,), -3.0)
    assert float(game.judged(high, low)) < float(game.judged(low, high))
    assert float(game.made(high)) < float(game.made(low))
    real, fake, c = torch.randn(4, 3, 16, 16), torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 2, 0])
    assert critic(real, c).shape == (4,)
    if game.penalty:
        penalty = penalty_of(game, critic, real, fake, c)
        assert float(penalty.detach()) > 0
        penalty.backward()  # type: ignore[no-untyped-call]
        assert any(p.grad is not None and p.grad.any() for p in critic.parameters())
    assert LAZY > 1


def test_every_small_generator_has_a_plan_for_its_whole_size(tmp_path: Path) -> None:
    assert tuple(SPECS) == FAMILIES
    for name, make in SPECS.items():
        plan = make(tmp_path)
        assert plan.name == name
        assert plan.config.resolution >= 32
        assert plan.config.z_dim >= sum(lengths())
        parameters = sum(
            int(np.prod(shape)) for shape in family_of(plan.config).shapes_of(plan.config).values()
        )
        assert parameters < 4_000_000  # 8 MB in float16


def test_the_judge_sees_the_classes_of_drawn_portraits_and_would_miss_wrong_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = len(CLASSES) * 8
    table = in_class(sample(2, np.arange(count)), np.arange(count) % len(CLASSES))
    drawn = (render(table, 32) * 127.5 + 127.5).round().to(torch.uint8).numpy()
    monkeypatch.setattr(evaluate_generator, "OF_EACH_CLASS", 8)
    monkeypatch.setattr(evaluate_generator, "sample_w", lambda *_: np.zeros((count, 4)))

    def judged(images: np.ndarray, classes: list[str]) -> Any:
        monkeypatch.setattr(evaluate_generator, "pictures", lambda *_, **__: images)
        info = SimpleNamespace(card={"classes": classes}, num_ws=1)
        judge = bundled_folder() / "portraits-judge"
        return evaluate_generator.measure_classes(
            SimpleNamespace(info=info),
            judge,
            told,
            CancelToken(),  # type: ignore[arg-type]
        )

    right = judged(drawn, list(CLASSES))
    assert right["accuracy"] > 0.9
    assert set(right["each"]) == set(CLASSES)
    assert judged(np.roll(drawn, 2, axis=0), list(CLASSES))["accuracy"] < 0.1
    assert judged(drawn, ["something else"]) is None
