"""3x3 convolutions that double the size, on compiled kernels: products by tap, then one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.gemm import ROWS, pack
from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import empty, zeros
from engine.gan.fast_conv import TILES, Finish
from engine.gan.fast_maps import Hands, Map, padded, parts, rows_padded

PIXELS = 256  # at once, of pictures that small


class DoublingConv:
    """A transposed 3x3 convolution of stride 2 and the separable low-pass filter after it.

    filter: 4 taps of one axis, in the order in which they meet the pixels, of sum 2.
    """

    suffix = ""  # of the kernel of its products
    taps = ""  # of the kernel that adds up what the taps made
    halves = 2  # of a float that each number takes which goes into the products
    rows = ROWS  # that the products take at once
    rest = 0  # where, so many floats on, the packed weights go on with what is left of them

    def _units(
        self, x: Map, picture: int, styles: Float32[np.ndarray, "n ins"], finish: Finish
    ) -> tuple[Float32[np.ndarray, " ins"], Finish]:
        """What scales the numbers that a picture's products take in, and what follows them."""
        return styles[picture], finish

    def __init__(
        self, weight: Float32[np.ndarray, "o i 3 3"], filter: Float32[np.ndarray, " 4"]
    ) -> None:
        self.outs, self.ins = padded(weight.shape[0]), padded(weight.shape[1])
        taps = np.zeros((self.ins, 9, self.outs), np.float32)
        taps[: weight.shape[1], :, : weight.shape[0]] = weight.transpose(1, 2, 3, 0).reshape(
            weight.shape[1], 9, weight.shape[0]
        )
        self.packed = pack(taps.reshape(self.ins, -1))
        self.filter = np.ascontiguousarray(filter, np.float32)

    def run(
        self,
        kernels: Kernels,
        hands: Hands,
        x: Map,
        styles: Float32[np.ndarray, "n ins"],
        finish: Finish,
        out: Map,
    ) -> None:
        """Fill `out`, of twice the size, with what comes of x."""
        height = x.height
        if height * x.width <= PIXELS:
            together = PIXELS // (height * x.width)
            pieces = [(pair, 0, height) for pair in parts(len(x.values), together)]
        else:
            lines = -(-height // hands.count)
            pieces = [
                ((picture, picture + 1), first, last)
                for picture in range(len(x.values))
                for first, last in parts(height, lines)
            ]
        self_run = self._small if height * x.width <= PIXELS else self._band

        def work(index: int) -> None:
            self_run(kernels, x, styles, finish, out, *pieces[index])

        hands.each(work, len(pieces))

    def _small(
        self, kernels: Kernels, x: Map, styles: np.ndarray, finish: Finish, out: Map,
        pictures: tuple[int, int], first: int, last: int,
    ) -> None:  # fmt: skip
        pixels = x.height * x.width
        count = (pictures[1] - pictures[0]) * pixels
        left = self._room(count)
        for place, picture in enumerate(range(*pictures)):
            here = left[place * pixels :]
            self._scale(kernels, x.inside[picture], styles[picture], here)
        line = x.width * 9 * self.outs
        sums = empty((pictures[1] - pictures[0], x.height + 2, line))
        sums[:, 0] = sums[:, -1] = 0
        made = empty((len(left), 9 * self.outs))
        self._products(kernels, left, made)
        sums[:, 1:-1] = made[:count].reshape(len(sums), x.height, line)
        room = zeros((x.width + 2) * 6 * self.outs)
        for place, picture in enumerate(range(*pictures)):
            lines = self._lines(kernels, x, picture, finish, out, room)
            start, below = address(sums, place), sums.strides[1]
            for y in range(first, last):
                lines([start + (y + step) * below for step in range(3)], y)

    def _band(
        self, kernels: Kernels, x: Map, styles: np.ndarray, finish: Finish, out: Map,
        pictures: tuple[int, int], first: int, last: int,
    ) -> None:  # fmt: skip
        picture = pictures[0]
        step = max(1, TILES // x.width)
        groups = 3 if step == 1 else 2  # enough for the line above, the one at hand and the next
        line = x.width * 9 * self.outs
        # What fills rows up goes into the room after the last line of a group.
        sums = empty((groups, step * line + self.rows * 9 * self.outs))
        nothing = zeros(line)
        room = zeros((x.width + 2) * 6 * self.outs)
        inside = x.inside[picture]
        style, finish = self._units(x, picture, styles, finish)
        left = self._room(step * x.width)
        begin, end = max(0, first - 1), min(x.height, last + 1)

        lines = self._lines(kernels, x, picture, finish, out, room)
        outside, kept, below = address(nothing), address(sums), sums.strides[0]

        def made(y: int) -> int:
            if not begin <= y < end:
                return outside
            group, place = divmod(y - begin, step)
            return kept + group % groups * below + 4 * place * line

        done = first
        for start in range(begin, end, step):
            stop = min(start + step, end)
            pixels = (stop - start) * x.width
            self._scale(kernels, inside[start:stop], style, left)
            self._products(
                kernels,
                left[: rows_padded(pixels, self.rows)],
                sums[(start - begin) // step % groups],
            )
            # The lines below the last one made are still to come.
            ready = last if stop == end else min(last, stop - 1)
            for y in range(done, ready):
                lines([made(y - 1), made(y), made(y + 1)], y)
            done = max(done, ready)

    def _room(self, pixels: int) -> np.ndarray:
        """For what the products take of so many pixels, in the places of floats."""
        return zeros((rows_padded(pixels, self.rows), self.ins * self.halves // 2))

    def _scale(
        self, kernels: Kernels, lines: np.ndarray, style: np.ndarray, left: np.ndarray
    ) -> None:
        """The lines' pixels, scaled, one after another."""
        room = left[: lines.shape[0] * lines.shape[1]].reshape(lines.shape)
        np.multiply(lines, style, out=room)

    def _products(self, kernels: Kernels, left: np.ndarray, out: np.ndarray) -> None:
        """All taps of whole blocks of pixels, into `out`."""
        wide = 9 * self.outs
        getattr(kernels, f"gemm{self.suffix}")(
            address(left), left.shape[1], 0, address(self.packed), self.rest, address(out), wide,
            0, len(left), self.ins, wide, 1,
        )  # fmt: skip

    def _lines(
        self, kernels: Kernels, x: Map, picture: int, finish: Finish, out: Map, room: np.ndarray
    ) -> Callable[[Sequence[int], int], None]:
        """What adds up the taps near line y of x to two lines of `out`."""
        upsample = getattr(kernels, f"upsample{self.taps}")
        before = (x.width, self.outs, address(self.filter), address(room))
        after = (address(finish.scale, picture), address(finish.bias))
        first, row = out.first(picture), out.row
        noise, below = finish.noise_of(picture), finish.noise.strides[1]

        def lines(near: Sequence[int], y: int) -> None:
            upsample(
                *near, *before, first + 8 * y * row, row, *after, noise + 2 * y * below,
                finish.slope, finish.limit,
            )  # fmt: skip

        return lines


class NarrowDoublingConv(DoublingConv):
    """One whose products take in numbers of 16 bits, two in the place of a float."""

    halves = 1

    def _scale(
        self, kernels: Kernels, lines: np.ndarray, style: np.ndarray, left: np.ndarray
    ) -> None:
        count, width = lines.shape[:2]
        scale = getattr(kernels, f"scale{self.suffix}")
        here, there, by = address(lines), address(left), address(style)
        for line in range(count):
            start = there + line * width * left.strides[0]
            scale(here + line * lines.strides[0], width, self.ins, by, start)
