"""The training labs behind the door: a session is a job of a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.course import KeptRun, LabView, LabWish, PictureView, Preset
from engine.frame import OnProgress
from engine.training_spec import TrainingSpec
from engine.worker import Job, Worker

RUNS = "training/pictures"
PATIENCE_S = 60.0  # a step, a measurement and a checkpoint may pass before a session ends
OnEnd = Callable[[BaseException | None], None]


class Session:
    """A running job that is spoken to. Nothing here waits."""

    def __init__(self, job: Job, on_end: OnEnd) -> None:
        self._job = job
        self._on_end = on_end
        job.when_done(self._ended)

    def say(self, word: Any) -> None:
        """What the session shall do from now on: a LabWish; "pause" or "run" for pictures."""
        self._job.say(word)

    def stop(self) -> None:
        """End the session; a run on pictures saves itself first."""
        self._job.cancel()

    def _ended(self, job: Job) -> None:
        try:
            job.result()
        except Exception as error:  # noqa: BLE001 - handed on to the one who asked
            self._on_end(error)
        else:
            self._on_end(None)


class Laboratory:
    """Labs for one data folder. on_view, on_end: called from another thread; on_end is given what
    went wrong, Cancelled after stop(), None at the end of the work.

    changed: called when there is another model.
    """

    def __init__(self, home: Path, changed: Callable[[], None]) -> None:
        self.home = home
        self._changed = changed
        self._plane, self._pictures = Worker(), Worker(patience_s=PATIENCE_S)

    def presets(self) -> tuple[Preset, ...]:
        """Prepared experiments: failures, and what mends each."""
        from engine.training.presets import PRESETS

        return PRESETS

    def live(self, wish: LabWish, on_view: Callable[[LabView], None], on_end: OnEnd) -> Session:
        """Begin a session in the plane."""
        asked = {"wish": wish}
        return Session(
            self._plane.submit("engine.training.live:live", asked, on_frame=on_view), on_end
        )

    def train_pictures(
        self, spec: TrainingSpec, on_view: Callable[[PictureView], None], on_end: OnEnd
    ) -> Session:
        """Begin a run on pictures, or go on with one of the same spec."""
        asked = {"spec": spec, "root": self.home / RUNS}
        name = "engine.training.picture_run:train_pictures"
        return Session(self._pictures.submit(name, asked, on_frame=on_view), on_end)

    def picture_runs(self) -> tuple[KeptRun, ...]:
        """Runs on pictures that can go on, the newest first."""
        from engine.services.picture_model import runs_of

        return runs_of(self.home / RUNS)

    def keep_model(
        self, run: Path, progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> str:
        """Make a model of a run; returns its name. Waits. Raises TrainingError or ModelError."""
        asked = {"run": run, "models": self.home / "models"}
        name = "engine.services.picture_model:keep_model"
        kept = str(self._pictures.submit(name, asked, on_progress=progress).wait(cancel))
        self._changed()
        return kept

    def close(self) -> None:
        """End the processes; a later session starts another."""
        self._plane.close()
        self._pictures.close()
        self._plane, self._pictures = Worker(), Worker(patience_s=PATIENCE_S)
