"""What a published diffusion model needs, told before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.denoising import DenoiserInfo
from engine.errors import CheckpointError, ModelError
from engine.models.diffusion.adm_config import ADM
from engine.models.diffusion.control_config import CONTROL
from engine.models.diffusion.denoisers import CLASSIFIER, DENOISER
from engine.models.diffusion.glide_config import GLIDE
from engine.models.diffusion.memory_plan import Needs, plan_for
from engine.models.diffusion.room import room_now
from engine.models.library import MAKERS
from engine.models.published.pipeline_parts import Pipeline
from engine.models.shared_weights import whole_sizes

PUBLISHED = frozenset(MAKERS) - {DENOISER}
UNPARTED = frozenset((ADM, GLIDE, CONTROL, CLASSIFIER))  # families whose tensors name no part


def needs_of_pipeline(found: Pipeline) -> Needs:
    """Of one that was read, before it is kept. Raises ModelError for settings of no such model."""
    sizes = {name: (array.size, array.nbytes) for name, array in found.tensors.items()}
    side = 0
    if found.family in MAKERS:
        about = {"name": "", "title": "", "weights_sha256": "", "family": found.family}
        card = {**about, "config": found.config.to_dict()}
        side = MAKERS[found.family](Path(), card, False).resolution
    return _needs(found.family, sizes, side)


def needs_of_kept(info: DenoiserInfo) -> Needs:
    """Of one that is here, by the headers of its files. Raises CheckpointError or
    ModelError."""
    return _needs(info.card["family"], whole_sizes(info.folder, info.card), info.resolution)


def runs_here(info: DenoiserInfo) -> str:
    """How one that is here would run at this moment, in one line; "" for the program's own, which
    are small."""
    if info.bundled or info.card["family"] not in PUBLISHED:
        return ""
    try:
        return runs(needs_of_kept(info), info.name)
    except (CheckpointError, ModelError) as error:
        return f"not at all: {error.what}"


def runs(needs: Needs, where: str) -> str:
    """How it would run at this moment, in one line."""
    try:
        return plan_for(needs, room_now(), where).words
    except ModelError as error:
        return f"not at this moment: {error.what}"


def _needs(family: str, sizes: Mapping[str, tuple[int, int]], side: int) -> Needs:
    parts: dict[str, int] = {}
    for name, (count, _) in sizes.items():
        part = "" if family in UNPARTED else name.partition(".")[0] + "."
        parts[part] = parts.get(part, 0) + count
    return Needs(parts, side, sum(size for _, size in sizes.values()))
