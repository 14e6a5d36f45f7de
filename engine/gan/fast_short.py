"""The convolutions of `fast_conv` and `fast_doubling` in numbers of 16 bits, for previews.

Whole numbers of 13 and 14 bits on either side of a product; what they stand for is found from the
weights once, and from a sample of each map, and sums stay exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import empty
from engine.backends.kernels.short import RIGHT, short_panels
from engine.backends.kernels.winograd import LEFT
from engine.gan.fast_conv import Finish, FlatConv
from engine.gan.fast_doubling import DoublingConv, NarrowDoublingConv
from engine.gan.fast_maps import Map

SAMPLES = 24  # tiles of a map that tell how large its transformed numbers are
LINES = 8  # every so many lines of a map tell the same of itself
HEADROOM = 1.5  # for what the sample did not meet; what is larger still is cut off


class ShortFlatConv(FlatConv):
    """A flat convolution whose products are whole numbers."""

    suffix = "_short"
    share = 2

    def __init__(self, exact: FlatConv) -> None:
        assert exact.m == 6
        assert not exact.few
        self.m, self.few, self.outs, self.ins = exact.m, exact.few, exact.outs, exact.ins
        most = np.abs(exact.packed).max(axis=(1, 2, 3), keepdims=True)
        self._units = np.maximum(most / RIGHT, 1e-30).astype(np.float32)
        self.packed = short_panels(exact.packed, self._units)

    def steps(
        self, kernels: Kernels, x: Map, picture: int, styles: Float32[np.ndarray, "n ins"]
    ) -> tuple[np.ndarray, np.ndarray]:
        """See FlatConv: found from some tiles of the map."""
        products = (self.m + 2) ** 2
        across = -(-x.width // self.m)
        each = across * -(-x.height // self.m)
        chosen = np.unique(np.linspace(0, each - 1, SAMPLES).astype(int))
        v = empty((len(chosen), products, self.ins))
        for place, tile in enumerate(chosen):
            kernels.winograd6_input(
                x.origin(picture), x.row, self.ins, address(styles, picture), address(v, place),
                products * self.ins, across, int(tile), int(tile) + 1, address(v),
            )  # fmt: skip
        most = np.maximum(np.abs(v).max(axis=(0, 2)) * np.float32(HEADROOM), np.float32(1e-20))
        inverse = (np.float32(LEFT) / most).astype(np.float32)
        return inverse, (self._units.reshape(-1) / inverse).astype(np.float32)


class ShortDoublingConv(NarrowDoublingConv):
    """A doubling convolution whose products are whole numbers."""

    suffix = taps = "_short"

    def __init__(self, exact: DoublingConv) -> None:
        self.outs, self.ins, self.filter = exact.outs, exact.ins, exact.filter
        whole = np.abs(exact.packed).max(axis=1).reshape(9, self.outs)  # of each tap and channel
        self._out_units = np.maximum(whole.max(axis=0) / RIGHT, 1e-30).astype(np.float32)
        units = np.tile(self._out_units, 9).reshape(len(exact.packed), 1, -1)
        self.packed = short_panels(exact.packed, units)

    def _units(
        self, x: Map, picture: int, styles: Float32[np.ndarray, "n ins"], finish: Finish
    ) -> tuple[Float32[np.ndarray, " ins"], Finish]:
        style = styles[picture]
        most = float(np.abs(x.inside[picture, ::LINES] * style).max())
        unit = np.float32(max(most * HEADROOM, 1e-20) / LEFT)
        scale = finish.scale * (self._out_units * unit)
        return np.ascontiguousarray(style / unit, np.float32), replace(
            finish, scale=np.ascontiguousarray(scale, np.float32)
        )
