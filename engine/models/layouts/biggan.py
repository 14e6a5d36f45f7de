"""The BigGAN family: names and shapes of a generator's tensors, without torch.

The layers have the names of the published PyTorch layout (there `embeddings` and `generator` are
the two halves), and every weight is divided by its spectral norm;
`engine.models.published.hf_biggan` makes them so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.biggan_config import FIRST_WIDTH, MAX_BLOCKS, BigGANConfig, Block
from engine.gan.biggan_config import TITLE as TITLE
from engine.gan.biggan_config import statistics_at as rows_at
from engine.models.family import Shapes, Tensors, check_tensors, dimension, has_part, no_generator
from engine.models.layouts.common import affine

NAME = "biggan"
TRANSFORM: str | None = None


def read_config(plain: Mapping[str, Any]) -> BigGANConfig:
    """The config of a card. Raises ModelError for what is wrong."""
    return BigGANConfig.from_dict(plain)


def shapes_of(config: BigGANConfig) -> Shapes:
    """Name to shape of every tensor of a generator of these sizes."""
    width = config.channel_width
    shapes: Shapes = {"mapping.embeddings.weight": (config.class_dim, config.c_dim)}
    shapes |= affine("synthesis.gen_z", 16 * FIRST_WIDTH * width, config.first_cond)
    place = 0
    for index, block in enumerate(config.blocks):
        if index == config.attention:
            shapes |= _attention_shapes(f"synthesis.layers.{place}", block.width_in * width)
            place += 1
        shapes |= _block_shapes(f"synthesis.layers.{place}", block, config)
        place += 1
    shapes |= _statistics("synthesis.bn", width, config)
    shapes |= affine("synthesis.bn", width)
    return shapes | affine("synthesis.conv_to_rgb", config.rgb_width, width, 3, 3)


def _block_shapes(name: str, block: Block, config: BigGANConfig) -> Shapes:
    fan_in = block.width_in * config.channel_width
    out, middle = block.width_out * config.channel_width, fan_in // 4
    shapes: Shapes = {}
    normed = (fan_in, middle, middle, middle) if config.deep else (fan_in, out)
    for index, channels in enumerate(normed):
        norm = f"{name}.bn_{index}"
        shapes |= _statistics(norm, channels, config)
        shapes[f"{norm}.scale.weight"] = (channels, config.block_cond)
        shapes[f"{norm}.offset.weight"] = (channels, config.block_cond)
    if not config.deep:
        shapes |= affine(f"{name}.conv_0", out, fan_in, 3, 3)
        shapes |= affine(f"{name}.conv_1", out, out, 3, 3)
        return shapes | affine(f"{name}.conv_sc", out, fan_in, 1, 1)
    shapes |= affine(f"{name}.conv_0", middle, fan_in, 1, 1)
    shapes |= affine(f"{name}.conv_1", middle, middle, 3, 3)
    shapes |= affine(f"{name}.conv_2", middle, middle, 3, 3)
    return shapes | affine(f"{name}.conv_3", out, middle, 1, 1)


def _attention_shapes(name: str, channels: int) -> Shapes:
    keys, values = channels // 8, channels // 2
    return {
        f"{name}.gamma": (1,),
        f"{name}.snconv1x1_theta.weight": (keys, channels, 1, 1),
        f"{name}.snconv1x1_phi.weight": (keys, channels, 1, 1),
        f"{name}.snconv1x1_g.weight": (values, channels, 1, 1),
        f"{name}.snconv1x1_o_conv.weight": (channels, values, 1, 1),
    }


def _statistics(name: str, channels: int, config: BigGANConfig) -> Shapes:
    both = ("running_means", "running_vars")
    return {f"{name}.{part}": (config.n_stats, channels) for part in both}


def recognises(tensors: Tensors) -> bool:
    """Whether the names look like this family's, right or not."""
    return any(name.startswith("synthesis.gen_z.") for name in tensors)


def infer_config(
    tensors: Tensors,
    where: str = "The file",
    init: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
) -> BigGANConfig:
    """The sizes that the shapes tell.

    init: a published `config.json`, or None. Shapes do not tell which blocks double the size;
    without init it is every second one of BigGAN-deep and every one of BigGAN, as in all published
    networks, and eps is that of BigGAN-deep. Raises CheckpointError that
    names the tensor that does not fit.
    """
    try:
        config = _published(tensors, init) if init else _sizes(tensors)
    except (KeyError, ModelError) as error:
        no_generator(where, TITLE, error, origins)
    check_tensors(shapes_of(config), tensors, where, TITLE, origins)
    return config


def _published(tensors: Tensors, init: Mapping[str, Any]) -> BigGANConfig:
    # The published code makes embeddings as long as z, whatever class_embed_dim says.
    return BigGANConfig.from_published(
        {**init, "class_embed_dim": dimension(tensors, "mapping.embeddings.weight", 2, 0)}
    )


def _sizes(tensors: Tensors) -> BigGANConfig:
    rows = dimension(tensors, "synthesis.gen_z.weight", 2, 0)
    width = rows // (16 * FIRST_WIDTH)
    if width * 16 * FIRST_WIDTH != rows or not width:
        raise KeyError("synthesis.gen_z.weight")
    deep = any(name.endswith(".conv_3.weight") for name in tensors)
    blocks, attention = _blocks(tensors, width, deep)
    class_dim = dimension(tensors, "mapping.embeddings.weight", 2, 0)
    z_dim = dimension(tensors, "synthesis.gen_z.weight", 2, 1)
    return BigGANConfig(
        z_dim=z_dim - class_dim if deep else z_dim * (1 + len(blocks)),
        class_dim=class_dim,
        c_dim=dimension(tensors, "mapping.embeddings.weight", 2, 1),
        channel_width=width,
        blocks=blocks,
        attention=attention,
        n_stats=dimension(tensors, "synthesis.bn.running_means", 2, 0),
        deep=deep,
    )


def _blocks(tensors: Tensors, width: int, deep: bool) -> tuple[tuple[Block, ...], int]:
    """The residual blocks, and how many of them come before the self-attention."""
    blocks: list[Block] = []
    attention, place = 0, 0
    while place <= MAX_BLOCKS and has_part(tensors, f"synthesis.layers.{place}."):
        name = f"synthesis.layers.{place}"
        if f"{name}.gamma" in tensors:
            attention = len(blocks)
        else:
            before = blocks[-1].width_out if blocks else FIRST_WIDTH
            last = f"{name}.conv_3.weight" if deep else f"{name}.conv_1.weight"
            up = len(blocks) % 2 == 1 or not deep
            blocks.append(Block(up, before, dimension(tensors, last, 4, 0) // width))
        place += 1
    return tuple(blocks), attention


def noisy_layers(config: BigGANConfig) -> tuple[tuple[str, int], ...]:
    """The layers that take noise: none."""
    return ()


def average(tensors: Tensors) -> Float32[np.ndarray, " w_dim"]:
    """No z, and the mean of all classes' embeddings."""
    embeddings = tensors["mapping.embeddings.weight"].astype(np.float32)
    z_dim = _sizes(tensors).z_dim
    return np.concatenate([np.zeros(z_dim, np.float32), embeddings.mean(axis=1)])


def statistics_at(config: BigGANConfig, truncation: float) -> Float32[np.ndarray, " n_stats"]:
    """See Family."""
    return rows_at(truncation, config.n_stats)


def new_generator(config: BigGANConfig) -> Any:
    """The torch module."""
    from engine.gan.biggan import Generator

    return Generator(config)
