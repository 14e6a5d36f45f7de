"""Opens a CLIP: a model folder of this program, or the parts of a published one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import CheckpointError, ModelError
from engine.perception.clip.config import ClipConfig, read_config
from engine.perception.clip.model import Clip, ClipNetwork
from engine.perception.clip.tokenizer import Tokenizer, read_tokenizer
from engine.perception.fitting import misfit
from engine.perception.reader import SKIPPED, read_card

FAMILY = "clip"
PLACES = "position_ids"  # old checkpoints store the numbers 0, 1, 2...


def open_clip(folder: Path) -> Clip:
    """Load a CLIP from its folder. Raises ModelError when files are missing or do not fit."""
    card = read_card(folder)
    if card.get("family") != FAMILY:
        raise ModelError(f"{folder.name} is no CLIP.", "Choose one that is.")
    tensors = read_safetensors(folder / "weights.safetensors")
    sha256 = weights_sha256(tensors)
    if sha256 != card.get("weights_sha256"):
        raise ModelError(
            f"The weights of {folder.name} are not those of its card.", "Restore both files."
        )
    config = read_config(card["config"], folder.name)
    network = build(config, tensors, folder.name)
    return Clip(network, fitting(read_tokenizer(folder), config, folder.name),
                str(card["name"]), sha256)  # fmt: skip


def build(config: ClipConfig, tensors: Mapping[str, np.ndarray], where: str) -> ClipNetwork:
    """The network filled with tensors. Raises CheckpointError that names the one that is wrong."""
    with torch.device("meta"):
        network = ClipNetwork(config)
    words = misfit(network, tensors, (SKIPPED, PLACES))
    if words is not None:
        raise _refusal(where, words)
    network = ClipNetwork(config)
    names = [name for name in network.state_dict() if name in tensors]
    state = {name: torch.from_numpy(tensors[name].astype(np.float32)) for name in names}
    network.load_state_dict(state, strict=False)
    return network.eval().requires_grad_(False)


def fitting(tokenizer: Tokenizer, config: ClipConfig, where: str) -> Tokenizer:
    """The tokenizer, when the text tower knows all of its tokens. Raises CheckpointError."""
    size, most = config.text.vocab_size, max(tokenizer.vocab.values())
    if most >= size:
        raise _refusal(where, f"has the token number {most}, but a text tower of {size} tokens")
    return tokenizer


def _refusal(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where} {words}.", "Give the whole folder of a CLIP as transformers writes it."
    )
