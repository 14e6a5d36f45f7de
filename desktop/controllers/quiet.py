"""When no new picture came for a while: the moment for what nobody waits for."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.controllers.render import RenderController


class Quiet(QObject):
    """Begins anew with every picture, so that no drag is disturbed."""

    came = Signal()

    def __init__(self, render: RenderController, after_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=after_ms, singleShot=True)
        self._timer.timeout.connect(self.came)
        render.frame_ready.connect(self.wait)

    @Slot()
    def wait(self) -> None:
        """Tell again after as long, if no picture comes before."""
        self._timer.start()
