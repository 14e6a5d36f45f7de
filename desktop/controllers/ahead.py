"""Gets ready, while nothing is asked for, what the first diffusion picture would wait for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from desktop.controllers.render import RenderController
from engine.studio import Studio

AFTER_MS = 8000  # the engines of a model that was never shown are measured before


class AheadController(QObject):
    """Once, when no new picture came for a while and nothing is being done.

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
        self._later = QTimer(self, interval=after_ms)
        self._later.timeout.connect(self._prepare)
        self._render = render
        render.frame_ready.connect(self._shown)

    @Slot(object, object)
    def _shown(self, frame: object, picture: object) -> None:
        self._later.start()  # again with every picture, so that no drag is disturbed

    @Slot()
    def _prepare(self) -> None:
        if self._at_rest():
            self._later.stop()
            self._render.frame_ready.disconnect(self._shown)
            self._studio.prepare_diffusion()
