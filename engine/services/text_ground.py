"""What a text has to know of a generator, measured once for each CLIP and kept on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors
from engine.directions.sampling import sample_w, to_ws
from engine.errors import CheckpointError, ModelError, RecipeError
from engine.frame import ModelInfo, OnProgress, Progress
from engine.recipe import Noise
from engine.services.clips import opened_clip
from engine.services.workroom import Workroom
from engine.wishes import ClipInfo, TextPair

if TYPE_CHECKING:
    from engine.directions.text_styles import TextStyles
    from engine.editing.text_change import Aim, Ground, TextChange
    from engine.editing.text_styles import Relevance
    from engine.perception.clip.model import Clip

LOOKED = 256  # random pictures that tell what a generator's pictures differ in
TRIED = 24  # pictures in which the style channels are measured
SEED = 17
SPREAD = 2000


@dataclass(frozen=True)
class TextSearch:
    """One text on one generator: what it asks for, and where."""

    room: Workroom
    info: ModelInfo
    clip_info: ClipInfo
    clip: Clip
    ground: Ground
    change: TextChange
    aim: Aim

    def styles(self, progress: OnProgress, cancel: CancelToken) -> TextStyles:
        """What the text asks of the style channels. Raises ModelError where there are none."""
        from engine.editing.text_styles import text_styles

        return text_styles(_relevance(self, progress, cancel), self.aim)


def text_search(
    room: Workroom, info: ModelInfo, pair: TextPair, progress: OnProgress, cancel: CancelToken
) -> TextSearch:
    """Ready for a text. Raises RecipeError, ModelError."""
    import torch

    from engine.editing.text_change import text_change

    if info.c_dim and info.num_ws == 1:
        raise RecipeError(
            f"{info.name} makes pictures of classes; editing by text needs one without.",
            "Choose another model.",
        )
    torch.set_num_threads(1 if info.resolution <= 128 else torch.get_num_threads())
    clip_info = room.library.clip(pair.clip)
    clip = opened_clip(clip_info)
    change = text_change(clip, pair.text, pair.neutral)
    ground = _ground(room, info, clip_info, clip, progress, cancel)
    return TextSearch(room, info, clip_info, clip, ground, change, ground.aimed(change))


def _ground(
    room: Workroom,
    info: ModelInfo,
    clip_info: ClipInfo,
    clip: Clip,
    progress: OnProgress,
    cancel: CancelToken,
) -> Ground:
    import torch

    from engine.editing.generator import differentiable
    from engine.editing.text_change import Ground, measure_ground

    path = _place(room, info, clip_info, "ground")
    kept = _read(path, {"axes", "size"})
    if kept is not None:
        return Ground(*(torch.from_numpy(kept[name].copy()) for name in ("axes", "size")))
    progress(Progress("Looking at what this model draws", 0.0))
    model = room.model(info, "torch")
    found = measure_ground(
        differentiable(model, Noise()), clip, sample_w(model, LOOKED, SEED), cancel
    )
    _write(path, {"axes": found.axes.numpy(), "size": found.size.numpy()})
    return found


def _relevance(search: TextSearch, progress: OnProgress, cancel: CancelToken) -> Relevance:
    from engine.editing.text_styles import Relevance, measure_relevance

    path = _place(search.room, search.info, search.clip_info, "styles")
    names = ("step", "turn", "deviation")
    kept = _read(path, set(names))
    if kept is not None:
        return Relevance(*(kept[name] for name in names))
    model = search.room.model(search.info, "torch")
    ws = to_ws(sample_w(model, TRIED, SEED + 1), search.info.num_ws)
    found = measure_relevance(model, search.clip, search.ground, ws, progress, cancel)
    _write(path, {name: getattr(found, name) for name in names})
    return found


def _place(room: Workroom, info: ModelInfo, clip: ClipInfo, kind: str) -> Path:
    """A file for these two networks alone: others have other digests."""
    return (
        room.folder_of(info) / "text" / f"{info.sha256[:16]}-{clip.sha256[:16]}-{kind}.safetensors"
    )


def _read(path: Path, names: set[str]) -> dict[str, np.ndarray] | None:
    """What was kept; None where there is nothing, or it is damaged: then it is measured anew."""
    if not path.is_file():
        return None
    try:
        found = read_safetensors(path)
    except CheckpointError:
        return None
    return found if set(found) == names else None


def _write(path: Path, tensors: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_safetensors(
            path, {k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}
        )
    except OSError as error:
        raise ModelError(
            f"{path.parent} cannot be written: {error.strerror}.", "Free some space."
        ) from error
