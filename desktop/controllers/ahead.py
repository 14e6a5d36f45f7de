"""Gets ready, while nothing is asked for, what the first diffusion picture would wait for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from desktop.controllers.quiet import Quiet
from desktop.controllers.render import RenderController
from engine.studio import Studio

AFTER_MS = 8000  # the engines of a model that was never shown are measured before


class AheadController(QObject):
    """Once, when it is quiet and nothing is being done.

    at_rest: whether that is so.
    """

    def __init__(
        self,
        studio: Studio,
        render: RenderController,
        at_rest: Callable[[], bool],
        parent: QObject,
        after_ms: int = AFTER_MS,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._at_rest = at_rest
        self._quiet = Quiet(render, after_ms, self)
        self._quiet.came.connect(self._prepare)

    @Slot()
    def _prepare(self) -> None:
        if self._at_rest():
            self._quiet.came.disconnect(self._prepare)
            self._studio.prepare_diffusion()
        else:
            self._quiet.wait()
