"""BigGAN-deep as the PyTorch conversion published it (weights and a `config.json`).

Every linear and convolution weight but the class embedding is stored undivided, as `weight_orig`,
with the singular vectors u and v that its spectral norm sigma = u . W v is estimated by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.gan.biggan_config import TITLE, BigGANConfig
from engine.models.family import Tensors, refuse
from engine.models.layouts.biggan import infer_config
from engine.models.layouts.common import Origins

ORIGINAL = ".weight_orig"


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this layout's, right or not."""
    return any(name == "generator.gen_z.weight_orig" for name in tensors)


def convert(
    tensors: Tensors, where: str = "The file", config_json: Mapping[str, Any] | None = None
) -> tuple[BigGANConfig, dict[str, np.ndarray]]:
    """The config and the tensors by the names used here, spectral norms divided out (float32).

    config_json: what the published `config.json` holds; without it the sizes are read from the
    shapes. Raises CheckpointError that names the tensor that does not fit.
    """
    made: dict[str, np.ndarray] = {}
    origins: dict[str, str] = {}
    for name, array in tensors.items():
        if name.endswith((".weight_u", ".weight_v", ".num_batches_tracked")):
            continue
        if name.endswith(ORIGINAL):
            array = divided(tensors, name.removesuffix("_orig"), where)
        ours = _ours(name)
        made[ours], origins[ours] = np.asarray(array), name
    config = infer_config(made, where, config_json, Origins(origins, _theirs))
    return config, {name: np.asarray(array, np.float32) for name, array in made.items()}


def _ours(name: str) -> str:
    name = name.removesuffix("_orig") if name.endswith(ORIGINAL) else name
    if name.startswith("generator."):
        return "synthesis." + name.removeprefix("generator.")
    return f"mapping.{name}" if name.startswith("embeddings.") else name


def _theirs(ours: str) -> str:
    name = ours.removeprefix("mapping.").replace("synthesis.", "generator.", 1)
    plain = name in ("embeddings.weight", "generator.bn.weight") or not name.endswith(".weight")
    return name if plain else f"{name}_orig"


def divided(tensors: Tensors, name: str, where: str) -> np.ndarray:
    """`weight_orig` over its spectral norm u . W v (Miyato et al., 2018), W as a matrix of one row
    an output. Raises CheckpointError for vectors that do not fit or a norm that is not positive.
    """
    weight = np.asarray(tensors[f"{name}_orig"])
    if weight.ndim < 2 or not weight.size or weight.dtype.kind != "f":
        refuse(where, f"has '{name}_orig' of shape {weight.shape}, expected a weight", TITLE)
    matrix = weight.reshape(len(weight), -1).astype(np.float64)
    vectors = []
    for suffix, length in (("_u", matrix.shape[0]), ("_v", matrix.shape[1])):
        vector = tensors.get(name + suffix)
        if vector is None:
            refuse(where, f"lacks the tensor {name + suffix!r}", TITLE)
        if vector.shape != (length,):
            refuse(
                where, f"has {name + suffix!r} of shape {vector.shape}, expected {(length,)}", TITLE
            )
        vectors.append(vector.astype(np.float64))
    sigma = float(vectors[0] @ matrix @ vectors[1])
    if not 1e-30 < sigma < 1e30:
        refuse(where, f"has '{name}_orig' whose spectral norm is {sigma:.3g}", TITLE)
    return (weight / sigma).astype(np.float32)
