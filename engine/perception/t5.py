"""The encoder of T5 1.1 (Raffel et al., 2020), which knows how far apart tokens are, and not where.

Parts are named as transformers names them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from engine.perception.t5_sizes import T5Sizes


class Norm(nn.Module):
    """Scaled to a root mean square of 1, without a mean taken off."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        """See class."""
        found: Tensor = self.weight * x * torch.rsqrt(x.square().mean(-1, True) + self.epsilon)
        return found


class Attention(nn.Module):
    """The distance of two tokens adds to how much one looks at the other; the first block keeps
    the table of that for all."""

    def __init__(self, sizes: T5Sizes, first: bool) -> None:
        super().__init__()
        self.heads, inside = sizes.num_heads, sizes.num_heads * sizes.d_kv
        self.q, self.k, self.v = (nn.Linear(sizes.d_model, inside, bias=False) for _ in "qkv")
        self.o = nn.Linear(inside, sizes.d_model, bias=False)
        if first:
            buckets = sizes.relative_attention_num_buckets
            self.relative_attention_bias = nn.Embedding(buckets, sizes.num_heads)

    def forward(
        self, x: Float[Tensor, "n tokens width"], bias: Float[Tensor, "n heads tokens tokens"]
    ) -> Float[Tensor, "n tokens width"]:
        """See class; nothing is divided by the root of the width."""
        n, tokens, _ = x.shape
        q, k, v = (
            part(x).view(n, tokens, self.heads, -1).transpose(1, 2)  # [n heads tokens size]
            for part in (self.q, self.k, self.v)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        found: Tensor = self.o(mixed.transpose(1, 2).reshape(n, tokens, -1))
        return found


class _Looking(nn.Module):
    def __init__(self, sizes: T5Sizes, first: bool) -> None:
        super().__init__()
        self.SelfAttention = Attention(sizes, first)
        self.layer_norm = Norm(sizes.d_model, sizes.layer_norm_epsilon)


class _Gated(nn.Module):
    def __init__(self, sizes: T5Sizes) -> None:
        super().__init__()
        self.wi_0, self.wi_1 = (nn.Linear(sizes.d_model, sizes.d_ff, bias=False) for _ in range(2))
        self.wo = nn.Linear(sizes.d_ff, sizes.d_model, bias=False)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        found: Tensor = self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))
        return found


class _Thinking(nn.Module):
    def __init__(self, sizes: T5Sizes) -> None:
        super().__init__()
        self.DenseReluDense = _Gated(sizes)
        self.layer_norm = Norm(sizes.d_model, sizes.layer_norm_epsilon)


class _Block(nn.Module):
    def __init__(self, sizes: T5Sizes, first: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_Looking(sizes, first), _Thinking(sizes)])

    def forward(
        self, x: Float[Tensor, "n tokens width"], bias: Tensor
    ) -> Float[Tensor, "n tokens width"]:
        looking: Any = self.layer[0]
        thinking: Any = self.layer[1]
        x = x + looking.SelfAttention(looking.layer_norm(x), bias)
        found: Tensor = x + thinking.DenseReluDense(thinking.layer_norm(x))
        return found


class T5Tower(nn.Module):
    """See module."""

    def __init__(self, sizes: T5Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.shared = nn.Embedding(sizes.vocab_size, sizes.d_model)
        self.block = nn.ModuleList(_Block(sizes, not index) for index in range(sizes.num_layers))
        self.final_layer_norm = Norm(sizes.d_model, sizes.layer_norm_epsilon)

    def states(
        self, ids: Int64[Tensor, "n tokens"], kept: Bool[Tensor, "n tokens"]
    ) -> Float[Tensor, "n tokens width"]:
        """What every token has become. kept: which ones are looked at."""
        x = self.shared(ids)
        first: Any = self.block[0]
        table = first.layer[0].SelfAttention.relative_attention_bias
        apart = table(self._buckets(ids.shape[1])).permute(2, 0, 1)  # [heads tokens tokens]
        hidden = torch.zeros(kept.shape).masked_fill(~kept, torch.finfo(torch.float32).min)
        bias = apart[None] + hidden[:, None, None, :]
        for block in self.block:
            x = block(x, bias)
        found: Tensor = self.final_layer_norm(x)
        return found

    def _buckets(self, tokens: int) -> Int64[Tensor, "tokens tokens"]:
        """A row of the table for each distance: near ones have their own, far ones share, by the
        logarithm; half the rows are for what follows."""
        half, most = self.sizes.relative_attention_num_buckets // 2, self.sizes
        place = torch.arange(tokens)
        distance = place[None, :] - place[:, None]
        far, own = distance.abs(), half // 2
        reach = math.log(most.relative_attention_max_distance / own)
        shared = own + (torch.log(far.clamp(min=1) / own) / reach * (half - own)).long()
        found = torch.where(far < own, far, shared.clamp(max=half - 1))
        return found + half * (distance > 0)
