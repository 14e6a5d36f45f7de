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
from engine.models.published.pipeline_parts import INDEX
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
    from engine.models.library import ModelLibrary
    from engine.models.open_published import check_weights
    from engine.models.published.pipelines import read_pipeline

    progress(Progress("Reading and checking", 0.1))
    raw = read_raw(path, cancel)
    with naming(path.name):
        found = read_pipeline(path, raw)
    cancel.check()
    _check_memory(path.name, sum(array.size for array in found.tensors.values()))
    progress(Progress("Holding the weights against their networks", 0.4))
    check_weights(found, path.name)
    library = ModelLibrary(home)
    chosen = check_name(name or path.name)
    refuse_doubles(library, chosen, weights_sha256(found.tensors))
    cancel.check()
    progress(Progress("Keeping it", 0.7))
    facts: dict[str, Any] = {
        "name": chosen, "title": path.name[:100], "source": path.name,
        "bytes": sum(array.nbytes for array in found.tensors.values()),
    }  # fmt: skip
    folder, words = library.imported / chosen, found.tokenizer
    more = (lambda _: ()) if words is None else words.write
    return write_folder(folder, found.family, found.config.to_dict(), found.tensors, facts, more)


def _check_memory(where: str, numbers: int) -> None:
    """Refuse a model of so many weights that would not run in this machine's memory."""
    needed, here = numbers * BYTES_EACH / 2**30, machine().memory_gib
    if needed > here:
        raise ModelError(
            f"{where} needs about {needed:.1f} GiB of memory to run; this machine has {here} GiB.",
            "Take a smaller model, or another machine.",
        )
