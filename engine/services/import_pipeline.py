"""Brings the folder of a published diffusion pipeline here: read safely and checked whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.backends.device import machine
from engine.cancel import CancelToken
from engine.checkpoints.refusal import naming
from engine.checkpoints.safetensors_file import tensor_names
from engine.checkpoints.torch_zip import pickle_of
from engine.diffusion.schedule import Prediction
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import check_name
from engine.models.latent_config import LatentConfig
from engine.models.published.pipeline_parts import INDEX, Pipeline
from engine.models.published.single_file import is_original
from engine.perception.clip.tokenizer import VOCAB, WHOLE, Tokenizer, read_tokenizer
from engine.services.import_diffusion import refuse_doubles

# float32 for the networks, and half as much again for what a step leaves on the way.
BYTES_EACH = 6


def is_pipeline_folder(path: Path) -> bool:
    """Whether a folder says that it holds a diffusion pipeline of any kind."""
    return "Pipeline" in _said(path / INDEX)


def _said(file: Path) -> str:
    """The class of diffusers that a file of JSON names; "" for none."""
    try:
        plain = json.loads(file.read_bytes()[:1_000_000])
    except (OSError, ValueError, RecursionError):
        return ""
    return str(plain.get("_class_name")) if isinstance(plain, dict) else ""


def is_control_folder(path: Path) -> bool:
    """Whether a folder's config names a ControlNet."""
    from engine.models.published.control import KIND

    return _said(path / "config.json") == KIND


def is_single_file(path: Path) -> bool:
    """Whether a file holds an original Stable Diffusion, by the names of its tensors."""
    return path.suffix == ".safetensors" and path.is_file() and is_original(tensor_names(path))


def import_pipeline(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Read the parts, hold every weight against its network, and keep them; returns the card.

    Raises CheckpointError or ModelError for a folder with programs or pickles, a part that is
    missing or damaged, and a pipeline of another kind; then nothing is kept.
    """
    from engine.checkpoints.read import read_raw
    from engine.models.published.pipelines import read_pipeline

    progress(Progress("Reading and checking", 0.1))
    raw = read_raw(path, cancel)
    with naming(path.name):
        found = read_pipeline(path, raw)
    return _keep(home, path, name, found, progress, cancel)


def import_control(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """As import_pipeline, for the folder of a ControlNet."""
    from engine.checkpoints.read import read_raw
    from engine.models.published.control import read_control

    progress(Progress("Reading and checking", 0.1))
    raw = read_raw(path, cancel)
    with naming(path.name):
        found = read_control(path, raw)
    return _keep(home, path, name, found, progress, cancel)


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
        from engine.models.prediction_trial import tried_prediction

        found = read_single_file(raw, path.name, tokenizer, "v")
        _check_memory(path.name, sum(array.size for array in found.tensors.values()))
        progress(Progress("Finding what it predicts", 0.3))
        assert isinstance(found.config, LatentConfig)
        predicts = tried_prediction(found.config, found.tensors, tokenizer, path.name)
        cancel.check()
    found = read_single_file(raw, path.name, tokenizer, predicts)
    return _keep(home, path, name or path.stem, found, progress, cancel)


def is_guided_file(path: Path) -> bool:
    """Whether a file holds a network of guided diffusion, by the names of its tensors. Of an
    archive of torch they are looked for in its pickle, which is not run."""
    from engine.models.adm_config import MARKS, is_adm

    if not path.is_file():
        return False
    if path.suffix == ".safetensors":
        return is_adm(tensor_names(path))
    if path.suffix not in (".pt", ".pth"):
        return False
    text = pickle_of(path)
    return all(mark.encode() in text for mark in MARKS)


def import_guided(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """As import_pipeline, for a file of guided diffusion or of GLIDE."""
    from engine.checkpoints.read import read_raw
    from engine.models.published.guided_diffusion import read_guided

    progress(Progress("Reading and checking", 0.1))
    found = read_guided(read_raw(path, cancel), path)
    return _keep(home, path, name or path.stem, found, progress, cancel)


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
    name: str | None,
    found: Pipeline,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    from engine.checkpoints.digest import weights_sha256
    from engine.models.folder import write_folder
    from engine.models.library import ModelLibrary
    from engine.models.open_published import check_weights

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
