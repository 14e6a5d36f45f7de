"""The sizes of the text encoder in `bert`, as its published config states them. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.perception.sizes import check_sizes, check_word, known, refuse_encoder

MOST = {"encoder_layers": 128, "encoder_attention_heads": 256, "max_position_embeddings": 4096}


@dataclass(frozen=True)
class BertSizes:
    """Defaults are those that a published config may leave out."""

    vocab_size: int = 30522
    d_model: int = 1280
    encoder_ffn_dim: int = 5120
    encoder_layers: int = 32
    encoder_attention_heads: int = 8
    head_dim: int = 64
    max_position_embeddings: int = 77

    @property
    def hidden_size(self) -> int:
        """Numbers of each token."""
        return self.d_model


def read_bert_sizes(plain: Mapping[str, Any], where: str) -> BertSizes:
    """From a card's config or a published config.json. Raises CheckpointError."""
    found = BertSizes(**known(BertSizes, plain))
    check_sizes(found, partial(refuse_encoder, where), MOST)
    check_word(plain, "activation_function", "gelu", where)
    return found
