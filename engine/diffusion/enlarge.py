"""What an upsampler makes: not the large picture, but what plain enlarging leaves out of it.

Flat places cost it nothing and cannot turn out mottled, and colours come from the small picture
(residual prediction; Li et al., 2022, SRDiff, section 3.2). Plain is bilinear.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

MISSING = 0.1  # about the deviation of what is left out of portraits in [-1, 1]
MOST_LEVEL = 0.1  # of the noise in what is enlarged, as a share of all timesteps


def left_out(
    large: Float[Tensor, "n 3 h2 w2"], small: Float[Tensor, "n 3 h w"]
) -> Float[Tensor, "n 3 h2 w2"]:
    """What the small picture lacks, of about unit variance."""
    return (large - _plain(small)) / MISSING


def completed(
    lacking: Float[Tensor, "n 3 h2 w2"], small: Float[Tensor, "n 3 h w"]
) -> Float[Tensor, "n 3 h2 w2"]:
    """The large picture; the inverse of `left_out`."""
    return _plain(small) + MISSING * lacking


def _plain(small: Tensor) -> Tensor:
    return F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
