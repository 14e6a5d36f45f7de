"""Brings the folder of a published diffusion pipeline here: read safely and checked whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.backends.device import machine
from engine.cancel import CancelToken
from engine.checkpoints.refusal import naming
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import check_name
from engine.models.published.stable_diffusion import INDEX
from engine.services.import_diffusion import refuse_doubles

# float32 for the networks, and half as much again for what a step leaves on the way.
BYTES_EACH = 6


def is_pipeline_folder(path: Path) -> bool:
    """Whether a folder says that it holds a diffusion pipeline of any kind."""
    try:
        plain = json.loads((path / INDEX).read_bytes()[:1_000_000])
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and "Pipeline" in str(plain.get("_class_name"))


def import_pipeline(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Read the parts, hold every weight against its network, and keep them; returns the card.

    Raises CheckpointError or ModelError for a folder with programs or pickles, a part that is
    missing or damaged, and a pipeline of another kind; then nothing is kept.
    """
    from engine.checkpoints.digest import weights_sha256
    from engine.checkpoints.read import read_raw
    from engine.models.folder import write_folder
    from engine.models.latent_config import LATENT
    from engine.models.latent_denoiser import check_parts
    from engine.models.library import ModelLibrary
    from engine.models.published.stable_diffusion import read_pipeline
    from engine.perception.clip.tokenizer import read_tokenizer

    progress(Progress("Reading and checking", 0.1))
    raw = read_raw(path, cancel)
    tokenizer = read_tokenizer(path / "tokenizer")
    with naming(path.name):
        config, tensors = read_pipeline(path, raw, tokenizer)
    cancel.check()
    _check_memory(path.name, sum(array.size for array in tensors.values()))
    progress(Progress("Holding the weights against their networks", 0.4))
    check_parts(config, tensors, path.name)
    library = ModelLibrary(home)
    chosen = check_name(name or path.name)
    refuse_doubles(library, chosen, weights_sha256(tensors))
    cancel.check()
    progress(Progress("Keeping it", 0.7))
    size = sum(array.nbytes for array in tensors.values())
    facts: dict[str, Any] = {
        "name": chosen, "title": path.name[:100], "source": path.name, "bytes": size,
    }  # fmt: skip
    return write_folder(
        library.imported / chosen, LATENT, config.to_dict(), tensors, facts, tokenizer.write
    )


def _check_memory(where: str, numbers: int) -> None:
    """Refuse a model of so many weights that would not run in this machine's memory."""
    needed, here = numbers * BYTES_EACH / 2**30, machine().memory_gib
    if needed > here:
        raise ModelError(
            f"{where} needs about {needed:.1f} GiB of memory to run; this machine has {here} GiB.",
            "Take a smaller model, or another machine.",
        )
