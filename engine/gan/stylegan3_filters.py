"""Low-pass filters of StyleGAN3, and how a signal is resampled with them.

Karras et al. (2021), appendix C.1: a windowed sinc, or for rotation equivariance a windowed jinc,
with a Kaiser window that is chosen by the width of the transition band (Kaiser, 1974).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor


def kaiser_beta(taps: int, width: float, rate: float) -> float:
    """The shape of a Kaiser window for so many taps and a transition band of `width`.

    width and rate in the same unit. The attenuation in dB that they allow, and from it beta, by
    Kaiser's (1974) fitted formulas.
    """
    attenuation = 2.285 * (taps - 1) * np.pi * width / (rate / 2) + 7.95
    if attenuation > 50:
        return float(0.1102 * (attenuation - 8.7))
    if attenuation > 21:
        return float(0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21))
    return 0.0


def low_pass(
    taps: int, cutoff: float, width: float, rate: float
) -> Float64[np.ndarray, " taps"] | None:
    """A windowed sinc of sum 1, or None for a single tap: nothing to filter."""
    if taps == 1:
        return None
    times = (np.arange(taps) - (taps - 1) / 2) / rate
    values = np.sinc(2 * cutoff * times) * np.kaiser(taps, kaiser_beta(taps, width, rate))
    return np.asarray(values / values.sum(), np.float64)


def radial_low_pass(
    taps: int, cutoff: float, width: float, rate: float
) -> Float64[np.ndarray, "taps taps"]:
    """A radially symmetric low-pass filter of sum 1: a jinc in a separable Kaiser window."""
    from scipy.special import j1

    times = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.maximum(np.hypot(times[:, None], times[None, :]), 1e-12)
    window = np.kaiser(taps, kaiser_beta(taps, width, rate))
    values = j1(2 * np.pi * cutoff * radius) / (np.pi * radius) * np.outer(window, window)
    return np.asarray(values / values.sum(), np.float64)


def up_sample(
    x: Float[Tensor, "n c h w"],
    kernel: Float[Tensor, " taps"] | None,
    factor: int,
    padding: tuple[int, int],
) -> Float[Tensor, "n c _ _"]:
    """Zeros between the samples, `padding` before and after, then the filter (gain factor^2).

    The output is h * factor + sum(padding) - taps + 1 high. Negative padding cuts.
    """
    if kernel is None:
        return F.pad(x, padding * 2)
    channels, taps = x.shape[1], kernel.shape[0]
    line = (kernel * factor).to(x.dtype)
    margin = (padding[0] - taps + 1, padding[1] + factor - taps)
    rows = line[:, None].expand(channels, 1, taps, 1)
    x = F.conv_transpose2d(x, rows, stride=(factor, 1), groups=channels)
    x = F.pad(x, (0, 0, *margin))
    columns = line[None, :].expand(channels, 1, 1, taps)
    x = F.conv_transpose2d(x, columns, stride=(1, factor), groups=channels)
    return F.pad(x, (*margin, 0, 0))


def down_sample(
    x: Float[Tensor, "n c h w"], kernel: Tensor | None, factor: int
) -> Float[Tensor, "n c _ _"]:
    """The filter, a line or a square, then every factor-th sample, beginning with the first."""
    if kernel is None:
        return x
    channels, taps = x.shape[1], kernel.shape[0]
    kernel = kernel.to(x.dtype)
    if kernel.ndim == 2:
        square = kernel.flip(0, 1).expand(channels, 1, taps, taps)
        return F.conv2d(x, square, stride=factor, groups=channels)
    line = kernel.flip(0)
    rows = line[:, None].expand(channels, 1, taps, 1)
    x = F.conv2d(x, rows, stride=(factor, 1), groups=channels)
    return F.conv2d(
        x, line[None, :].expand(channels, 1, 1, taps), stride=(1, factor), groups=channels
    )


def up_matrix(
    kernel: Float[Tensor, " taps"], factor: int, padding: tuple[int, int], size: int
) -> Float[Tensor, "size _"]:
    """`up_sample` of one line of `size` samples, as a matrix: x @ matrix.

    For the short lines of small models, where a product is quicker than the filter it stands for.
    """
    taps = kernel.shape[0]
    line = F.conv_transpose1d(
        _unit_lines(kernel, size), (kernel * factor)[None, None], stride=factor
    )
    return F.pad(line, (padding[0] - taps + 1, padding[1] + factor - taps))[:, 0]


def down_matrix(kernel: Float[Tensor, " taps"], factor: int, size: int) -> Float[Tensor, "size _"]:
    """`down_sample` of one line of `size` samples, as a matrix: x @ matrix."""
    return F.conv1d(_unit_lines(kernel, size), kernel.flip(0)[None, None], stride=factor)[:, 0]


def both_ways(
    x: Float[Tensor, "n c h w"], matrix: Float[Tensor, "h o"]
) -> Float[Tensor, "n c o o"]:
    """Every row and every column of square maps times the matrix. The result is transposed, so
    that a second call turns it back."""
    n, c, size, _ = x.shape
    y = (x.reshape(-1, size) @ matrix).reshape(n, c, size, -1).transpose(2, 3)
    return (y.reshape(-1, size) @ matrix).reshape(n, c, matrix.shape[1], -1)


def _unit_lines(like: Tensor, size: int) -> Float[Tensor, "size 1 size"]:
    return torch.eye(size, dtype=like.dtype, device=like.device)[:, None]
