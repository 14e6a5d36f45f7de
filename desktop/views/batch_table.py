"""The verdicts on the pictures of a folder, a row each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.facts import Batch, BatchRow
from desktop.messages import plain
from desktop.theme import current
from desktop.verdict_words import LOOKS, WORDS
from desktop.widgets.icons import icon
from desktop.widgets.text import label

COLUMNS = ("File", "Verdict", "Signer", "Your ledger")
ROW_PX, ICON_PX = 28, 18


class BatchTable(QWidget):
    """Click a heading to sort, a row to look at its file."""

    file_chosen = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self._title = label(role="title", wrap=True)
        self._summary = label(tone="muted", wrap=True)
        self._table = QTableWidget(0, len(COLUMNS))
        self._table.setAccessibleName("Verdicts on the pictures of the folder")
        self._table.setHorizontalHeaderLabels(COLUMNS)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(ROW_PX)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setShowGrid(False)
        self._table.setTabKeyNavigation(False)
        self._table.setWordWrap(False)
        head = self._table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._summary)
        column.addWidget(self._table, 1)
        self._table.itemActivated.connect(self._chosen)
        self._table.itemClicked.connect(self._chosen)

    def show_batch(self, batch: Batch) -> None:
        """Fill the table."""
        self._title.setText(plain(batch.folder.name or str(batch.folder), 100))
        self._summary.setText(summary(batch))
        self._table.setSortingEnabled(False)
        self._table.setRowCount(len(batch.rows))
        for number, row in enumerate(batch.rows):
            for place, item in enumerate(_items(batch.folder, row)):
                self._table.setItem(number, place, item)
        self._table.setSortingEnabled(True)
        self._table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self._table.clearSelection()

    def _chosen(self, item: QTableWidgetItem) -> None:
        first = self._table.item(item.row(), 0)
        path = first.data(Qt.ItemDataRole.UserRole) if first is not None else None
        if path:
            self.file_chosen.emit(Path(path))


def summary(batch: Batch) -> str:
    """How many of each verdict, and whether the work was stopped."""
    counts: dict[str, int] = {}
    for row in batch.rows:
        word = WORDS[row.verdict.verdict] if row.verdict is not None else "Cannot be read"
        counts[word] = counts.get(word, 0) + 1
    told = ", ".join(f"{count} {word[0].lower()}{word[1:]}" for word, count in counts.items())
    short = f"Stopped after {len(batch.rows)} of {batch.total} pictures. "
    head = short if len(batch.rows) < batch.total else f"{batch.total} pictures: "
    return f"{head}{told}."


def _items(folder: Path, row: BatchRow) -> list[QTableWidgetItem]:
    name = plain(str(row.path.relative_to(folder)), 160)
    if row.verdict is None:
        kind, words, signer, ledger = "damaged", f"Cannot be read: {plain(row.error, 120)}", "", ""
    else:
        verdict = row.verdict
        kind, words = verdict.verdict, WORDS[verdict.verdict]
        signer = plain(verdict.signer or "", 80)
        if signer and verdict.verdict not in ("own", "trusted"):
            signer = f"not verified: {signer}"
        match = verdict.ledger
        sure = match is not None and match.is_sure
        ledger = "" if match is None else "This export" if sure else f"Possible, {match.score:.2f}"
    items = [QTableWidgetItem(text) for text in (name, words, signer, ledger)]
    items[0].setData(Qt.ItemDataRole.UserRole, str(row.path))
    look, tone = LOOKS[kind]
    colour = getattr(current(), tone)
    items[1].setIcon(icon(look, colour, colour, ICON_PX, 2.0))
    for item in items:
        item.setToolTip(item.text())
    return items
