"""The slim bar below the canvas: how the picture is looked at."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from desktop.views.canvas import Canvas
from desktop.widgets.button import IconButton


class CanvasBar(QWidget):
    """Fit, actual size, zoom; smooth or pixels; pin and wipe."""

    def __init__(self, canvas: Canvas, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("canvasbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._canvas = canvas
        self._zoom = QLabel("100 %")
        self._zoom.setMinimumWidth(56)
        self._zoom.setProperty("tone", "muted")
        self._size = QLabel()
        self._size.setProperty("tone", "muted")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 2, 12, 2)
        line.setSpacing(4)
        for key, icon_name in (("fit", "fit"), ("actual", "actual")):
            line.addWidget(action_button(actions[key], icon_name))
        line.addWidget(self._zoom)
        line.addSpacing(8)
        line.addWidget(action_button(actions["pixels"], "pixels"))
        line.addStretch(1)
        line.addWidget(self._size)
        line.addStretch(1)
        line.addWidget(action_button(actions["pin"], "pin"))
        for key in ("wipe", "side", "difference"):
            line.addWidget(action_button(actions[key], key))
        line.addWidget(action_button(actions["star"], "star"))
        canvas.view_changed.connect(self._show_zoom)

    def set_size(self, words: str) -> None:
        """What is on the canvas, in a few words."""
        self._size.setText(words)

    def _show_zoom(self, scale: float, fitted: bool) -> None:
        self._zoom.setText(f"{scale * 100:.0f} %")
        self._zoom.setToolTip("Fitted to the window" if fitted else "Zoom")


def action_button(action: QAction, icon_name: str, text: str = "", role: str = "") -> IconButton:
    """A button that does an action, and shows whether it can and whether it holds."""
    name = action.text().replace("&", "")
    button = IconButton(icon_name, name, action.toolTip(), text=text, role=role)
    button.setCheckable(action.isCheckable())
    button.setChecked(action.isChecked())
    button.setEnabled(action.isEnabled())
    button.clicked.connect(action.trigger)

    def follow() -> None:
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())
        if action.isCheckable():
            button.setChecked(action.isChecked())

    action.changed.connect(follow)
    return button
