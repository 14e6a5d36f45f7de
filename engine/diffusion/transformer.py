"""The diffusion transformer (Peebles and Xie, 2023): diffusers' class, told blends of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.embeddings import PatchEmbed
from diffusers.models.transformers.dit_transformer_2d import DiTTransformer2DModel
from torch import nn

from engine.diffusion.latent_parts import built
from engine.diffusion.unet import ClassTable


def dit_of(settings: Mapping[str, Any], where: str) -> nn.Module:
    """The transformer, without memory. Labels are weights over its classes and a last row, which is
    none, [n, classes + 1]. Raises ModelError."""
    net: Any = built(DiTTransformer2DModel, settings, where)
    for block in net.transformer_blocks:
        labels = block.norm1.emb.class_embedder
        with torch.device("meta"):
            labels.embedding_table = ClassTable(*labels.embedding_table.weight.shape)
    found: nn.Module = net
    return found


def placed(net: Any) -> nn.Module:
    """The transformer with the places of its patches, which no file keeps."""
    told, width = net.config, net.inner_dim
    side, patch = told.sample_size, told.patch_size
    made: Any = PatchEmbed  # untyped
    found = made(side, side, patch, in_channels=told.in_channels, embed_dim=width)
    net.pos_embed.pos_embed = found.pos_embed
    ready: nn.Module = net
    return ready
