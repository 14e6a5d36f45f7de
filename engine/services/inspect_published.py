"""What a published diffusion model is and needs, told without keeping it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.backends.device import machine
from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.models.diffusion.memory_plan import GIB, least_plan
from engine.services.needs import needs_of_pipeline, runs
from engine.services.published_files import read_published


def inspect_published(path: Path) -> dict[str, Any] | None:
    """Family, parts with their numbers of weights, the least memory that it takes to run, in GiB,
    beside this machine's, and how it would run at this moment; None for another file or folder.
    Every weight is held against its network. Raises CheckpointError or ModelError."""
    found = read_published(path, CancelToken())
    if found is None:
        return None
    from engine.models.diffusion.open_published import check_weights

    check_weights(found, path.name)
    needs = needs_of_pipeline(found)
    name = path.stem if path.is_file() else path.name
    return {
        "name": name,
        "family": found.family,
        "weights_sha256": weights_sha256(found.tensors),
        "tensors": len(found.tensors),
        "parameters": sum(needs.parts.values()),
        "parts": {prefix.rstrip(".") or "network": n for prefix, n in needs.parts.items()},
        "needs_gib": round(least_plan(needs).ram / GIB, 1),
        "here_gib": machine().memory_gib,
        "runs": runs(needs, name),
    }
