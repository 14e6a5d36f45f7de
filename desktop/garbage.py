"""When Python looks for garbage: between two events, on the window's own thread.

Left to itself it may do so at any allocation: on a thread that must not destroy widgets, or while
Qt destroys one and holds a lock, for which the destructor of the next one would wait forever.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

SWEEP_MS = 1000


class Sweeper(QObject):
    """One a process; while it lives, nothing else collects."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # what was imported stays, and need not be looked at again
        timer = QTimer(self, interval=SWEEP_MS)
        timer.timeout.connect(self.sweep)
        timer.start()

    @Slot()
    def sweep(self) -> None:
        """Collect the oldest generation that is due by Python's own thresholds."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return
