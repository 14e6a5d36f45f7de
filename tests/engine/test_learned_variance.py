"""DDPM with the variance that a network says (Nichol and Dhariwal, 2021, equation 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from engine.diffusion.denoise import Hooks, Settings, denoise
from engine.diffusion.guidance import classifier_free
from engine.diffusion.schedule import Schedule
from engine.errors import ModelError

STEPS = 4


class Saying:
    """A network that always predicts the same, and says where between its ends the variance is:
    -1 for the posterior's, 1 for beta. Conditions are these numbers."""

    prediction = "epsilon"
    bounded = True
    digest = "saying"

    def __init__(self, eps: float = 0.0, channels: int = 2) -> None:
        self.schedule = Schedule("linear", variance="learned_range")
        self.eps, self.channels = eps, channels

    def predict(self, x: Tensor, t: float, conditions: Sequence[Any]) -> Tensor:
        """See Network."""
        plain = torch.full_like(x, self.eps)
        if self.channels == 1:
            return torch.stack([plain for _ in conditions])
        return torch.stack([torch.cat([plain, torch.full_like(x, said)], 1) for said in conditions])

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        return torch.full_like(x, self.eps)


def after_first(said: float, terms: tuple[Any, ...] = (), sampler: Any = "ddpm") -> Tensor:
    """Many x after one of the steps, all from the same one."""
    seen: list[Tensor] = []

    def keep(x: Tensor, index: int) -> Tensor:
        seen.append(x)
        return x

    settings = Settings(sampler, STEPS, "leading", threshold="none")
    start = torch.full((1, 1, 256, 256), 0.3)
    denoise(Saying(), start, said, terms, settings, Hooks(after_step=keep))
    return seen[0]


@pytest.mark.parametrize("said", [-1.0, -0.4, 0.0, 1.0])
def test_the_noise_has_the_variance_between_its_ends_that_the_network_says(said: float) -> None:
    kept = Schedule("linear").alphas_cumprod
    before, here = kept[500], kept[750]  # "leading": 750, 500, 250, 0
    beta = 1 - here / before
    posterior = (1 - before) / (1 - here) * beta
    share = (said + 1) / 2
    expected = float(beta**share * posterior ** (1 - share))
    assert float(after_first(said).var()) == pytest.approx(expected, rel=0.03)


def test_guidance_moves_the_mean_and_leaves_the_variance_of_the_condition() -> None:
    guided = after_first(1.0, (classifier_free(1.0, -1.0, 5.0),))
    assert torch.allclose(guided, after_first(1.0), atol=1e-5)
    assert not torch.allclose(guided, after_first(-1.0), atol=1e-3)


def test_other_samplers_do_not_ask_for_it() -> None:
    assert torch.equal(after_first(1.0, sampler="ddim"), after_first(-1.0, sampler="ddim"))


def test_the_steps_are_those_of_the_library() -> None:
    network = Saying(eps=0.2)
    theirs = DDPMScheduler(
        beta_schedule="linear", variance_type="learned_range", clip_sample=False,
        timestep_spacing="leading",
    )  # fmt: skip
    theirs.set_timesteps(STEPS)
    x = begun = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    rng = torch.Generator().manual_seed(5)
    for t in theirs.timesteps:
        out = network.predict(x, float(t), [0.3])[0]
        x = theirs.step(out, t, x, generator=rng).prev_sample
    settings = Settings("ddpm", STEPS, "leading", threshold="none", seed=5)
    assert torch.allclose(denoise(network, begun, 0.3, (), settings), x, atol=1e-4)


def test_a_network_that_says_nothing_of_it_is_refused() -> None:
    with pytest.raises(ModelError, match="variance is learned") as caught:
        denoise(Saying(channels=1), torch.zeros(1, 1, 4, 4), 0.0, (), Settings("ddpm", STEPS))
    assert caught.value.remedy
