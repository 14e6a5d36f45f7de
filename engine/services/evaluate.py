"""Measures a bundled model and writes the scores into its card; nobody types a score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.directions.library import read_directions, vector_of, write_directions
from engine.errors import ModelError
from engine.frame import OnProgress
from engine.models.bundled import bundled_folder
from engine.models.card import CARD, info_of, is_generator, read_card, write_card
from engine.models.diffusion.control_config import CONTROL, misfit_of
from engine.models.diffusion.denoisers import CLASSIFIER, DENOISER, NOISY_CLIP
from engine.models.diffusion.latent_config import AUTOENCODER, LATENT
from engine.models.library import CLIP, ModelLibrary
from engine.models.shared_weights import whole_weights
from engine.perception.reader import FAMILY, open_reader
from engine.recipe import ModelRef

JUDGE = "portraits-judge"
WATERMARK = "watermark"
LABS = "labs"
ENCODER, ALIGNER = "encoder", "aligner"


def evaluate(
    name: str,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
    root: Path | None = None,
    work: Path | None = None,
) -> dict[str, Any]:
    """Measure the model `name`, the invisible mark or the lab's experiments; write and return
    the card.

    full: the long form of every measurement. root: the folder of model folders, the bundled one
    when None. work: where a long measurement keeps its results, so that it goes on after a stop.
    Raises ModelError when there is no such model, when weights and card do not belong
    together, or when a network that measures is missing.
    """
    if name == WATERMARK:
        from engine.services.evaluate_watermark import measure_watermark

        return measure_watermark(full, progress, cancel, work=work)
    if name == LABS:
        from engine.services.evaluate_labs import measure_labs

        return measure_labs(full, progress, cancel)
    root = bundled_folder() if root is None else root
    folder = root / name
    if not (folder / CARD).is_file():
        known = sorted(path.parent.name for path in root.glob(f"*/{CARD}"))
        raise ModelError(
            f"No bundled model is called {name[:80]!r}; there are: {', '.join(known) or 'none'}.",
            "Name one of these.",
        )
    card = checked_card(folder)
    if card["family"] == FAMILY:
        from engine.services.evaluate_reader import measure_reader

        scores = measure_reader(folder, full, progress, cancel)
    elif card["family"] == ALIGNER:
        from engine.services.evaluate_aligner import measure_aligner

        scores = measure_aligner(folder, full, progress, cancel)
    elif card["family"] == ENCODER:
        from engine.services.evaluate_encoder import measure_encoder

        scores = measure_encoder(folder, root, full, progress, cancel)
    elif card["family"] == CLIP:
        from engine.services.evaluate_clip import measure_clip

        scores = measure_clip(folder, full, progress, cancel)
    elif card["family"] == AUTOENCODER:
        from engine.services.evaluate_autoencoder import measure_autoencoder

        scores = measure_autoencoder(folder, full, progress, cancel)
    elif card["family"] in (DENOISER, LATENT, CLASSIFIER, NOISY_CLIP, CONTROL):
        scores = diffusion_scores(card, root, full, progress, cancel)
    elif is_generator(card):
        scores = _generator_scores(folder, root, full, progress, cancel)
    else:
        raise ModelError(f"Nothing is measured of a model of the family {card['family']!r}.")
    form = "--full" if full else "--quick"
    measured = {"command": f"python main.py evaluate {name} {form}"}
    card = {**card, "scores": {**scores, "measured": measured}, "bytes": folder_bytes(folder)}
    write_card(folder, card)
    return card


def checked_card(folder: Path) -> dict[str, Any]:
    """The card of a folder whose weights have the digest that it states. Raises ModelError."""
    card = read_card(folder)
    got = weights_sha256(whole_weights(folder, card))
    if got != card["weights_sha256"]:
        raise ModelError(
            f"The weights of {folder.name} have the digest {got}, but its card says "
            f"{card['weights_sha256']}.",
            "Restore the folder, or train the model again.",
        )
    return card


def folder_bytes(folder: Path) -> int:
    """The size of everything that a model folder ships but its card."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.name != "card.json"
    )


def diffusion_scores(
    card: dict[str, Any], root: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Of anything that has to do with diffusion. Raises ModelError, Cancelled."""
    from engine.services.evaluate_diffusion import measure_classifier, measure_denoiser
    from engine.services.evaluate_text_guidance import measure_noisy_clip
    from engine.training.diffusion_spec import SPECS

    library = ModelLibrary(root / "none", root)
    schedule = SPECS["portraits-ddpm"](Path()).schedule
    if card["family"] == CLASSIFIER:
        info = next(c for c in library.classifiers() if c.name == card["name"])
        return measure_classifier(info, schedule, full, progress, cancel)
    if card["family"] == NOISY_CLIP:
        tower = next(c for c in library.noisy_clips() if c.name == card["name"])
        clip = library.clip_of(ModelRef("portraits-clip", tower.clip))
        return measure_noisy_clip(tower, clip, schedule, full, progress, cancel)
    if card["family"] == CONTROL:
        return _control_scores(card["name"], library, root, full, progress, cancel)
    model = next(d for d in library.denoisers() if d.name == card["name"])
    if model.shown in ("picture", "like", "masked"):
        from engine.services.evaluate_shown import measure_shown

        return measure_shown(model, open_reader(root / JUDGE), full, progress, cancel)
    return measure_denoiser(model, library, root / JUDGE, full, progress, cancel)


def _control_scores(
    name: str,
    library: ModelLibrary,
    root: Path,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Beside the first bundled model that it fits. Raises ModelError where there is none."""
    from engine.services.evaluate_control import measure_control

    control = next(one for one in library.controls() if one.name == name)
    fits = (
        one
        for one in library.denoisers()
        if not one.shown
        and not misfit_of(control, one.card["family"], one.card["config"], one.name)
    )
    base = next(fits, None)
    if base is None:
        raise ModelError(f"There is no bundled model that {name} could help.")
    return measure_control(control, base, open_reader(root / JUDGE), full, progress, cancel)


def _generator_scores(
    folder: Path, root: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    from engine.models.opened import open_model
    from engine.services.evaluate_generator import (
        measure_classes,
        measure_directions,
        measure_generator,
    )

    model = open_model(info_of(folder, read_card(folder), bundled=True))
    scores = measure_generator(model, full, progress, cancel)
    classes = measure_classes(model, root / JUDGE, progress, cancel)
    if classes is not None:
        scores["classes"] = classes
    directions = measure_directions(model, root / JUDGE, progress, cancel)
    if directions is not None:
        scores["directions"] = directions
        rows = directions["rows"]
        write_directions(
            folder,
            [
                (replace(info, scores=rows[info.name]["change"]), vector_of(folder, info))
                for info in read_directions(folder)
            ],
        )
    return scores
