"""What an enlarged picture owes the small one: its colours, where they change slowly.

A network that invents detail may shift colours a little, and every stage of a cascade adds its own
shift. What is coarse is known exactly and is put back (as in Wang et al., 2024, StableSR, section
3.4, there by wavelets).
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

COARSE = 4  # pixels of the small picture in one place of what is put back


def recoloured(
    large: Float[Tensor, "n 3 h2 w2"], small: Float[Tensor, "n 3 h w"]
) -> Float[Tensor, "n 3 h2 w2"]:
    """The large picture, twice the size of the small one, with the coarse colours of that one."""
    missing = F.avg_pool2d(small - F.avg_pool2d(large, 2), COARSE, ceil_mode=True)
    back = F.interpolate(missing, large.shape[-2:], mode="bilinear", align_corners=False)
    found: Tensor = large + back
    return found
