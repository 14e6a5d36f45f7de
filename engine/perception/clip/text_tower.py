"""CLIP's text tower: a causal transformer that is read at the end of the text."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.perception.clip.config import LEGACY_END, TextSizes
from engine.perception.clip.transformer import Encoder


class Embeddings(nn.Module):
    """A vector for each token and one for each place."""

    def __init__(self, sizes: TextSizes) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(sizes.vocab_size, sizes.hidden_size)
        self.position_embedding = nn.Embedding(sizes.max_position_embeddings, sizes.hidden_size)

    def forward(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n tokens width"]:
        """See class."""
        place = self.position_embedding.weight[: ids.shape[1]]
        found: Tensor = self.token_embedding(ids) + place
        return found


class TextTower(nn.Module):
    """What is after the end is never looked at, since a token sees only those before it."""

    def __init__(self, sizes: TextSizes) -> None:
        super().__init__()
        self.end = sizes.eos_token_id
        self.embeddings = Embeddings(sizes)
        self.encoder = Encoder(sizes, causal=True)
        self.final_layer_norm = nn.LayerNorm(sizes.hidden_size, sizes.layer_norm_eps)

    def forward(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n width"]:
        """The state at the first end of each text; for configs of old at its highest number."""
        return self.ended(ids, self.states(ids))

    def states(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n tokens width"]:
        """What every token has become, for a network that attends to them."""
        found: Tensor = self.final_layer_norm(self.encoder(self.embeddings(ids)))
        return found

    def inner(self, ids: Int64[Tensor, "n tokens"]) -> Float[Tensor, "n tokens width"]:
        """What every token is before the last layer, not normed."""
        found: Tensor = self.embeddings(ids)
        for layer in self.encoder.layers[:-1]:
            found = layer(found)
        return found

    def ended(
        self, ids: Int64[Tensor, "n tokens"], states: Float[Tensor, "n tokens width"]
    ) -> Float[Tensor, "n width"]:
        """The state at the first end of each text."""
        ends = ids if self.end == LEGACY_END else (ids == self.end).int()
        found: Tensor = states[torch.arange(len(ids), device=ids.device), ends.argmax(1)]
        return found


class PooledTower(TextTower):
    """With the matrix into the space that texts share with pictures, width numbers."""

    def __init__(self, sizes: TextSizes, width: int) -> None:
        super().__init__(sizes)
        self.text_projection = nn.Linear(sizes.hidden_size, width, bias=False)

    def read(
        self, ids: Int64[Tensor, "n tokens"]
    ) -> tuple[Float[Tensor, "n tokens inside"], Float[Tensor, "n width"]]:
        """What every token has become, and the whole text in the shared space."""
        states = self.states(ids)
        whole: Tensor = self.text_projection(self.ended(ids, states))
        return states, whole

    def both(
        self, ids: Int64[Tensor, "n tokens"]
    ) -> tuple[Float[Tensor, "n tokens inside"], Float[Tensor, "n width"]]:
        """What every token is before the last layer, and the whole text in the shared space."""
        inner = self.inner(ids)
        states = self.final_layer_norm(self.encoder.layers[-1](inner))
        whole: Tensor = self.text_projection(self.ended(ids, states))
        return inner, whole
