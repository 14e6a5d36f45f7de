"""StyleGAN3's activation between its two filters (Karras et al., 2021, figure 4b), by lines.

What lies between is never stored as a whole: a line of the fine grid is made, activated, filtered
across, and put into a ring of as many lines as the second filter has taps. Zero-insertion, margins
and gains stand in tables of coefficients, one line of taps for every sample of the fine grid. A
filter that is no product of two lines is a sum of a few such products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

if TYPE_CHECKING:
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

GROUP = 16  # channels that pass through together
EXACT = 1e-6  # of the largest singular value; what is less is rounding of the filter itself


@dataclass(frozen=True, eq=False)
class UpTable:
    """For each fine sample the first coarse one that it takes, and the factors from there on.

    total: the sum of the factors of samples that exist.
    """

    start: Int64[np.ndarray, " fine"]
    factors: Float32[np.ndarray, "fine taps"]
    total: Float32[np.ndarray, " fine"]


def up_table(
    line: Float64[np.ndarray, " taps"], factor: int, before: int, size: int, fine: int
) -> UpTable:
    """Zeros between `size` samples, `before` more in front, then the filter, gain included."""
    taps = len(line)
    samples = np.arange(size)
    tap = np.arange(fine)[:, None] - before + taps - 1 - samples[None] * factor
    whole = np.where((tap >= 0) & (tap < taps), line[np.clip(tap, 0, taps - 1)], 0.0)
    most = min(size, -(-taps // factor))
    first = -(-(np.arange(fine) - before) // factor)
    start = np.clip(first, 0, size - most).astype(np.int64)
    factors = np.take_along_axis(whole, start[:, None] + np.arange(most)[None], axis=1)
    return UpTable(
        start,
        np.ascontiguousarray(factors, np.float32),
        np.ascontiguousarray(factors.sum(axis=1), np.float32),
    )


@dataclass(frozen=True, eq=False)
class DownTable:
    """across: taps of each product. down: for each place in the ring at which a sum may begin, the
    taps in the order of the ring."""

    across: Float32[np.ndarray, "products taps"]
    down: Float32[np.ndarray, "taps products taps"]


def down_table(kernel: Float64[np.ndarray, "*taps"]) -> DownTable:
    """kernel: a line or a square, in the order in which it meets the samples."""
    if kernel.ndim == 1:
        lines, columns = kernel[None], kernel[None]
    else:
        u, s, v = np.linalg.svd(kernel)
        count = int(np.sum(s > s[0] * EXACT))
        root = np.sqrt(s[:count, None])
        columns, lines = u[:, :count].T * root, v[:count] * root
    taps = kernel.shape[0]
    turned = [np.roll(columns, shift, axis=1) for shift in range(taps)]
    return DownTable(
        np.ascontiguousarray(lines, np.float32), np.ascontiguousarray(np.stack(turned), np.float32)
    )


def emit_filtered(module: ir.Module, lanes: int) -> Emit:
    """filtered(x, row, pixel, width, scale, bias, row_start, row_factors, row_total,
    column_start, column_factors, up_taps, fine, slope, limit, across, down, products, taps, step,
    y, y_row, y_pixel, y_width, y_height, y_scale, room).

    16 channels of one picture. x: [_, width] pixels, times scale, plus bias. The tables: UpTable
    of lines and of columns (`fine` of them, the gain of the activation included) and DownTable.
    y: [y_height, y_width] pixels, times y_scale. room: width + fine + taps * products * y_width
    pixels of 16 floats.
    """
    from engine.backends.kernels.emit import Emit

    kinds = "piiippqppqpiiffppiiipiiiipp"
    e = Emit(module, "filtered", kinds, lanes)
    (
        x, row, pixel, width, scale, bias, row_start, row_factors, row_total, column_start,
        column_factors, up_taps, fine, slope, limit, across, down, products, taps, step,
        y, y_row, y_pixel, y_width, y_height, y_scale, room,
    ) = e.args  # fmt: skip
    slope, limit = e.splat(slope), e.splat(limit)
    sums = _Sums(e, GROUP // lanes)
    first, second = room, e.at(room, (width, GROUP))
    ring = e.at(second, (fine, GROUP))
    line = e.b.mul(y_width, e.number(GROUP))
    last = e.sum((e.b.sub(y_height, e.number(1)), step), taps)
    with e.loop(last) as f:
        begin = e.at(x, (e.b.load(e.b.gep(row_start, [f])), row))
        edge = e.splat(e.scalar(row_total, f))
        with e.loop(width) as px:
            sums.clear()
            source = e.at(begin, (px, pixel))
            with e.loop(up_taps) as k:
                sums.add(e.scalar(row_factors, (f, up_taps), k), source, (k, row))
            for v, total in sums.totals():
                shift = e.b.fmul(e.load(bias, v), edge)
                e.store(e.fma(total, e.load(scale, v), shift), first, (px, GROUP), v)
        with e.loop(fine) as px:
            sums.clear()
            source = e.at(first, (e.b.load(e.b.gep(column_start, [px])), GROUP))
            with e.loop(up_taps) as k:
                sums.add(e.scalar(column_factors, (px, up_taps), k), source, (k, GROUP))
            for v, total in sums.totals():
                e.store(e.leaky_clamped(total, slope, limit), second, (px, GROUP), v)
        slot = e.b.srem(f, taps)
        with e.loop(products) as product:
            target = e.at(ring, (e.b.add(e.b.mul(slot, products), product), line))
            with e.loop(y_width) as px:
                sums.clear()
                source = e.at(second, (px, step, GROUP))
                with e.loop(taps) as k:
                    sums.add(e.scalar(across, (product, taps), k), source, (k, GROUP))
                for v, total in sums.totals():
                    e.store(total, target, (px, GROUP), v)
        past = e.b.sub(f, e.b.sub(taps, e.number(1)))
        whole = e.b.icmp_signed(">=", past, e.number(0))
        due = e.b.icmp_signed("==", e.b.srem(past, step), e.number(0))
        with e.b.if_then(e.b.and_(whole, due)):
            target = e.at(y, (e.b.sdiv(past, step), y_row))
            turn = e.at(down, (e.b.srem(past, taps), products, taps))
            with e.loop(y_width) as px:
                sums.clear()
                with e.loop(products) as product, e.loop(taps) as k:
                    place = e.b.add(e.b.mul(k, products), product)
                    source = e.at(ring, (place, line), (px, GROUP))
                    sums.add(e.scalar(turn, (product, taps), k), source)
                for v, total in sums.totals():
                    e.store(e.b.fmul(total, e.load(y_scale, v)), target, (px, y_pixel), v)
    e.done()
    return e


class _Sums:
    """The running sums of a group of channels, in registers."""

    def __init__(self, e: Emit, vectors: int) -> None:
        self.e = e
        self.places = [e.place(e.vector) for _ in range(vectors)]

    def clear(self) -> None:
        for place in self.places:
            self.e.b.store(self.e.splat(0.0), place)

    def add(self, factor: Any, pointer: Any, *terms: Any) -> None:
        """factor times the vectors that lie there."""
        e, many = self.e, self.e.splat(factor)
        for index, place in enumerate(self.places):
            value = e.load(pointer, index * e.lanes, *terms)
            e.b.store(e.fma(value, many, e.b.load(place)), place)

    def totals(self) -> list[tuple[int, Any]]:
        """Offset within the group, and sum."""
        e = self.e
        return [(index * e.lanes, e.b.load(place)) for index, place in enumerate(self.places)]
