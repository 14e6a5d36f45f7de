"""Pictures dragged between panels: what a drag carries is text that no widget reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDrag, QDropEvent, QImage, QPixmap
from PySide6.QtWidgets import QWidget

DROP = "application/x-atelier-recipe"
DRAG_PX = 10  # from here on a press has become a drag
SIDE_PX = 72
DataOf = Callable[[Any], QMimeData | None]


def carries(event: QDropEvent) -> bool:
    """Whether a picture of this program is over a widget; entering and moving are drops, too."""
    return event.mimeData().hasFormat(DROP)


def text_of(event: QDropEvent) -> str:
    """What was dropped."""
    data = event.mimeData().data(DROP)
    return bytes(data.data()).decode("utf-8", "replace")


def take_along(source: QWidget, data: QMimeData | None, image: QImage | None) -> bool:
    """Let a picture follow the hand until it is let go; False where there is none."""
    if data is None:
        return False
    drag = QDrag(source)
    drag.setMimeData(data)
    if image is not None:
        small = image.scaled(
            SIDE_PX, SIDE_PX, Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip
        drag.setPixmap(QPixmap.fromImage(small))
    drag.exec(Qt.DropAction.CopyAction)
    return True
