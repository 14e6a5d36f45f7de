"""How a hand on the canvas moves the picture's plane."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt

Step = tuple[float, float, float]  # right and down in picture widths, degrees counterclockwise
MOVE, FAR_MOVE = 0.01, 0.1
TURN, FAR_TURN = 1.0, 15.0


def dragged(before: QPointF, now: QPointF, place: QRectF) -> Step:
    """The picture follows the pointer. place: of the whole picture on the canvas."""
    width = max(1.0, place.width())
    return (now.x() - before.x()) / width, (now.y() - before.y()) / width, 0.0


def turned(before: QPointF, now: QPointF, place: QRectF) -> Step:
    """The picture turns with the pointer about its middle."""
    middle = place.center()
    angles = [math.atan2(middle.y() - p.y(), p.x() - middle.x()) for p in (before, now)]
    degrees = math.degrees(angles[1] - angles[0])
    return 0.0, 0.0, (degrees + 180) % 360 - 180


def keyed(key: Qt.Key, far: bool) -> Step | None:
    """Arrows move, comma and period turn; None for other keys. far: in large steps."""
    move, turn = (FAR_MOVE, FAR_TURN) if far else (MOVE, TURN)
    steps: dict[Qt.Key, Step] = {
        Qt.Key.Key_Left: (-move, 0.0, 0.0),
        Qt.Key.Key_Right: (move, 0.0, 0.0),
        Qt.Key.Key_Up: (0.0, -move, 0.0),
        Qt.Key.Key_Down: (0.0, move, 0.0),
        Qt.Key.Key_Comma: (0.0, 0.0, turn),
        Qt.Key.Key_Less: (0.0, 0.0, turn),
        Qt.Key.Key_Period: (0.0, 0.0, -turn),
        Qt.Key.Key_Greater: (0.0, 0.0, -turn),
    }
    return steps.get(key)
