"""Brings a folder of this program with a diffusion model or a noise-aware classifier here.

Its graph is not taken over, since no digest vouches for it: it is exported anew from the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import CARD, check_name, read_card
from engine.models.diffusion.denoisers import (
    CLASSIFIER,
    DENOISER,
    classifier_info,
    denoiser_config,
    stored_weights,
)
from engine.models.library import ModelLibrary

_KEPT = ("title", "version", "data", "command", "seed", "trained", "scores", "licence")


def is_diffusion_folder(path: Path) -> bool:
    """Whether the card in a folder is one of these. Raises ModelError for a damaged card."""
    if not (path / CARD).is_file():
        return False
    return read_card(path)["family"] in (DENOISER, CLASSIFIER)


def import_diffusion(
    home: Path, path: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Check the folder's card and weights, and keep them; returns the card.

    Raises ModelError or CheckpointError for what is missing, damaged or here already; then nothing
    is kept.
    """
    progress(Progress("Reading and checking", 0.1))
    card = read_card(path)
    chosen, sha256 = check_name(name or card["name"]), card["weights_sha256"]
    library = ModelLibrary(home)
    refuse_doubles(library, chosen, sha256)
    tensors = stored_weights(path, sha256)
    cancel.check()
    facts = {key: card[key] for key in _KEPT if key in card} | {"name": chosen, "source": path.name}
    folder = library.imported / chosen
    if card["family"] == DENOISER:
        from engine.models.diffusion.denoiser_folder import write_denoiser

        config = denoiser_config(card, path)
        progress(Progress("Exporting the graph and checking it against torch", 0.3))
        return write_denoiser(folder, config, tensors, facts)
    from engine.models.diffusion.open_denoiser import open_classifier
    from engine.models.folder import write_folder

    open_classifier(classifier_info(path, card))
    progress(Progress("Keeping it", 0.7))
    return write_folder(folder, CLASSIFIER, card["config"], tensors, facts)


def refuse_doubles(library: ModelLibrary, name: str, sha256: str) -> None:
    """Raise ModelError where a model of that name or with these weights is here already."""
    known = [(info.name, info.sha256) for info in library.models()]
    known += [(info.name, info.sha256) for info in library.denoisers()]
    known += [(card["name"], card["weights_sha256"]) for card in library.others()]
    for other, digest in known:
        if digest == sha256:
            raise ModelError(f"These weights are here already, as {other}.", "Use that model.")
        if other == name:
            raise ModelError(
                f"There is already a model called {name}.", "Give another one with --name."
            )
