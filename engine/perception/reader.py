"""A trained network that reads pictures, from its model folder.

The folder holds `weights.safetensors` (float16) and `card.json` whose `config` says which network
it is and what its columns are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import ModelError
from engine.perception.columns import Columns

if TYPE_CHECKING:
    import torch
    from torch import nn

FAMILY = "perception"
SIZE = 64
SKIPPED = "num_batches_tracked"  # a counter of batch norm's that evaluation does not use


class Reader:
    """Reads attributes off pictures; inference only. `columns` says what the scores mean."""

    def __init__(self, columns: Columns, network: nn.Module, sha256: str = "") -> None:
        self.columns = columns
        self.sha256 = sha256
        self._network = network.eval()

    @property
    def network(self) -> nn.Module:
        """The torch network, in evaluation mode."""
        return self._network

    def raw(
        self,
        images: UInt8[np.ndarray, "n 3 height width"],
        *,
        batch: int = 100,
        cancel: CancelToken | None = None,
    ) -> Float32[np.ndarray, "n outputs"]:
        """The network's raw outputs for sRGB pictures of any size."""
        import torch

        out = np.empty((len(images), self.columns.outputs), np.float32)
        for start in range(0, len(images), batch):
            if cancel:
                cancel.check()
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch]))
            with torch.inference_mode():
                out[start : start + batch] = self._network(to_input(part)).numpy()
        return out

    def scores(
        self,
        images: UInt8[np.ndarray, "n 3 height width"],
        *,
        batch: int = 100,
        cancel: CancelToken | None = None,
    ) -> Float32[np.ndarray, "n columns"]:
        """Label units: values, probabilities and class indices, as `Columns.scores`."""
        return self.columns.scores(self.raw(images, batch=batch, cancel=cancel))


def open_reader(folder: Path) -> Reader:
    """Load a network from its folder. Raises ModelError when files are missing or do not fit."""
    import torch

    card = read_card(folder)
    try:
        config = card["config"]
        columns = Columns.read(config["columns"])
        network = build(config["network"], columns)
    except (KeyError, TypeError) as error:
        raise ModelError(f"The card of {folder.name} lacks {error}.") from error
    tensors = read_safetensors(folder / "weights.safetensors")
    sha256 = weights_sha256(tensors)
    if sha256 != card.get("weights_sha256"):
        raise ModelError(
            f"The weights of {folder.name} are not those of its card.", "Restore both files."
        )
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}
    wanted = [name for name in network.state_dict() if not name.endswith(SKIPPED)]
    if sorted(state) != sorted(wanted):
        raise ModelError(f"The weights of {folder.name} are those of another network.")
    network.load_state_dict(state, strict=False)
    return Reader(columns, network, sha256)


def build(kind: str, columns: Columns) -> nn.Module:
    """A fresh network of a kind, "attributes" or "judge". Raises ModelError for another."""
    from engine.perception.attributes import AttributeNetwork
    from engine.perception.judge import JudgeNetwork

    kinds: Mapping[str, type[nn.Module]] = {"attributes": AttributeNetwork, "judge": JudgeNetwork}
    if kind not in kinds:
        raise ModelError(f"There is no perception network of the kind {kind!r}.")
    return kinds[kind](columns.outputs)


def stored_tensors(network: nn.Module) -> dict[str, np.ndarray]:
    """What a folder keeps of a network: float16 parameters and statistics."""
    return {
        name: value.detach().cpu().numpy().astype(np.float16)
        for name, value in network.state_dict().items()
        if not name.endswith(SKIPPED)
    }


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder. Raises ModelError when it is missing or no JSON object."""
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The model {folder.name} has no readable card.", "Train it, or restore its folder."
        ) from error
    if not isinstance(card, dict):
        raise ModelError(f"The card of {folder.name} is no object.")
    return card


def to_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 3, height, width] -> float32 [n, 3, 64, 64] in [-1, 1]."""
    from torch.nn.functional import interpolate

    x = images.float() / 127.5 - 1.0
    if x.shape[-2:] == (SIZE, SIZE):
        return x
    return interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)
