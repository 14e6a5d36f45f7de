"""Losses against closed forms: distributions on a few points, where every optimum is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.training import losses, rules
from engine.training_spec import LOSSES, EnergyBased, LeastSquares

P = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64)
Q = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.float64)


def expectation(weights: Tensor, values: Tensor) -> Tensor:
    """Samples whose plain mean is the expectation: each point as often as its weight says."""
    return values.repeat_interleave((weights * 20).round().long())


def js(p: Tensor, q: Tensor) -> float:
    m = (p + q) / 2
    terms = [torch.xlogy(x, x / m).sum() for x in (p, q)]
    return float(sum(terms) / 2)


def test_at_the_best_discriminator_min_max_is_two_log_two_minus_twice_js() -> None:
    logits = torch.log(P.clamp(min=1e-30) / Q)  # of D = p / (p + q)
    value = losses.logistic_discriminator(expectation(P, logits), expectation(Q, logits))
    assert value.item() == pytest.approx(2 * np.log(2) - 2 * js(P, Q), abs=1e-9)
    worse = losses.logistic_discriminator(expectation(P, logits + 1), expectation(Q, logits + 1))
    assert worse > value


def test_both_losses_of_the_first_gan_pull_the_same_way_but_only_one_is_steep_where_d_is_sure() -> (
    None
):
    logits = torch.tensor([-12.0, 0.0], requires_grad=True)
    (flat,) = torch.autograd.grad(losses.minmax_generator(logits), logits)
    (steep,) = torch.autograd.grad(losses.nonsaturating_generator(logits), logits)
    assert (flat < 0).all()
    assert (steep < 0).all()
    assert flat[1] == steep[1]
    assert abs(flat[0]) < 1e-5 < 0.4 < abs(steep[0])


def test_the_critic_of_two_points_finds_their_distance() -> None:
    real, fake = torch.zeros(8, 1), torch.full((8, 1), 3.0)
    loss = losses.wasserstein_critic(-real[:, 0], -fake[:, 0])  # the best 1-Lipschitz critic, -x
    assert loss.item() == pytest.approx(-3.0)
    assert losses.wasserstein_generator(-fake[:, 0]).item() == pytest.approx(3.0)


def test_clipping_holds_every_weight() -> None:
    weights = [torch.tensor([-2.0, 0.005]), torch.tensor([[3.0]])]
    losses.clip_weights(weights, 0.01)
    assert torch.equal(weights[0], torch.tensor([-0.01, 0.005]))
    assert weights[1].item() == pytest.approx(0.01)


def test_the_penalties_of_a_linear_critic_are_known() -> None:
    slope = torch.tensor([3.0, 4.0])
    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    between = torch.rand(6)
    found = losses.gradient_penalty(lambda x: x @ slope, real, fake, between)
    assert found.item() == pytest.approx((5.0 - 1.0) ** 2)
    assert losses.r1_penalty(lambda x: x @ slope, real).item() == pytest.approx(25.0)


def test_the_gradient_penalty_looks_on_the_line_between_a_real_and_a_made_sample() -> None:
    real, fake = torch.zeros(3, 1), torch.full((3, 1), 2.0)
    between = torch.tensor([0.0, 0.5, 1.0])  # f = x^2 / 2 has the slope x there: 0, 1, 2
    found = losses.gradient_penalty(lambda x: x[:, 0].square() / 2, real, fake, between)
    assert found.item() == pytest.approx((1 + 0 + 1) / 3)


@pytest.mark.parametrize(("a", "b", "c"), [(-1.0, 1.0, 0.0), (-3.0, -1.0, -2.0)])
def test_least_squares_are_pearsons_chi_square_in_the_published_case(
    a: float, b: float, c: float
) -> None:
    assert b - c == 1
    assert b - a == 2
    best = (b * P + a * Q) / (P + Q)
    d = losses.least_squares_discriminator(expectation(P, best), expectation(Q, best), a, b)
    both = losses.least_squares_generator(expectation(P, best), c)
    both = both + losses.least_squares_generator(expectation(Q, best), c)
    chi_square = ((2 * Q - (P + Q)) ** 2 / (P + Q)).sum()
    assert 2 * both.item() == pytest.approx(chi_square.item())
    for shift in (-0.1, 0.1):
        moved = best + shift
        other = losses.least_squares_discriminator(
            expectation(P, moved), expectation(Q, moved), a, b
        )
        assert other > d


def test_the_best_hinge_discriminator_tells_the_total_variation() -> None:
    best = torch.sign(P - Q)
    value = losses.hinge_discriminator(expectation(P, best), expectation(Q, best))
    assert value.item() == pytest.approx(2 - (P - Q).abs().sum().item())
    assert losses.hinge_generator(best).item() == pytest.approx(-best.mean().item())


def test_at_its_equilibrium_the_energy_loss_is_the_margin() -> None:
    same = torch.full((6,), 0.4)  # p = q and D constant, anywhere up to the margin
    assert losses.energy_discriminator(same, same, 1.5).item() == pytest.approx(1.5)
    far = torch.full((6,), 9.0)
    assert losses.energy_discriminator(torch.zeros(6), far, 1.5).item() == 0.0


def test_codes_that_point_one_way_repel_and_orthogonal_ones_do_not() -> None:
    alike = torch.tensor([[1.0, 2.0]]).repeat(5, 1) * torch.arange(1, 6)[:, None]
    assert losses.repelling(alike).item() == pytest.approx(1.0)
    assert losses.repelling(torch.eye(4)).item() == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_moves_real_and_made_answers_apart_and_the_generator_back(name: str) -> None:
    loss = LOSSES[name]
    real = torch.tensor([0.2, 0.3], requires_grad=True)
    fake = torch.tensor([0.25, 0.35], requires_grad=True)
    of_real, of_fake = torch.autograd.grad(rules.discriminator_loss(loss, real, fake), [real, fake])
    (back,) = torch.autograd.grad(rules.generator_loss(loss, fake), fake)
    up = -1 if isinstance(loss, EnergyBased) else 1  # energies are low for what is real
    assert (up * of_real < 0).all()
    assert (up * of_fake > 0).all()
    assert (up * back < 0).all()


def test_least_squares_take_their_numbers_from_the_spec() -> None:
    real, fake = torch.tensor([0.5]), torch.tensor([0.2])
    for a, b in product((-1.0, 0.0), (1.0, 2.0)):
        found = rules.discriminator_loss(LeastSquares(a, b, 0.0), real, fake).item()
        assert found == pytest.approx(0.5 * (0.5 - b) ** 2 + 0.5 * (0.2 - a) ** 2)
