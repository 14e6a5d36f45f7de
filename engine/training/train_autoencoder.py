"""Trains the autoencoder of the latent models, or the decoder of one further; see
autoencoder_run.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.editing.invert import psnr_db
from engine.frame import OnProgress, Progress
from engine.models.card import origin, training_command
from engine.models.diffusion.latent_config import AUTOENCODER
from engine.models.folder import write_folder
from engine.perception.reader import stored_tensors
from engine.training.autoencoder_run import AutoencoderRun, AutoencoderSpec
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.codes import kept_codes
from engine.training.decoder_run import DecoderRun
from engine.training.hardware import keep_freed_memory
from engine.training.lessons import lessons
from engine.training.regression import machine

NAME = "portraits-autoencoder"
TITLE = "Portraits, autoencoder"


def train_autoencoder(
    spec: AutoencoderSpec,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    source: Source | None = None,
) -> Path:
    """Train, or go on with the run in `spec.work`, and write `folder`.

    When stopped, what was learnt so far is written and kept for going on. source: what draws the
    pictures; None for Portraits. Raises TrainingError where files cannot be read or written.
    """
    keep_freed_memory()
    spec.work.mkdir(parents=True, exist_ok=True)
    cache = spec.cache or default_folder()
    pictures = drawn_pictures(
        source or portraits_source(), cache, seed=spec.data_seed,
        count=spec.portraits, size=spec.size_px, cancel=cancel,
        on_drawn=lambda done, count: progress(Progress("Drawing portraits", done / count)),
    )  # fmt: skip
    if spec.start is None:
        run = AutoencoderRun(spec, pictures)
    else:
        codes = kept_codes(
            spec.start, pictures, cache, spec.data_seed, cancel,
            lambda done, count: progress(Progress("Encoding portraits", done / count)),
        )  # fmt: skip
        run = DecoderRun(spec, spec.start, pictures, codes)
    run.restore()
    first, mean = run.steps, 0.0

    def words() -> str:
        return f"step {run.steps}, {psnr_db(mean):.1f} dB"

    for step, done in lessons(spec.steps, spec.minutes, progress, cancel, words, run.keep, first):
        mean += (run.step(done) - mean) * max(0.01, 1 / (step + 1 - first))
    run.keep()
    return write_autoencoder(run, folder)


def write_autoencoder(run: AutoencoderRun, folder: Path) -> Path:
    """Write the average's weights (float16) and a card; `evaluate` measures it."""
    spec = run.spec
    facts: dict[str, Any] = {
        "name": NAME,
        "title": TITLE,
        "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
        "command": training_command(NAME, spec.start),
        "seed": spec.seed,
        "trained": {"images": run.steps * spec.batch, "batch": spec.batch, "machine": machine()},
        "scores": {},
        "licence": "Apache-2.0",
    }
    if spec.start is not None:
        facts["trained"]["from"] = origin(spec.start)
    tensors = stored_tensors(run.average)
    write_folder(folder, AUTOENCODER, run.settings(), tensors, facts, replace=True)
    return folder
