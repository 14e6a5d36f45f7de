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

TITLES = {"dcgan": "DCGAN", "progan": "ProGAN"}


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

    Of a run that grows, it is the generator of the largest size that has faded in. Measures
    precision, recall and Frechet distance for the card. Raises TrainingError when the run has no
    checkpoint, ModelError when it is there already or cannot be written.
    """
    import numpy as np

    from engine.training.picture_measure import COUNT, NEIGHBOURS, READER, Ruler, smaller
    from engine.training.picture_run import CHECKPOINT, SPEC, PictureRun

    leave_tqdm_alone()
    if not (run / CHECKPOINT).exists():
        raise TrainingError("This run has saved nothing yet.", "Let it train for a minute.")
    progress(Progress("Reading the run", 0.1))
    spec = TrainingSpec.from_json((run / SPEC).read_bytes())
    reading = PictureRun(spec, run, lambda _: None)
    reading.open(cancel)
    game = reading.game
    kept = game.whole()
    family, size_px = kept.config.family, kept.config.resolution
    progress(Progress("Measuring", 0.3))
    ruler = Ruler(smaller(reading.pictures, size_px))
    precision, recall, distance = ruler.measure(kept.generator, kept.config.z_dim)
    name = f"{family}-{spec.sha256[:8]}-{game.steps}"
    command = "python main.py train pictures" + (" --grow" if _grows(spec) else "")
    facts: dict[str, Any] = {
        "name": name,
        "title": f"{TITLES[family]}, {_data_words(spec)}, {size_px} px",
        "data": _data(spec, len(reading.pictures)),
        "command": command,
        "seed": spec.seed,
        "spec": spec.sha256,
        "trained": {"images": game.images, "steps": game.steps, "loss": _loss(spec)}
        | _growth(spec),
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
        for key, value in kept.generator.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    write_model_folder(models / name, kept.config, tensors, facts)
    return name


def _loss(spec: TrainingSpec) -> dict[str, Any]:
    assert isinstance(spec.method, Adversarial)
    return {**spec.method.loss.plain(), "r1": spec.method.r1}


def _grows(spec: TrainingSpec) -> bool:
    return isinstance(spec.method, Adversarial) and spec.method.grows


def _growth(spec: TrainingSpec) -> dict[str, Any]:
    """Up to which size it was to grow."""
    return {"grows_to_px": spec.data.size_px} if _grows(spec) else {}  # type: ignore[attr-defined]


def _data(spec: TrainingSpec, count: int) -> dict[str, Any]:
    if isinstance(spec.data, Portraits):
        return {"set": "portraits", "seed": 0, "rows": [0, count]}
    return {"set": "pictures of the user's own", "count": count}


def _data_words(spec: TrainingSpec) -> str:
    return "Portraits" if isinstance(spec.data, Portraits) else "my pictures"
