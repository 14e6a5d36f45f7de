"""The sizes of T5's encoder, as its published config states them. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from engine.errors import CheckpointError

GATED = "gated-gelu"


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
    told = {f.name: plain[f.name] for f in fields(T5Sizes) if plain.get(f.name) is not None}
    found = T5Sizes(**told)
    most = {"num_layers": 128, "num_heads": 256, "relative_attention_num_buckets": 4096}
    for name, value in asdict(found).items():
        if name == "layer_norm_epsilon":
            sound = isinstance(value, float) and 0 < value < 1
        else:
            sound = type(value) is int and 0 < value < most.get(name, 2**20)
        if not sound:
            raise _odd(where, f"{name} is {str(value)[:40]!r}")
    if plain.get("feed_forward_proj", GATED) != GATED:
        raise _odd(where, f"feed_forward_proj is {str(plain['feed_forward_proj'])[:40]!r}")
    return found


def _odd(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where} has a T5 that is not read here: {words}.",
        "Fetch the whole folder again from its source.",
    )
