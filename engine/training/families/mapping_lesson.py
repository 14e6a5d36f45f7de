"""The first lesson of families with a mapping network: what z stands for, without a picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from engine.training.families.codes import Codes
from engine.training.label_columns import columns_of


def told(codes: Codes, z: Float[Tensor, "n z_dim"]) -> Float[Tensor, "n t"]:
    """The label table behind z, each entry with a spread of about 1: choices as one of many."""
    none = np.zeros(len(z), np.int64)
    return columns_of(codes.table(z.numpy(), none).astype(np.float64))
