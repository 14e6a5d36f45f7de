"""Enlarged pictures keep the coarse colours of the small ones."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from engine.diffusion.recolour import recoloured


def test_a_shift_of_colours_is_taken_back_and_detail_stays() -> None:
    rng = torch.Generator().manual_seed(0)
    small = torch.rand(1, 3, 16, 16, generator=rng) * 2 - 1
    detail = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16) * 0.2
    right = F.interpolate(small, scale_factor=2, mode="nearest") + detail
    shifted = right + torch.tensor([0.1, -0.05, 0.2])[None, :, None, None]
    torch.testing.assert_close(recoloured(shifted, small), right, atol=1e-5, rtol=0)
    torch.testing.assert_close(recoloured(right, small), right, atol=1e-5, rtol=0)


def test_sides_need_be_no_multiple_of_the_coarse_places() -> None:
    assert recoloured(torch.zeros(1, 3, 20, 12), torch.ones(1, 3, 10, 6)).shape == (1, 3, 20, 12)
