"""Weights that models have in common lie in one of them alone, as the bundled autoencoder's do for
every model of codes that was taught with it. The digest of a card is of all weights of its model,
wherever they lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoints.safetensors_file import read_safetensors, tensor_sizes
from engine.errors import ModelError
from engine.models.bundled import bundled_folder
from engine.models.card import WEIGHTS, check_name
from engine.models.family import Tensors

SHARES = "shares"  # of a card: what names begin with, and the bundled model whose weights these are


def whole_weights(folder: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """All tensors of a model. Raises ModelError where another has them and is not here, or
    CheckpointError."""
    tensors: dict[str, Any] = read_safetensors(folder / WEIGHTS)
    for before, path in _files(folder, card).items():
        tensors |= {before + name: array for name, array in read_safetensors(path).items()}
    return tensors


def whole_sizes(folder: Path, card: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """See tensor_sizes. Raises as whole_weights does."""
    sizes = tensor_sizes(folder / WEIGHTS)
    for before, path in _files(folder, card).items():
        sizes |= {before + name: size for name, size in tensor_sizes(path).items()}
    return sizes


def own_weights(tensors: Tensors, card: Mapping[str, Any]) -> Tensors:
    """What of all its tensors lies in a model's own folder."""
    shares = tuple(card.get(SHARES, ()))
    return {name: array for name, array in tensors.items() if not name.startswith(shares)}


def _files(folder: Path, card: Mapping[str, Any]) -> dict[str, Path]:
    shares = card.get(SHARES, {})
    if not isinstance(shares, dict) or not all(isinstance(name, str) for name in shares.values()):
        raise ModelError(
            f"The card of {folder.name} has damaged {SHARES}: {str(shares)[:80]}.",
            "Import or train the model again.",
        )
    files = {
        before: bundled_folder() / check_name(name, folder) / WEIGHTS
        for before, name in shares.items()
    }
    missing = next((path for path in files.values() if not path.is_file()), None)
    if missing is not None:
        raise ModelError(
            f"{folder.name} shares weights with {missing.parent.name}, which is not at {missing}.",
            "Install the program again.",
        )
    return files
