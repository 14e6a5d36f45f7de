"""The second half of an up-sampling convolution: what the nine taps made is added up at twice the
size and low-pass filtered, in one pass.

A transposed convolution of stride 2 is one product a tap, [pixels, in] by [in, 9 out]; its taps
overlap at every second pixel, and a separable filter of 4 taps follows (Karras et al., 2020). Both
together are 6 terms a line and axis.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from engine.backends.kernels.emit import FLOAT, Emit

AT_ONCE = 4  # pixels that are painted side by side, since each waits for its own sum


def terms(phase: int) -> list[tuple[int, int, int]]:
    """(neighbour -1, 0 or 1; tap of the convolution; tap of the filter) for the even (0) or odd
    (1) pixel of a pair."""
    return [
        (near, tap, 2 * near + tap - phase + 1)
        for near in (-1, 0, 1)
        for tap in (0, 1, 2)
        if 0 <= 2 * near + tap - phase + 1 < 4
    ]


def emit_upsample(module: ir.Module, lanes: int, short: bool = False) -> Emit:
    """upsample(above, here, below, width, channels, filter, room, y, row, scale, bias, noise,
    slope, limit).

    above, here, below: [width, 9, channels], what the taps made of three lines of pixels. Makes
    two lines of y, `row` floats apart: [2 width, channels]. room: [width + 2, 6, channels] floats
    whose first and last pixel are zero. noise: two lines of 2 width numbers. short: the taps made
    32-bit whole numbers.
    """
    e = Emit(module, f"upsample{'_short' * short}", "pppiipppipppff", lanes)
    above, here, below, width, channels, taps, room, y, row, scale, bias, noise = e.args[:12]
    slope, limit = e.splat(e.args[12]), e.splat(e.args[13])
    kernel = [e.splat(e.scalar(taps, k)) for k in range(4)]
    lines = {-1: above, 0: here, 1: below}
    with e.loop(width) as x, e.loop(channels, step=lanes) as channel:
        for phase in (0, 1):
            for across in (0, 1, 2):
                parts = []
                for near, tap, k in terms(phase):
                    place = e.sum((x, 9, channels), (channels, 3 * tap + across), channel)
                    parts.append((kernel[k], e.loaded(short, lines[near], place)))
                place = e.at(room, (e.sum(x, 1), 6, channels), (channels, 3 * phase + across))
                e.store(_total(e, parts), place, channel)
    double = e.b.mul(width, e.number(2))
    with e.loop(width) as x, e.loop(channels, step=lanes) as channel:
        gain, shift = e.load(scale, channel), e.load(bias, channel)
        for phase in (0, 1):
            for side in (0, 1):
                parts = []
                for near, tap, k in terms(side):
                    there = (e.sum(x, 1 + near), 6, channels)
                    value = e.load(room, there, (channels, 3 * phase + tap), channel)
                    parts.append((kernel[k], value))
                pixel = e.scalar(noise, (double, phase), (x, 2), side)
                value = e.fma(_total(e, parts), gain, e.b.fadd(shift, e.splat(pixel)))
                value = e.leaky_clamped(value, slope, limit)
                e.store(value, y, (row, phase), (x, 2, channels), (channels, side), channel)
    e.done()
    return e


def _total(e: Emit, parts: list[tuple[Any, Any]]) -> Any:
    factor, value = parts[0]
    total = e.b.fmul(factor, value)
    for factor, value in parts[1:]:
        total = e.fma(factor, value, total)
    return total


def emit_finish(module: ir.Module, lanes: int) -> Emit:
    """finish(x, width, channels, y, scale, bias, noise, slope, limit).

    What follows the sums of a convolution, for one line of pixels: times scale, plus bias, plus
    noise (one number a pixel), through the leaky ReLU and the clamp.
    """
    e = Emit(module, "finish", "piippppff", lanes)
    x, width, channels, y, scale, bias, noise = e.args[:7]
    slope, limit = e.splat(e.args[7]), e.splat(e.args[8])
    with e.loop(width) as pixel:
        added = e.splat(e.scalar(noise, pixel))
        with e.loop(channels, step=lanes) as channel:
            value = e.load(x, (pixel, channels), channel)
            shift = e.b.fadd(e.load(bias, channel), added)
            value = e.fma(value, e.load(scale, channel), shift)
            e.store(e.leaky_clamped(value, slope, limit), y, (pixel, channels), channel)
    e.done()
    return e


def emit_paint(module: ir.Module, lanes: int) -> Emit:
    """paint(x, row, height, width, channels, weights, below, below_row, image, limit).

    What toRGB makes of the features, onto the picture of half the size, doubled. weights: 4
    floats a channel, then 4 of bias. below, image: 4 floats a pixel; `below` has a border of one
    pixel, which is zero, and starts with it; so has `image`, which starts with its first own pixel.
    Both have below_row * 2 - 8 and below_row floats a line. width: a multiple of 4.
    """
    e = Emit(module, "paint", "piiiippipif", lanes)
    x, row, height, width, channels, weights, below, below_row, image, image_row = e.args[:10]
    limit = e.splat(e.args[10], 4)
    least = e.b.fneg(limit)
    one, three = e.splat(0.0625, 4), e.splat(0.1875, 4)
    nine = e.splat(0.5625, 4)
    bias = e.load(weights, (channels, 4), lanes=4)
    totals = [e.place(ir.VectorType(FLOAT, 4)) for _ in range(AT_ONCE)]
    with e.loop(height) as line, e.loop(width, step=AT_ONCE) as first:
        for total in totals:
            e.b.store(bias, total)
        source = e.at(x, (line, row), (first, channels))
        with e.loop(channels) as channel:
            weight = e.load(weights, (channel, 4), lanes=4)
            for place, total in enumerate(totals):
                factor = e.splat(e.scalar(source, channel, (channels, place)), 4)
                e.b.store(e.fma(factor, weight, e.b.load(total)), total)
        near_y, far_y = _pair(e, line)
        for place, total in enumerate(totals):
            px = e.sum(first, place)
            value = e.largest(e.smallest(e.b.load(total), limit), least)
            near_x, far_x = _pair(e, px)
            for y, xs, factor in (
                (near_y, near_x, nine),
                (near_y, far_x, three),
                (far_y, near_x, three),
                (far_y, far_x, one),
            ):
                value = e.fma(e.load(below, (y, below_row), (xs, 4), lanes=4), factor, value)
            e.store(value, image, (line, image_row), (px, 4))
    e.done()
    return e


def _pair(e: Emit, index: Any) -> tuple[Any, Any]:
    """Where, border included, the nearer and the farther pixel of the half-size picture lie."""
    near = e.b.add(e.b.ashr(index, e.number(1)), e.number(1))
    odd = e.b.and_(index, e.number(1))
    return near, e.b.add(near, e.b.sub(e.b.shl(odd, e.number(1)), e.number(1)))
