"""Find any action by typing a part of its name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Slot,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QPainter,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.theme import current
from desktop.widgets.search_field import SearchField

Index = QModelIndex | QPersistentModelIndex
WIDTH_PX = 520
EMPTY_PX = 96
ROLE = Qt.ItemDataRole.UserRole + 1
KEYS_ROLE = ROLE + 1


class CommandPalette(QFrame):
    """A field and a list over the window; Return runs, Escape closes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("palette")
        self._actions: list[QAction] = []
        self._before: QWidget | None = None
        self._field = SearchField(self)
        self._field.setPlaceholderText("Type what you want to do")
        self._field.setAccessibleName("Search actions")
        self._field.setToolTip("Search actions; arrows choose, Return runs, Escape closes")
        self._field.setMinimumHeight(36)
        self._items = QStandardItemModel(self)
        self._filter = _Words(self)
        self._filter.setSourceModel(self._items)
        self._list = QListView(self)
        self._list.setObjectName("commands")
        self._list.setModel(self._filter)
        self._list.setItemDelegate(_WithKeys(self._list))
        self._list.setAccessibleName("Actions")
        self._list.setToolTip("Actions; Return runs the chosen one")
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setUniformItemSizes(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._field)
        self._nothing = QLabel("No action has these words.", self)
        self._nothing.setProperty("tone", "muted")
        self._nothing.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self._nothing)
        column.addWidget(self._list, 1)
        self._field.textChanged.connect(self._search)
        self._list.clicked.connect(self._run)
        self._field.walked.connect(self._walk)
        self._field.confirmed.connect(self._run)
        self._field.left.connect(self._close)
        self._field.lost.connect(self._close)
        self.hide()

    def open_with(self, actions: Sequence[QAction]) -> None:
        """Show the actions that can be done now."""
        self._actions = [action for action in actions if action.isEnabled() and action.text()]
        self._items.clear()
        for i, action in enumerate(self._actions):
            keys = action.shortcut().toString()
            words = action.text().replace("&", "")
            item = QStandardItem(words)
            item.setData(i, ROLE)
            item.setData(keys, KEYS_ROLE)
            item.setAccessibleText(f"{words} {keys}")
            self._items.appendRow(item)
        self._before = QApplication.focusWidget()
        self._field.clear()
        self._search("")
        self.place()
        self.show()
        self.raise_()
        self._field.setFocus()

    @Slot(int)
    def _walk(self, step: int) -> None:
        count = self._filter.rowCount()
        row = (self._list.currentIndex().row() + step) % max(1, count)
        self._list.setCurrentIndex(self._filter.index(row, 0))

    def place(self) -> None:
        """Lie over the upper middle of the window."""
        window = self._window
        width = min(WIDTH_PX, window.width() - 64)
        height = min(440, window.height() - 120) if self._filter.rowCount() else EMPTY_PX
        self.setGeometry((window.width() - width) // 2, 56, width, height)

    def _search(self, text: str) -> None:
        self._filter.set_words(text)
        found = self._filter.rowCount() > 0
        self._nothing.setVisible(not found)
        self._list.setVisible(found)
        self.place()
        self._list.setCurrentIndex(self._filter.index(0, 0))

    def _run(self) -> None:
        index = self._list.currentIndex()
        self._close()
        if index.isValid():
            self._actions[index.data(ROLE)].trigger()

    def _close(self) -> None:
        if self.isVisible():
            before, self._before = self._before, None
            self.hide()
            if before is not None:
                before.setFocus()


class _WithKeys(QStyledItemDelegate):
    """The words at the left, the shortcut at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        keys = str(index.data(KEYS_ROLE) or "")
        painter.save()
        painter.setPen(QColor(current().muted))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -12, 0), flags, keys)
        painter.restore()


class _Words(QSortFilterProxyModel):
    """Keeps items that hold every typed word, wherever it stands."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_words(self, text: str) -> None:
        self._words = text.lower().split()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: object) -> bool:
        text = str(self.sourceModel().index(row, 0).data()).lower()
        return all(word in text for word in self._words)
