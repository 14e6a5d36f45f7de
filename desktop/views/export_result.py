"""What an export left behind."""

from __future__ import annotations

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.widgets.button import push
from desktop.widgets.text import label
from engine.frame import Receipt


class ExportResult(QWidget):
    """Hidden until there is one."""

    verify_wanted = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self._receipt: Receipt | None = None
        self._title = label(role="strong", wrap=True)
        self._words = label(tone="muted", wrap=True, selectable=True)
        show = push("Show in folder", "Open the folder of the exported file")
        verify = push("Verify", "Read back what the exported file says")
        line = QHBoxLayout()
        line.addWidget(show)
        line.addWidget(verify)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(line)
        self.hide()
        show.clicked.connect(self._show_folder)
        verify.clicked.connect(self.verify)

    def show_receipt(self, receipt: Receipt) -> None:
        """Tell the file, its signer, its mark, and what is to be noted."""
        self._receipt = receipt
        self._title.setText(f"Exported {plain(receipt.path.name, 80)}")
        words = f"Signed by {plain(receipt.signer, 80)}." if receipt.signer else ""
        words += f" Marked {receipt.mark.value.hex()}." if receipt.mark is not None else ""
        self._words.setText(f"{words} {plain(receipt.notice)}".strip())
        self.show()

    def verify(self) -> None:
        """Ask for the file to be verified."""
        if self._receipt is not None:
            self.verify_wanted.emit(self._receipt.path)

    def _show_folder(self) -> None:
        if self._receipt is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._receipt.path.parent)))
