"""The lab in the plane: gradients, data and scores, courses that repeat, and the live loop."""

from __future__ import annotations

from dataclasses import replace
from queue import SimpleQueue

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.cancel import CancelToken
from engine.course import Course, LabView, LabWish, Sampling
from engine.denoising import SPACINGS
from engine.errors import TrainingError
from engine.training import losses
from engine.training.lane import Lane, lane_of
from engine.training.live import Lab, live
from engine.training.perceptron import Descent, Perceptron, hidden
from engine.training.plane import plane_of
from engine.training.plane_diffusion import PlaneDiffusion
from engine.training.plane_game import PlaneGame
from engine.training.plane_judges import Autoencoder, PlaneJudge, Scorer
from engine.training_spec import (
    LOSSES,
    Activation,
    Adversarial,
    Denoising,
    Drawn,
    EnergyBased,
    Grid,
    Moons,
    Network,
    NonSaturating,
    Optimiser,
    Point,
    Portraits,
    Ring,
    Spiral,
    TrainingSpec,
    WassersteinPenalty,
    with_value,
)

SMALL = Network(width=12, layers=2)
ACTIVATIONS: list[Activation] = ["relu", "leaky_relu", "tanh"]


def small(loss: object = NonSaturating(), **more: object) -> TrainingSpec:
    method = Adversarial(loss, z_dim=3, generator=SMALL, discriminator=SMALL, **more)  # type: ignore[arg-type]
    return TrainingSpec(method=method, batch=16)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference(network: Perceptron, flat: Tensor, x: Tensor) -> Tensor:
    """The same network for autograd."""
    activate = {
        "relu": F.relu,
        "leaky_relu": lambda y: F.leaky_relu(y, 0.2),
        "tanh": torch.tanh,
    }[network.activation]
    start = 0
    for index, (matrix, bias) in enumerate(network._layers):
        w = flat[start : start + matrix.numel()].view(matrix.shape)
        start += matrix.numel()
        x = F.linear(x, w, flat[start : start + bias.numel()])
        start += bias.numel()
        if index < len(network._layers) - 1:
            x = activate(x)
    return x


# --- networks


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_written_out_gradients_are_those_of_autograd(
    activation: Activation, layers: int
) -> None:
    network = Perceptron(hidden(2, Network(9, layers), 3), activation, rng())
    x, weight = torch.randn(7, 2, generator=rng(1)), torch.randn(7, 3, generator=rng(2))
    out, left = network.forward(x)
    of_x = network.backward(left, weight)
    flat, at = network.flat.clone().requires_grad_(), x.clone().requires_grad_()
    truth = reference(network, flat, at)
    expected = torch.autograd.grad((truth * weight).sum(), [flat, at])
    assert torch.allclose(out, truth, atol=1e-6)
    assert torch.equal(network(x), out)
    assert torch.allclose(network.gradient, expected[0], atol=1e-5)
    assert torch.allclose(of_x, expected[1], atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_gradient_of_a_penalty_on_the_slope_is_that_of_autograd(
    activation: Activation, layers: int
) -> None:
    judge = Scorer(Network(9, layers, activation), Optimiser(), rng())
    judge.body.flat.add_(0.1 * torch.randn(judge.body.flat.shape, generator=rng(3)))
    x = torch.randn(7, 2, generator=rng(1))
    judge.penalise(x, losses.away_from_one)
    flat = judge.body.flat.clone().requires_grad_()
    slopes = losses.slope(lambda at: reference(judge.body, flat, at)[:, 0], x)
    (expected,) = torch.autograd.grad(losses.away_from_one(slopes), flat)
    assert torch.allclose(judge.body.gradient, expected, atol=1e-5)


def test_an_autoencoder_pulls_points_as_finite_differences_say() -> None:
    judge = Autoencoder(Network(8, 1, "tanh"), Optimiser(), rng())
    x = torch.randn(4, 2, generator=rng(1))
    _, left = judge.answer(x)
    found = judge.pull(left, torch.ones(4))
    step = torch.tensor([1e-3, 0.0])
    slope = (judge.answer(x + step)[0] - judge.answer(x - step)[0]) / 2e-3
    assert torch.allclose(found[:, 0], slope, atol=2e-3)
    with pytest.raises(TrainingError, match="R1"):
        judge.penalise(x, losses.squared_length)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_descent_steps_as_torchs_optimisers_do(kind: str) -> None:
    wanted = Optimiser(0.01, 0.5, 0.9, kind)  # type: ignore[arg-type]
    network = Perceptron([2, 4, 1], "relu", rng())
    weights = network.flat.clone().requires_grad_()
    theirs: torch.optim.Optimizer = (
        torch.optim.Adam([weights], 0.01, (0.5, 0.9))
        if kind == "adam"
        else torch.optim.SGD([weights], 0.01, momentum=0.5)
    )
    descent = Descent(wanted, network)
    for seed in range(5):
        gradient = torch.randn(weights.shape, generator=rng(seed))
        network.gradient.copy_(gradient)
        weights.grad = gradient
        descent.step()
        theirs.step()
    assert torch.allclose(network.flat, weights.detach(), atol=1e-6)
    assert not network.gradient.any()


# --- data


@pytest.mark.parametrize(
    "data", [Ring(), Grid(), Spiral(), Moons(), Drawn((Point(0, 0), Point(0.1, 0), Point(0.2, 0)))]
)
def test_real_points_cover_their_own_data(data: object) -> None:
    plane = plane_of(data)  # type: ignore[arg-type]
    points, labels = plane.draw(4000, rng())
    score = plane.score(points.numpy())
    assert score.covered == score.modes == len(plane.centres)
    assert score.good > 0.95
    assert int(labels.max()) == plane.classes - 1
    assert points.abs().max() < 1.6


def test_one_mode_is_one_mode_and_garbage_covers_none() -> None:
    plane = plane_of(Ring())
    alone = np.tile(plane.centres[:1], (500, 1))
    assert (plane.score(alone).covered, plane.score(alone).good) == (1, 1.0)
    lost = np.full((500, 2), np.nan, np.float32)
    assert (plane.score(lost).covered, plane.score(lost).good) == (0, 0.0)


def test_pictures_are_no_points() -> None:
    with pytest.raises(TrainingError, match="no points"):
        plane_of(Portraits())


# --- games


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_plays_in_the_plane(name: str) -> None:
    game = PlaneGame(small(LOSSES[name], noise=0.05))
    before = game.generator.flat.clone()
    for _ in range(3):
        game.step()
    assert np.isfinite(game.losses).all()
    assert not torch.equal(before, game.generator.flat)
    lattice = np.zeros((4, 2), np.float32)
    assert game.values(lattice).shape == (4,)
    assert np.isfinite(game.pushes(lattice)).all()
    if isinstance(LOSSES[name], EnergyBased):
        assert (game.values(lattice) <= 0).all()


def test_weights_stay_clipped_and_r1_and_the_penalty_change_the_play() -> None:
    clipped = PlaneGame(small(LOSSES["wgan"]))
    clipped.step()
    assert clipped.judge.networks[0].flat.abs().max() <= 0.1 + 1e-6
    plain, held = PlaneGame(small()), PlaneGame(small(r1=5.0))
    loose, tight = PlaneGame(small(WassersteinPenalty(0.0))), PlaneGame(small(WassersteinPenalty()))
    for game in (plain, held, loose, tight):
        game.step()
    assert not torch.equal(plain.judge.networks[0].flat, held.judge.networks[0].flat)
    assert not torch.equal(loose.judge.networks[0].flat, tight.judge.networks[0].flat)


def test_the_arrows_point_where_the_discriminator_answers_higher() -> None:
    game = PlaneGame(small())
    for _ in range(5):
        game.step()
    at = np.array([[0.3, -0.2]], np.float32)
    moved = at + 1e-3 * game.pushes(at) / np.linalg.norm(game.pushes(at))
    assert game.values(moved)[0] > game.values(at)[0]


# --- courses


def lane_at(course: Course, step: int) -> Lane:
    lane = Lane(course)
    lane.go(step)
    return lane


@pytest.mark.parametrize("spec", [small(), small(EnergyBased()), small(WassersteinPenalty())])
def test_a_rewound_lane_comes_back_to_the_very_same_points(spec: TrainingSpec) -> None:
    lane = lane_at(Course(spec), 60)
    there = lane.run.made(8)
    lane.go(30)
    assert lane.step == 30
    assert not np.array_equal(lane.run.made(8), there)
    lane.go(60)
    assert np.array_equal(lane.run.made(8), there)
    assert lane.checkpoints == (0, 25, 50)
    assert list(lane.curves().steps) == [20, 40, 60]


def test_a_branch_begins_as_its_parent_was_and_goes_its_own_way() -> None:
    course = Course(small())
    trunk = lane_at(course, 40)
    branch = Lane(course.branch(40))
    assert branch.step == 40
    assert np.array_equal(branch.run.made(8), trunk.run.made(8))
    trunk.go(45)
    branch.go(45)
    assert np.array_equal(branch.run.made(8), trunk.run.made(8))
    faster = with_value(course.spec, "method.g_optimiser.rate", 0.01)
    other = lane_at(course.branch(40).told(faster), 45)
    assert not np.array_equal(other.run.made(8), trunk.run.made(8))
    other.go(0)
    assert other.step == 40  # never before the branch


def test_a_branch_with_other_networks_begins_anew() -> None:
    wider = with_value(small(), "method.generator.width", 20)
    lane = lane_of(Course(small()).branch(5).told(wider))
    assert lane.course == Course(wider)
    assert lane.step == 0
    ebgan = lane_of(Course(small()).branch(5).told(small(EnergyBased())))
    assert ebgan.course.parent is None


def test_a_run_that_leaves_all_bounds_says_so_and_stands_still() -> None:
    wild = Optimiser(1.0, 0.0, 0.0, "sgd")
    spec = small(LOSSES["lsgan"], g_optimiser=wild, d_optimiser=wild)
    lane = lane_at(Course(spec), 200)
    assert "bounds" in lane.problem
    assert lane.step < 200
    lane.view(Sampling())
    lane.rewind(0)
    assert not lane.problem


def test_many_checkpoints_thin_out_and_the_first_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.training.lane.KEEP_EVERY", 1)
    monkeypatch.setattr("engine.training.lane.MOST_KEPT", 6)
    lane = lane_at(Course(small()), 20)
    assert lane.checkpoints[0] == 0
    assert len(lane.checkpoints) <= 7


# --- diffusion


def diffusion(**more: object) -> TrainingSpec:
    method = Denoising(timesteps=20, network=Network(16, 2), **more)  # type: ignore[arg-type]
    return TrainingSpec(Ring(3, 0.1), method, batch=32)


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_denoising_learns_toward_the_exact_noise(prediction: str) -> None:
    run = PlaneDiffusion(diffusion(prediction=prediction))
    x, _ = run.plane.draw(200, rng(5))
    t = 10

    def distance() -> float:
        return float((run.noise_in(x, t) - run.exact(x, t)[1]).square().mean())

    before = distance()
    for _ in range(300):
        run.step()
    assert distance() < 0.5 * before


def test_the_exact_noise_is_minus_sigma_times_the_slope_of_the_density() -> None:
    run = PlaneDiffusion(diffusion())
    x = torch.tensor([[0.4, -0.3]])
    step = torch.tensor([[1e-3, 0.0]])
    slope = (run.exact(x + step, 7)[0] - run.exact(x - step, 7)[0]) / 2e-3
    assert run.exact(x, 7)[1][0, 0].item() == pytest.approx(-run.sigma(7) * slope.item(), abs=2e-3)


@pytest.mark.parametrize("sampler", [name for name in SPACINGS if name != "lcm"])
def test_every_sampler_and_guidance_runs_on_points(sampler: str) -> None:
    lane = lane_at(Course(diffusion()), 5)
    spacing = SPACINGS[sampler][0]  # type: ignore[index]
    wish = Sampling(sampler, 4, spacing, label=1, guidance=2.0, classifier=0.5)  # type: ignore[arg-type]
    view = lane.view(wish)
    assert np.isfinite(view.made).all()
    assert view.trails.shape[0] >= 4
    early = lane.view(replace(wish, place=0.0))
    assert not np.array_equal(early.made, view.made)
    assert np.abs(early.made).mean() > 0.5  # noise


def test_forward_shows_real_points_drowning() -> None:
    lane = lane_at(Course(diffusion()), 1)
    clear = lane.view(Sampling(steps=2, forward=True, place=1.0)).real
    noisy = lane.view(Sampling(steps=2, forward=True, place=0.0)).real
    assert lane.run.plane.score(clear).good > 0.8 > lane.run.plane.score(noisy).good


def test_a_rewound_denoiser_repeats_itself() -> None:
    lane = lane_at(Course(diffusion()), 30)
    there = lane.run.made(4)
    lane.go(10)
    lane.go(30)
    assert np.array_equal(lane.run.made(4), there)


# --- the loop


def test_two_lanes_go_step_by_step_and_a_jump_takes_both_along() -> None:
    course = Course(small())
    other = Course(small(r1=1.0))
    lab = Lab(LabWish((course, other), running=True, pace=7))
    lab.work(1e18)
    assert [lane.step for lane in lab.lanes] == [7, 7]
    lab.obey(LabWish((course, other), jump=(1, 3)))
    assert lab.busy
    lab.work(1e18)
    assert [lane.step for lane in lab.lanes] == [3, 3]
    assert not lab.busy
    view = lab.view()
    assert (view.step, view.jump, view.running) == (3, 1, False)


def test_another_course_begins_anew_and_undo_finds_the_old_one_again() -> None:
    one, two = Course(small()), Course(small(r1=1.0))
    lab = Lab(LabWish((one,), running=True, pace=30))
    lab.work(1e18)
    kept = lab.lanes[0]
    lab.obey(LabWish((two,), running=True))
    assert lab.step == 0
    lab.obey(LabWish((one,), running=True))
    assert lab.lanes[0] is kept


def test_the_live_loop_obeys_the_newest_wish_and_stops_when_cancelled() -> None:
    inbox: SimpleQueue[LabWish] = SimpleQueue()
    cancel = CancelToken()
    seen: list[LabView] = []
    course = Course(small())

    def frame(view: LabView) -> None:
        seen.append(view)
        if len(seen) == 1:
            inbox.put(LabWish((course,), jump=(1, 10)))
            inbox.put(LabWish((course,), jump=(2, 4)))
        elif view.step == 4 and not view.moving:
            cancel.cancel()

    live(LabWish((course,)), inbox, frame, cancel)
    assert seen[0].step == 0
    assert seen[-1].step == 4
    assert seen[-1].jump == 2
    assert seen[-1].lanes[0].heat.shape == (48, 48)


def test_a_judge_refuses_the_state_of_another_shape() -> None:
    judges: list[PlaneJudge] = [Scorer(Network(width), Optimiser(), rng()) for width in (8, 9)]
    with pytest.raises(TrainingError, match="shape"):
        judges[0].restore(judges[1].state())
