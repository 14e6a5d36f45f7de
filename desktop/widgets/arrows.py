"""Which way an arrow key walks in a table."""

from __future__ import annotations

from PySide6.QtCore import Qt

Cell = tuple[int, int]  # row, column

_STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


def walked(key: int, cell: Cell, last: Cell, first: Cell = (0, 0)) -> Cell | None:
    """The cell that an arrow leads to, held between `first` and `last`; None for other keys."""
    step = _STEPS.get(Qt.Key(key))
    if step is None:
        return None
    row = min(max(cell[0] + step[0], first[0]), max(first[0], last[0]))
    column = min(max(cell[1] + step[1], first[1]), max(first[1], last[1]))
    return row, column
