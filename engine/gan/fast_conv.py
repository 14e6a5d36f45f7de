"""3x3 convolutions of modulated maps by compiled kernels: flat ones, and ones that double the size.

The style scales what comes in and the demodulation what goes out (Karras et al., 2020, section
2.2), so the weights are transformed once, when the model is opened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.gemm import pack
from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import empty, zeros
from engine.backends.kernels.winograd import winograd_weights
from engine.gan.fast_maps import Hands, Map, padded, parts, rows_padded

TILES = 126  # at once, at most: what they need stays near the processor
_LOCAL = threading.local()
_NONE = np.zeros(1, np.float32)


@dataclass(frozen=True, eq=False)
class Finish:
    """What follows the sum of a convolution. scale: by picture; noise: [n or 1, height, width];
    slope: of the leaky ReLU, 1 for none; limit: of the absolute value, infinite for none."""

    scale: Float32[np.ndarray, "n channels"]
    bias: Float32[np.ndarray, " channels"]
    noise: Float32[np.ndarray, "_ height width"]
    slope: float = 1.0
    limit: float = float("inf")

    def noise_of(self, picture: int, line: int = 0) -> int:
        """The address of a line of a picture's noise."""
        return address(self.noise, picture % len(self.noise), line)


class FlatConv:
    """A 3x3 convolution by Winograd's filtering, or by one matrix product for maps of few tiles.

    m: outputs a side of a tile, 4 or 6.
    """

    suffix = ""  # of the kernels that it runs
    share = 1  # how many numbers a transformed map holds in the place of a float

    def steps(
        self, kernels: Kernels, x: Map, picture: int, styles: Float32[np.ndarray, "n ins"]
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a picture's products are multiplied by before and after, where they are."""
        return _NONE, _NONE

    def __init__(self, weight: Float32[np.ndarray, "o i 3 3"], m: int, few: bool) -> None:
        self.m, self.few = m, few
        self.outs, self.ins = padded(weight.shape[0]), padded(weight.shape[1])
        if few:
            rows = np.zeros((3, 3, self.ins, weight.shape[0]), np.float32)
            rows[:, :, : weight.shape[1]] = weight.transpose(2, 3, 1, 0)
            self.packed = pack(rows.reshape(-1, weight.shape[0]))
        else:
            self.packed = winograd_weights(weight, m, self.ins)

    def run(
        self,
        kernels: Kernels,
        hands: Hands,
        x: Map,
        styles: Float32[np.ndarray, "n ins"],
        finish: Finish,
        out: Map,
    ) -> None:
        """Fill `out` with what comes of x."""
        if self.few:
            self._few(kernels, hands, x, styles, finish, out)
        else:
            self._tiles(kernels, hands, x, styles, finish, out)

    def _few(
        self, kernels: Kernels, hands: Hands, x: Map, styles: np.ndarray, finish: Finish, out: Map
    ) -> None:
        n, height, width = len(x.values), out.height, out.width
        start = x.border - 1
        lines = x.values[:, start:, start:]
        taps = [lines[:, r : r + height, s : s + width] for r in range(3) for s in range(3)]
        pixels = n * height * width
        sums = self._products(kernels, hands, np.stack(taps, 3).reshape(n, -1, 9, self.ins), styles)
        y = sums[:pixels].reshape(n, height, width, self.outs)
        y = y * finish.scale[:, None, None] + (finish.bias + finish.noise[..., None])
        np.clip(np.maximum(y, y * np.float32(finish.slope)), -finish.limit, finish.limit, y)
        out.inside[:] = y

    def _products(
        self, kernels: Kernels, hands: Hands, taps: Float32[np.ndarray, "n pixels 9 ins"],
        styles: Float32[np.ndarray, "n ins"],
    ) -> Float32[np.ndarray, "rows outs"]:  # fmt: skip
        """The sum of the scaled taps for each pixel; there may be more rows."""
        pixels, depth = taps.shape[0] * taps.shape[1], 9 * self.ins
        left = zeros((rows_padded(pixels), depth))
        np.multiply(taps, styles[:, None, None], out=left[:pixels].reshape(taps.shape))
        sums: Float32[np.ndarray, "rows outs"] = empty((len(left), self.outs))
        kernels.gemm(
            address(left), depth, 0, address(self.packed), 0, address(sums), self.outs, 0,
            len(left), depth, self.outs, 1,
        )  # fmt: skip
        return sums

    def _tiles(
        self, kernels: Kernels, hands: Hands, x: Map, styles: np.ndarray, finish: Finish, out: Map
    ) -> None:
        m, products = self.m, (self.m + 2) ** 2
        take, give = (
            getattr(kernels, f"winograd{m}_{end}{self.suffix}") for end in ("input", "output")
        )
        gemm = getattr(kernels, f"gemm{self.suffix}")
        into = [self.steps(kernels, x, picture, styles) for picture in range(len(x.values))]
        depth = self.ins // self.share  # of a product's line, in the places of floats
        across = -(-out.width // m)
        each = across * -(-out.height // m)
        together = max(1, TILES // each)
        pieces = [
            [(picture, 0, each) for picture in range(first, last)]
            for first, last in parts(len(x.values), together)
        ]
        if each > TILES:
            pieces = [
                [(picture, *span)]
                for picture in range(len(x.values))
                for span in parts(each, TILES)
            ]
        rows = min(TILES, rows_padded(each * together))
        v_row, m_row = products * depth + 16, products * self.outs + 16
        packed, panels = address(self.packed), self.packed.strides[0] // 4
        bias = address(finish.bias)
        takes = [
            (x.origin(picture), x.row, self.ins, address(styles, picture))
            for picture in range(len(x.values))
        ]
        gives = [
            (out.first(picture), out.row, out.height, out.width, address(finish.scale, picture),
             bias, finish.noise_of(picture), finish.slope, finish.limit, across)
            for picture in range(len(x.values))
        ]  # fmt: skip

        def work(index: int) -> None:
            v, sums, *_ = room(rows * v_row, rows * m_row)
            filled = 0
            for picture, first, last in pieces[index]:
                there, before = v + 4 * filled * v_row, address(into[picture][0])
                take(*takes[picture], there, v_row, across, first, last, before)
                filled += last - first
            gemm(
                v, v_row, depth, packed, panels, sums, m_row, self.outs, rows_padded(filled),
                self.ins, self.outs, products,
            )  # fmt: skip
            filled = 0
            for picture, first, last in pieces[index]:
                here, after = sums + 4 * filled * m_row, address(into[picture][1])
                give(here, m_row, self.outs, *gives[picture], first, last, after)
                filled += last - first

        hands.each(work, len(pieces))

    def bands(
        self,
        kernels: Kernels,
        hands: Hands,
        x: Map,
        styles: Float32[np.ndarray, "n ins"],
        finish: Finish,
        use: Callable[[int, int, int, int, int], None],
    ) -> None:
        """As run on a map of the same size, but no more than a band of lines is ever kept.

        use: takes each band: picture, first line, how many, address of its first pixel, and
        floats a line. Bands begin at even lines.
        """
        m, products = self.m, (self.m + 2) ** 2
        take, give = (
            getattr(kernels, f"winograd{m}_{end}{self.suffix}") for end in ("input", "output")
        )
        gemm = getattr(kernels, f"gemm{self.suffix}")
        into = [self.steps(kernels, x, picture, styles) for picture in range(len(x.values))]
        depth = self.ins // self.share  # of a product's line, in the places of floats
        across, down = -(-x.width // m), -(-x.height // m)
        v_row, m_row = products * depth + 16, products * self.outs + 16
        rows, row = rows_padded(min(TILES, across)), x.width * self.outs
        packed, panels = address(self.packed), self.packed.strides[0] // 4
        bias = address(finish.bias)

        def work(index: int) -> None:
            picture, line = divmod(index, down)
            v, sums, band = room(rows * v_row, rows * m_row, m * row)
            by, scale = address(styles, picture), address(finish.scale, picture)
            before, after = (address(steps) for steps in into[picture])
            noise, origin, top = finish.noise_of(picture), x.origin(picture), line * m
            for start, stop in parts(across, TILES):
                first, last = line * across + start, line * across + stop
                take(origin, x.row, self.ins, by, v, v_row, across, first, last, before)
                gemm(
                    v, v_row, depth, packed, panels, sums, m_row, self.outs,
                    rows_padded(last - first), self.ins, self.outs, products,
                )  # fmt: skip
                give(
                    sums, m_row, self.outs, band - 4 * top * row, row, x.height, x.width, scale,
                    bias, noise, finish.slope, finish.limit, across, first, last, after,
                )  # fmt: skip
            use(picture, top, min(m, x.height - top), band, row)

        hands.each(work, down * len(x.values))


def room(*sizes: int) -> Sequence[int]:
    """Addresses of so many floats each, kept for the thread that asks."""
    known = list(getattr(_LOCAL, "room", ()))
    for place, size in enumerate(sizes):
        if place == len(known):
            known.append(zeros(size))
        elif known[place].size < size:
            known[place] = zeros(size)
    _LOCAL.room = known
    return [address(one) for one in known]
