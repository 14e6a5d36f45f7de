"""What a checkpoint reader yields: named tensors and the arguments that networks were built with.

Nothing in here is trusted: names, shapes and arguments come from the file as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RawNetwork:
    """One network of a checkpoint.

    name: "G_ema", "G", "g_ema", "Gs", "" for a plain state dict. tensors: by dotted names, or by
    the names that TensorFlow stored. init: the constructor's arguments; {} where the file has
    none.
    """

    name: str
    class_name: str
    tensors: Mapping[str, np.ndarray]
    init: Mapping[str, Any]


@dataclass(frozen=True)
class RawCheckpoint:
    """A whole file.

    format: "nvidia-pickle", "tf-pickle", "torch-zip", "torch-legacy", "safetensors", "onnx" or
    "folder". extra: what lies beside the networks, such as {"latent_avg": array}.
    """

    format: str
    networks: tuple[RawNetwork, ...]
    extra: Mapping[str, Any]
    source_sha256: str
