"""Asks for the passphrase of the signing key, in the panel where it is needed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.widgets.button import push
from desktop.widgets.text import label

NEW = (
    "This machine has no keyring, so the new signing key needs a passphrase of yours. You will be "
    "asked for it once in each session."
)
OLD = "This machine has no keyring. Type the passphrase of the signing key."
DIFFER = "The two are not the same."


class PassphraseAsk(QWidget):
    """Hidden until it is needed; keeps nothing that was typed."""

    given = Signal(str, str)  # the passphrase and, for a new key, the same again; "" for neither

    def __init__(self) -> None:
        super().__init__()
        self._is_new = False
        self._words = label(wrap=True)
        self._secret = _field("Passphrase of the signing key")
        self._again = _field("The same passphrase again")
        self._wrong = label(DIFFER, tone="bad", wrap=True)
        unlock = push("Sign", "Sign with the key of this installation")
        skip = push("Sign for this session only", "Sign with a key that is thrown away afterwards")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(unlock)
        line.addWidget(skip)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for part in (self._words, self._secret, self._again, self._wrong):
            column.addWidget(part)
        column.addLayout(line)
        self.hide()
        unlock.clicked.connect(self._answer)
        for field in (self._secret, self._again):
            field.returnPressed.connect(self._answer)
        skip.clicked.connect(self._skip)

    def ask(self, is_new: bool) -> None:
        """Show the question; twice for a new key, so that a slip locks nobody out."""
        self._is_new = is_new
        self._words.setText(NEW if is_new else OLD)
        self._again.setVisible(is_new)
        self._wrong.hide()
        self._clear()
        self.show()
        self._secret.setFocus()

    def _answer(self) -> None:
        secret, again = self._secret.text(), self._again.text()
        if not secret:
            self._secret.setFocus()
            return
        if self._is_new and secret != again:
            self._wrong.setVisible(bool(again))
            self._again.setFocus()
            return
        self._give(secret, again if self._is_new else "")

    def _skip(self) -> None:
        self._give("", "")

    def _give(self, secret: str, again: str) -> None:
        self._clear()
        self.hide()
        self.given.emit(secret, again)

    def _clear(self) -> None:
        self._secret.clear()
        self._again.clear()


def _field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setAccessibleName(name)
    field.setPlaceholderText(name)
    field.setToolTip(f"{name}; Return goes on")
    field.setFixedHeight(28)
    return field
