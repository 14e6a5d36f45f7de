"""The StyleGAN3 family: names and shapes of a generator's tensors, without torch.

The names are those of the published PyTorch layout (Karras et al., 2021); a layer's own name tells
its size and its channels, such as `L4_52_512`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.gan.stylegan3_plan import Layer
from engine.models.family import (
    Shapes,
    Tensors,
    argument,
    check_card,
    check_tensors,
    check_values,
    dimension,
    linear,
    mapping_shapes,
    mapping_sizes,
    no_generator,
    no_statistics,
)

NAME = "stylegan3"
TITLE = "StyleGAN3"
TRANSFORM: str | None = "synthesis.input.transform"
statistics_at = no_statistics
_LAYER = re.compile(r"synthesis\.L(\d{1,3})_(\d{1,5})_(\d{1,5})\.")
_NUMBERS = (
    "num_critical", "first_cutoff", "first_stopband", "last_stopband_rel", "margin_size",
    "output_scale", "filter_size", "lrelu_upsampling", "conv_clamp",
)  # fmt: skip


def read_config(plain: Mapping[str, Any]) -> StyleGAN3Config:
    """See Family."""
    needed = {"z_dim", "w_dim", "c_dim", "resolution", "channels", "img_channels", "conv_kernel"}
    check_card(plain, needed, [])
    config = StyleGAN3Config.from_dict(plain)
    sizes = [config.z_dim, config.w_dim, config.c_dim + 1, config.mapping_layers]
    check_card(plain, set(), [*sizes, config.resolution, config.img_channels, *config.channels])
    check_values(config, config.radial)
    return config


def shapes_of(config: StyleGAN3Config) -> Shapes:
    """See Family."""
    layers = config.layers
    wide = layers[0].before.channels
    shapes = mapping_shapes(config) | linear("synthesis.input.affine", config.w_dim, 4)
    shapes |= {
        "synthesis.input.weight": (wide, wide),
        "synthesis.input.freqs": (wide, 2),
        "synthesis.input.phases": (wide,),
        "synthesis.input.transform": (3, 3),
    }
    for layer in layers:
        shapes |= _layer_shapes(layer, config.w_dim)
    return shapes


def recognises(tensors: Tensors) -> bool:
    """See Family."""
    return any(name.startswith("synthesis.input.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str,
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> StyleGAN3Config:
    """See Family. What neither shapes nor arguments tell is as the published code has it."""
    init = init or {}
    try:
        config = StyleGAN3Config(
            **mapping_sizes(tensors), **_synthesis_sizes(tensors), **_numbers(init, where)
        )
        check_values(config)
        expected = shapes_of(config)
    except (KeyError, TypeError, ValueError, OverflowError, ModelError) as error:
        no_generator(where, TITLE, error)
    check_tensors(expected, tensors, where, TITLE, origins)
    return config


def noisy_layers(config: StyleGAN3Config) -> tuple[tuple[str, int], ...]:
    """See Family: there are none."""
    return ()


def average(tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
    """See Family."""
    return tensors["mapping.w_avg"].astype(np.float32)


def new_generator(config: StyleGAN3Config) -> Any:
    """See Family."""
    from engine.gan.stylegan3 import Generator

    return Generator(config)


def _numbers(init: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The constructor's arguments that no shape tells, each of the type of its default."""
    usual = StyleGAN3Config()
    numbers: dict[str, Any] = {}
    for name in _NUMBERS:
        default = getattr(usual, name)
        value = argument(init, name, default, where, TITLE)
        numbers[name] = None if value is None else type(default)(value)
    mapping = init.get("mapping_kwargs")
    mapping = mapping if isinstance(mapping, Mapping) else {}
    numbers["mapping_lr"] = float(argument(mapping, "lr_multiplier", 0.01, where, TITLE) or 0.01)
    return numbers


def _synthesis_sizes(tensors: Tensors) -> dict[str, Any]:
    """What names and shapes tell. Raises KeyError with the name of a tensor."""
    found = sorted({tuple(map(int, m.groups())) for n in tensors if (m := _LAYER.match(n))})
    for place, (index, _, _) in enumerate(found):
        if index != place:
            raise KeyError(f"synthesis.L{place}_...")
    if len(found) < 2:
        raise KeyError(f"synthesis.L{len(found)}_...")
    names = [f"synthesis.L{index}_{size}_{channels}" for index, size, channels in found]
    filters = [tensors.get(f"{name}.down_filter") for name in names]
    return {
        "resolution": found[-1][1],
        "channels": tuple(channels for _, _, channels in found[:-1]),
        "img_channels": found[-1][2],
        "conv_kernel": dimension(tensors, f"{names[0]}.weight", 4, 3),
        "radial": any(taps is not None and taps.ndim == 2 for taps in filters),
    }


def _layer_shapes(layer: Layer, w_dim: int) -> Shapes:
    name, fan_in, fan_out = f"synthesis.{layer.name}", layer.before.channels, layer.after.channels
    shapes = linear(f"{name}.affine", w_dim, fan_in) | {
        f"{name}.weight": (fan_out, fan_in, layer.kernel, layer.kernel),
        f"{name}.bias": (fan_out,),
        f"{name}.magnitude_ema": (),
    }
    if layer.up_taps > 1:
        shapes[f"{name}.up_filter"] = (layer.up_taps,)
    if layer.down_taps > 1:
        square = (layer.down_taps, layer.down_taps)
        shapes[f"{name}.down_filter"] = square if layer.radial else square[:1]
    return shapes
