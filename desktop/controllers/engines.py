"""Finds, once for each model on this machine, which engine renders it quickest."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Slot

from desktop.controllers.quiet import Quiet
from desktop.controllers.render import RenderController
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.recipe import Generate, walk
from engine.studio import Studio

AFTER_MS = 4000  # the first picture and its neighbours come first


@dataclass(frozen=True)
class _Measure:
    studio: Studio
    name: str

    def __call__(self, progress: OnProgress, token: CancelToken) -> None:
        progress(Progress("Finding the quickest engine"))
        self.studio.measure_engine(self.name)


class EnginesController(QObject):
    """Asks for a measurement when a model is shown that was never measured here."""

    def __init__(
        self, studio: Studio, jobs: QueueLane, render: RenderController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._jobs = jobs
        self._render = render
        self._asked: set[str] = set()
        self._quiet = Quiet(render, AFTER_MS, self)
        self._quiet.came.connect(self._measure)

    @Slot()
    def _measure(self) -> None:
        frame = self._render.frame
        if frame is None:
            return
        if not self._jobs.idle:
            self._quiet.wait()
            return
        for node in walk(frame.recipe.image):
            if isinstance(node, Generate) and node.model.sha256 not in self._asked:
                self._asked.add(node.model.sha256)
                name = self._studio.unmeasured(node.model)
                if name is not None:
                    work = _Measure(self._studio, name)
                    self._jobs.submit(Job("engines", "Finding the quickest engine here", work))
                return
