"""A small field for a number."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

MOST = 6  # characters, as many as a row has room for


def shown(value: float, decimals: int) -> str:
    """The number with so many decimals, or with as many as there is room for."""
    texts = (f"{value:.{places}f}".replace("-", "−") for places in range(decimals, -1, -1))
    return next((text for text in texts if len(text) <= MOST or "." not in text), "")


class NumberEdit(QLineEdit):
    """Editable number; Return or leaving takes it, Escape gives it back, arrows step.

    Typing beyond the usual range is allowed as far as [lowest, highest].
    """

    value_entered = Signal(float)
    stepped = Signal(int)  # steps up (+) or down (-); Shift counts as a tenth in the row

    def __init__(
        self,
        name: str,
        lowest: float,
        highest: float,
        decimals: int = 2,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bounds = (lowest, highest)
        self._decimals = decimals
        self._value = 0.0
        self.setAccessibleName(name)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        words = f"{lowest:.{decimals}f} to {highest:.{decimals}f}" if decimals else "whole number"
        self.setToolTip(f"{name}: type a number ({words}) and press Return")
        self.textEdited.connect(self._clear_wrong)
        self.returnPressed.connect(self._take)
        self._show()

    @property
    def value(self) -> float:
        """The number last taken."""
        return self._value

    def set_value(self, value: float) -> None:
        """Show a number; emits nothing. A field that is being typed in keeps its text."""
        if value == self._value and not self.isModified():
            return
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self._show()

    def clear_value(self) -> None:
        """Show no number, where there is none."""
        self._value = math.nan
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step, Escape gives back."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Up else -1)
            return
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self._show()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving the field takes what was typed."""
        if self.isModified():
            self._take()
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The whole number is selected, ready to be typed over."""
        super().focusInEvent(event)
        self.selectAll()

    def event(self, event: QEvent) -> bool:
        """What is typed, and Escape after it, belong to the field, never to a shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape and self.isModified():
                event.accept()  # else the focus would leave, and leaving takes what was typed
                return True
            modifiers = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
            if event.text().isprintable() and event.text() and not modifiers:
                event.accept()
                return True
        return super().event(event)

    def _take(self) -> None:
        value = _number(self.text())
        low, high = self._bounds
        if value is None or not low <= value <= high:
            self._set_wrong(True)
            if not self.hasFocus():
                self._show()
            return
        self._value = round(value, 3 if self._decimals else 0)
        self._show()
        self.value_entered.emit(self._value)

    def _show(self) -> None:
        text = "" if math.isnan(self._value) else shown(self._value, self._decimals)
        if text != self.text():
            with QSignalBlocker(self):
                self.setText(text)
        self.setModified(False)
        self._set_wrong(False)

    def _clear_wrong(self) -> None:
        self._set_wrong(False)

    def _set_wrong(self, wrong: bool) -> None:
        if bool(self.property("wrong")) != wrong:
            self.setProperty("wrong", wrong)
            self.style().unpolish(self)
            self.style().polish(self)


def _number(text: str) -> float | None:
    """What was typed, with a comma or a true minus sign too."""
    cleaned = text.strip().replace("−", "-").replace(",", ".").replace(" ", "")
    try:
        value = float(cleaned)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None
