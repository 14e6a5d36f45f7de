"""The sizes of T5's encoder, as its published config states them. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.perception.sizes import check_sizes, check_word, known, refuse_encoder

GATED = "gated-gelu"
MOST = {"num_layers": 128, "num_heads": 256, "relative_attention_num_buckets": 4096}


@dataclass(frozen=True)
class T5Sizes:
    """Defaults are those that a published config may leave out."""

    vocab_size: int = 32128
    d_model: int = 4096
    d_kv: int = 64
    d_ff: int = 10240
    num_layers: int = 24
    num_heads: int = 64
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6


def read_t5_sizes(plain: Mapping[str, Any], where: str) -> T5Sizes:
    """From a card's config or a published config.json. Raises CheckpointError."""
    found = T5Sizes(**known(T5Sizes, plain))
    check_sizes(found, partial(refuse_encoder, where), MOST)
    check_word(plain, "feed_forward_proj", GATED, where)
    return found
