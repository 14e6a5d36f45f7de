"""Labels that never take text from outside for markup, and that wrap whatever it holds."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

LONGEST_WORD = 24
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_LONG = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
_BREAK = "\u200b"  # a place where a line may end, and nothing to see


class WrapLabel(QLabel):
    """Takes as much height as its words need at the width that it is given."""

    def setText(self, text: str) -> None:
        """Show words; a word too long for a line may break anywhere."""
        super().setText(breakable(text))
        self._grow()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another height."""
        super().resizeEvent(event)
        self._grow()

    def _grow(self) -> None:
        self.setMinimumHeight(0)  # else it would count as needed what was needed before
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


def label(
    text: str = "",
    *,
    role: str = "",
    tone: str = "",
    wrap: bool = False,
    selectable: bool = False,
    parent: QWidget | None = None,
) -> QLabel:
    """A plain-text label. role: "title" or "strong"; tone: "muted", "good", "warn" or "bad"."""
    made = WrapLabel(parent) if wrap else QLabel(parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    made.setText(text)
    if role:
        made.setProperty("role", role)
    if tone:
        made.setProperty("tone", tone)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def breakable(text: str) -> str:
    """The text with places to break in words too long for a line."""
    return _LONG.sub(lambda found: found.group() + _BREAK, text)


def short_digests(text: str) -> str:
    """SHA-256 digests cut to their first twelve digits, for reading."""
    return _DIGEST.sub(r"\1…", text)
