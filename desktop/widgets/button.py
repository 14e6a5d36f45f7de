"""Buttons that carry a line icon and follow the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from desktop.widgets.icons import icon

HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class IconButton(QToolButton):
    """A tool button with a line icon, a name for screen readers and a tooltip."""

    def __init__(
        self,
        icon_name: str,
        name: str,
        tip: str = "",
        *,
        size_px: int = 18,
        text: str = "",
        role: str = "",
        checkable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._size_px = size_px
        self.setAccessibleName(name)
        self.setToolTip(tip or name)
        self.setCheckable(checkable)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(size_px, size_px))
        if role:
            self.setProperty("role", role)
        if text:
            self.setText(text)
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._tint()

    def set_icon(self, icon_name: str) -> None:
        """Show another icon."""
        if icon_name != self._icon_name:
            self._icon_name = icon_name
            self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Take the new theme's colour."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._tint()

    def _tint(self) -> None:
        palette = self.palette()
        colour = palette.color(QPalette.ColorRole.BrightText).name()
        dimmed = palette.color(QPalette.ColorRole.Mid).name()
        self.setIcon(icon(self._icon_name, colour, dimmed, self._size_px, self.devicePixelRatioF()))


class PushButton(QPushButton):
    """A push button that Return presses as space does, outside of dialogs, too."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return, Enter and space press it."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & HELD:
            self.click()
        else:
            super().keyPressEvent(event)


def push(text: str, tip: str, role: str = "", parent: QWidget | None = None) -> QPushButton:
    """A push button with a tooltip; its text is its accessible name."""
    button = PushButton(text, parent)
    button.setToolTip(tip)
    button.setAccessibleName(text.replace("&", ""))
    button.setAutoDefault(False)
    if role:
        button.setProperty("role", role)
    return button
