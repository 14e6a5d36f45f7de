"""What hands and keys are worth on the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt

WHEEL_ZOOM = 1.2
DRAG_PX = 10  # from here on a press has become a drag
CONTROL = Qt.KeyboardModifier.ControlModifier
BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
# By how many screen pixels the arrows move the canvas over the picture.
PANS = {
    Qt.Key.Key_Left: (40, 0),
    Qt.Key.Key_Right: (-40, 0),
    Qt.Key.Key_Up: (0, 40),
    Qt.Key.Key_Down: (0, -40),
}
