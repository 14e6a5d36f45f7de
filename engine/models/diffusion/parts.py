"""The networks of a model folder, each behind a prefix in its file of weights. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from engine.diffusion.latent_parts import check_fit
from engine.models.diffusion.part_settings import named, part_called
from engine.perception.fitting import Tensors

Networks = Mapping[str, nn.Module]  # by prefix, without memory


def check_all(networks: Networks, tensors: Tensors, where: str) -> None:
    """Hold all weights against their networks. Raises ModelError."""
    for prefix, net in networks.items():
        check_fit(net, part_called(tensors, prefix), named(where, prefix))
