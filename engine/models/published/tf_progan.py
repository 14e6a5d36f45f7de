"""ProGAN as the TensorFlow code of its authors published it (Karras et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.gan.config_fields import MAX_RESOLUTION
from engine.gan.progan_config import ProGANConfig
from engine.models.layouts.progan import infer_config
from engine.models.published.tf_tensors import TFTensors, check_arguments

TITLE = "ProGAN (TensorFlow)"
Made = dict[str, np.ndarray]
USUAL = {
    "normalize_latents": True,
    "use_wscale": True,
    "use_pixelnorm": True,
    "use_leakyrelu": True,
    "pixelnorm_epsilon": 1e-8,
}


def recognises(tensors: Mapping[str, np.ndarray]) -> bool:
    """Whether the names look like this layout's, right or not."""
    return any(name.endswith("4x4/Dense/weight") for name in tensors)


def convert(
    tensors: Mapping[str, np.ndarray],
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
) -> tuple[ProGANConfig, dict[str, np.ndarray]]:
    """The config and the tensors by the names used here, in the types they came in.

    Up-sampling convolutions may be plain (`8x8/Conv0`, kernel [3, 3, in, out]) or fused
    (`8x8/Conv0_up`, kernel [3, 3, out, in]). Labels, where the network took any, count as the last
    part of z, since it normalises both together. init: the arguments that the network was built
    with, if known. Raises CheckpointError that names the tensor or argument.
    """
    check_arguments(init or {}, USUAL, where, TITLE)
    source = TFTensors(tensors, where, TITLE)
    sizes = [4]
    while sizes[-1] < MAX_RESOLUTION and source.has(
        f"{sizes[-1] * 2}x{sizes[-1] * 2}/Conv1/weight"
    ):
        sizes.append(sizes[-1] * 2)
    made = _first(source)
    for size in sizes:
        if size > 4:
            made |= _block(source, size)
        theirs, ours = source.toward_rgb(size, sizes[-1]), f"synthesis.r{size}.torgb"
        made[f"{ours}.weight"] = source.kernel(theirs, f"{ours}.weight")
        made[f"{ours}.bias"] = source.take(f"{theirs}/bias", f"{ours}.bias", 1)
    source.finish()
    return infer_config(made, where, origins=source.origins), made


def _first(source: TFTensors) -> Made:
    return {
        "synthesis.r4.dense.weight": source.dense("4x4/Dense", "synthesis.r4.dense.weight"),
        "synthesis.r4.dense.bias": source.take("4x4/Dense/bias", "synthesis.r4.dense.bias", 1),
        "synthesis.r4.conv.weight": source.kernel("4x4/Conv", "synthesis.r4.conv.weight"),
        "synthesis.r4.conv.bias": source.take("4x4/Conv/bias", "synthesis.r4.conv.bias", 1),
    }


def _block(source: TFTensors, size: int) -> Made:
    theirs, ours = f"{size}x{size}", f"synthesis.r{size}"
    made: Made = {}
    name = f"{ours}.conv0.weight"
    if source.has(f"{theirs}/Conv0_up/weight"):
        first = f"{theirs}/Conv0_up"
        made[name] = source.transposed_kernel(first, name, order="oi")
    else:
        first = f"{theirs}/Conv0"
        made[name] = source.kernel(first, name)
    made[f"{ours}.conv0.bias"] = source.take(f"{first}/bias", f"{ours}.conv0.bias", 1)
    made[f"{ours}.conv1.weight"] = source.kernel(f"{theirs}/Conv1", f"{ours}.conv1.weight")
    made[f"{ours}.conv1.bias"] = source.take(f"{theirs}/Conv1/bias", f"{ours}.conv1.bias", 1)
    return made
