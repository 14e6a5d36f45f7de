"""What a checkpoint holds before anybody knows its architecture: named arrays and plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RawNetwork:
    """One network of a file, as the file names and stores it.

    name: "G_ema", "G", "g_ema", "Gs"; "" for a plain state dict. class_name: what the file says,
    such as "Generator"; "" if it says nothing. tensors: dotted names to arrays of floats, whole
    numbers or truth values in the stored layout (bfloat16 arrives as float32); read-only or with
    memory of their own. init: plain JSON-like constructor arguments (NVIDIA: `_init_kwargs`;
    TensorFlow: `static_kwargs` and "build_func_name"), {} if none.
    """

    name: str
    class_name: str
    tensors: Mapping[str, np.ndarray]
    init: Mapping[str, Any]


@dataclass(frozen=True)
class RawCheckpoint:
    """A whole file: networks, and what lay beside them.

    format: "nvidia-pickle", "tf-pickle", "torch-zip", "torch-legacy", "safetensors", "onnx" or
    "folder". networks: generators first, moving averages before the networks in training.
    extra: loose arrays and plain values at top level, such as {"latent_avg": array}.
    source_sha256: of the file, lower-case hex; of a folder, over its files' names and digests.
    """

    format: str
    networks: tuple[RawNetwork, ...]
    extra: Mapping[str, Any]
    source_sha256: str
