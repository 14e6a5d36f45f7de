"""What every layer of a StyleGAN3 generator does, worked out from the config. Imports no torch.

Layers are laid out by their frequencies (Karras et al., 2021, section 3.2 and appendix C): cutoff
and stopband grow geometrically from layer to layer; sampling rates, sizes, filters and padding
follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64


class Sizes(Protocol):
    """The fields of StyleGAN3Config that the layout needs; their meanings stand there."""

    @property
    def resolution(self) -> int: ...
    @property
    def channels(self) -> tuple[int, ...]: ...
    @property
    def img_channels(self) -> int: ...
    @property
    def num_critical(self) -> int: ...
    @property
    def first_cutoff(self) -> float: ...
    @property
    def first_stopband(self) -> float: ...
    @property
    def last_stopband_rel(self) -> float: ...
    @property
    def margin_size(self) -> int: ...
    @property
    def conv_kernel(self) -> int: ...
    @property
    def filter_size(self) -> int: ...
    @property
    def lrelu_upsampling(self) -> int: ...
    @property
    def radial(self) -> bool: ...


@dataclass(frozen=True)
class Signal:
    """What passes between two layers. size: pixels, margin included. rate: samples, cutoff and
    half_width (of the transition band): cycles, all for one width of the picture."""

    channels: int
    size: int
    rate: int
    cutoff: float
    half_width: float


@dataclass(frozen=True)
class Layer:
    """One synthesis layer. The activation runs on a grid of `rate`, `up` times finer than what
    comes in and `down` times finer than what goes out; 1 tap means no filter. padding: samples
    of the fine grid before and after. is_torgb: the last layer, which makes the picture."""

    name: str
    before: Signal
    after: Signal
    kernel: int
    rate: int
    up: int
    down: int
    up_taps: int
    down_taps: int
    radial: bool
    padding: tuple[int, int]
    is_torgb: bool


def layers_of(config: Sizes) -> tuple[Layer, ...]:
    """Every layer, the last one included, in the order they run."""
    signals = _signals(config)
    last = len(signals) - 1
    return tuple(
        _layer(config, index, signals[max(index - 1, 0)], signals[index], index == last)
        for index in range(last + 1)
    )


def _signals(config: Sizes) -> list[Signal]:
    """What each layer puts out; the input puts out what the first layer does."""
    count = len(config.channels)
    # Geometric up to the critically sampled layers, constant from there.
    share = np.minimum(np.arange(count + 1) / (count - config.num_critical), 1.0)
    last_cutoff = config.resolution / 2
    cutoffs = _progression(config.first_cutoff, last_cutoff, share)
    last_stopband = last_cutoff * config.last_stopband_rel
    stopbands = _progression(config.first_stopband, last_stopband, share)
    rates = np.exp2(np.ceil(np.log2(np.minimum(stopbands * 2, config.resolution))))
    widths = np.maximum(stopbands, rates / 2) - cutoffs
    sizes = [int(rate) + 2 * config.margin_size for rate in rates]
    sizes[-2:] = [config.resolution] * len(sizes[-2:])
    channels = (*config.channels, config.img_channels)
    return [
        Signal(channels[i], sizes[i], int(rates[i]), float(cutoffs[i]), float(widths[i]))
        for i in range(count + 1)
    ]


def _progression(
    first: float, last: float, share: Float64[np.ndarray, " layers"]
) -> Float64[np.ndarray, " layers"]:
    return np.asarray(first * (last / first) ** share, np.float64)


def _layer(config: Sizes, index: int, before: Signal, after: Signal, is_torgb: bool) -> Layer:
    rate = max(before.rate, after.rate) * (1 if is_torgb else config.lrelu_upsampling)
    up, down = rate // before.rate, rate // after.rate
    up_taps = config.filter_size * up if up > 1 and not is_torgb else 1
    down_taps = config.filter_size * down if down > 1 and not is_torgb else 1
    kernel = 1 if is_torgb else config.conv_kernel
    critical = index >= len(config.channels) - config.num_critical
    return Layer(
        name=f"L{index}_{after.size}_{after.channels}",
        before=before,
        after=after,
        kernel=kernel,
        rate=rate,
        up=up,
        down=down,
        up_taps=up_taps,
        down_taps=down_taps,
        radial=config.radial and not critical and down_taps > 1,
        padding=_padding(before.size + kernel - 1, after.size, (up, down), (up_taps, down_taps)),
        is_torgb=is_torgb,
    )


def _padding(
    size_in: int, size_out: int, factors: Sequence[int], taps: Sequence[int]
) -> tuple[int, int]:
    """Samples of the fine grid before and after, so that `size_out` come out in the middle."""
    total = (size_out - 1) * factors[1] + 1 - size_in * factors[0] + sum(taps) - 2
    # Zero-insertion puts each sample first of its `factors[0]`; this brings it to the middle.
    before = (total + factors[0]) // 2
    return before, total - before
