"""The transformer blocks of both towers (Radford et al., 2021), named as published checkpoints."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from engine.perception.clip.config import Act


class Attention(nn.Module):
    """Multi-head attention. causal: a token sees itself and those before it."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        """See class."""
        n, tokens, width = x.shape

        def split(part: Tensor) -> Tensor:
            return part.view(n, tokens, self.heads, -1).transpose(1, 2)  # [n heads tokens k]

        seen = scaled_dot_product_attention(
            split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x)),
            is_causal=self.causal,
        )  # fmt: skip
        out: Tensor = self.out_proj(seen.transpose(1, 2).reshape(n, tokens, width))
        return out


class Mlp(nn.Module):
    """Two layers with one of the two activations that published checkpoints use."""

    def __init__(self, width: int, inner: int, act: Act) -> None:
        super().__init__()
        self.act = act
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        """quick_gelu: x sigmoid(1.702 x) (Hendrycks and Gimpel, 2016)."""
        h = self.fc1(x)
        h = h * torch.sigmoid(1.702 * h) if self.act == "quick_gelu" else gelu(h)
        out: Tensor = self.fc2(h)
        return out


class Block(nn.Module):
    """Attention and MLP, each after a layer norm and around it."""

    def __init__(
        self, width: int, inner: int, heads: int, act: Act, eps: float, causal: bool
    ) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads, causal)
        self.layer_norm1 = nn.LayerNorm(width, eps)
        self.mlp = Mlp(width, inner, act)
        self.layer_norm2 = nn.LayerNorm(width, eps)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        """See class."""
        x = x + self.self_attn(self.layer_norm1(x))
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class Encoder(nn.Module):
    """The blocks, one after another. sizes: TextSizes or VisionSizes."""

    def __init__(self, sizes: object, causal: bool) -> None:
        super().__init__()
        width, inner, heads, act, eps, count = (
            getattr(sizes, name)
            for name in ("hidden_size", "intermediate_size", "num_attention_heads", "hidden_act",
                         "layer_norm_eps", "num_hidden_layers")
        )  # fmt: skip
        blocks = (Block(width, inner, heads, act, eps, causal) for _ in range(count))
        self.layers = nn.ModuleList(blocks)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        """See class."""
        for layer in self.layers:
            x = layer(x)
        return x
