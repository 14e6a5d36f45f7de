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
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from engine.errors import ModelError

Settings = Mapping[str, Any]
Tensors = Mapping[str, np.ndarray]
_NO_SUCH = (TypeError, ValueError, LookupError, RuntimeError, ArithmeticError)
Net = TypeVar("Net", bound=nn.Module)


def open_unet(settings: Settings, tensors: Tensors, where: str) -> UNet2DConditionModel:
    """The U-Net for codes. Raises ModelError."""
    net: UNet2DConditionModel = _built(UNet2DConditionModel, settings, where)
    return filled(net, tensors, where)


def open_vae(settings: Settings, tensors: Tensors, where: str) -> AutoencoderKL:
    """The autoencoder between codes and pixels. Raises ModelError."""
    net: AutoencoderKL = _built(AutoencoderKL, settings, where)
    return filled(net, tensors, where)


def known_settings(kind: type[Any], settings: Settings) -> dict[str, Any]:
    """Of what a file says, that which the class takes."""
    takes = inspect.signature(kind.__init__).parameters
    return {name: value for name, value in settings.items() if name in takes and name != "self"}


def filled(net: Net, tensors: Tensors, where: str) -> Net:
    """A network without memory, given its weights as float32. Raises ModelError for the first one
    that is missing, has another shape, is not finite, or that it does not know."""
    wanted = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    state: dict[str, torch.Tensor] = {}
    for name, shape in wanted.items():
        array = tensors.get(name)
        if array is None:
            raise _unfit(where, f"lacks the tensor {name!r}")
        if array.shape != shape:
            raise _unfit(where, f"has {name!r} of the shape {array.shape}, expected {shape}")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise _unfit(where, f"has values in {name!r} that are no finite numbers")
        state[name] = torch.from_numpy(np.array(array, np.float32))
    odd = sorted(set(tensors) - set(wanted))
    if odd:
        raise _unfit(where, f"has the tensor {odd[0][:80]!r}, which its settings do not name")
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)


def _built(kind: type[Any], settings: Settings, where: str) -> Any:
    try:
        with torch.device("meta"):
            return kind(**known_settings(kind, settings))
    except _NO_SUCH as error:
        raise _unfit(where, f"has settings of no such network: {str(error)[:160]}") from error


def _unfit(where: str, words: str) -> ModelError:
    return ModelError(f"{where} {words}.", "Fetch the whole folder again from its source.")
