"""The left rail: one icon with a word for each page."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QVBoxLayout, QWidget

from desktop.widgets.button import IconButton

PAGES = (
    ("explore", "Explore", "explore"),
    ("edit", "Edit", "edit"),
    ("diffuse", "Diffuse", "diffuse"),
    ("verify", "Verify", "verify"),
    ("train", "Train", "train"),
    ("attack", "Attack", "attack"),
)
WIDTH_PX = 72


class Rail(QWidget):
    """States which page is wanted."""

    page_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, IconButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 4, 8)
        column.setSpacing(8)
        for i, (key, words, icon_name) in enumerate(PAGES, 1):
            tip = f"{words} (Ctrl+{i})"
            button = IconButton(icon_name, words, tip, size_px=22, text=words, role="rail")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setCheckable(True)
            button.setFixedSize(QSize(WIDTH_PX - 9, 56))
            button.setProperty("key", key)
            self._group.addButton(button)
            self._buttons[key] = button
            column.addWidget(button)
        column.addStretch(1)
        self._group.buttonClicked.connect(self._clicked)

    def show_page(self, key: str) -> None:
        """Mark the page in use."""
        self._buttons[key].setChecked(True)

    def _clicked(self, button: IconButton) -> None:
        self.page_chosen.emit(str(button.property("key")))
