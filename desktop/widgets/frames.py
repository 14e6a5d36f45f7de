"""Plain containers that the style sheet knows by name."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QFrame, QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str) -> W:
    """Give a widget the name by which the style sheet colours it."""
    widget.setObjectName(name)
    return widget


def rule() -> QFrame:
    """A line between two parts."""
    line = named(QFrame(), "rule")
    line.setFixedHeight(1)
    return line
