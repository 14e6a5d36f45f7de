"""GLIDE's network (Nichol et al., 2021): guided diffusion's U-Net, told of a text by a transformer
that it was taught with. Tensors are named as in the published files.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from engine.diffusion.adm import HEAD, Unet


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // HEAD)
        self.c_qkv = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        n, tokens, width = x.shape
        split = self.c_qkv(x).view(n, tokens, self.heads, 3, -1)
        q, k, v = (part.transpose(1, 2) for part in split.unbind(3))  # [n heads tokens size]
        mixed = F.scaled_dot_product_attention(q, k, v)
        found: Tensor = self.c_proj(mixed.transpose(1, 2).reshape(n, tokens, width))
        return found


class _Thinking(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        found: Tensor = self.c_proj(F.gelu(self.c_fc(x)))
        return found


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn, self.mlp = _Attention(width), _Thinking(width)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        x = x + self.attn(self.ln_1(x))
        found: Tensor = x + self.mlp(self.ln_2(x))
        return found


class _Transformer(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(_Block(width) for _ in range(layers)))


class GlideUnet(Unet):
    """vocabulary, context, text_width, layers: of the transformer; the rest as of Unet."""

    def __init__(
        self, width: int, channels: Sequence[int], blocks: int, attends: Sequence[bool], sees: int,
        *, outputs: int, vocabulary: int, context: int, text_width: int, layers: int,
        scales: bool = True, moves: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            width, channels, blocks, attends, sees, outputs=outputs, classes=0, scales=scales,
            moves=moves, told=text_width,
        )  # fmt: skip
        self.transformer = _Transformer(text_width, layers)
        self.final_ln = nn.LayerNorm(text_width)
        self.token_embedding = nn.Embedding(vocabulary, text_width)
        self.positional_embedding = nn.Parameter(torch.zeros(context, text_width))
        self.padding_embedding = nn.Parameter(torch.zeros(context, text_width))
        self.transformer_proj = nn.Linear(text_width, 4 * width)

    def read(
        self, ids: Int64[Tensor, "n context"], kept: Bool[Tensor, "n context"]
    ) -> Float[Tensor, "n context text_width"]:
        """What every token has become. kept: which are the text's own."""
        x = self.token_embedding(ids) + self.positional_embedding
        x = torch.where(kept[:, :, None], x, self.padding_embedding)
        found: Tensor = self.final_ln(self.transformer.resblocks(x))
        return found

    def draw_text(
        self,
        x: Float[Tensor, "n sees side side"],
        t: Float[Tensor, " n"],
        text: Float[Tensor, "n context text_width"],
    ) -> Float[Tensor, "n outputs side side"]:
        """What it predicts. text: see read; the last token tells the time of the whole."""
        time = self.timed(t) + self.transformer_proj(text[:, -1])
        return self.passed(x, time, text.transpose(1, 2))
