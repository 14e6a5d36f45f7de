"""The samplers people choose from, each a scheduler of diffusers with its options spelt out.

Every scheduler is told that the network predicts v, whatever the network really predicts: the
loop turns guided, thresholded pictures into v, which stays well-conditioned from pure noise to
none. So every sampler takes every prediction, every guidance and every thresholding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.denoising import SPACINGS, SamplerName, Spacing
from engine.diffusion.schedule import Schedule
from engine.errors import RecipeError

Name = SamplerName
LCM_STEPS = 50  # of the solver that was distilled


@dataclass(frozen=True)
class Sampler:
    """One sampler. title: as people know it. scheduler: module and class below
    diffusers.schedulers. random: whether it adds noise on the way. calls: of the network a step.
    """

    title: str
    scheduler: tuple[str, str]
    options: Mapping[str, Any]
    random: bool = False
    calls: int = 1


SAMPLERS: Mapping[Name, Sampler] = {
    "ddpm": Sampler(  # Algorithm 2 of Ho et al. (2020)
        "DDPM", ("scheduling_ddpm", "DDPMScheduler"),
        {"clip_sample": False}, random=True,
    ),
    "ddim": Sampler(  # Song et al. (2021); eta 1 is DDPM again
        "DDIM", ("scheduling_ddim", "DDIMScheduler"),
        {"clip_sample": False, "set_alpha_to_one": True},
    ),
    "euler": Sampler(  # Algorithm 2 without churn of Karras et al. (2022), Euler steps
        "Euler", ("scheduling_euler_discrete", "EulerDiscreteScheduler"), {},
    ),
    "euler_ancestral": Sampler(
        "Euler ancestral",
        ("scheduling_euler_ancestral_discrete", "EulerAncestralDiscreteScheduler"),
        {}, random=True,
    ),
    "heun": Sampler(  # Algorithm 1 of Karras et al. (2022)
        "Heun", ("scheduling_heun_discrete", "HeunDiscreteScheduler"), {}, calls=2,
    ),
    "dpmpp_2m": Sampler(  # Lu et al. (2022)
        "DPM-Solver++ 2M", ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler"),
        {"algorithm_type": "dpmsolver++", "solver_order": 2},
    ),
    "dpmpp_2m_sde": Sampler(
        "DPM-Solver++ 2M SDE", ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler"),
        {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}, random=True,
    ),
    "unipc": Sampler(  # Zhao et al. (2023)
        "UniPC", ("scheduling_unipc_multistep", "UniPCMultistepScheduler"),
        {"solver_order": 2},
    ),
    "lcm": Sampler(  # Luo et al. (2023), for models distilled for it
        "LCM", ("scheduling_lcm", "LCMScheduler"), {"clip_sample": False},
        random=True,
    ),
}  # fmt: skip


def make_scheduler(name: Name, schedule: Schedule, spacing: Spacing, steps: int) -> Any:
    """A fresh scheduler with its timesteps set.

    Raises RecipeError for a spacing that the sampler does not know and for more steps than the
    model was trained with.
    """
    sampler = SAMPLERS[name]
    if spacing not in SPACINGS[name]:
        raise RecipeError(
            f"The sampler {sampler.title} knows the spacings {', '.join(SPACINGS[name])}, "
            f"got {spacing}.",
            f"Choose {SPACINGS[name][0]}.",
        )
    if steps > schedule.steps:
        raise RecipeError(
            f"This model has {schedule.steps} timesteps, got {steps} steps.", "Take fewer steps."
        )
    if name == "lcm" and steps > LCM_STEPS:
        raise RecipeError(
            f"The sampler LCM takes at most {LCM_STEPS} steps, got {steps}.", "Take 4 to 8."
        )
    options: dict[str, Any] = dict(sampler.options)
    if spacing in ("karras", "exponential"):
        options[f"use_{spacing}_sigmas"] = True
    else:
        options["timestep_spacing"] = spacing
    if spacing == "leading":
        last = (steps - 1) * (schedule.steps // steps) + schedule.offset
        options["steps_offset"] = schedule.offset if last < schedule.steps else 0
    if name == "ddpm":
        options["variance_type"] = schedule.variance
    scheduler = scheduler_class(*sampler.scheduler)(
        num_train_timesteps=schedule.steps,
        trained_betas=schedule.betas.astype(np.float32).tolist(),
        prediction_type="v_prediction",
        **options,
    )
    scheduler.set_timesteps(steps)
    return scheduler


def scheduler_class(module: str, name: str) -> Callable[..., Any]:
    """A scheduler's class, imported alone: `from diffusers import *` does not survive here."""
    from importlib import import_module

    found: Callable[..., Any] = getattr(import_module(f"diffusers.schedulers.{module}"), name)
    return found
