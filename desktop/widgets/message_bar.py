"""What went wrong or well, told where the action was."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop.widgets.button import IconButton, push
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.text import label


class MessageBar(QFrame):
    """One message with its remedy, an optional button and a way to close it.

    All text is plain text, whatever it holds.
    """

    action_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._icon = IconLabel("info", "muted", 18)
        self._title = label(role="strong", wrap=True)
        self._remedy = label(tone="muted", wrap=True)
        self._action = push("", "Do what is proposed")
        self._close = IconButton("close", "Close the message", size_px=14)
        words = QVBoxLayout()
        words.setSpacing(4)
        for part in (self._title, self._remedy):
            words.addWidget(part)
        words.addWidget(self._action, 0, Qt.AlignmentFlag.AlignLeft)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 8, 8)
        line.setSpacing(8)
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        line.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self._close.clicked.connect(self.hide)
        self._action.clicked.connect(self.action_wanted)
        self.hide()

    @property
    def action(self) -> str:
        """The words of its button."""
        return self._action.text()

    @property
    def text(self) -> str:
        """What it says, "" when hidden."""
        return "" if self.isHidden() else f"{self._title.text()} {self._remedy.text()}".strip()

    def show_message(self, title: str, remedy: str, tone: str, action: str = "") -> None:
        """Show a message. tone: "bad", "good" or "plain"."""
        name, colour = {"bad": ("warn", "bad"), "good": ("check", "good")}.get(
            tone, ("info", "muted")
        )
        self._icon.show_icon(name, colour)
        self._title.setText(title)
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self._action.setText(action)
        self._action.setAccessibleName(action)
        self._action.setVisible(bool(action))
        self.setAccessibleName(f"{title} {remedy}")
        self.setProperty("tone", tone)
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()
