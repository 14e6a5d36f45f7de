"""How a fresh rendering compares with the file, in words; and which of the pictures to look at."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import Comparison
from desktop.messages import plain
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.segmented import Segmented
from desktop.widgets.text import label
from engine.frame import Rerender

VIEWS = (
    ("file", "File", "The picture as it is in the file"),
    ("fresh", "Again", "The picture as its Recipe gives it now"),
    ("beside", "Both", "Side by side"),
    ("difference", "Difference", "Where and how far they differ"),
)


class ComparisonCard(QFrame):
    """Hidden where nothing was rendered again."""

    view_chosen = Signal(str)  # key of Comparison.views

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._gain = 1
        self._icon = IconLabel("check", "good", 20)
        self._words = label(wrap=True)
        self._view = Segmented("Show", VIEWS)
        self._note = label(tone="muted", wrap=True)
        self._look = QWidget()
        looks = QVBoxLayout(self._look)
        looks.setContentsMargins(0, 0, 0, 0)
        looks.setSpacing(4)
        looks.addWidget(self._view)
        looks.addWidget(self._note)
        line = QHBoxLayout()
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._words, 1)
        inner = QVBoxLayout(self)
        inner.setContentsMargins(12, 12, 12, 12)
        inner.setSpacing(8)
        inner.addLayout(line)
        inner.addWidget(self._look)
        self._view.chosen.connect(self._show_view)

    def show_words(self, rerender: Rerender | None) -> None:
        """What the comparison says; its pictures follow."""
        self._look.hide()
        self.setVisible(rerender is not None)
        if rerender is not None:
            look = ("check", "good") if rerender.identical else ("info", "warn")
            self._icon.show_icon(*look)
            self._words.setText(plain(rerender.text))

    def show_comparison(self, comparison: Comparison | None) -> None:
        """What can be looked at now; side by side first."""
        self._look.setVisible(comparison is not None)
        if comparison is not None:
            for key, _, _ in VIEWS:
                self._view.set_enabled(key, key in comparison.views)
            key = "beside" if "beside" in comparison.views else "fresh"
            self._gain = comparison.gain
            self._view.set_key(key)
            self._show_view(key)

    def _show_view(self, key: str) -> None:
        words = {
            "difference": f"Differences {self._gain} times as bright; black is equal.",
            "beside": "Left: the file. Right: rendered again.",
        }
        self._note.setText(words.get(key, ""))
        self._note.setVisible(key in words)
        self.view_chosen.emit(key)
