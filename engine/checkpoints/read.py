"""Any file or folder to a raw checkpoint; in this version .safetensors alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import CheckpointError

KINDS = (
    "This version reads model folders that it made (card.json, weights.safetensors) and "
    ".safetensors files with a StyleGAN2 generator or one of another known family."
)


def read_raw(path: Path) -> RawCheckpoint:
    """The tensors of a .safetensors file, or of a folder that holds one. Raises CheckpointError."""
    if path.is_dir():
        files = sorted(path.glob("*.safetensors"))
        if len(files) != 1:
            raise CheckpointError(
                f"{path} is no model folder: it has no card.json and {len(files)} .safetensors "
                "files.",
                KINDS,
            )
        path = files[0]
    if path.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{path.name} is of a kind that is not read.", KINDS)
    network = RawNetwork("", "", read_safetensors(path), {})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return RawCheckpoint("safetensors", (network,), {}, digest)
