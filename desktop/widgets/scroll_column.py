"""A scrolling column for a stack of panels, as wide as it is given."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.widgets.frames import named


class ScrollColumn(QScrollArea):
    """Scrolls up and down only; brings a focused control into view."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inner = named(QWidget(), "panel")
        self.column = QVBoxLayout(self._inner)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.setWidget(self._inner)

    def scroll_to(self, widget: QWidget) -> None:
        """Bring the top of a widget to the top, as far as there is room below."""
        for _ in range(2):  # what was just opened must be laid out before it has a place
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self._inner.adjustSize()
        self.verticalScrollBar().setValue(widget.mapTo(self._inner, QPoint(0, 0)).y())

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Put a widget at the end."""
        self.column.addWidget(widget, stretch)
