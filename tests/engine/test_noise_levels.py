"""Where the noise of diffusion lessons lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.diffusion.unet_config import UNetConfig
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_spec import CODE_LEVELS, PIXEL_LEVELS, TrainDiffusion


def _drawn(levels: tuple[float, float] | None) -> torch.Tensor:
    unet = UNetConfig(8, 2, (8, 16))
    spec = TrainDiffusion("lesson", Path("nowhere"), unet, batch=2048, images=2048, gamma=None)
    run = DiffusionRun(
        replace(spec, levels=levels), np.zeros((4, 3, 8, 8), np.uint8), np.zeros(4, int)
    )
    t = run.timesteps()
    assert 0 <= int(t.min()) <= int(t.max()) < len(run.alphas)
    return torch.log(run.sigmas[t] / run.alphas[t]) if levels else t.float()


@pytest.mark.parametrize("levels", [PIXEL_LEVELS, CODE_LEVELS])
def test_noise_is_drawn_around_its_level(levels: tuple[float, float]) -> None:
    found = _drawn(levels)
    assert (float(found.mean()), float(found.std())) == pytest.approx(levels, abs=0.03)


def test_without_levels_each_timestep_is_as_likely() -> None:
    found = _drawn(None)
    assert float(found.mean()) == pytest.approx(499.5, abs=1)
    assert float(found.std()) == pytest.approx(1000 / 12**0.5, rel=0.01)
