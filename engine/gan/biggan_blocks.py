"""What BigGAN and BigGAN-deep are built of (Brock et al., 2019): conditional batch norm,
residual blocks and self-attention."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from engine.gan.biggan_config import BigGANConfig, Block
from engine.gan.equalised import upsample_nearest

BOTTLENECK = 4  # the middle convolutions of a deep block have a quarter of its input's channels
KEY_SHARE, VALUE_SHARE = 8, 2  # of the channels, in the self-attention


class StandingNorm(nn.Module):
    """Batch norm by stored statistics: `running_means[k]` and `running_vars[k]` were taken over
    pictures of truncation k / (n_stats - 1)."""

    running_means: Tensor
    running_vars: Tensor

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.register_buffer("running_means", torch.zeros(config.n_stats, channels))
        self.register_buffer("running_vars", torch.ones(config.n_stats, channels))

    def normalised(
        self, x: Float[Tensor, "n c h w"], truncation: float, scale: Tensor, offset: Tensor
    ) -> Float[Tensor, "n c h w"]:
        """(x - mean) / deviation * scale + offset, in one pass; scale and offset: [_ c]."""
        mean, variance = (
            between(table, truncation) for table in (self.running_means, self.running_vars)
        )
        gain = scale * torch.rsqrt(variance + self.eps)
        shift = offset - mean * gain
        return torch.addcmul(shift[:, :, None, None], x, gain[:, :, None, None])


def between(table: Float[Tensor, "k c"], truncation: float) -> Float[Tensor, " c"]:
    """The row for a truncation in [0, 1]; between two stored rows, their mix.

    Where the truncation lies at the share s from one row to the next, the published networks give
    the earlier row the weight s and the later one 1 - s; so does this, else pictures between the
    stored values would not be theirs. At a stored value one row counts alone.
    """
    if len(table) == 1:
        return table[0]
    share, first = math.modf(truncation / (1.0 / (len(table) - 1)))
    row = int(first)
    if share == 0.0:
        return table[row]
    return table[row] * share + table[row + 1] * (1.0 - share)


class ConditionalNorm(StandingNorm):
    """Batch norm whose scale (as distance from 1) and offset the conditioning gives."""

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__(channels, config)
        self.scale = nn.Linear(config.block_cond, channels, bias=False)
        self.offset = nn.Linear(config.block_cond, channels, bias=False)

    def forward(
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], truncation: float
    ) -> Float[Tensor, "n c h w"]:
        return self.normalised(x, truncation, 1.0 + self.scale(cond), self.offset(cond))


class PlainNorm(StandingNorm):
    """Batch norm with one scale and offset for all pictures."""

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__(channels, config)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "n c h w"], truncation: float) -> Float[Tensor, "n c h w"]:
        return self.normalised(x, truncation, self.weight[None], self.bias[None])


class DeepBlock(nn.Module):
    """BigGAN-deep's block (figure 16): squeeze, two 3x3 convolutions, widen; beside them the
    input's first channels."""

    def __init__(self, sizes: Block, config: BigGANConfig) -> None:
        super().__init__()
        self.up = sizes.up
        fan_in = sizes.width_in * config.channel_width
        self.channels = sizes.width_out * config.channel_width
        middle = fan_in // BOTTLENECK
        self.bn_0 = ConditionalNorm(fan_in, config)
        self.conv_0 = nn.Conv2d(fan_in, middle, 1)
        self.bn_1 = ConditionalNorm(middle, config)
        self.conv_1 = nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_2 = ConditionalNorm(middle, config)
        self.conv_2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_3 = ConditionalNorm(middle, config)
        self.conv_3 = nn.Conv2d(middle, self.channels, 1)

    def forward(
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], truncation: float
    ) -> Float[Tensor, "n o _ _"]:
        y = self.conv_0(F.relu(self.bn_0(x, cond, truncation)))
        y = F.relu(self.bn_1(y, cond, truncation))
        shortcut = x[:, : self.channels]
        if self.up:
            y, shortcut = upsample_nearest(y), upsample_nearest(shortcut)
        y = self.conv_1(y)
        y = self.conv_2(F.relu(self.bn_2(y, cond, truncation)))
        y = self.conv_3(F.relu(self.bn_3(y, cond, truncation)))
        merged: Tensor = y + shortcut
        return merged


class PlainBlock(nn.Module):
    """BigGAN's block (figure 15): two 3x3 convolutions; beside them the input through a 1x1
    convolution."""

    def __init__(self, sizes: Block, config: BigGANConfig) -> None:
        super().__init__()
        self.up = sizes.up
        fan_in = sizes.width_in * config.channel_width
        channels = sizes.width_out * config.channel_width
        self.bn_0 = ConditionalNorm(fan_in, config)
        self.conv_0 = nn.Conv2d(fan_in, channels, 3, padding=1)
        self.bn_1 = ConditionalNorm(channels, config)
        self.conv_1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_sc = nn.Conv2d(fan_in, channels, 1)

    def forward(
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], truncation: float
    ) -> Float[Tensor, "n o _ _"]:
        y = F.relu(self.bn_0(x, cond, truncation))
        # A 1x1 convolution and repeating pixels may change places; the small map is cheaper.
        shortcut = self.conv_sc(x)
        if self.up:
            y, shortcut = upsample_nearest(y), upsample_nearest(shortcut)
        y = self.conv_0(y)
        y = self.conv_1(F.relu(self.bn_1(y, cond, truncation)))
        merged: Tensor = y + shortcut
        return merged


class SelfAttention(nn.Module):
    """Every pixel looks at a half-size map of all others (Zhang et al., 2018); `gamma` is how much
    of what it sees is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys, values = channels // KEY_SHARE, channels // VALUE_SHARE
        self.snconv1x1_theta = nn.Conv2d(channels, keys, 1, bias=False)
        self.snconv1x1_phi = nn.Conv2d(channels, keys, 1, bias=False)
        self.snconv1x1_g = nn.Conv2d(channels, values, 1, bias=False)
        self.snconv1x1_o_conv = nn.Conv2d(values, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        height, width = x.shape[2:]
        query = self.snconv1x1_theta(x).flatten(2)  # [n k hw]
        key = F.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)  # [n k hw/4]
        value = F.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)  # [n v hw/4]
        look = torch.softmax(query.transpose(1, 2) @ key, dim=2)  # [n hw hw/4]
        seen = (value @ look.transpose(1, 2)).reshape(x.shape[0], -1, height, width)
        merged: Tensor = x + self.gamma * self.snconv1x1_o_conv(seen)
        return merged
