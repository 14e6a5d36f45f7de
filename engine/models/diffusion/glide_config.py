"""What a card says of a GLIDE model (Nichol et al., 2021). No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.denoising import DenoiserInfo
from engine.models.diffusion.adm_config import TIMES, AdmConfig, adm_config, odd_adm

GLIDE = "glide"
MARK = "transformer.resblocks.0.attn.c_qkv.weight"  # no other network of its kind has this


@dataclass(frozen=True)
class GlideConfig:
    """body: of the U-Net. vocabulary, context, text_width, layers: of the transformer."""

    body: AdmConfig
    vocabulary: int
    context: int
    text_width: int
    layers: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**vars(self), "body": self.body.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> GlideConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            config = cls(**{**plain, "body": AdmConfig.from_dict(plain["body"], where)})
        except (KeyError, TypeError) as error:
            raise odd_adm(where, f"its settings are incomplete: {str(error)[:120]}") from error
        numbers = (config.vocabulary, config.context, config.text_width, config.layers)
        if not all(type(n) is int and 0 < n < 2**20 for n in numbers) or config.layers > 128:
            raise odd_adm(where, f"its transformer has the sizes {str(numbers)[:80]}")
        if config.body.kind == "classifier" or config.body.classes:
            raise odd_adm(where, "it knows classes and texts")
        return config


def glide_config(tensors: Mapping[str, np.ndarray], where: str) -> GlideConfig:
    """What the shapes say. Raises ModelError for what is missing or no such network."""
    layers = {m[1] for name in tensors if (m := re.match(r"transformer\.resblocks\.(\d+)\.", name))}
    try:
        vocabulary, width = tensors["token_embedding.weight"].shape
        context = len(tensors["positional_embedding"])
    except (KeyError, ValueError) as error:
        raise odd_adm(where, f"it lacks {str(error)[:120]}") from error
    plain = {
        "body": adm_config(tensors, where).to_dict(), "vocabulary": vocabulary, "context": context,
        "text_width": width, "layers": len(layers),
    }  # fmt: skip
    return GlideConfig.from_dict(plain, where)


def glide_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    body = GlideConfig.from_dict(card["config"], folder.name).body
    shown = {"upsampler": "small", "inpainter": "masked"}.get(body.kind, "")
    return DenoiserInfo.of_card(
        folder, card, bundled, body.side, own_encoder=True, shown=shown,
        source_px=body.side // TIMES if shown == "small" else 0,
    )  # fmt: skip
