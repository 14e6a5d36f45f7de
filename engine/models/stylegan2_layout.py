"""The StyleGAN2 family: names and shapes of a generator's tensors, without torch.

The names are those of the published PyTorch layout (Karras et al., 2020). What a file holds is
compared with them before anything else touches it, so that a message can name the tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.family import (
    Shapes,
    Tensors,
    argument,
    check_card,
    check_tensors,
    check_values,
    dimension,
    has_part,
    linear,
    mapping_shapes,
    mapping_sizes,
    no_generator,
    no_statistics,
    refuse,
)

NAME = "stylegan2"
TITLE = "StyleGAN2"
TRANSFORM: str | None = None
statistics_at = no_statistics
MAX_RESOLUTION = 2048
_NEEDED = {
    "z_dim", "w_dim", "c_dim", "resolution", "channels", "mapping_layers", "img_channels", "num_ws"
}  # fmt: skip


def read_config(plain: Mapping[str, Any]) -> StyleGAN2Config:
    """See Family."""
    check_card(plain, _NEEDED, [])
    config = StyleGAN2Config.from_dict(plain)
    sizes = [config.z_dim, config.w_dim, config.c_dim + 1, config.mapping_layers]
    sizes += [config.img_channels, *config.channels.values(), config.filter_taps]
    check_card(plain, set(), [*sizes, config.embed_width, config.hidden_width])
    check_values(config, config.noise)
    return config


def shapes_of(config: StyleGAN2Config) -> Shapes:
    """See Family."""
    shapes = mapping_shapes(config)
    taps = (config.filter_taps, config.filter_taps)
    for size in config.resolutions:
        block, out = f"synthesis.b{size}", config.channels[size]
        shapes[f"{block}.resample_filter"] = taps
        below = config.channels.get(size // 2, 0)
        if size == 4:
            shapes[f"{block}.const"] = (out, 4, 4)
        else:
            shapes |= _convolution(f"{block}.conv0", below, out, size, config)
        shapes |= _convolution(f"{block}.conv1", out, out, size, config)
        if config.has_shortcut(size):
            shapes[f"{block}.skip.weight"] = (out, below, 1, 1)
            shapes[f"{block}.skip.resample_filter"] = taps
        if config.paints(size):
            shapes |= linear(f"{block}.torgb.affine", config.w_dim, out)
            shapes[f"{block}.torgb.weight"] = (config.img_channels, out, 1, 1)
            shapes[f"{block}.torgb.bias"] = (config.img_channels,)
    return shapes


def recognises(tensors: Tensors) -> bool:
    """See Family."""
    return any(name.startswith("synthesis.b4.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str,
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> StyleGAN2Config:
    """See Family. init: as StyleGAN2-ADA nests it or as the StyleGAN3 code flattens it."""
    synthesis, mapping = _arguments(init or {})
    for part in (synthesis, mapping):
        if part.get("activation", "lrelu") != "lrelu":
            refuse(where, f"uses the activation {str(part['activation'])[:40]!r}", TITLE)
    try:
        config = StyleGAN2Config(
            **mapping_sizes(tensors),
            **_synthesis_sizes(tensors),
            **_mapping_widths(tensors),
            conv_clamp=argument(synthesis, "conv_clamp", None, where, TITLE),
            mapping_lr=float(argument(mapping, "lr_multiplier", 0.01, where, TITLE) or 0.01),
        )
        check_values(config)
    except (KeyError, ValueError, ModelError) as error:
        no_generator(where, TITLE, error)
    check_tensors(shapes_of(config), tensors, where, TITLE, origins)
    return config


def noisy_layers(config: StyleGAN2Config) -> tuple[tuple[str, int], ...]:
    """See Family."""
    if not config.noise:
        return ()
    return tuple(
        (f"synthesis.b{size}.{conv}", size)
        for size in config.resolutions
        for conv in (("conv1",) if size == 4 else ("conv0", "conv1"))
    )


def average(tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
    """See Family."""
    return tensors["mapping.w_avg"].astype(np.float32)


def new_generator(config: StyleGAN2Config) -> Any:
    """See Family."""
    from engine.gan.stylegan2 import Generator

    return Generator(config)


def _arguments(init: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The constructor's arguments for synthesis and for mapping.

    Where they are flattened, the published code of that kind clamps at 256 unless told else.
    """
    mapping = init.get("mapping_kwargs") or {}
    nested = init.get("synthesis_kwargs")
    if nested is None:
        flat = {"channel_base", "channel_max", "num_fp16_res", "fused_modconv_default"} & set(init)
        nested = {"conv_clamp": 256, **init} if flat else init
    parts = [part if isinstance(part, Mapping) else {} for part in (nested, mapping)]
    return parts[0], parts[1]


def _synthesis_sizes(tensors: Tensors) -> dict[str, Any]:
    """What names and shapes tell. Raises KeyError with the name of a tensor."""
    sizes = [4]
    while has_part(tensors, f"synthesis.b{sizes[-1] * 2}.") and sizes[-1] < MAX_RESOLUTION:
        sizes.append(sizes[-1] * 2)
    top = f"synthesis.b{sizes[-1]}"
    architecture = "orig"
    if has_part(tensors, f"{top}.skip."):
        architecture = "resnet"
    elif has_part(tensors, "synthesis.b4.torgb."):
        architecture = "skip"
    weights = {size: f"synthesis.b{size}.conv1.weight" for size in sizes}
    return {
        "resolution": sizes[-1],
        "channels": {size: dimension(tensors, name, 4, 0) for size, name in weights.items()},
        "img_channels": dimension(tensors, f"{top}.torgb.weight", 4, 0),
        "architecture": architecture,
        "noise": any(name.endswith((".noise_strength", ".noise_const")) for name in tensors),
        "filter_taps": dimension(tensors, f"{top}.resample_filter", 2, 0),
    }


def _mapping_widths(tensors: Tensors) -> dict[str, Any]:
    """Widths inside the mapping network; None where it is w_dim, the usual one."""
    sizes = mapping_sizes(tensors)
    widths = {"layer_features": dimension(tensors, "mapping.fc0.weight", 2, 0)}
    if sizes["c_dim"]:
        widths["embed_features"] = dimension(tensors, "mapping.embed.weight", 2, 0)
    return {name: None if width == sizes["w_dim"] else width for name, width in widths.items()}


def _convolution(
    name: str, fan_in: int, fan_out: int, size: int, config: StyleGAN2Config
) -> Shapes:
    shapes = linear(f"{name}.affine", config.w_dim, fan_in) | {
        f"{name}.weight": (fan_out, fan_in, 3, 3),
        f"{name}.bias": (fan_out,),
        f"{name}.resample_filter": (config.filter_taps, config.filter_taps),
    }
    if config.noise:
        shapes |= {f"{name}.noise_strength": (), f"{name}.noise_const": (size, size)}
    return shapes
