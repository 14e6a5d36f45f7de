"""The networks of latent diffusion models: diffusers' classes, filled only when all of it fits.

A network is built without memory first; weights are held against it name by name, and become its
own without another copy.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vq_model import VQModel
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from engine.diffusion.half_weights import large_weights, widened
from engine.errors import ModelError
from engine.perception.fitting import Tensors, misfit
from engine.perception.reader import SKIPPED

__all__ = ["AutoencoderKL", "UNet2DConditionModel", "UNet2DModel", "VQModel", "built", "check_fit",
           "filled"]  # fmt: skip
Settings = Mapping[str, Any]
_NO_SUCH = (TypeError, ValueError, LookupError, RuntimeError, ArithmeticError)
Net = TypeVar("Net", bound=nn.Module)


def built(kind: type[Net], settings: Settings, where: str) -> Net:
    """A network of a class of diffusers, without memory. Raises ModelError."""
    try:
        with torch.device("meta"):
            return kind(**_known(kind, settings))
    except _NO_SUCH as error:
        raise _unfit(where, f"has settings of no such network: {str(error)[:160]}") from error


def check_fit(net: nn.Module, tensors: Tensors, where: str) -> None:
    """Raises ModelError for the first thing that is wrong."""
    words = misfit(net, tensors, (SKIPPED,))
    if words is not None:
        raise _unfit(where, words)


def filled(
    net: Net,
    tensors: Tensors,
    where: str,
    half: torch.dtype | None = None,
    wide: bool = True,
) -> Net:
    """A network without memory, given its weights as float32. half: its large ones are held in
    that, and where it is wide answer in float32. Raises ModelError; see misfit."""
    check_fit(net, tensors, where)
    large = large_weights(net) if half is not None else frozenset[str]()
    state = {
        name: torch.from_numpy(np.array(a, np.float32)).to(half if name in large else torch.float32)
        for name, a in tensors.items()
    }
    net.load_state_dict(state, assign=True)
    net.eval().requires_grad_(False)
    return net if half is None or not wide else widened(net, half)


def _known(kind: type[Any], settings: Settings) -> dict[str, Any]:
    """Of what a file says, that which the class takes."""
    takes = inspect.signature(kind.__init__).parameters
    return {name: value for name, value in settings.items() if name in takes and name != "self"}


def _unfit(where: str, words: str) -> ModelError:
    return ModelError(f"{where} {words}.", "Fetch the whole folder again from its source.")
