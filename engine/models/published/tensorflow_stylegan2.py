"""StyleGAN2 as TensorFlow code published it (Karras et al., 2020).

Kernels are [height, width, in, out] and dense weights [in, out]. Up-sampling convolutions are
stored turned, style biases without the 1 that is added to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawNetwork
from engine.models.family import refuse
from engine.models.published.layout import Converted, Source, floats
from engine.models.stylegan2_layout import MAX_RESOLUTION, infer_config

TITLE = "StyleGAN2 (TensorFlow)"


def recognises(network: RawNetwork) -> bool:
    """See Layout."""
    return any("4x4/Const/" in name or "4x4/Conv/" in name for name in network.tensors)


def convert(network: RawNetwork, extra: Mapping[str, Any], where: str) -> Converted:
    """See Layout."""
    if network.init.get("normalize_latents") is False:
        refuse(where, "maps latents that are not normalised", TITLE)
    stored = {_plain(name): array for name, array in floats(network.tensors).items()}
    stored = {name: array for name, array in stored.items() if name.split("/")[-1] != "lod"}
    source = Source(stored, where, TITLE)
    tensors = _mapping(source) | _synthesis(source, _filter(network.init, where))
    source.finish()
    return infer_config(tensors, where, _arguments(network.init), source.origins), tensors


def _plain(name: str) -> str:
    """Names with or without the G_ of their components, and of the network around them."""
    for part in ("mapping", "synthesis"):
        for prefix in (f"G_{part}/", f"{part}/"):
            before, found, after = name.partition(prefix)
            if found and before in ("", "G_main/", "Gs/", "G/"):
                return f"{part}/{after}"
    return name.rpartition("/")[2] if name.endswith("/dlatent_avg") else name


def _arguments(init: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the TensorFlow code under the names of the later PyTorch code."""
    mapping = {
        "lr_multiplier": init.get("mapping_lrmul", 0.01),
        "activation": init.get("mapping_nonlinearity", "lrelu"),
    }
    synthesis = {
        "conv_clamp": init.get("conv_clamp"),
        "activation": init.get("nonlinearity", "lrelu"),
    }
    return {"mapping_kwargs": mapping, "synthesis_kwargs": synthesis}


def _filter(init: Mapping[str, Any], where: str) -> np.ndarray:
    """The resampling filter that the arguments name, a square of sum 1."""
    given = init.get("resample_kernel")
    try:
        taps = np.asarray([1, 3, 3, 1] if given is None else given, np.float64)
    except (TypeError, ValueError, OverflowError):
        taps = np.zeros(0)
    square = np.outer(taps, taps) if taps.ndim == 1 else taps
    small = square.ndim == 2 and 1 <= len(square) <= 64 and np.abs(square).max(initial=0) < 1e6
    if not small or np.abs(square.sum()) < 1e-6:
        refuse(where, f"was built with resample_kernel = {str(given)[:40]}", TITLE)
    return np.asarray(square / square.sum(), np.float32)


def _mapping(source: Source) -> dict[str, np.ndarray]:
    tensors = {"mapping.w_avg": source.take("dlatent_avg", "mapping.w_avg", None)}
    if source.has("mapping/LabelEmbed/weight"):
        tensors |= _dense(source, "mapping/LabelEmbed", "mapping.embed")
    index = 0
    while index == 0 or source.has(f"mapping/Dense{index}/weight", f"mapping/Dense{index}/bias"):
        tensors |= _dense(source, f"mapping/Dense{index}", f"mapping.fc{index}")
        index += 1
    return tensors


def _dense(source: Source, theirs: str, ours: str) -> dict[str, np.ndarray]:
    weight = source.take(f"{theirs}/weight", f"{ours}.weight", None, None)
    return {
        f"{ours}.weight": np.ascontiguousarray(weight.T),
        f"{ours}.bias": source.take(f"{theirs}/bias", f"{ours}.bias", None),
    }


def _synthesis(source: Source, taps: np.ndarray) -> dict[str, np.ndarray]:
    name = "synthesis.b4.const"
    tensors = {name: source.take("synthesis/4x4/Const/const", name, 1, None, 4, 4)[0]}
    noisy = any(name.endswith("/noise_strength") for name in source.left)
    size, noise = 4, 0
    while size == 4 or (size <= MAX_RESOLUTION and _goes_on(source, size)):
        theirs, ours = f"synthesis/{size}x{size}", f"synthesis.b{size}"
        tensors[f"{ours}.resample_filter"] = taps
        layers = [("Conv", "conv1")] if size == 4 else [("Conv0_up", "conv0"), ("Conv1", "conv1")]
        for layer, conv in layers:
            tensors |= _modulated(source, f"{theirs}/{layer}", f"{ours}.{conv}")
            tensors[f"{ours}.{conv}.resample_filter"] = taps
            if noisy:
                tensors |= _noise(source, f"{theirs}/{layer}", f"{ours}.{conv}", noise)
            else:
                source.left.pop(f"synthesis/noise{noise}", None)
            noise += 1
        if source.has(f"{theirs}/Skip/weight"):
            tensors[f"{ours}.skip.weight"] = _kernel(source, f"{theirs}/Skip", f"{ours}.skip")
            tensors[f"{ours}.skip.resample_filter"] = taps
        if source.has(f"{theirs}/ToRGB/weight", f"{theirs}/ToRGB/bias"):
            tensors |= _modulated(source, f"{theirs}/ToRGB", f"{ours}.torgb")
        size *= 2
    return tensors


def _goes_on(source: Source, size: int) -> bool:
    names = ("Conv0_up/weight", "Conv1/weight")
    return source.has(*(f"synthesis/{size}x{size}/{name}" for name in names))


def _modulated(source: Source, theirs: str, ours: str) -> dict[str, np.ndarray]:
    weight = source.take(f"{theirs}/mod_weight", f"{ours}.affine.weight", None, None)
    bias = source.take(f"{theirs}/mod_bias", f"{ours}.affine.bias", None)
    return {
        f"{ours}.weight": _kernel(source, theirs, ours),
        f"{ours}.bias": source.take(f"{theirs}/bias", f"{ours}.bias", None),
        f"{ours}.affine.weight": np.ascontiguousarray(weight.T),
        f"{ours}.affine.bias": bias + np.float32(1),
    }


def _kernel(source: Source, theirs: str, ours: str) -> np.ndarray:
    kernel = source.take(f"{theirs}/weight", f"{ours}.weight", None, None, None, None)
    if theirs.endswith("_up"):
        kernel = kernel[::-1, ::-1]
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _noise(source: Source, theirs: str, ours: str, index: int) -> dict[str, np.ndarray]:
    strength, const = f"{ours}.noise_strength", f"{ours}.noise_const"
    return {
        strength: source.take(f"{theirs}/noise_strength", strength),
        const: source.take(f"synthesis/noise{index}", const, 1, 1, None, None)[0, 0],
    }
