"""Widgets that hold one another are let go of between events, and at no other time."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.garbage import Sweeper


class Holds(QWidget):
    """Knows itself, so that only a collection finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self


def test_nothing_is_collected_by_itself(sweeper: Sweeper) -> None:
    assert not gc.isenabled()
    gone = weakref.ref(Holds())
    threading.Thread(target=lambda: [[] for _ in range(50_000)]).start()
    kept: list[list[int]] = [[] for _ in range(50_000)]
    assert len(kept) == 50_000
    assert gone() is not None


def test_what_is_due_is_collected_in_the_event_loop(sweeper: Sweeper, qtbot: QtBot) -> None:
    gc.collect()
    gone = weakref.ref(Holds())
    kept: list[list[int]] = [[] for _ in range(5_000)]  # more than the threshold of the youngest
    qtbot.waitUntil(lambda: gone() is None, timeout=30_000)
    assert len(kept) == 5_000
