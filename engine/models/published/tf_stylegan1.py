"""StyleGAN as the TensorFlow code of its authors published it (Karras et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.gan.config_fields import MAX_RESOLUTION
from engine.gan.stylegan1_config import StyleGAN1Config
from engine.models.family import refuse
from engine.models.layouts.stylegan1 import infer_config
from engine.models.published.tf_tensors import TFTensors, check_arguments

TITLE = "StyleGAN (TensorFlow)"
# From this size on the published networks ran their up-sampling convolutions fused.
FUSED_FROM = 128
Made = dict[str, np.ndarray]
USUAL = {
    "normalize_latents": True,
    "use_wscale": True,
    "mapping_nonlinearity": "lrelu",
    "nonlinearity": "lrelu",
    "use_styles": True,
    "const_input_layer": True,
    "use_noise": True,
    "use_pixel_norm": False,
    "use_instance_norm": True,
    "blur_filter": [1, 2, 1],
}


def recognises(tensors: Mapping[str, np.ndarray]) -> bool:
    """Whether the names look like this layout's, right or not."""
    return any(name.endswith("4x4/Const/StyleMod/weight") for name in tensors)


def convert(
    tensors: Mapping[str, np.ndarray],
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
) -> tuple[StyleGAN1Config, dict[str, np.ndarray]]:
    """The config and the tensors by the names used here, in the types they came in.

    init: the arguments that the network was built with, if known. Of these `mapping_lrmul` and
    `fused_scale` are told by no name or shape: kernels of up-sampling convolutions that were run
    fused are stored turned. Raises CheckpointError that names the tensor or argument.
    """
    init = init or {}
    check_arguments(init, USUAL, where, TITLE)
    fused_from = _fused_from(init, where)
    source = TFTensors(tensors, where, TITLE)
    sizes = [4]
    while sizes[-1] < MAX_RESOLUTION and source.has(_layers(sizes[-1] * 2)[1] + "/weight"):
        sizes.append(sizes[-1] * 2)
    name = "synthesis.r4.const"
    made = _mapping(source)
    made[name] = _squeezed(source.take("G_synthesis/4x4/Const/const", name, 4), 1)
    for index, size in enumerate(sizes):
        for layer, theirs in enumerate(_layers(size)):
            ours = f"synthesis.r{size}.layer{layer}"
            made |= _kernel(source, theirs, ours, size, fused_from)
            made |= _epilogue(source, theirs, ours, 2 * index + layer)
        made |= _torgb(source, size, sizes[-1])
    source.finish()
    learning = {"mapping_lr": init.get("mapping_lrmul", 0.01)}
    return infer_config(made, where, learning, source.origins), made


def _fused_from(init: Mapping[str, Any], where: str) -> int:
    """The size in pixels from which up-sampling convolutions were run fused."""
    given = init.get("fused_scale", "auto")
    known: list[tuple[Any, int]] = [("auto", FUSED_FROM), (True, 8), (False, 2 * MAX_RESOLUTION)]
    for value, size in known:
        if type(given) is type(value) and given == value:
            return size
    refuse(where, f"was built with fused_scale = {str(given)[:40]}", TITLE)


def _layers(size: int) -> tuple[str, str]:
    names = ("Const", "Conv") if size == 4 else ("Conv0_up", "Conv1")
    return (f"G_synthesis/{size}x{size}/{names[0]}", f"G_synthesis/{size}x{size}/{names[1]}")


def _mapping(source: TFTensors) -> Made:
    made = {"mapping.w_avg": source.take("dlatent_avg", "mapping.w_avg", 1)}
    if source.has("G_mapping/LabelConcat/weight"):
        made["mapping.embed.weight"] = source.dense("G_mapping/LabelConcat", "mapping.embed.weight")
    index = 0
    while index == 0 or source.has(f"G_mapping/Dense{index}/weight"):
        theirs, ours = f"G_mapping/Dense{index}", f"mapping.fc{index}"
        made[f"{ours}.weight"] = source.dense(theirs, f"{ours}.weight")
        made[f"{ours}.bias"] = source.take(f"{theirs}/bias", f"{ours}.bias", 1)
        index += 1
    return made


def _kernel(source: TFTensors, theirs: str, ours: str, size: int, fused_from: int) -> Made:
    name = f"{ours}.conv.weight"
    if theirs.endswith("/Const"):
        return {}
    if theirs.endswith("_up") and size >= fused_from:
        return {name: source.transposed_kernel(theirs, name, order="io")}
    return {name: source.kernel(theirs, name)}


def _epilogue(source: TFTensors, theirs: str, ours: str, index: int) -> Made:
    """Noise, bias and style; the style's bias is the distance of the scale from 1 here as there."""
    inner = f"{theirs}/LayerEpilogue" if source.has(f"{theirs}/LayerEpilogue/bias") else theirs
    noise = f"{ours}.noise_const"
    return {
        f"{ours}.bias": source.take(f"{inner}/bias", f"{ours}.bias", 1),
        f"{ours}.noise_weight": source.take(f"{inner}/Noise/weight", f"{ours}.noise_weight", 1),
        f"{ours}.noise_strength": np.ones((), np.float32),
        noise: _squeezed(source.take(f"G_synthesis/noise{index}", noise, 4), 2),
        f"{ours}.affine.weight": source.dense(f"{inner}/StyleMod", f"{ours}.affine.weight"),
        f"{ours}.affine.bias": source.take(f"{inner}/StyleMod/bias", f"{ours}.affine.bias", 1),
    }


def _torgb(source: TFTensors, size: int, top: int) -> Made:
    theirs = f"G_synthesis/{source.toward_rgb(size, top)}"
    ours = f"synthesis.r{size}.torgb"
    if size != top and not source.has(f"{theirs}/weight"):
        return {}
    return {
        f"{ours}.weight": source.kernel(theirs, f"{ours}.weight"),
        f"{ours}.bias": source.take(f"{theirs}/bias", f"{ours}.bias", 1),
    }


def _squeezed(array: np.ndarray, axes: int) -> np.ndarray:
    """Without its first axes, where they are of length 1; else as it is, to be refused by shape."""
    return array[(0,) * axes] if array.shape[:axes] == (1,) * axes else array
