"""StyleGAN2-ADA as PyTorch code publishes it (Karras et al., 2020b): these are our own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.checkpoints.raw import RawNetwork
from engine.models.published.layout import Converted, floats, square_filter
from engine.models.stylegan2_layout import infer_config
from engine.models.stylegan2_layout import recognises as has_names


def recognises(network: RawNetwork) -> bool:
    """See Layout."""
    return has_names(network.tensors)


def convert(network: RawNetwork, extra: Mapping[str, Any], where: str) -> Converted:
    """See Layout."""
    tensors = {
        name: square_filter(array) if name.endswith(".resample_filter") else array
        for name, array in floats(network.tensors).items()
    }
    return infer_config(tensors, where, network.init), tensors
