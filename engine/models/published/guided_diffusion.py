"""Files of guided diffusion (Dhariwal and Nichol, 2021) as their makers published them: tensors
alone, of a model, an upsampler or a classifier of noisy pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint
from engine.models.adm_config import ADM, AdmConfig, adm_config
from engine.models.denoisers import CLASSIFIER
from engine.models.published.pipeline_parts import Pipeline


@dataclass(frozen=True)
class ClassifierCard:
    """What a card says of such a classifier, in the words of all noise-aware ones."""

    adm: AdmConfig

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = [str(index) for index in range(self.adm.classes)]
        return {"size": self.adm.side, "classes": names, "adm": self.adm.to_dict()}


def read_guided(raw: RawCheckpoint, where: str) -> Pipeline:
    """What such a file is. Raises ModelError for what is missing and for another kind."""
    tensors = {name: _floats(array) for name, array in raw.networks[0].tensors.items()}
    config = adm_config(tensors, where)
    if config.kind == "classifier":
        return Pipeline(CLASSIFIER, ClassifierCard(config), tensors)
    return Pipeline(ADM, config, tensors)


def _floats(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "f" else array.astype(np.float32)
