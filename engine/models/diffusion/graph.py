"""The ONNX graph of a U-Net beside its weights, which it takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.backends.device import physical_cores
from engine.backends.onnx_backend import open_session, run_session
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.errors import ModelError
from engine.models.diffusion.denoisers import UNET

PREFIX = "unet."
PERTURBED = "perturbed"  # an input; see PixelUNet


def open_graph(
    info: DenoiserInfo | ControlInfo, tensors: Mapping[str, Any], file: str = UNET
) -> Any:
    """An ONNX Runtime session on a graph of the folder. tensors: by diffusers' names, arrays or
    torch tensors. Raises ModelError."""
    try:
        graph = (info.folder / file).read_bytes()
    except OSError as error:
        raise ModelError(
            f"The ONNX graph of {info.name} cannot be read: {error.strerror}.",
            "Use the torch backend, or install the program again.",
        ) from error
    weights = {PREFIX + name: np.asarray(value, np.float32) for name, value in tensors.items()}
    return open_session(graph, weights, physical_cores())


def answered(session: Any, feed: Mapping[str, Any], perturbed: Tensor | None = None) -> Tensor:
    """What the graph says of inputs by name; those that are None are left out. perturbed: see
    Perturbation.shares. Raises ModelError for a graph of before, which knows of none."""
    if PERTURBED in {port.name for port in session.get_inputs()}:
        off = torch.zeros_like(feed["t"])
        feed = {**feed, PERTURBED: off if perturbed is None else perturbed.float()}
    elif perturbed is not None:
        raise ModelError(
            "The ONNX graph of this model was written before self-attention could be perturbed.",
            "Use the torch backend, or train the model again.",
        )
    arrays = {
        name: np.ascontiguousarray(part.numpy()) for name, part in feed.items() if part is not None
    }
    return torch.from_numpy(run_session(session, "out", arrays))
