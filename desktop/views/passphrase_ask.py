"""Asks for the passphrase of the signing key, in the panel where it is needed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.widgets.button import push
from desktop.widgets.text import label

WORDS = (
    "This machine has no keyring for the passphrase of the signing key. Type it here; at the "
    "first export, choose a new one."
)


class PassphraseAsk(QWidget):
    """Hidden until it is needed; keeps nothing that was typed."""

    given = Signal(str)  # "" to go on without the stored key

    def __init__(self) -> None:
        super().__init__()
        self._secret = QLineEdit()
        self._secret.setEchoMode(QLineEdit.EchoMode.Password)
        self._secret.setAccessibleName("Passphrase of the signing key")
        self._secret.setToolTip("Passphrase of the signing key; Return unlocks it")
        self._secret.setFixedHeight(28)
        unlock = push("Unlock", "Sign with the stored key")
        skip = push("Go on without", "Sign without the stored key, or not at all")
        line = QHBoxLayout()
        line.addWidget(unlock)
        line.addWidget(skip)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label(WORDS, wrap=True))
        column.addWidget(self._secret)
        column.addLayout(line)
        self.hide()
        unlock.clicked.connect(self._answer)
        self._secret.returnPressed.connect(self._answer)
        skip.clicked.connect(self._skip)

    def ask(self) -> None:
        """Show the question."""
        self.show()
        self._secret.clear()
        self._secret.setFocus()

    def _answer(self) -> None:
        secret = self._secret.text()
        self._secret.clear()
        self.hide()
        self.given.emit(secret)

    def _skip(self) -> None:
        self._secret.clear()
        self._answer()
