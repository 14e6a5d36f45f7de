"""The model card, to be read in the canvas's place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.card_facts import CardTable, card_tables
from desktop.kit import Kit
from desktop.messages import plain
from desktop.widgets.button import push
from desktop.widgets.frames import named, rule
from desktop.widgets.text import label

PAGE_PX = 760
NAME_PX = 176


class CardPage(QScrollArea):
    """Titled tables in one column. Everything is plain text that can be selected."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Model card")
        self._kit: Kit | None = None
        self._shown: Kit | None = None

    def set_kit(self, kit: Kit) -> None:
        """Another model; its page is made when somebody looks."""
        self._kit = kit
        if self.isVisible():
            self.show_card()

    def show_card(self) -> None:
        """Make the page of the model in use."""
        kit = self._kit
        if kit is None or kit is self._shown:
            return
        self._shown = kit
        page = QWidget()
        page.setMaximumWidth(PAGE_PX)
        column = QVBoxLayout(page)
        column.setContentsMargins(24, 24, 24, 32)
        column.setSpacing(8)
        close = push("Back to the picture", "Close the model card (Esc)")
        close.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.addWidget(label(plain(kit.info.title, 80), role="title", wrap=True), 1)
        head.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(label(plain(kit.info.name, 80), tone="muted", selectable=True))
        for table in card_tables(kit):
            column.addSpacing(16)
            column.addWidget(label(table.title, role="strong"))
            column.addWidget(rule())
            column.addLayout(_grid(table))
            if table.note:
                column.addWidget(label(table.note, tone="muted", wrap=True))
        column.addStretch(1)
        holder = named(QWidget(), "surface")
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.addStretch(1)
        line.addWidget(page, 100)
        line.addStretch(1)
        self.setWidget(holder)


def _grid(table: CardTable) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(4)
    grid.setContentsMargins(0, 4, 0, 0)
    for column, words in enumerate(table.head):
        grid.addWidget(label(words, tone="muted"), 0, column)
    for row, cells in enumerate(table.rows, 1):
        for column, words in enumerate(cells):
            alone = not table.head
            cell = label(
                words,
                tone="muted" if alone and column == 0 else "",
                wrap=alone,
                selectable=True,
            )
            cell.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            grid.addWidget(cell, row, column, Qt.AlignmentFlag.AlignTop)
    if table.head:
        grid.setColumnStretch(len(table.head) - 1, 1)
    else:
        grid.setColumnMinimumWidth(0, NAME_PX)
        grid.setColumnStretch(1, 1)
    return grid
