"""The convolutions of `fast_conv` and `fast_doubling` by products of bfloat16 tiles, where the
processor has them: of plain numbers, for previews, and doubling ones also of split numbers, which
are as exact as floats need be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.gemm import COLUMNS, pack
from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import aligned, empty, zeros
from engine.backends.kernels.tiles import BLOCK, DEPTH, split_panels, tile_panels
from engine.backends.kernels.winograd import winograd_taps
from engine.gan.fast_conv import Finish, FlatConv, room
from engine.gan.fast_doubling import DoublingConv, NarrowDoublingConv
from engine.gan.fast_maps import Hands, Map, parts, rows_padded

COLUMNS_AT_ONCE = 256  # of the products of few pixels, for one hand
ROOM = 2**18  # floats of what goes in and comes out at once, to stay near the processor


def fits(conv: FlatConv | DoublingConv) -> bool:
    """Whether its channels fill whole tiles."""
    return conv.ins % DEPTH == 0 and conv.outs % BLOCK == 0


class SplitDoublingConv(NarrowDoublingConv):
    """A doubling convolution of numbers split in two, with an error of some 1e-5.

    exact: one that `fits`.
    """

    suffix = "_split"
    halves = 2
    rows = BLOCK

    def __init__(self, exact: DoublingConv) -> None:
        self.outs, self.ins, self.filter = exact.outs, exact.ins, exact.filter
        self.packed = split_panels(exact.packed)
        self.rest = self.packed.strides[0] // 4


class TileDoublingConv(NarrowDoublingConv):
    """The same of the nearest numbers alone."""

    suffix = "_tiles"
    rows = BLOCK

    def __init__(self, split: SplitDoublingConv) -> None:
        self.outs, self.ins, self.filter = split.outs, split.ins, split.filter
        self.packed = split.packed[0]


class SplitFewConv(FlatConv):
    """A flat convolution of few pixels by numbers split in two, with an error of some 1e-5.

    exact: one by a single matrix product that `fits`.
    """

    suffix = "_split"
    halves = 2  # of a float that each number takes which goes into the products

    def __init__(self, exact: FlatConv) -> None:
        self.few, self.outs, self.ins = True, exact.outs, exact.ins
        self.packed = split_panels(exact.packed)
        self.rest = self.packed.strides[0] // 4

    def _products(
        self, kernels: Kernels, hands: Hands, taps: Float32[np.ndarray, "n pixels 9 ins"],
        styles: Float32[np.ndarray, "n ins"],
    ) -> Float32[np.ndarray, "rows outs"]:  # fmt: skip
        each, depth = taps.shape[1], 9 * self.ins
        left = zeros((rows_padded(len(taps) * each, BLOCK), depth * self.halves // 2))
        scale, gemm = (getattr(kernels, f"{name}{self.suffix}") for name in ("scale", "gemm"))
        scales = aligned(np.tile(styles, 9))
        for picture, values in enumerate(taps):
            place = address(left, picture * each)
            scale(address(values), each, depth, address(scales, picture), place)
        sums: Float32[np.ndarray, "rows outs"] = empty((len(left), self.outs))
        pieces = parts(self.outs, COLUMNS_AT_ONCE)

        def work(index: int) -> None:
            first, last = pieces[index]
            gemm(
                address(left), left.shape[1], 0, address(self.packed, 0, first // COLUMNS),
                self.rest, address(sums, 0, first), self.outs, 0, len(left), depth, last - first, 1,
            )  # fmt: skip

        hands.each(work, len(pieces))
        return sums


class TileFewConv(SplitFewConv):
    """The same of the nearest numbers alone."""

    suffix = "_tiles"
    halves = 1
    rest = 0

    def __init__(self, split: SplitFewConv) -> None:
        self.few, self.outs, self.ins = True, split.outs, split.ins
        self.packed = split.packed


class TileFlatConv(FlatConv):
    """A flat convolution by bfloat16 tiles, for maps of a width that is a multiple of 32.

    exact: one by Winograd's filtering that `fits`.
    """

    def __init__(self, exact: FlatConv) -> None:
        self.few, self.outs, self.ins = False, exact.outs, exact.ins
        self.packed = tile_panels(pack(winograd_taps(exact.packed, exact.m)))

    def run(
        self, kernels: Kernels, hands: Hands, x: Map, styles: Float32[np.ndarray, "n ins"],
        finish: Finish, out: Map,
    ) -> None:  # fmt: skip
        """See FlatConv."""

        def work(index: int) -> None:
            picture, first, _ = pieces[index]
            sums = self._sums(kernels, x, styles, *pieces[index])
            start = out.first(picture, first)
            self._finish(kernels, sums, x, finish, *pieces[index], start, out.row)

        pieces = self._pieces(x)
        hands.each(work, len(pieces))

    def bands(
        self, kernels: Kernels, hands: Hands, x: Map, styles: Float32[np.ndarray, "n ins"],
        finish: Finish, use: Callable[[int, int, int, int, int], None],
    ) -> None:  # fmt: skip
        """See FlatConv."""
        row = x.width * self.outs

        def work(index: int) -> None:
            picture, first, last = pieces[index]
            sums = self._sums(kernels, x, styles, *pieces[index])
            self._finish(kernels, sums, x, finish, *pieces[index], sums, row)
            use(picture, first, last - first, sums, row)

        pieces = self._pieces(x)
        hands.each(work, len(pieces))

    def _pieces(self, x: Map) -> list[tuple[int, int, int]]:
        """Of each picture an even count of lines at once."""
        each = x.width * (self.ins // 2 + self.outs)  # floats of a line
        step = max(2, ROOM // each // 2 * 2)
        return [
            (picture, first, min(first + step, x.height))
            for picture in range(len(x.values))
            for first in range(0, x.height, step)
        ]

    def _sums(
        self, kernels: Kernels, x: Map, styles: np.ndarray, picture: int, first: int, last: int
    ) -> int:
        """The address of what the taps made of lines first to last."""
        lines, wide = last - first, x.width + 2
        line = wide * self.ins // 2
        left, sums, *_ = room((lines + 2) * line, lines * x.width * self.outs)
        start, by = x.origin(picture) + 4 * first * x.row, address(styles, picture)
        for place in range(lines + 2):
            here = start + 4 * place * x.row
            kernels.scale_tiles(here, wide, self.ins, by, left + 4 * place * line)
        packed = address(self.packed)
        kernels.conv_tiles(left, packed, sums, lines, x.width, self.ins, self.outs)
        return sums

    def _finish(
        self, kernels: Kernels, sums: int, x: Map, finish: Finish, picture: int, first: int,
        last: int, start: int, row: int,
    ) -> None:  # fmt: skip
        """Sums to pixels, which may take their place. start: address of the first, `row` floats
        a line."""
        scale, bias = address(finish.scale, picture), address(finish.bias)
        noise, below = finish.noise_of(picture, first), finish.noise.strides[1]
        for place in range(last - first):
            kernels.finish(
                sums + 4 * place * x.width * self.outs, x.width, self.outs, start + 4 * place * row,
                scale, bias, noise + place * below, finish.slope, finish.limit,
            )  # fmt: skip
