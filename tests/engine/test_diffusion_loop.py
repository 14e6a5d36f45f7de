"""The denoising loop against closed forms: a Gaussian mixture whose score is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.denoising import SPACINGS
from engine.diffusion import guidance as g
from engine.diffusion.denoise import Hooks, Settings, Start, denoise
from engine.diffusion.samplers import SAMPLERS
from engine.diffusion.schedule import Schedule, from_x0, min_snr_weights, to_x0
from engine.diffusion.thresholding import threshold
from engine.diffusion.trajectory import Trajectories
from engine.errors import Cancelled, ModelError, RecipeError
from tests.engine.gaussian_world import MEANS, VARIANCE, Mixture, gaussian_flow

FREE = {"threshold": "none"}
ODE = ("ddim", "euler", "heun", "dpmpp_2m", "unipc")
RANDOM = ("ddpm", "euler_ancestral", "dpmpp_2m_sde")


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one() -> Mixture:
    """A single Gaussian, of which every flow is affine."""
    return Mixture(means=MEANS[:1])


def endpoint(name: str, steps: int, spacing: str = "") -> torch.Tensor:
    chosen = spacing or ("karras" if "karras" in SPACINGS[name] else "trailing")
    settings = Settings(sampler=name, steps=steps, spacing=chosen, **FREE)
    return denoise(one(), noise(64), (0,), settings=settings)


def exact_flow(network: Mixture) -> torch.Tensor:
    alpha, sigma = network.level(network.schedule.steps - 1)
    return gaussian_flow(MEANS[0], VARIANCE, noise(64), alpha, sigma)


@pytest.mark.parametrize("name", ODE)
def test_every_deterministic_sampler_reaches_the_exact_flow(name: str) -> None:
    apart = (endpoint(name, 200) - exact_flow(one())).abs().max()
    assert apart < {"ddim": 0.025, "euler": 0.015}.get(name, 0.001)


@pytest.mark.parametrize(
    ("name", "spacing", "few", "many", "order"),
    [
        ("ddim", "trailing", 40, 200, 1),
        ("euler", "karras", 10, 40, 1),
        ("heun", "karras", 10, 40, 2),
        ("dpmpp_2m", "trailing", 40, 200, 2),
        ("unipc", "exponential", 10, 40, 2),
    ],
)
def test_the_error_falls_with_the_order_of_the_sampler(
    name: str, spacing: str, few: int, many: int, order: int
) -> None:
    true = exact_flow(one())
    errors = [float((endpoint(name, n, spacing) - true).abs().max()) for n in (few, many)]
    slope = np.log(errors[0] / errors[1]) / np.log(many / few)
    assert order - 0.2 < slope, errors


@pytest.mark.parametrize("name", RANDOM)
def test_every_random_sampler_has_the_exact_mean_and_variance(name: str) -> None:
    settings = Settings(sampler=name, steps=500, spacing="trailing", **FREE)
    made = denoise(one(), noise(4000), (0,), settings=settings)
    assert torch.allclose(made.mean(0), MEANS[0], atol=0.015)
    assert torch.allclose(made.var(0), torch.full((2,), VARIANCE, dtype=torch.float64), atol=0.005)


@pytest.mark.parametrize("strength", [0.3, 0.7])
@pytest.mark.parametrize("name", [*ODE, *RANDOM])
def test_pictures_drawn_anew_are_of_the_same_distribution(name: str, strength: float) -> None:
    """Noise of the right level on samples of the data makes samples of x_t: the flow from there
    ends at the data again, whatever the sampler's own scale of x is."""
    data = MEANS[0] + VARIANCE**0.5 * noise(4000, seed=1)
    settings = Settings(sampler=name, steps=500, spacing="trailing", **FREE)
    made = denoise(one(), noise(4000), (0,), settings=settings, start=Start(data, strength))
    assert torch.allclose(made.mean(0), MEANS[0], atol=0.02)
    assert torch.allclose(made.var(0), torch.full((2,), VARIANCE, dtype=torch.float64), atol=0.01)


@pytest.mark.parametrize("name", ODE)
def test_a_picture_hardly_drawn_anew_stays_what_it_is(name: str) -> None:
    settings = Settings(sampler=name, steps=50, **FREE)
    begun = MEANS[torch.arange(60) % 3]

    def kept(strength: float) -> float:
        start = Start(begun, strength)
        made = denoise(Mixture(), noise(60), (), settings=settings, start=start)
        same = torch.cdist(made, MEANS).argmin(1) == torch.arange(60) % 3
        return float(same.double().mean())

    assert kept(0.05) == 1.0
    assert kept(1.0) < 0.8


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_drawing_anew_is_resumed_and_heard_from_its_own_first_step(name: str) -> None:
    memory, heard = Trajectories(), []
    settings = Settings(sampler=name, steps=10, **FREE)
    hooks = Hooks(on_step=lambda step: heard.append((step.index, step.count)))

    def made(strength: float, key: str, memory: Trajectories | None = None) -> torch.Tensor:
        start = Start(MEANS[:2], strength, key)
        return denoise(Mixture(), noise(2), (), (), settings, hooks, memory, "n", start)

    first = made(0.5, "a", memory)
    calls = SAMPLERS[name].calls
    assert heard[0] == (0, len(heard))
    assert len(heard) in (5 * calls, 5 * calls - 1)  # Heun's last step is a half
    assert torch.equal(made(0.5, "a", memory), first)
    assert torch.equal(made(0.5, "a"), first)
    assert not torch.equal(made(0.7, "a", memory), first)


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_what_stays_is_put_back_and_the_rest_fits_it(name: str) -> None:
    """One coordinate is known; the other one must come from the component that it belongs to."""
    begun = MEANS[torch.arange(90) % 3]
    start = Start(begun, 1.0, only=torch.tensor([[False, True]]))
    settings = Settings(sampler=name, steps=100, **FREE)
    far = Mixture(means=4 * MEANS)
    made = denoise(far, noise(90), (), settings=settings, start=replace(start, x0=4 * begun))
    assert torch.equal(made[:, 0], 4 * begun[:, 0])
    assert (made[:, 1] - 4 * begun[:, 1]).abs().median() < 0.5


@pytest.mark.parametrize("name", ODE)
def test_a_mixture_keeps_its_shares(name: str) -> None:
    made = denoise(Mixture(), noise(1500), (), settings=Settings(sampler=name, steps=60, **FREE))
    nearest = torch.cdist(made, MEANS).argmin(1).bincount(minlength=3) / 1500
    assert (nearest - 1 / 3).abs().max() < 0.06


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_what_the_network_predicts_does_not_change_the_picture(name: str, prediction: str) -> None:
    settings = Settings(sampler=name, steps=8, **FREE)
    made = denoise(Mixture(prediction), noise(8), (), settings=settings)
    assert torch.allclose(made, denoise(Mixture("v"), noise(8), (), settings=settings), atol=1e-3)


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_the_loop_agrees_with_the_scheduler_run_by_hand(name: str) -> None:
    from engine.diffusion.samplers import scheduler_class

    sampler = SAMPLERS[name]
    options = {**sampler.options, "timestep_spacing": "trailing"}
    schedule = Schedule("linear")
    scheduler = scheduler_class(*sampler.scheduler)(
        trained_betas=schedule.betas.tolist(), prediction_type="epsilon", **options
    )
    scheduler.set_timesteps(12)
    network, x = Mixture("epsilon"), noise(16) * float(scheduler.init_noise_sigma)
    extra = {"generator": torch.Generator().manual_seed(3)} if sampler.random else {}
    for t in scheduler.timesteps:
        inside = scheduler.scale_model_input(x, t)
        out = network.differentiable(inside, float(t), ())
        x = scheduler.step(out, t, x, return_dict=False, **extra)[0]
    ours = denoise(network, noise(16), (), settings=Settings(name, 12, seed=3, **FREE))
    assert (ours - x).abs().max() < 1e-4


# --- guidance


def guided(
    terms: list[g.Term], base: tuple[int, ...] = (), means: torch.Tensor = MEANS
) -> torch.Tensor:
    settings = Settings(sampler="dpmpp_2m", steps=60, spacing="karras", **FREE)
    return denoise(Mixture(means=means), noise(4000), base, terms, settings)


def is_gaussian(made: torch.Tensor, mean: torch.Tensor) -> None:
    assert torch.allclose(made.mean(0), mean, atol=0.02)
    assert torch.allclose(made.var(0), torch.full((2,), VARIANCE, dtype=torch.float64), atol=0.006)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_classifier_free_guidance_moves_the_mean_by_its_scale(scale: float) -> None:
    # Between two Gaussians of one variance the guided score is that of a third one.
    made = guided([g.classifier_free((0,), (1,), scale)], (0,))
    is_gaussian(made, MEANS[1] + scale * (MEANS[0] - MEANS[1]))


def test_a_negative_condition_pushes_away() -> None:
    made = guided([g.classifier_free((0,), (2,), 2.0)], (0,))
    is_gaussian(made, 2 * MEANS[0] - MEANS[2])


def test_classifier_guidance_at_scale_one_samples_the_class() -> None:
    exact = Mixture()
    made = guided([g.classifier("exact", exact.log_probabilities, 0, 1.0)])
    is_gaussian(made, MEANS[0])


def test_an_embedding_guides_by_its_gradient() -> None:
    exact = Mixture(means=MEANS[:1])

    def ratio(moment: g.Moment) -> torch.Tensor:
        return Mixture().log_density(moment.x, moment.t, (1,)) - exact.log_density(
            moment.x, moment.t, (0,)
        )

    is_gaussian(guided([g.Gradient("ratio", ratio, 0.5)], (0,)), (MEANS[0] + MEANS[1]) / 2)


def unit(x: torch.Tensor, t: float) -> torch.Tensor:
    return x / x.norm(dim=1, keepdim=True)


def test_clip_guidance_turns_pictures_toward_the_text() -> None:
    text = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for through in (False, True):
        term = g.clip("plane", unit, text, 4.0, through_network=through)
        made = guided([term], (0,))
        assert (made @ text / made.norm(dim=1)).mean() > (
            noise(1) * 0 + MEANS[0] @ text / MEANS[0].norm()
        ).max()


def test_two_scales_add_up() -> None:
    terms = list(g.two_scale((2,), (1,), (0,), 1.5, 2.0))
    made = guided(terms, (0,))
    is_gaussian(made, MEANS[2] + 1.5 * (MEANS[1] - MEANS[2]) + 2.0 * (MEANS[0] - MEANS[1]))


def test_terms_add_up_and_conditions_are_asked_once() -> None:
    both = [g.classifier_free((0,), (1,), 1.5), g.classifier_free((0,), (2,), 1.5)]
    weights = g.coefficients((0,), both)
    assert weights == {(0,): 2.0, (1,): -0.5, (2,): -0.5}
    is_gaussian(guided(both, (0,)), 2 * MEANS[0] - 0.5 * (MEANS[1] + MEANS[2]))


def test_a_term_outside_its_interval_does_nothing() -> None:
    off = guided([g.classifier_free((0,), (1,), 5.0, (0.5, 0.5))], (0,))
    assert torch.equal(off, guided([], (0,)))


def test_rescale_gives_back_the_spread() -> None:
    plain, wild = noise(2, 1) * 1.0, noise(2, 2) * 7 + 1
    full = g.rescale(wild, plain, 1.0)
    assert torch.allclose(full.std(1), plain.std(1))
    assert torch.equal(g.rescale(wild, plain, 0.0), wild)


def test_dynamic_thresholding_fades_and_static_clips() -> None:
    x0 = torch.linspace(-4, 4, 1001)[None]
    assert threshold(x0, "static").abs().max() == 1
    faded = threshold(x0, "dynamic", 0.9)
    assert faded.abs().max() == 1
    assert (faded.abs() == 1).float().mean() < 0.11
    small = x0 / 8
    assert torch.equal(threshold(small, "dynamic"), small)
    assert torch.equal(threshold(x0, "none"), x0)


# --- resuming, listening, stopping


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_a_run_resumed_from_step_k_is_the_run_from_the_start(name: str) -> None:
    memory, network = Trajectories(), Mixture()
    settings = Settings(sampler=name, steps=10, **FREE)

    def run(scale: float, kept: Trajectories | None) -> torch.Tensor:
        terms = [g.classifier_free((0,), (1,), scale, (0.6, 1.0))]
        return denoise(network, noise(4), (0,), terms, settings, memory=kept, noise_key="n")

    run(2.0, memory)
    calls, network.calls = network.calls, 0
    late = run(3.0, memory)
    assert 0 < network.calls <= calls * 0.45
    assert torch.equal(late, run(3.0, None))


def test_nothing_is_resumed_for_another_noise_model_or_sampler() -> None:
    memory, network = Trajectories(), Mixture()
    denoise(network, noise(2), (), settings=Settings(steps=4), memory=memory, noise_key="a")
    for settings, key in (
        (Settings(steps=4), "b"),
        (Settings("euler", 4), "a"),
        (Settings(steps=5), "a"),
    ):
        network.calls = 0
        denoise(network, noise(2), (), settings=settings, memory=memory, noise_key=key)
        assert network.calls == settings.steps


def test_the_oldest_states_make_room() -> None:
    memory = Trajectories(limit_bytes=60_000)
    for seed in range(20):
        denoise(Mixture(), noise(8), (), settings=Settings(steps=10, seed=seed), memory=memory)
    assert memory._bytes <= 60_000


def test_every_step_is_heard_even_when_it_was_at_hand() -> None:
    memory = Trajectories()
    for _ in range(2):
        heard: list[int] = []
        hooks = Hooks(on_step=lambda step, heard=heard: heard.append(step.index))
        denoise(Mixture(), noise(2), (), settings=Settings(steps=6), hooks=hooks, memory=memory)
        assert heard == list(range(6))


def test_a_cancel_stops_before_the_next_step() -> None:
    token, network = CancelToken(), Mixture()
    hooks = Hooks(on_step=lambda step: token.cancel() if step.index == 2 else None, cancel=token)
    with pytest.raises(Cancelled):
        denoise(network, noise(2), (), settings=Settings(steps=10), hooks=hooks)
    assert network.calls == 3


def test_a_network_that_answers_nonsense_is_told() -> None:
    network = Mixture(means=MEANS * float("nan"))
    with pytest.raises(ModelError, match="step 1"):
        denoise(network, noise(2), ())


def test_a_spacing_or_a_count_of_steps_that_does_not_go_is_told() -> None:
    with pytest.raises(RecipeError, match="DDIM knows the spacings"):
        denoise(Mixture(), noise(2), (), settings=Settings("ddim", spacing="karras"))
    with pytest.raises(RecipeError, match="1000 timesteps"):
        denoise(Mixture(), noise(2), (), settings=Settings("ddim", steps=1001))


# --- schedules


def test_schedules_are_the_published_ones() -> None:
    linear = Schedule("linear")
    assert linear.betas[0] == pytest.approx(1e-4)
    assert linear.betas[-1] == pytest.approx(0.02)
    cosine = Schedule("cosine")
    t = np.arange(1, 900)
    true = (
        np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    )
    assert np.allclose(cosine.alphas_cumprod[t - 1], true)
    assert cosine.betas.max() == 0.999
    assert 80 < 1 / Schedule("cosine", most_beta=0.1).alphas[-1] < 110


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_predictions_are_one_thing_from_three_sides(prediction: str) -> None:
    x0, eps = noise(4, 1), noise(4, 2)
    alpha, sigma = 0.6, 0.8
    x = alpha * x0 + sigma * eps
    output = from_x0(prediction, x0, x, alpha, sigma)
    assert torch.allclose(to_x0(prediction, output, x, alpha, sigma), x0)


def test_min_snr_counts_the_picture_alike_whatever_is_predicted() -> None:
    schedule = Schedule("cosine")
    wanted = np.minimum(schedule.snr, 5)
    assert np.allclose(min_snr_weights(schedule, "x0"), wanted)
    # An error d in the picture is an error alpha/sigma d in epsilon and 1/sigma d in v.
    assert np.allclose(min_snr_weights(schedule, "epsilon") * schedule.snr, wanted)
    assert np.allclose(min_snr_weights(schedule, "v") / schedule.sigmas**2, wanted)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ModelError, match="schedule is cosine"):
        Schedule("sigmoid")  # type: ignore[arg-type]


def test_what_has_no_bounds_is_not_held_in_any() -> None:
    free = Mixture(means=6 * MEANS)
    free.bounded = False
    held = denoise(Mixture(means=6 * MEANS), noise(60), (), (), Settings())
    made = denoise(free, noise(60), (), (), Settings())
    assert held.abs().max() <= 1.001
    assert torch.equal(made, denoise(free, noise(60), (), (), Settings(threshold="none")))
    assert made.abs().max() > 3
