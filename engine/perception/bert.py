"""The text encoder of latent diffusion's first model of texts (Rombach et al., 2022): a
transformer without masks, in which every token sees all others, the filling too.

Parts are named as diffusers names those of its LDMBertModel.
"""

from __future__ import annotations

from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.perception.bert_sizes import BertSizes


class BertTower(nn.Module):
    """See module."""

    def __init__(self, sizes: BertSizes) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(sizes.vocab_size, sizes.d_model)
        self.embed_positions = nn.Embedding(sizes.max_position_embeddings, sizes.d_model)
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.encoder_layers))
        self.layer_norm = nn.LayerNorm(sizes.d_model)

    def states(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n tokens width"]:
        """What every token has become, for a network that attends to them."""
        found = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]]
        for layer in self.layers:
            found = layer(found)
        normed: Tensor = self.layer_norm(found)
        return normed


class _Layer(nn.Module):
    def __init__(self, sizes: BertSizes) -> None:
        super().__init__()
        self.self_attn = _Attention(sizes)
        self.self_attn_layer_norm = nn.LayerNorm(sizes.d_model)
        self.fc1 = nn.Linear(sizes.d_model, sizes.encoder_ffn_dim)
        self.fc2 = nn.Linear(sizes.encoder_ffn_dim, sizes.d_model)
        self.final_layer_norm = nn.LayerNorm(sizes.d_model)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        found: Tensor = x + self.fc2(nn.functional.gelu(self.fc1(self.final_layer_norm(x))))
        return found


class _Attention(nn.Module):
    def __init__(self, sizes: BertSizes) -> None:
        super().__init__()
        self.heads = sizes.encoder_attention_heads
        inside = self.heads * sizes.head_dim
        self.q_proj, self.k_proj, self.v_proj = (
            nn.Linear(sizes.d_model, inside, bias=False) for _ in "qkv"
        )
        self.out_proj = nn.Linear(inside, sizes.d_model)

    def forward(self, x: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        n, tokens, _ = x.shape
        q, k, v = (
            part(x).view(n, tokens, self.heads, -1).transpose(1, 2)  # [n heads tokens size]
            for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        found: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(n, tokens, -1))
        return found
