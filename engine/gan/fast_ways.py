"""Which way a convolution of a StyleGAN2 goes: by its size, and by what the processor has."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.tiles import BLOCK
from engine.gan.fast_conv import FlatConv
from engine.gan.fast_doubling import DoublingConv
from engine.gan.fast_short import ShortDoublingConv, ShortFlatConv
from engine.gan.fast_tiles import (
    SplitDoublingConv,
    SplitFewConv,
    TileDoublingConv,
    TileFewConv,
    TileFlatConv,
    fits,
)

BINOMIAL = np.array([1, 3, 3, 1], np.float32) / 8
FEW_PIXELS = 64  # at which one product is quicker than Winograd's many
FEW_SPLIT = 256  # the same of split numbers
ROUGH_FROM = 32  # px; below that little is gained but by tiles
DOUBLING_ROUGH_FROM = 64  # px; smaller maps go another way, which is exact


def flat(weight: Float32[np.ndarray, "o i 3 3"], size: int, m: int, tiles: bool) -> FlatConv:
    """An exact flat convolution at `size` px. m: outputs a side of Winograd's tiles."""
    pixels = size * size
    if pixels <= FEW_SPLIT and tiles and fits(few := FlatConv(weight, m, few=True)):
        return SplitFewConv(few)
    return FlatConv(weight, m, few=pixels <= FEW_PIXELS)


def doubling(weight: Float32[np.ndarray, "o i 3 3"], tiles: bool) -> DoublingConv:
    """An exact doubling convolution."""
    conv = DoublingConv(weight, BINOMIAL * 2)
    return SplitDoublingConv(conv) if tiles and fits(conv) else conv


def rough(conv: FlatConv | DoublingConv, size: int, tiles: bool) -> FlatConv | DoublingConv:
    """The same for previews; the exact one where little is gained. size: px that it makes."""
    if isinstance(conv, SplitFewConv):
        return TileFewConv(conv)
    if isinstance(conv, SplitDoublingConv):
        return TileDoublingConv(conv)
    if size < ROUGH_FROM:
        return conv
    if isinstance(conv, FlatConv):
        if conv.few:
            return conv
        by_tiles = tiles and size % BLOCK == 0 and fits(conv)
        return TileFlatConv(conv) if by_tiles else ShortFlatConv(conv)
    return conv if size < DOUBLING_ROUGH_FROM else ShortDoublingConv(conv)
