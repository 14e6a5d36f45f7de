"""Buttons of one row that look like parts of one thing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

Choice = tuple[str, str, str]  # key, words, tooltip


def segments(row: QWidget, name: str, choices: Sequence[Choice]) -> dict[str, QToolButton]:
    """Lay one checkable button a choice into the row, which is called `name`; by their keys."""
    row.setAccessibleName(name)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    buttons = {}
    for key, words, tip in choices:
        button = QToolButton(row)
        button.setText(words)
        button.setCheckable(True)
        button.setProperty("role", "segment")
        button.setProperty("key", key)
        button.setAccessibleName(f"{name}: {words}")
        button.setToolTip(tip)
        button.setMinimumHeight(26)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        buttons[key] = button
        line.addWidget(button)
    return buttons
