"""Names and shapes of a StyleGAN2 generator's tensors, without torch.

The names are those of the published PyTorch layout (Karras et al., 2020). What a file holds is
compared with them before anything else touches it, so that a message can name the tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np

from engine.errors import CheckpointError
from engine.gan.stylegan2_config import StyleGAN2Config

Shapes = dict[str, tuple[int, ...]]
Tensors = Mapping[str, np.ndarray]
MAX_RESOLUTION = 2048


def shapes_of(config: StyleGAN2Config) -> Shapes:
    """Name to shape of every tensor of a generator of these sizes."""
    shapes: Shapes = {"mapping.w_avg": (config.w_dim,)}
    width = config.z_dim
    if config.c_dim:
        shapes |= _linear("mapping.embed", config.c_dim, config.w_dim)
        width += config.w_dim
    for index in range(config.mapping_layers):
        shapes |= _linear(f"mapping.fc{index}", width, config.w_dim)
        width = config.w_dim
    for size in config.resolutions:
        block, out = f"synthesis.b{size}", config.channels[size]
        shapes[f"{block}.resample_filter"] = (4, 4)
        if size == 4:
            shapes[f"{block}.const"] = (out, 4, 4)
        else:
            shapes |= _convolution(f"{block}.conv0", config.channels[size // 2], out, size, config)
        shapes |= _convolution(f"{block}.conv1", out, out, size, config)
        shapes |= _linear(f"{block}.torgb.affine", config.w_dim, out)
        shapes[f"{block}.torgb.weight"] = (config.img_channels, out, 1, 1)
        shapes[f"{block}.torgb.bias"] = (config.img_channels,)
    return shapes


def check_tensors(config: StyleGAN2Config, tensors: Tensors, where: str) -> None:
    """Refuse tensors that are missing, left over or of another shape. Raises CheckpointError."""
    expected = shapes_of(config)
    for name, shape in expected.items():
        if name not in tensors:
            _refuse(where, f"lacks the tensor {name!r}")
        if tensors[name].shape != shape:
            _refuse(where, f"has {name!r} of shape {tensors[name].shape}, expected {shape}")
        if tensors[name].dtype.kind != "f":
            _refuse(where, f"has {name!r} of type {tensors[name].dtype}, expected floats")
    extra = sorted(set(tensors) - set(expected))
    if extra:
        _refuse(where, f"has the tensor {extra[0][:80]!r}, which the generator does not know")


def infer_config(tensors: Tensors, where: str) -> StyleGAN2Config:
    """The sizes that the shapes tell. Raises CheckpointError when it is no StyleGAN2 generator."""
    sizes = [4]
    while f"synthesis.b{sizes[-1] * 2}.conv0.weight" in tensors and sizes[-1] < MAX_RESOLUTION:
        sizes.append(sizes[-1] * 2)
    layers = 0
    while f"mapping.fc{layers}.weight" in tensors:
        layers += 1
    try:
        w_dim = tensors["mapping.w_avg"].shape[0]
        embed = tensors.get("mapping.embed.weight")
        config = StyleGAN2Config(
            z_dim=tensors["mapping.fc0.weight"].shape[1] - (0 if embed is None else w_dim),
            w_dim=w_dim,
            c_dim=0 if embed is None else embed.shape[1],
            resolution=sizes[-1],
            channels={size: tensors[f"synthesis.b{size}.torgb.weight"].shape[1] for size in sizes},
            mapping_layers=layers,
            img_channels=tensors["synthesis.b4.torgb.weight"].shape[0],
        )
    except (KeyError, IndexError) as error:
        raise CheckpointError(
            f"{where} holds no StyleGAN2 generator: {str(error)[:80]} does not fit.",
            "Give a generator whose tensors have the published StyleGAN2 names.",
        ) from error
    check_tensors(config, tensors, where)
    return config


def noisy_layers(config: StyleGAN2Config) -> tuple[tuple[str, int], ...]:
    """Name and resolution of each layer that takes noise, in the order they run."""
    return tuple(
        (f"synthesis.b{size}.{conv}", size)
        for size in config.resolutions
        for conv in (("conv1",) if size == 4 else ("conv0", "conv1"))
    )


def _linear(name: str, fan_in: int, fan_out: int) -> Shapes:
    return {f"{name}.weight": (fan_out, fan_in), f"{name}.bias": (fan_out,)}


def _convolution(
    name: str, fan_in: int, fan_out: int, size: int, config: StyleGAN2Config
) -> Shapes:
    return _linear(f"{name}.affine", config.w_dim, fan_in) | {
        f"{name}.weight": (fan_out, fan_in, 3, 3),
        f"{name}.bias": (fan_out,),
        f"{name}.noise_strength": (),
        f"{name}.noise_const": (size, size),
        f"{name}.resample_filter": (4, 4),
    }


def _refuse(where: str, words: str) -> NoReturn:
    raise CheckpointError(
        f"{where} {words}.", "Give a generator whose tensors have the published StyleGAN2 names."
    )
