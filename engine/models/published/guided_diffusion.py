"""Files of guided diffusion (Dhariwal and Nichol, 2021) as their makers published them: tensors
alone, of a model, an upsampler or a classifier of noisy pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.adm_config import ADM, AdmConfig, adm_config, odd_adm
from engine.models.diffusion.denoisers import CLASSIFIER
from engine.models.diffusion.glide_config import GLIDE, MARK, glide_config
from engine.models.published.pipeline_parts import Pipeline
from engine.perception.byte_pairs import read_byte_pairs


@dataclass(frozen=True)
class ClassifierCard:
    """What a card says of such a classifier, in the words of all noise-aware ones."""

    adm: AdmConfig

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = [str(index) for index in range(self.adm.classes)]
        return {"size": self.adm.side, "classes": names, "adm": self.adm.to_dict()}


def read_guided(raw: RawCheckpoint, path: Path) -> Pipeline:
    """What such a file is, or one of GLIDE, whose tokenizer lies beside it or in `tokenizer` there.

    Raises ModelError or CheckpointError for what is missing and for another kind.
    """
    where = path.name
    tensors = {name: _floats(array) for name, array in raw.networks[0].tensors.items()}
    if MARK in tensors:
        return _glide(tensors, path)
    config = adm_config(tensors, where)
    if config.kind == "classifier":
        return Pipeline(CLASSIFIER, ClassifierCard(config), tensors)
    return Pipeline(ADM, config, tensors)


def _glide(tensors: dict[str, np.ndarray], path: Path) -> Pipeline:
    config = glide_config(tensors, path.name)
    inside = path.parent / "tokenizer"
    words = read_byte_pairs(inside if inside.is_dir() else path.parent)
    if len(words.vocab) != config.vocabulary:
        told = f"its tokenizer has {len(words.vocab)} tokens, its network {config.vocabulary}"
        raise odd_adm(path.name, told)
    return Pipeline(GLIDE, config, tensors, words)


def _floats(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "f" else array.astype(np.float32)
