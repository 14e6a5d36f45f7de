"""DCGAN as PyTorch users save it: the state dict of a module with one sequence `main`.

The layout is that of the PyTorch tutorial: transposed convolutions of 4x4 and batch norms with
running statistics. Any number of levels is read.
"""

from __future__ import annotations

import numpy as np

from engine.gan.dcgan_config import DCGANConfig
from engine.models.family import Tensors
from engine.models.layouts.common import Origins
from engine.models.layouts.dcgan import infer_config

# What parallel training puts before every name, and what only training reads.
WRAPPER, COUNTER = "module.", ".num_batches_tracked"


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this layout's, right or not."""
    return any(name.removeprefix(WRAPPER) == "main.0.weight" for name in tensors)


def convert(tensors: Tensors, where: str = "The file") -> tuple[DCGANConfig, dict[str, np.ndarray]]:
    """The config and the tensors by the names used here, in the types they came in.

    Batch norm's counters are left out. Raises CheckpointError that names the tensor.
    """
    wrapped = bool(tensors) and all(name.startswith(WRAPPER) for name in tensors)
    made: dict[str, np.ndarray] = {}
    origins: dict[str, str] = {}
    for name, array in tensors.items():
        plain = name.removeprefix(WRAPPER) if wrapped else name
        if not plain.endswith(COUNTER):
            ours = f"synthesis.{plain}" if plain.startswith("main.") else plain
            made[ours], origins[ours] = np.asarray(array), name
    prefix = WRAPPER if wrapped else ""
    renamed = Origins(origins, lambda ours: prefix + ours.removeprefix("synthesis."))
    return infer_config(made, where, origins=renamed), made
