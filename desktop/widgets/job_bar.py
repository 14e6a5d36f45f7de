"""What a search is doing, how far it is, and a button that stops it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from desktop.widgets.button import push
from desktop.widgets.text import label


class JobBar(QWidget):
    """Hidden while nothing runs."""

    cancel_wanted = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = label(tone="muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(f"Progress: {name}")
        self._stop = push("Stop", f"Stop: {name}", "tight")
        self._stop.setMinimumWidth(64)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._bar, 1)
        line.addWidget(self._stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addLayout(line)
        self._stop.clicked.connect(self.cancel_wanted)
        self.hide()

    @property
    def running(self) -> bool:
        """Whether a search is shown as running."""
        return not self.isHidden()

    def show_began(self, words: str) -> None:
        """A search waits or runs."""
        self._words.setText(words)
        self._bar.setRange(0, 0)
        self.show()

    def show_progress(self, words: str, fraction: float | None, left_s: float | None) -> None:
        """How far it is."""
        left = f", {left_s:.0f} s left" if left_s else ""
        self._words.setText(words[:1].upper() + words[1:] + left)
        if fraction is not None:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(fraction * 1000))

    def show_ended(self) -> None:
        """Nothing runs."""
        self.hide()
