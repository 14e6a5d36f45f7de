"""Checkpoints of a run, written whole or not at all, and the weights that a run ships."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from engine.errors import TrainingError
from engine.gan.stylegan2 import Generator
from engine.gan.stylegan2_config import StyleGAN2Config


def write_whole(path: Path, write: Any) -> None:
    """Call `write(temporary path)`, then put the file in place in one move."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise TrainingError(
            f"{path.name} cannot be written: {error.strerror}.", "Free some space or move --work."
        ) from error


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    write_whole(path, write)


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a run's whole state."""
    write_whole(path, lambda temporary: torch.save(dict(state), temporary))


def load_state(path: Path) -> dict[str, Any]:
    """Read a run's state; tensors and plain values only. Raises TrainingError when damaged."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError, UnpicklingError) as error:
        raise TrainingError(
            f"The checkpoint {path.name} cannot be read.", "Delete it to start anew."
        ) from error
    if not isinstance(state, dict):
        raise TrainingError(f"The checkpoint {path.name} holds something else.")
    return state


def save_weights(path: Path, network: nn.Module, metadata: Mapping[str, str]) -> None:
    """Write a network's parameters and buffers as float16 safetensors, but batch norm's counter of
    batches, which evaluation does not use."""
    tensors = {
        name: value.detach().cpu().to(torch.float16).contiguous()
        for name, value in sorted(network.state_dict().items())
        if not name.endswith("num_batches_tracked")
    }
    write_whole(path, lambda temporary: save_file(tensors, temporary, dict(metadata)))


def save_generator(path: Path, generator: Generator, **facts: str) -> None:
    """Write a generator's weights, w_avg among them, with its sizes in the metadata."""
    config = json.dumps(generator.config.to_dict(), sort_keys=True)
    save_weights(path, generator, {"family": "stylegan2", "config": config, **facts})


def load_generator(path: Path) -> Generator:
    """Read what `save_generator` wrote, in float32. Raises TrainingError when it does not fit."""
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
        config = StyleGAN2Config.from_dict(json.loads(metadata["config"]))
        generator = Generator(config)
        load_weights(path, generator)
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise TrainingError(f"{path.name} does not hold a StyleGAN2 generator.") from error
    return generator.eval()


def load_weights(path: Path, network: nn.Module) -> None:
    """Fill a network from a safetensors file of the same layout."""
    try:
        tensors = {name: value.float() for name, value in load_file(path).items()}
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TrainingError(f"The weights in {path.name} do not fit this network.") from error


def notes_of(source: Path, *needed: str) -> dict[str, str]:
    """The notes that a run left in the header of its weights. Raises TrainingError.

    needed: notes without which the weights are not those of a finished network.
    """
    try:
        with source.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        notes = header["__metadata__"]
        for name in needed:
            notes[name]
        return {str(name): str(value) for name, value in notes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        raise TrainingError(
            f"There is no finished {source.stem} in {source.parent.name}.", "Train for longer."
        ) from error
