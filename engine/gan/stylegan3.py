"""The StyleGAN3 generator (Karras et al., 2021): alias-free, in the T and R configurations.

Names and meanings of the parameters follow the published PyTorch layout, so that published
weights load by key. Modulated convolutions run in the non-fused form, as in StyleGAN2 here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.layers import LEAK, SQRT2, EqualLinear
from engine.gan.mapping import Mapping
from engine.gan.style_generator import StyleGenerator
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.gan.stylegan3_filters import (
    both_ways,
    down_matrix,
    down_sample,
    low_pass,
    radial_low_pass,
    up_matrix,
    up_sample,
)
from engine.gan.stylegan3_plan import Layer


class FourierInput(nn.Module):
    """w to a map of sines on a plane that w and the user can turn and move.

    `transform`: the user's 3x3 matrix of the inverse motion, the unit being the picture's width.
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        signal = config.layers[0].before
        channels = signal.channels
        self.size, self.rate, self.bandwidth = signal.size, signal.rate, signal.cutoff
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = EqualLinear(config.w_dim, 4)
        with torch.no_grad():
            # At the start no w turns or moves anything: (cos, sin, x, y) = (1, 0, 0, 0).
            self.affine.weight.zero_()
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        # Frequencies spread evenly over a disk whose radius is the bandwidth.
        freqs = torch.randn(channels, 2)
        radii = freqs.square().sum(dim=1, keepdim=True).sqrt()
        freqs = freqs / (radii * radii.square().exp().pow(0.25)) * self.bandwidth
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", torch.rand(channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))

    def motion(self, w: Float[Tensor, "n w_dim"]) -> Float[Tensor, "n 2 3"]:
        """The learned turn and shift of the plane: [turn | turn @ -shift]."""
        t = self.affine(w)
        t = t / t[:, :2].square().sum(dim=1, keepdim=True).sqrt()
        cos, sin = t[:, 0], t[:, 1]
        turn = torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2)
        return torch.cat([turn, turn @ -t[:, 2:, None]], dim=2)

    def forward(
        self, w: Float[Tensor, "n w_dim"], transform: Float[Tensor, "3 3"] | None = None
    ) -> Float[Tensor, "n channels size size"]:
        motion = self.motion(w) @ (self.transform if transform is None else transform)
        phases = self.phases + (self.freqs @ motion[:, :, 2:]).squeeze(2)
        freqs = self.freqs @ motion[:, :, :2]
        # What a zoom lifts out of the band fades away instead of aliasing.
        lengths = freqs.square().sum(dim=2).sqrt()
        fade = 1 - (lengths - self.bandwidth) / (self.rate / 2 - self.bandwidth)
        amplitudes = fade.clamp(0, 1)
        steps = torch.arange(self.size, device=w.device, dtype=w.dtype)
        line = (steps + 0.5 - self.size / 2) / self.rate
        across = freqs[:, None, :, 0] * line[None, :, None]
        down = freqs[:, None, :, 1] * line[None, :, None] + phases[:, None]
        waves = torch.sin((across[:, None] + down[:, :, None]) * (2 * math.pi))
        features = (waves * amplitudes[:, None, None]) @ (
            self.weight.t() / math.sqrt(self.weight.shape[0])
        )
        return features.permute(0, 3, 1, 2)


class StyleLayer(nn.Module):
    """Modulated convolution, then a leaky ReLU on a finer grid between two low-pass filters."""

    up_filter: Tensor | None
    down_filter: Tensor | None
    magnitude_ema: Tensor

    def __init__(self, config: StyleGAN3Config, layer: Layer) -> None:
        super().__init__()
        self.is_torgb = layer.is_torgb
        self.clamp = config.conv_clamp
        self.up, self.down, self.padding = layer.up, layer.down, layer.padding
        before, after, kernel = layer.before, layer.after, layer.kernel
        self.margin, self.size = kernel - 1, before.size
        self.lines: tuple[Tensor, Tensor] | None = None
        self.affine = EqualLinear(config.w_dim, before.channels, bias_init=1.0)
        nn.init.normal_(self.affine.weight, std=0.3)  # styles near one: calmer to begin with
        self.weight = nn.Parameter(torch.randn(after.channels, before.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        design = radial_low_pass if layer.radial else low_pass
        up = low_pass(layer.up_taps, before.cutoff, 2 * before.half_width, layer.rate)
        down = design(layer.down_taps, after.cutoff, 2 * after.half_width, layer.rate)
        self.register_buffer("up_filter", _float(up))
        self.register_buffer("down_filter", _float(down))

    def forward(
        self, x: Float[Tensor, "n i h w"], w: Float[Tensor, "n w_dim"]
    ) -> Float[Tensor, "n o _ _"]:
        x = self.convolve(x, self.affine(w))
        if self.lines is not None:
            # Two transpositions, before and after the activation, which does not mind them.
            up, down = self.lines
            return both_ways(F.leaky_relu(both_ways(x, up), LEAK), down)
        x = up_sample(x, self.up_filter, self.up, self.padding)
        if not self.is_torgb:
            x = F.leaky_relu(x, LEAK) * SQRT2
        if self.clamp is not None:
            x = x.clamp(-self.clamp, self.clamp)
        return down_sample(x, self.down_filter, self.down)

    def use_lines(self) -> None:
        """Filter by one matrix a line from now on, which trains small maps several times faster.

        Nothing changes where a filter is radial or missing. Clamps, which trained weights of small
        models never reach, are left out.
        """
        up, down = self.up_filter, self.down_filter
        if up is not None and down is not None and down.ndim == 1:
            wide = up_matrix(up, self.up, self.padding, self.size + self.margin)
            narrow = down_matrix(down, self.down, wide.shape[1])
            # The activation's gain: the matrix is met by rows and by columns.
            self.lines = (wide, narrow * math.sqrt(SQRT2))

    def convolve(self, x: Tensor, styles: Float[Tensor, "n i"]) -> Tensor:
        """The modulated convolution with bias; all but the last layer are demodulated.

        magnitude_ema is the tracked mean square of the input, which the gain brings to 1.
        """
        gain = torch.rsqrt(self.magnitude_ema)
        bias = self.bias[None, :, None, None]
        if self.is_torgb:
            styles = styles * (gain / math.sqrt(self.weight[0].numel()))
            return F.conv2d(x * styles[:, :, None, None], self.weight) + bias
        power = self.weight.square().mean(dim=(1, 2, 3), keepdim=True)
        weight = self.weight * torch.rsqrt(power)
        # Unit styles only guard the epsilon below; demodulation takes their length out again.
        styles = styles * torch.rsqrt(styles.square().mean(dim=1, keepdim=True))
        power = weight.square().sum(dim=(2, 3))
        scale = torch.rsqrt(styles.square() @ power.t() + 1e-8) * gain
        x = F.conv2d(x * styles[:, :, None, None], weight, padding=self.margin)
        return torch.addcmul(bias, x, scale[:, :, None, None])


class Synthesis(nn.Module):
    """ws to an image."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.input = FourierInput(config)
        self.names = [layer.name for layer in config.layers]
        for layer in config.layers:
            setattr(self, layer.name, StyleLayer(config, layer))

    def forward(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        transform: Float[Tensor, "3 3"] | None = None,
    ) -> Float[Tensor, "n c r r"]:
        """Image float32, nominally [-1, 1]. transform: instead of the stored matrix."""
        x = self.input(ws[:, 0], transform)
        for index, name in enumerate(self.names):
            x = getattr(self, name)(x, ws[:, index + 1])
        image: Tensor = x.float() * self.config.output_scale
        return image

    def with_noises(
        self,
        ws: Float[Tensor, "n num_ws w_dim"],
        noises: Sequence[Tensor] = (),
        transform: Float[Tensor, "3 3"] | None = None,
    ) -> Float[Tensor, "n c r r"]:
        """As `forward`: StyleGAN3 takes no noise."""
        image: Tensor = self(ws, transform)
        return image


class Generator(StyleGenerator):
    """Mapping and synthesis. `generator(z)` is an untruncated picture."""

    mapping: Mapping
    synthesis: Synthesis

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__(config, Mapping(config), Synthesis(config))


def _float(values: np.ndarray | None) -> Tensor | None:
    return None if values is None else torch.as_tensor(values, dtype=torch.float32)
