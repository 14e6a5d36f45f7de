"""The training lab behind the door: a live session is a job of a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.course import LabView, LabWish, Preset
from engine.worker import Job, Worker


class LiveLab:
    """A running session. Nothing here waits."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def wish(self, wish: LabWish) -> None:
        """What the lab shall do from now on."""
        self._job.say(wish)

    def stop(self) -> None:
        """End the session."""
        self._job.cancel()


class Laboratory:
    """Labs for one data folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._worker = Worker()

    def presets(self) -> tuple[Preset, ...]:
        """Prepared experiments: failures, and what mends each."""
        from engine.training.presets import PRESETS

        return PRESETS

    def live(
        self,
        wish: LabWish,
        on_view: Callable[[LabView], None],
        on_end: Callable[[BaseException], None],
    ) -> LiveLab:
        """Begin a session. on_view, on_end: called from another thread; on_end when it ended,
        with Cancelled after stop(), else with what went wrong."""
        job = self._worker.submit("engine.training.live:live", {"wish": wish}, on_frame=on_view)

        def ended(done: Job) -> None:
            try:
                done.result()
            except Exception as error:  # noqa: BLE001 - handed on to the one who asked
                on_end(error)

        job.when_done(ended)
        return LiveLab(job)

    def close(self) -> None:
        """End the process; a later session starts another."""
        self._worker.close()
        self._worker = Worker()
