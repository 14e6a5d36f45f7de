"""A finished run on pictures becomes a model of the menu, with a card that was measured."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.course import KeptRun
from engine.errors import TrainingError
from engine.frame import OnProgress, Progress
from engine.models.folder import write_model_folder
from engine.services.worker_quirks import leave_tqdm_alone
from engine.training_spec import Adversarial, Portraits, TrainingSpec

SEEDS_SHOWN = 32


def runs_of(root: Path) -> tuple[KeptRun, ...]:
    """Runs below a folder that can go on, the newest first."""
    from engine.training.picture_run import kept_runs

    return kept_runs(root) if root.is_dir() else ()


def skipped_in(root: Path) -> tuple[tuple[str, str], ...]:
    """What the runs below a folder left out of the user's pictures, and why."""
    found: list[tuple[str, str]] = []
    for path in sorted(root.glob("*/skipped.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found += [(str(name), str(why)) for name, why in json.loads(path.read_text())]
    return tuple(found)


def keep_model(run: Path, models: Path, progress: OnProgress, cancel: CancelToken) -> str:
    """Write the run's average into a model folder below `models`; returns its name.

    Measures precision, recall and Frechet distance for the card. Raises TrainingError when the
    run has no checkpoint, ModelError when it is there already or cannot be written.
    """
    import numpy as np

    from engine.training.checkpoint import load_state
    from engine.training.picture_game import PictureGame
    from engine.training.picture_measure import COUNT, NEIGHBOURS, READER, Ruler
    from engine.training.picture_run import CHECKPOINT, SPEC, PictureRun

    leave_tqdm_alone()
    if not (run / CHECKPOINT).exists():
        raise TrainingError("This run has saved nothing yet.", "Let it train for a minute.")
    progress(Progress("Reading the run", 0.1))
    spec = TrainingSpec.from_json((run / SPEC).read_bytes())
    game = PictureGame(spec)
    game.restore(load_state(run / CHECKPOINT))
    reading = PictureRun(spec, run, lambda _: None)
    reading.open(cancel)
    progress(Progress("Measuring", 0.3))
    precision, recall, distance = Ruler(reading.pictures).measure(game.average)
    name = f"dcgan-{spec.sha256[:8]}-{game.steps}"
    command = "python main.py train pictures"
    facts: dict[str, Any] = {
        "name": name,
        "title": f"DCGAN, {_data_words(spec)}, {spec.data.size_px} px",  # type: ignore[attr-defined]
        "data": _data(spec, len(reading.pictures)),
        "command": command,
        "seed": spec.seed,
        "spec": spec.sha256,
        "trained": {"images": game.images, "steps": game.steps, "loss": _loss(spec)},
        "scores": {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "frechet_distance": round(distance, 3),
            "features": f"{READER}, the layer before the last",
            "neighbours": NEIGHBOURS,
            "made": {"count": COUNT, "psi": 1.0},
            "measured": {"command": command},
        },
        "licence": "Apache-2.0" if isinstance(spec.data, Portraits) else "as of the pictures",
    }
    cancel.check()
    progress(Progress("Exporting the ONNX graphs", 0.6))
    tensors = {
        key: value.detach().numpy().astype(np.float32)
        for key, value in game.average.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    write_model_folder(models / name, game.config, tensors, facts)
    return name


def _loss(spec: TrainingSpec) -> dict[str, Any]:
    assert isinstance(spec.method, Adversarial)
    return {**spec.method.loss.plain(), "r1": spec.method.r1}


def _data(spec: TrainingSpec, count: int) -> dict[str, Any]:
    if isinstance(spec.data, Portraits):
        return {"set": "portraits", "seed": 0, "rows": [0, count]}
    return {"set": "pictures of the user's own", "count": count}


def _data_words(spec: TrainingSpec) -> str:
    return "Portraits" if isinstance(spec.data, Portraits) else "my pictures"
