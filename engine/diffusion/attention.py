"""Self-attention that can be told to see nothing but its own place.

Perturbed-attention guidance (Ahn et al., 2024, section 4.2) moves away from what a network draws
while its attention map is the identity: a picture whose parts know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.attention_processor import Attention
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

CROSS = ".attn2"  # how diffusers names attention to texts


class Perturbation:
    """What the self-attention of one network asks. shares: True for each picture of the batch whose
    places see themselves alone; None where no picture's do."""

    def __init__(self) -> None:
        self.shares: Bool[Tensor, " n"] | None = None

    @classmethod
    def of(cls, net: nn.Module, within: str = "") -> Perturbation:
        """Make the self-attention of a network ask, where its name begins with `within`. Nothing is
        changed as long as it is told nothing."""
        found = cls()
        for name, part in net.named_modules():
            known = isinstance(part, Attention) and not name.endswith(CROSS)
            if known and name.startswith(within):
                part.set_processor(_Asking(part.processor, found))
        return found

    @contextmanager
    def told(self, shares: Bool[Tensor, " n"] | None) -> Iterator[None]:
        """While the network runs."""
        self.shares = shares
        try:
            yield
        finally:
            self.shares = None


def finest(levels: int) -> str:
    """Of a U-Net of the bundled kind: the finest level that attends, on the way up. Perturbing all
    levels, or the middle, brings less."""
    return f"up_blocks.{levels - 2}"


class _Asking:
    """The processor of one attention layer, as diffusers calls it."""

    def __init__(self, usual: Any, perturbation: Perturbation) -> None:
        self.usual, self.perturbation = usual, perturbation

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        shares = self.perturbation.shares
        among_places = encoder_hidden_states is None and attention_mask is None
        if shares is None or not among_places:
            out: Tensor = self.usual(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb
            )
            return out
        shape = hidden_states.shape
        places = hidden_states if len(shape) == 3 else hidden_states.flatten(2).transpose(1, 2)
        if attn.group_norm is not None:
            places = attn.group_norm(places.transpose(1, 2)).transpose(1, 2)
        query, key, value = (
            part(places).unflatten(2, (attn.heads, -1)).transpose(1, 2)
            for part in (attn.to_q, attn.to_k, attn.to_v)
        )
        seen = scaled_dot_product_attention(query, key, value, scale=attn.scale)
        alone = shares.to(value.device)[:, None, None, None]
        seen = torch.where(alone, value, seen)
        out = attn.to_out[0](seen.transpose(1, 2).flatten(2))
        if len(shape) == 4:
            out = out.transpose(1, 2).reshape(shape)
        if attn.residual_connection:
            out = out + hidden_states
        divided: Tensor = out / attn.rescale_output_factor
        return divided
