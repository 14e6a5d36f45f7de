"""The sizes of the text encoder in `bert`, as its published config states them. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from engine.errors import CheckpointError


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


def read_sizes(plain: Mapping[str, Any], where: str) -> BertSizes:
    """From a card's config or a published config.json. Raises CheckpointError."""
    told = {f.name: plain[f.name] for f in fields(BertSizes) if plain.get(f.name) is not None}
    found = BertSizes(**told)
    most = {"encoder_layers": 128, "encoder_attention_heads": 256, "max_position_embeddings": 4096}
    for name, value in asdict(found).items():
        if type(value) is not int or not 0 < value < most.get(name, 2**20):
            raise _odd(where, f"{name} is {str(value)[:40]!r}")
    if plain.get("activation_function", "gelu") != "gelu":
        raise _odd(where, f"activation_function is {str(plain['activation_function'])[:40]!r}")
    return found


def _odd(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where} has a text encoder that is not read here: {words}.",
        "Fetch the whole folder again from its source.",
    )
