"""A verification line by line: findings with their icons, and facts by name."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.messages import plain
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.text import label, short_digests
from engine.frame import Finding


class FindingRow(QWidget):
    """One line of a verification."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        look = {True: ("check", "good"), False: ("cross", "bad")}.get(
            bool(finding.ok), ("info", "muted")
        )
        if finding.ok is None:
            look = ("info", "muted")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(IconLabel(*look, 18), 0, Qt.AlignmentFlag.AlignTop)
        text = plain(finding.text)
        words = label(short_digests(text), wrap=True, selectable=True)
        words.setToolTip(text if short_digests(text) != text else "")
        line.addWidget(words, 1)


class FactRow(QWidget):
    """A name and its words."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        head = label(name, tone="muted")
        head.setFixedWidth(104)
        line.addWidget(head, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(label(words, wrap=True, selectable=True), 1)
