"""CLIPs as the user meets them: imported from a published folder, and opened."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.errors import CheckpointError, ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import CARD, check_name, read_card
from engine.models.folder import write_folder
from engine.models.library import CLIP, ModelLibrary
from engine.wishes import ClipInfo

if TYPE_CHECKING:
    from engine.perception.clip.model import Clip

PREPROCESSOR = "preprocessor_config.json"


def is_clip_folder(path: Path) -> bool:
    """Whether a folder says that it holds a CLIP, published or of this program."""
    import json

    for file, field in ((CARD, "family"), ("config.json", "model_type")):
        if (path / file).is_file():
            try:
                plain = json.loads((path / file).read_bytes()[:4_000_000])
            except (OSError, ValueError, RecursionError):
                return False
            return isinstance(plain, dict) and plain.get(field) == CLIP
    return False


def import_clip(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> ClipInfo:
    """Read a CLIP safely and keep it under the home folder.

    path: a folder with config.json, .safetensors files and a tokenizer. Raises CheckpointError for
    what is missing, damaged, or holds programs or pickles; then nothing is kept.
    """
    from engine.checkpoints.read import read_raw
    from engine.perception.clip.config import read_config
    from engine.perception.clip.open import PLACES, build, fitting
    from engine.perception.clip.tokenizer import read_tokenizer

    if not path.is_dir():
        raise CheckpointError(f"{path} is no folder.", "Choose the folder of a CLIP.")
    progress(Progress("Reading and checking", 0.1))
    ours = read_card(path) if (path / CARD).is_file() else None
    raw = read_raw(path, cancel)
    network = next((part for part in raw.networks if part.name == ""), None)
    if network is None:
        raise CheckpointError(
            f"{path.name} has no weights beside its config.json.", "Choose the folder of a CLIP."
        )
    plain = dict(_plain(path) if ours is None else ours["config"])
    config = read_config(plain, path.name)
    tokenizer = fitting(read_tokenizer(path), config, path.name)
    cancel.check()
    tensors = {k: np.asarray(v) for k, v in network.tensors.items() if not k.endswith(PLACES)}
    build(config, tensors, path.name)
    progress(Progress("Keeping it", 0.7))
    cancel.check()
    library = ModelLibrary(home)
    chosen = check_name(name or _free_name(path))
    sha256 = weights_sha256(tensors)
    for info in library.clips():
        if info.sha256 == sha256:
            raise ModelError(f"These weights are here already, as {info.name}.", "Use that one.")
    facts: dict[str, Any] = {"name": chosen, "title": path.name[:100], "source": path.name}
    write_folder(library.imported / chosen, CLIP, config.to_dict(), tensors, facts, tokenizer.write)
    library.refresh()
    return library.clip(chosen)


def _free_name(path: Path) -> str:
    """A folder's name with what no name may have left out."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path.name)
    return kept.strip("._-")[:64] or CLIP


def _plain(path: Path) -> dict[str, Any]:
    """The published config, with what the folder says of pictures."""
    import json

    found: dict[str, Any] = {}
    for file in (PREPROCESSOR, "config.json"):
        try:
            data = json.loads((path / file).read_bytes()[:4_000_000])
        except FileNotFoundError as error:
            if file == PREPROCESSOR:
                continue
            raise CheckpointError(
                f"{path.name} has no config.json.", "Give the whole folder of a CLIP."
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{path.name} has a damaged {file}.") from error
        if isinstance(data, dict):
            names = ("image_mean", "image_std")
            found |= {k: v for k, v in data.items() if file != PREPROCESSOR or k in names}
    if found.get("model_type", CLIP) != CLIP:
        raise CheckpointError(
            f"{path.name} holds a model of the type {str(found['model_type'])[:40]!r}.",
            "Choose the folder of a CLIP.",
        )
    return found


def opened_clip(info: ClipInfo) -> Clip:
    """The opened CLIP; the last ones are kept for the next job. Raises ModelError."""
    return _opened(info.folder, info.sha256)


@lru_cache(maxsize=2)
def _opened(folder: Path, sha256: str) -> Clip:
    from engine.perception.clip.open import open_clip

    return open_clip(folder)
