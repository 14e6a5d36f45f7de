"""The rival of the benchmarks: StyleGAN2 and StyleGAN3 as the papers write them.

Modulated convolution modulates the weights and runs as one grouped convolution; up-sampling,
low-pass filter, noise, bias and activation are steps of their own, in torch's usual layout. It
takes the parameters of this program's generators by name. No slower than need be: no gradients,
filters and affine gains are prepared once, and separable filters of StyleGAN3 run as two lines.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SQRT2 = math.sqrt(2.0)


def modulated_conv(
    x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool, padding: int, up: bool = False
) -> Tensor:
    """Karras et al. (2020), equations 1 to 3, as a grouped convolution over the batch."""
    batch, fan_in = x.shape[:2]
    w = weight[None] * styles[:, None, :, None, None]  # [N O I k k]
    if demodulate:
        w = w * torch.rsqrt(w.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
    x = x.reshape(1, batch * fan_in, *x.shape[2:])
    if up:
        w = w.transpose(1, 2).reshape(batch * fan_in, *weight.shape[:1], *weight.shape[2:])
        y = F.conv_transpose2d(x, w, stride=2, groups=batch)
    else:
        y = F.conv2d(x, w.reshape(-1, *weight.shape[1:]), padding=padding, groups=batch)
    return y.reshape(batch, -1, *y.shape[2:])


def affine(layer: Any, w: Tensor) -> Tensor:
    """The styles of one layer."""
    return F.linear(w, layer.weight * layer.weight_gain, layer.bias * layer.bias_gain)


def filtered(x: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """A depthwise convolution with one kernel for all channels."""
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, *kernel.shape), padding=padding, groups=channels)


class PlainStyleGAN2:
    """ws to a picture: skip architecture, noise, filters of 4 taps, one step after another."""

    def __init__(self, generator: Any) -> None:
        self.config = generator.config
        self.synthesis = generator.synthesis

    @torch.inference_mode()
    def __call__(self, ws: Tensor, resolution: int | None = None) -> Tensor:
        """The picture with stored noise, float32 [n, channels, r, r]."""
        x = image = None
        start = 0
        for size in self.config.resolutions:
            block = self.synthesis.block(size)
            if x is None:
                x = block.const[None].repeat(len(ws), 1, 1, 1)
            for layer in block.layers():
                x = self._layer(layer, x, ws[:, start])
                start += 1
            rgb = self._torgb(block.torgb, x, ws[:, start])
            image = rgb if image is None else self._doubled(image, block.resample_filter) + rgb
            if size == resolution:
                break
        assert image is not None
        return image

    def _layer(self, layer: Any, x: Tensor, w: Tensor) -> Tensor:
        styles = affine(layer.affine, w)
        x = modulated_conv(x, layer.weight, styles, demodulate=True, padding=1, up=layer.up)
        if layer.up:
            x = filtered(x, layer.resample_filter * 4, 1)
        x = x.add_(layer.noise_const * layer.noise_strength)
        x = F.leaky_relu(x + layer.bias[None, :, None, None], 0.2).mul_(SQRT2)
        return x if layer.clamp is None else x.clamp_(-layer.clamp, layer.clamp)

    @staticmethod
    def _torgb(layer: Any, x: Tensor, w: Tensor) -> Tensor:
        styles = affine(layer.affine, w) * layer.weight_gain
        y = modulated_conv(x, layer.weight, styles, demodulate=False, padding=0)
        y = y + layer.bias[None, :, None, None]
        return y if layer.clamp is None else y.clamp_(-layer.clamp, layer.clamp)

    @staticmethod
    def _doubled(image: Tensor, kernel: Tensor) -> Tensor:
        n, c, h, w = image.shape
        wide = image.new_zeros(n, c, h, 2, w, 2)
        wide[:, :, :, 0, :, 0] = image
        wide = F.pad(wide.reshape(n, c, 2 * h, 2 * w), (2, 1, 2, 1))
        return filtered(wide, kernel * 4, 0)


class PlainStyleGAN3:
    """ws to a picture: modulated convolution, up-sampling, leaky ReLU and down-sampling."""

    def __init__(self, generator: Any) -> None:
        self.config = generator.config
        self.synthesis = generator.synthesis

    @torch.inference_mode()
    def __call__(self, ws: Tensor) -> Tensor:
        """The picture, float32 [n, channels, r, r]."""
        x = self.synthesis.input(ws[:, 0]).contiguous()
        for index, name in enumerate(self.synthesis.names):
            x = self._layer(getattr(self.synthesis, name), x, ws[:, index + 1])
        return x * self.config.output_scale

    def _layer(self, layer: Any, x: Tensor, w: Tensor) -> Tensor:
        styles, weight = affine(layer.affine, w), layer.weight
        if layer.is_torgb:
            styles = styles / math.sqrt(weight[0].numel())
        else:
            weight = weight * weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
            styles = styles * styles.square().mean(dim=1, keepdim=True).rsqrt()
        gain = layer.magnitude_ema.rsqrt()
        x = modulated_conv(
            x * gain, weight, styles, demodulate=not layer.is_torgb, padding=layer.margin
        )
        x = x + layer.bias[None, :, None, None]
        x = self._up(x, layer.up_filter, layer.up, layer.padding)
        if not layer.is_torgb:
            x = F.leaky_relu(x, 0.2).mul_(SQRT2)
        if layer.clamp is not None:
            x = x.clamp_(-layer.clamp, layer.clamp)
        return self._down(x, layer.down_filter, layer.down)

    @staticmethod
    def _up(x: Tensor, kernel: Tensor | None, factor: int, padding: tuple[int, int]) -> Tensor:
        if factor > 1:
            n, c, h, w = x.shape
            wide = x.new_zeros(n, c, h, factor, w, factor)
            wide[:, :, :, 0, :, 0] = x
            x = wide.reshape(n, c, h * factor, w * factor)
        x = F.pad(x, padding * 2)
        if kernel is None:
            return x
        return filtered(filtered(x, kernel[None] * factor, 0), kernel[:, None] * factor, 0)

    @staticmethod
    def _down(x: Tensor, kernel: Tensor | None, factor: int) -> Tensor:
        if kernel is None:
            return x
        if kernel.ndim == 2:
            x = filtered(x, kernel, 0)
        else:
            x = filtered(filtered(x, kernel[None], 0), kernel[:, None], 0)
        return x[:, :, ::factor, ::factor]


def plain(generator: Any) -> Any:
    """The plain form of a generator."""
    kinds = {"stylegan2": PlainStyleGAN2, "stylegan3": PlainStyleGAN3}
    return kinds[generator.config.family](generator)


def tensor(array: np.ndarray) -> Tensor:
    """An array as a tensor that may be written to."""
    return torch.from_numpy(np.array(array, dtype=np.float32))
