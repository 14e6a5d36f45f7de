"""Brings published diffusion models here: read safely and checked whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.diffusion.schedule import Prediction
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import check_name
from engine.models.diffusion.latent_config import LatentConfig
from engine.models.diffusion.memory_plan import plan_for
from engine.models.diffusion.room import room_at_rest
from engine.models.published.pipeline_parts import Pipeline
from engine.perception.clip.tokenizer import VOCAB, WHOLE, Tokenizer, read_tokenizer
from engine.services.import_diffusion import refuse_doubles
from engine.services.needs import needs_of_pipeline
from engine.services.published_files import read_published


def import_pipeline(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Read a folder of a pipeline or a ControlNet, or a file of guided diffusion, hold every weight
    against its network, and keep them; returns the card.

    Raises CheckpointError or ModelError for a folder with programs or pickles, a part that is
    missing or damaged, and a pipeline of another kind; then nothing is kept.
    """
    progress(Progress("Reading and checking", 0.1))
    found = read_published(path, cancel)
    assert found is not None  # whoever calls has looked
    return _keep(home, path, name or _named(path), found, progress, cancel)


def import_single_file(
    home: Path,
    path: Path,
    name: str | None,
    progress: OnProgress,
    cancel: CancelToken,
    predicts: Prediction | None = None,
) -> dict[str, Any]:
    """As import_pipeline, for one file with all of Stable Diffusion 1.x or 2.x.

    The words of its tokenizer are looked for beside it, in `tokenizer` beside it, and in the models
    that are here. predicts: see read_single_file; None for what it is found to be. Raises
    CheckpointError or ModelError; then nothing is kept.
    """
    from engine.checkpoints.read import read_raw
    from engine.models.published.single_file import (
        read_single_file,
        tells_prediction,
        vocabulary_of,
    )

    progress(Progress("Reading and checking", 0.1))
    raw = read_raw(path, cancel)
    tokenizer = _tokenizer(home, path, vocabulary_of(raw, path.name))
    if predicts is None and not tells_prediction(raw, path.name):
        from engine.models.diffusion.prediction_trial import tried_prediction

        found = read_single_file(raw, path.name, tokenizer, "v")
        progress(Progress("Finding what it predicts", 0.3))
        assert isinstance(found.config, LatentConfig)
        predicts = tried_prediction(found.config, found.tensors, tokenizer, path.name)
        cancel.check()
    found = read_single_file(raw, path.name, tokenizer, predicts)
    return _keep(home, path, name or _named(path), found, progress, cancel)


def _named(path: Path) -> str:
    return path.stem if path.is_file() else path.name


def _tokenizer(home: Path, path: Path, words: int) -> Tokenizer:
    """A CLIP's with so many words, which are the same in all of them. Raises ModelError."""
    from engine.models.library import ModelLibrary

    library = ModelLibrary(home)
    places = [path.parent, path.parent / "tokenizer"]
    places += [info.folder for info in library.denoisers()]
    places += [info.folder for info in library.clips()]
    for place in places:
        if any((place / name).is_file() for name in (VOCAB, WHOLE)):
            found = read_tokenizer(place)
            if len(found.vocab) == words:
                return found
    raise ModelError(
        f"{path.name} holds no tokenizer, and none of {words} words is here.",
        "Put CLIP's vocab.json and merges.txt beside the file.",
    )


def _keep(
    home: Path,
    path: Path,
    name: str,
    found: Pipeline,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    from engine.checkpoints.digest import weights_sha256
    from engine.models.diffusion.open_published import check_weights
    from engine.models.folder import write_folder
    from engine.models.library import ModelLibrary

    cancel.check()
    # What could run with nothing else beside it is kept.
    plan_for(needs_of_pipeline(found), room_at_rest(), path.name)
    progress(Progress("Holding the weights against their networks", 0.4))
    check_weights(found, path.name)
    library = ModelLibrary(home)
    chosen = check_name(name)
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
