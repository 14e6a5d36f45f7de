"""Generators with random weights in every published layout, so that tests need no downloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.models.families import family_of
from engine.models.family import Config

Tensors = dict[str, np.ndarray]
PLAN = {4: 12, 8: 10, 16: 8}

STYLEGAN2 = {
    "skip, grey, clamped": StyleGAN2Config(
        10, 12, 0, 8, {4: 12, 8: 6}, 2, img_channels=1, conv_clamp=0.7
    ),
    "resnet, classes": StyleGAN2Config(
        10, 12, 3, 16, PLAN, 3, architecture="resnet", embed_features=5, layer_features=7
    ),
    "resnet, clamped": StyleGAN2Config(8, 8, 0, 16, PLAN, 2, architecture="resnet", conv_clamp=0.5),
    "orig, no noise": StyleGAN2Config(8, 12, 0, 16, PLAN, 2, architecture="orig", noise=False),
    "one block": StyleGAN2Config(8, 8, 2, 4, {4: 8}, 1),
    "other filters": StyleGAN2Config(8, 8, 0, 16, PLAN, 1, filter_taps=6, mapping_lr=0.1),
    "odd filters": StyleGAN2Config(8, 8, 0, 16, PLAN, 1, filter_taps=3),
}
STYLEGAN3 = {
    "T, classes": StyleGAN3Config(10, 12, 3, 32, (12, 10, 9, 8, 6)),
    "R, grey": StyleGAN3Config(
        8, 8, 0, 16, (8, 8, 6, 6), 1, img_channels=1, conv_kernel=1, radial=True
    ),
    "T, clamped": StyleGAN3Config(8, 8, 0, 16, (8, 8, 6), 3, conv_clamp=0.6, output_scale=1.0),
    "other margins": StyleGAN3Config(
        8, 8, 0, 32, (8, 8, 6, 6), num_critical=1, margin_size=6, filter_size=4, conv_clamp=None
    ),
    "no power of two": StyleGAN3Config(8, 8, 0, 24, (8, 8, 6, 6)),
}
EVERY: dict[str, Config] = {
    **{f"StyleGAN2 {name}": config for name, config in STYLEGAN2.items()},
    **{f"StyleGAN3 {name}": config for name, config in STYLEGAN3.items()},
}


def random_tensors(config: Config, seed: int = 0) -> Tensors:
    """float32 tensors of such a generator; no bias, strength or average is left at zero."""
    torch.manual_seed(seed)
    generator = family_of(config).new_generator(config)
    with torch.no_grad():
        for name, value in generator.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg", "input.affine.weight")):
                value.add_(0.3 * torch.randn_like(value))
            if name.endswith("magnitude_ema"):
                value.fill_(0.7)
            if name.startswith("mapping.fc") and name.endswith("bias"):
                value.mul_(10.0)
    return {name: value.numpy() for name, value in generator.state_dict().items()}


def nvidia(config: Config, tensors: Mapping[str, np.ndarray]) -> RawCheckpoint:
    """As NVIDIA's PyTorch pickles: a worse `G` beside the `G_ema`, arguments as they nest them."""
    init = _nested(config) if isinstance(config, StyleGAN2Config) else _flat(config)
    worse = {name: array + 1 for name, array in tensors.items()}
    networks = (
        RawNetwork("G", "Generator", worse, init),
        RawNetwork("D", "Discriminator", {"b4.out.weight": np.ones((1, 4), np.float32)}, {}),
        RawNetwork("G_ema", "Generator", tensors, init),
    )
    return RawCheckpoint("nvidia-pickle", networks, {}, "0" * 64)


def tensorflow(
    config: StyleGAN2Config, tensors: Mapping[str, np.ndarray], prefix: str = ""
) -> RawCheckpoint:
    """As the TensorFlow pickles. prefix: "G_" for the names of single variables."""
    stored: Tensors = {"lod": np.zeros((), np.float32)}
    for name, array in tensors.items():
        if not name.endswith("resample_filter"):
            stored |= _to_tensorflow(name, array, prefix)
    init = {
        "resolution": config.resolution,
        "build_func_name": "training.networks_stylegan2.G_main",
        "conv_clamp": config.conv_clamp,
        "mapping_lrmul": config.mapping_lr,
        "resample_kernel": [float(np.round(v)) for v in _binomial(config.filter_taps)],
    }
    return RawCheckpoint("tf-pickle", (RawNetwork("Gs", "Network", stored, init),), {}, "0" * 64)


def rosinality(
    config: StyleGAN2Config, tensors: Mapping[str, np.ndarray], average: bool = True
) -> RawCheckpoint:
    """As rosinality's .pt files. average: whether the file knows the mean of w."""
    stored: Tensors = {"input.input": tensors["synthesis.b4.const"][None]}
    for index in range(config.mapping_layers):
        for part in ("weight", "bias"):
            stored[f"style.{index + 1}.{part}"] = tensors[f"mapping.fc{index}.{part}"]
    for place, size in enumerate(config.resolutions):
        block = f"synthesis.b{size}"
        if size > 4:
            kernel = tensors[f"{block}.resample_filter"] * 4
            stored[f"to_rgbs.{place - 1}.upsample.kernel"] = kernel
            stored[f"convs.{2 * place - 2}.conv.blur.kernel"] = kernel
            stored |= _rosinality_layer(tensors, f"{block}.conv0", f"convs.{2 * place - 2}")
        theirs = "conv1" if size == 4 else f"convs.{2 * place - 1}"
        stored |= _rosinality_layer(tensors, f"{block}.conv1", theirs)
        name = "to_rgb1" if size == 4 else f"to_rgbs.{place - 1}"
        stored[f"{name}.conv.weight"] = tensors[f"{block}.torgb.weight"][None]
        stored[f"{name}.bias"] = tensors[f"{block}.torgb.bias"].reshape(1, -1, 1, 1)
        for part in ("weight", "bias"):
            affine = tensors[f"{block}.torgb.affine.{part}"]
            stored[f"{name}.conv.modulation.{part}"] = affine
    layers = family_of(config).noisy_layers(config)
    for index, (layer, _) in enumerate(layers):
        stored[f"noises.noise_{index}"] = tensors[f"{layer}.noise_const"][None, None]
    extra = {"latent_avg": tensors["mapping.w_avg"]} if average else {}
    return RawCheckpoint("torch-zip", (RawNetwork("g_ema", "", stored, {}),), extra, "0" * 64)


def _nested(config: StyleGAN2Config) -> dict[str, Any]:
    synthesis = {"conv_clamp": config.conv_clamp, "architecture": config.architecture}
    mapping = {"num_layers": config.mapping_layers, "lr_multiplier": config.mapping_lr}
    return {"z_dim": config.z_dim, "synthesis_kwargs": synthesis, "mapping_kwargs": mapping}


def _flat(config: Any) -> dict[str, Any]:
    names = (
        "num_critical", "first_cutoff", "first_stopband", "last_stopband_rel", "margin_size",
        "output_scale", "filter_size", "lrelu_upsampling", "conv_clamp",
    )  # fmt: skip
    init = {name: getattr(config, name) for name in names}
    return init | {"mapping_kwargs": {"num_layers": config.mapping_layers}}


def _to_tensorflow(name: str, array: np.ndarray, prefix: str) -> Tensors:
    network, _, rest = name.partition(".")
    if name == "mapping.w_avg":
        return {"dlatent_avg": array}
    if network == "mapping":
        layer, _, part = rest.partition(".")
        theirs = "LabelEmbed" if layer == "embed" else f"Dense{layer.removeprefix('fc')}"
        return {f"{prefix}mapping/{theirs}/{part}": array.T}
    block, _, rest = rest.partition(".")
    size = int(block.removeprefix("b"))
    at = f"{prefix}synthesis/{size}x{size}"
    if rest == "const":
        return {f"{at}/Const/const": array[None]}
    layer, _, part = rest.partition(".")
    theirs = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip"}[layer]
    theirs = "Conv" if size == 4 and layer == "conv1" else theirs
    if part == "noise_const":
        index = 2 * int(np.log2(size)) - (5 if layer == "conv0" else 4)
        return {f"{prefix}synthesis/noise{max(index, 0)}": array[None, None]}
    if part == "weight":
        kernel = array[:, :, ::-1, ::-1] if layer == "conv0" else array
        return {f"{at}/{theirs}/weight": kernel.transpose(2, 3, 1, 0)}
    if part.startswith("affine."):
        value = array.T if part.endswith("weight") else array - 1
        return {f"{at}/{theirs}/mod_{part.removeprefix('affine.')}": value}
    return {f"{at}/{theirs}/{part}": array}


def _rosinality_layer(tensors: Mapping[str, np.ndarray], ours: str, theirs: str) -> Tensors:
    weight = tensors[f"{ours}.weight"]
    scale = np.sqrt(np.prod(weight.shape[1:])).astype(np.float32)
    return {
        f"{theirs}.conv.weight": weight[None] * scale,
        f"{theirs}.conv.modulation.weight": tensors[f"{ours}.affine.weight"],
        f"{theirs}.conv.modulation.bias": tensors[f"{ours}.affine.bias"],
        f"{theirs}.noise.weight": tensors[f"{ours}.noise_strength"].reshape(1),
        f"{theirs}.activate.bias": tensors[f"{ours}.bias"],
    }


def _binomial(taps: int) -> np.ndarray:
    return np.array([1.0]) if taps == 1 else np.convolve(_binomial(taps - 1), [1.0, 1.0])
