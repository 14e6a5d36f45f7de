"""Lessons before the game, and the rival that judges by features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.models.bundled import bundled_folder
from engine.perception.attributes import AttributeNetwork
from engine.portraits.attributes import ATTRIBUTES
from engine.portraits.dataset import portraits
from engine.training.checkpoint import load_state
from engine.training.feature_rival import FeatureRival, open_guide
from engine.training.hardware import choose_hardware
from engine.training.muon import Muon, orthogonalised
from engine.training.options import TrainStyleGAN2, parse_stages
from engine.training.perceptual import PerceptualLoss
from engine.training.stylegan2_game import StyleGAN2Game
from engine.training.teach import Lessons, normal_scores, on_sphere
from engine.training.teach_mapping import told
from engine.training.train_stylegan2 import train


def pupil(folder: Path, taught: int = 16) -> TrainStyleGAN2:
    """A run of two lessons and one step of the game."""
    return TrainStyleGAN2(
        work=folder / "work", cache=folder / "cache", resolution=16, batch=8, portraits=24,
        stages=parse_stages("16:0.008"), z_dim=48, w_dim=16, mapping_layers=2, channel_base=128,
        channel_max=8, device="cpu", taught=taught, taught_mapping=2, head_start=0, tick_s=0.0,
    )  # fmt: skip


def test_the_scores_of_drawn_pictures_are_distributed_as_z(tmp_path: Path) -> None:
    spec = replace(pupil(tmp_path), z_dim=64)
    scores, turn = normal_scores(spec, 8000)
    assert scores.shape == (8000, len(ATTRIBUTES) + 1)
    correlation = np.corrcoef(scores.numpy().T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.06
    assert scores.mean().abs() < 0.01
    assert abs(float(scores.std()) - 1) < 0.01
    torch.testing.assert_close(turn @ turn.T, torch.eye(64), atol=1e-5, rtol=0)


def test_z_on_the_sphere_stands_for_exactly_its_scores(tmp_path: Path) -> None:
    scores, turn = normal_scores(replace(pupil(tmp_path), z_dim=64), 50)
    z = on_sphere(scores, turn)
    torch.testing.assert_close(z.square().sum(dim=1), torch.full((50,), 64.0), atol=1e-3, rtol=0)
    torch.testing.assert_close((z @ turn.T)[:, : scores.shape[1]], scores, atol=1e-4, rtol=0)
    torch.testing.assert_close(told(z * 3.0, turn), told(z, turn), atol=1e-4, rtol=1e-4)


def test_muon_makes_every_direction_equally_fast() -> None:
    torch.manual_seed(0)
    steep = torch.randn(8, 3) @ torch.diag(torch.tensor([100.0, 10.0, 1.0])) @ torch.randn(3, 40)
    values = torch.linalg.svdvals(orthogonalised(steep))
    assert float(values[:3].min()) > 0.5
    assert float(values.max()) < 1.3
    weight = torch.nn.Parameter(torch.randn(6, 4, 3, 3))
    optimiser = Muon([weight], lr=0.1)
    goal = torch.randn(6, 4, 3, 3)
    before = float((weight - goal).detach().square().mean())
    for _ in range(200):
        optimiser.zero_grad()
        (weight - goal).square().mean().backward()
        optimiser.step()
    assert float((weight - goal).detach().square().mean()) < 0.1 * before


def test_the_perceptual_loss_is_nought_for_equal_pictures_and_grows_with_blur() -> None:
    eye = PerceptualLoss(torch.device("cpu"))
    faces = portraits(1, np.arange(2), 64)[0].float() / 127.5 - 1
    soft = [torch.nn.functional.avg_pool2d(faces, k, 1, k // 2) for k in (3, 5)]
    losses = [float(eye(faces, faces)), *(float(eye(picture, faces)) for picture in soft)]
    assert losses[0] == 0.0
    assert losses[0] < losses[1] < losses[2]


def test_lessons_bring_the_generator_nearer_to_the_pictures(tmp_path: Path) -> None:
    spec = pupil(tmp_path, taught=100_000)
    pictures, _ = portraits(0, np.arange(8), 16)
    game = StyleGAN2Game(spec, choose_hardware("cpu"))
    lessons = Lessons(spec, game, pictures.numpy(), None)
    losses = [float(lessons.step(100_000)["taught"]) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    assert game.images == 40 * spec.taught_batch


def test_lessons_end_where_the_game_begins_and_resume(tmp_path: Path) -> None:
    spec = pupil(tmp_path)
    said: list[str] = []
    train(spec, lambda p: said.append(p.message), CancelToken(), portraits)
    assert any("taught" in line for line in said)
    assert any("loss_g" in line for line in said)
    state = load_state(spec.work / "checkpoint.pt")
    assert state["images"] == spec.total_images() == 24
    assert "lessons" in state
    train(spec, lambda p: None, CancelToken(), portraits)
    assert load_state(spec.work / "checkpoint.pt")["images"] == 24


def test_lessons_come_back_after_the_game_with_the_noise_turned_down(tmp_path: Path) -> None:
    spec = replace(pupil(tmp_path), polished=16)
    assert spec.total_images() == 40
    before = replace(spec, polished=0)
    train(before, lambda p: None, CancelToken(), portraits)
    loud = load_state(spec.work / "checkpoint.pt")
    loud["average"]["synthesis.b8.conv1.noise_strength"].fill_(1.0)
    torch.save(loud, spec.work / "checkpoint.pt")
    train(spec, lambda p: None, CancelToken(), portraits)
    state = load_state(spec.work / "checkpoint.pt")
    assert (state["images"], state["played"], state["calm"]) == (40, 8, True)
    assert float(state["average"]["synthesis.b8.conv1.noise_strength"]) < 0.2


def test_the_generator_waits_while_its_rival_catches_up(tmp_path: Path) -> None:
    spec = replace(pupil(tmp_path, taught=8), head_start=1000)
    game = StyleGAN2Game(spec, choose_hardware("cpu"))
    game.images = 8
    before = [p.clone() for p in game.generator.parameters()]
    game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, 1.0)
    after = list(game.generator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_feature_heads_never_stretch_a_feature() -> None:
    torch.manual_seed(0)
    rival = FeatureRival(AttributeNetwork(4))
    rival.refresh()
    for head in rival.heads:
        for layer, bound in zip((head.mix, head.look, head.out), head.bound, strict=True):
            stretch = torch.linalg.matrix_norm(layer.weight.flatten(1) / bound, ord=2)
            assert float(stretch.detach()) == pytest.approx(1.0, abs=1e-4)


def test_a_guide_pulls_at_pictures_and_never_at_its_own_features() -> None:
    rival = open_guide(bundled_folder() / "portraits-attributes")
    picture = torch.zeros(2, 3, 32, 32, requires_grad=True)
    rival.generator_loss(picture).backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
    assert all(p.grad is None for p in rival.body.parameters())


def test_the_judge_may_not_guide() -> None:
    with pytest.raises(TrainingError, match="not the attribute network"):
        open_guide(bundled_folder() / "portraits-judge")
