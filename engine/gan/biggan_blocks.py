"""What BigGAN and BigGAN-deep are built of (Brock et al., 2019): conditional batch norm,
residual blocks and self-attention."""

from __future__ import annotations

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
    pictures of truncation k / (n_stats - 1); `rows` says how much each of them counts.

    In training mode the statistics are the batch's own, and `seen` are their last mean and
    variance.
    """

    running_means: Tensor
    running_vars: Tensor
    seen: tuple[Tensor, Tensor]

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.register_buffer("running_means", torch.zeros(config.n_stats, channels))
        self.register_buffer("running_vars", torch.ones(config.n_stats, channels))

    def normalised(
        self, x: Float[Tensor, "n c h w"], rows: Float[Tensor, " k"], scale: Tensor, offset: Tensor
    ) -> Float[Tensor, "n c h w"]:
        """(x - mean) / deviation * scale + offset, in one pass; scale and offset: [_ c]."""
        if self.training:
            self.seen = (
                torch.zeros_like(self.running_means[0]),
                torch.ones_like(self.running_vars[0]),
            )
            # Momentum 1 leaves the batch's own statistics in what is handed over.
            x = F.batch_norm(x, *self.seen, training=True, momentum=1.0, eps=self.eps)
            return torch.addcmul(offset[:, :, None, None], x, scale[:, :, None, None])
        mean, variance = rows @ self.running_means, rows @ self.running_vars
        gain = scale * torch.rsqrt(variance + self.eps)
        shift = offset - mean * gain
        return torch.addcmul(shift[:, :, None, None], x, gain[:, :, None, None])


class ConditionalNorm(StandingNorm):
    """Batch norm whose scale (as distance from 1) and offset the conditioning gives."""

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__(channels, config)
        self.scale = nn.Linear(config.block_cond, channels, bias=False)
        self.offset = nn.Linear(config.block_cond, channels, bias=False)

    def forward(
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], rows: Float[Tensor, " k"]
    ) -> Float[Tensor, "n c h w"]:
        return self.normalised(x, rows, 1.0 + self.scale(cond), self.offset(cond))


class PlainNorm(StandingNorm):
    """Batch norm with one scale and offset for all pictures."""

    def __init__(self, channels: int, config: BigGANConfig) -> None:
        super().__init__(channels, config)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(
        self, x: Float[Tensor, "n c h w"], rows: Float[Tensor, " k"]
    ) -> Float[Tensor, "n c h w"]:
        return self.normalised(x, rows, self.weight[None], self.bias[None])


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
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], rows: Float[Tensor, " k"]
    ) -> Float[Tensor, "n o _ _"]:
        y = self.conv_0(F.relu(self.bn_0(x, cond, rows)))
        y = F.relu(self.bn_1(y, cond, rows))
        shortcut = x[:, : self.channels]
        if self.up:
            y, shortcut = upsample_nearest(y), upsample_nearest(shortcut)
        y = self.conv_1(y)
        y = self.conv_2(F.relu(self.bn_2(y, cond, rows)))
        y = self.conv_3(F.relu(self.bn_3(y, cond, rows)))
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
        self, x: Float[Tensor, "n c h w"], cond: Float[Tensor, "n _"], rows: Float[Tensor, " k"]
    ) -> Float[Tensor, "n o _ _"]:
        y = F.relu(self.bn_0(x, cond, rows))
        # A 1x1 convolution and repeating pixels may change places; the small map is cheaper.
        shortcut = self.conv_sc(x)
        if self.up:
            y, shortcut = upsample_nearest(y), upsample_nearest(shortcut)
        y = self.conv_0(y)
        y = self.conv_1(F.relu(self.bn_1(y, cond, rows)))
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
