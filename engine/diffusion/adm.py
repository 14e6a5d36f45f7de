"""The networks of guided diffusion (Dhariwal and Nichol, 2021): a U-Net for noisy pictures, and its
first half with a pooling attention, which classifies them.

Tensors are named as in the published files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS, HEAD = 32, 64


def waves(t: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Cosines and sines of t."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half) / half)
    angles = t[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class Residual(nn.Module):
    """Two convolutions beside which the input goes on. moves: "" or "down" or "up", which halves
    or doubles the size. scales: the time scales and shifts, else it is added."""

    def __init__(self, before: int, width: int, time: int, scales: bool, moves: str = "") -> None:
        super().__init__()
        self.scales, self.moves = scales, moves
        self.in_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, before), nn.SiLU(), nn.Conv2d(before, width, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, width * (2 if scales else 1)))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Identity(), nn.Conv2d(width, width, 3, 1, 1)
        )
        self.skip_connection: nn.Module = (
            nn.Identity() if before == width else nn.Conv2d(before, width, 1)
        )

    def forward(
        self, x: Float[Tensor, "n before h w"], time: Float[Tensor, "n time"]
    ) -> Float[Tensor, "n width h2 w2"]:
        """See class."""
        norm, act, conv = self.in_layers
        y = conv(_moved(act(norm(x)), self.moves))
        x = _moved(x, self.moves)
        told = self.emb_layers(time)[:, :, None, None]
        if self.scales:
            scale, shift = told.chunk(2, dim=1)
            y = self.out_layers[0](y) * (1 + scale) + shift
            y = self.out_layers[1:](y)
        else:
            y = self.out_layers(y + told)
        out: Tensor = self.skip_connection(x) + y
        return out


def _moved(x: Tensor, moves: str) -> Tensor:
    if not moves:
        return x
    return F.avg_pool2d(x, 2) if moves == "down" else F.interpolate(x, scale_factor=2)


class Down(nn.Module):
    """Half the size, by a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Float[Tensor, "n width h w"], time: Tensor) -> Tensor:
        """See class."""
        found: Tensor = self.op(x)
        return found


class Up(nn.Module):
    """Twice the size, and a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Float[Tensor, "n width h w"], time: Tensor) -> Tensor:
        """See class."""
        found: Tensor = self.conv(F.interpolate(x, scale_factor=2))
        return found


class Attention(nn.Module):
    """Every place looks at every other, and at what is told. apart: queries, keys and values stand
    apart in the file, and not head by head. told: numbers a token; 0 for nothing."""

    def __init__(self, width: int, heads: int, apart: bool, told: int = 0) -> None:
        super().__init__()
        self.heads, self.apart = heads, apart
        self.norm = nn.GroupNorm(GROUPS, width)
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.proj_out = nn.Conv1d(width, width, 1)
        if told:
            self.encoder_kv = nn.Conv1d(told, 2 * width, 1)

    def forward(
        self, x: Float[Tensor, "n width h w"], told: Float[Tensor, "n told tokens"] | None = None
    ) -> Float[Tensor, "n width h w"]:
        """See class."""
        flat = x.flatten(2)
        more = None if told is None else self.encoder_kv(told)
        mixed = attend(self.qkv(self.norm(flat)), self.heads, self.apart, more)
        found: Tensor = (flat + self.proj_out(mixed)).view(x.shape)
        return found


def attend(
    qkv: Float[Tensor, "n three_width places"],
    heads: int,
    apart: bool,
    more: Float[Tensor, "n two_width tokens"] | None = None,
) -> Float[Tensor, "n width places"]:
    """What each place takes from all. apart: see Attention. more: further keys and values, head by
    head."""
    n, width, places = qkv.shape[0], qkv.shape[1] // 3, qkv.shape[2]
    shape = (n, 3, heads, -1, places) if apart else (n, heads, 3, -1, places)
    split = qkv.view(shape) if apart else qkv.view(shape).transpose(1, 2)
    q, k, v = (part.transpose(2, 3) for part in split.unbind(1))  # [n heads places size]
    if more is not None:
        told = more.view(n, heads, 2, -1, more.shape[2]).transpose(3, 4)
        k, v = (torch.cat([told[:, :, i], part], dim=2) for i, part in enumerate((k, v)))
    mixed = F.scaled_dot_product_attention(q, k, v)
    return mixed.transpose(2, 3).reshape(n, width, places)


class Pool(nn.Module):
    """A last attention, read at a place for the whole."""

    def __init__(self, width: int, side: int, outputs: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(width, side * side + 1))
        self.qkv_proj = nn.Conv1d(width, 3 * width, 1)
        self.c_proj = nn.Conv1d(width, outputs, 1)
        self.heads = max(1, width // HEAD)

    def forward(self, x: Float[Tensor, "n width h w"]) -> Float[Tensor, "n outputs"]:
        """See class."""
        flat = x.flatten(2)
        flat = torch.cat([flat.mean(2, keepdim=True), flat], dim=2) + self.positional_embedding
        found: Tensor = self.c_proj(attend(self.qkv_proj(flat), self.heads, True))
        return found[:, :, 0]


class Stage(nn.ModuleList):
    """Parts one after the other; attention is told the text, the others the time."""

    def forward(self, x: Tensor, time: Tensor, text: Tensor | None = None) -> Tensor:
        """See class."""
        for part in self:
            if isinstance(part, Attention):
                x = part(x, text)
            else:
                x = part(x) if isinstance(part, nn.Conv2d) else part(x, time)
        return x


class Encoder(nn.Module):
    """The way down to the middle. channels, attends: a level each. side: of a classifier's
    pictures, whose last level is pooled to `outputs` numbers. told: see Attention."""

    def __init__(
        self, width: int, channels: Sequence[int], blocks: int, attends: Sequence[bool], sees: int,
        *, outputs: int, side: int = 0, heads: int = 0, apart: bool = False, scales: bool = True,
        moves: bool = True, told: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.width, time = width, 4 * width
        self.time_embed = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self._heads, self._apart, self._told = heads, apart, told
        self.input_blocks = nn.ModuleList([Stage([nn.Conv2d(sees, channels[0], 3, padding=1)])])
        now, self._passed = channels[0], [channels[0]]
        for level, (wide, attending) in enumerate(zip(channels, attends, strict=True)):
            for _ in range(blocks):
                stage = [Residual(now, wide, time, scales), *self._attention(wide, attending)]
                self.input_blocks.append(Stage(stage))
                now = wide
                self._passed.append(now)
            if level < len(channels) - 1:
                down = Residual(now, now, time, scales, "down") if moves else Down(now)
                self.input_blocks.append(Stage([down]))
                self._passed.append(now)
        middle = (Residual(now, now, time, scales) for _ in range(2))
        self.middle_block = Stage([next(middle), *self._attention(now, True), next(middle)])
        if side:
            pool = Pool(now, side >> (len(channels) - 1), outputs)
            self.out = nn.Sequential(nn.GroupNorm(GROUPS, now), nn.SiLU(), pool)

    def _attention(self, width: int, wanted: bool) -> list[nn.Module]:
        heads = self._heads or max(1, width // HEAD)
        return [Attention(width, heads, self._apart, self._told)] if wanted else []

    def timed(self, t: Float[Tensor, " n"]) -> Float[Tensor, "n time"]:
        """The time as the blocks are told of it."""
        found: Tensor = self.time_embed(waves(t, self.width))
        return found

    def forward(
        self, x: Float[Tensor, "n sees side side"], t: Float[Tensor, " n"]
    ) -> Float[Tensor, "n outputs"]:
        """What a classifier says; t: timesteps of 0 to 999."""
        time = self.timed(t)
        for stage in self.input_blocks:
            x = stage(x, time)
        found: Tensor = self.out(self.middle_block(x, time))
        return found

    def log_probabilities(
        self, x: Float[Tensor, "n 3 side side"], t: float
    ) -> Float[Tensor, "n classes"]:
        """log p(class | x_t) for every class."""
        return F.log_softmax(self(x, torch.full((len(x),), t)), dim=1)


class Unet(Encoder):
    """The way down and up again. classes: how many it may be told of."""

    def __init__(
        self, width: int, channels: Sequence[int], blocks: int, attends: Sequence[bool], sees: int,
        *, outputs: int, classes: int, heads: int = 0, apart: bool = False, scales: bool = True,
        moves: bool = True, told: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(
            width, channels, blocks, attends, sees, outputs=outputs, heads=heads, apart=apart,
            scales=scales, moves=moves, told=told,
        )  # fmt: skip
        time, passed, now = 4 * width, list(self._passed), channels[-1]
        if classes:
            self.label_emb = nn.Embedding(classes, time)
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(channels))):
            for index in range(blocks + 1):
                wide = channels[level]
                parts: list[nn.Module] = [Residual(now + passed.pop(), wide, time, scales)]
                now = wide
                parts += self._attention(wide, attends[level])
                if level and index == blocks:
                    parts.append(Residual(now, now, time, scales, "up") if moves else Up(now))
                self.output_blocks.append(Stage(parts))
        self.out = nn.Sequential(
            nn.GroupNorm(GROUPS, now), nn.SiLU(), nn.Conv2d(now, outputs, 3, padding=1)
        )

    def draw(
        self,
        x: Float[Tensor, "n sees side side"],
        t: Float[Tensor, " n"],
        shares: Float[Tensor, "n classes"] | None = None,
    ) -> Float[Tensor, "n outputs side side"]:
        """What it predicts. shares: of each class, for a network that knows some."""
        time = self.timed(t)
        if shares is not None:
            time = time + shares @ self.label_emb.weight
        return self.passed(x, time)

    def passed(
        self,
        x: Float[Tensor, "n sees side side"],
        time: Float[Tensor, "n time"],
        text: Float[Tensor, "n told tokens"] | None = None,
    ) -> Float[Tensor, "n outputs side side"]:
        """Down, through the middle and up again."""
        left = []
        for stage in self.input_blocks:
            x = stage(x, time, text)
            left.append(x)
        x = self.middle_block(x, time, text)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, left.pop()], dim=1), time, text)
        found: Tensor = self.out(x)
        return found
