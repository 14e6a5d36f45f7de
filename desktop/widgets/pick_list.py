"""One of many by name: a button that opens a list with a field to search it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    QSortFilterProxyModel,
    QStringListModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QListView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.widgets.button import IconButton
from desktop.widgets.search_field import SearchField

ROW_PX = 28
MOST_ROWS = 10
Index = QModelIndex | QPersistentModelIndex
NARROWEST_PX = 240


class PickButton(IconButton):
    """Shows the name that holds; `picked` tells the place of another one in the list."""

    picked = Signal(int)

    def __init__(self, icon_name: str, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(icon_name, name, tip, text="", role="field", parent=parent)
        self._tip = tip
        self._names: tuple[str, ...] = ()
        self._index = -1
        self._full = ""
        self._popup: _Popup | None = None
        self.setMinimumHeight(ROW_PX)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open)

    def set_names(self, names: Sequence[str]) -> None:
        """What there is to choose from."""
        self._names = tuple(names)

    def set_index(self, index: int) -> None:
        """Show which one holds; emits nothing."""
        self._index = index
        self.set_words(self._names[index] if 0 <= index < len(self._names) else "")

    def set_words(self, words: str) -> None:
        """Show words of one's own."""
        self._full = words
        self.setAccessibleDescription(words)
        self.setToolTip(f"{self._tip}: {words}" if words else self._tip)
        self._elide()

    def open(self) -> None:
        """Open the list below the button, the current choice in view."""
        if self._popup is None:
            self._popup = _Popup(self)
            self._popup.chosen.connect(self.picked)
        self._popup.show_names(self._names, self._index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another clipping."""
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QSize:
        """A button that gives way to its neighbours, however long the name."""
        return QSize(120, max(ROW_PX, super().sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        """See sizeHint."""
        return QSize(80, ROW_PX)

    def _elide(self) -> None:
        room = max(16, self.width() - self.iconSize().width() - 36)
        metrics = self.fontMetrics()
        self.setText(metrics.elidedText(self._full, Qt.TextElideMode.ElideRight, room))


class _Popup(QFrame):
    """The list. Return takes the chosen name, Escape closes, typing searches."""

    chosen = Signal(int)

    def __init__(self, button: PickButton) -> None:
        super().__init__(button.window())
        self.setObjectName("palette")
        self._button = button
        self._field = SearchField(self)
        self._field.setPlaceholderText("Search")
        self._field.setAccessibleName(f"Search {button.accessibleName()}")
        self._field.setFixedHeight(ROW_PX)
        self._names = QStringListModel(self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._names)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._list = QListView(self)
        self._list.setObjectName("commands")
        self._list.setModel(self._filter)
        self._list.setAccessibleName(button.accessibleName())
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.setItemDelegate(_Rows(self._list))
        self._list.setUniformItemSizes(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._nothing = QLabel("Nothing has this name.")
        self._nothing.setProperty("tone", "muted")
        self._nothing.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        for part in (self._field, self._nothing, self._list):
            column.addWidget(part)
        self._field.textChanged.connect(self._search)
        self._field.walked.connect(self._walk)
        self._field.confirmed.connect(self._take)
        self._field.left.connect(self._close)
        self._field.lost.connect(self.hide)
        self._list.clicked.connect(self._take)
        self.hide()

    def show_names(self, names: Sequence[str], index: int) -> None:
        """Open with the names of now."""
        self._names.setStringList(list(names))
        self._field.clear()
        self._search("")
        self._choose(self._filter.mapFromSource(self._names.index(max(0, index))))
        rows = min(len(names), MOST_ROWS)
        width = max(NARROWEST_PX, self._button.width())
        self.resize(width, ROW_PX + 32 + rows * ROW_PX)
        window = self._button.window()
        below = self._button.mapTo(window, QPoint(0, self._button.height() + 2))
        if below.y() + self.height() > window.height():
            below = self._button.mapTo(window, QPoint(0, -self.height() - 2))
        below.setX(min(below.x(), window.width() - width - 8))
        below.setY(max(8, below.y()))
        self.move(below)
        self.show()
        self.raise_()
        self._field.setFocus()

    def _search(self, text: str) -> None:
        self._filter.setFilterFixedString(text.strip())
        found = self._filter.rowCount() > 0
        self._nothing.setVisible(not found)
        self._choose(self._filter.index(0, 0))

    def _walk(self, step: int) -> None:
        row = (self._list.currentIndex().row() + step) % max(1, self._filter.rowCount())
        self._choose(self._filter.index(row, 0))

    def _choose(self, index: QModelIndex) -> None:
        self._list.setCurrentIndex(index)
        self._list.scrollTo(index)

    def _take(self) -> None:
        index = self._list.currentIndex()
        if index.isValid():
            place = self._filter.mapToSource(index).row()
            self._close()
            self.chosen.emit(place)

    def _close(self) -> None:
        """Gone, and the focus is where it came from."""
        if self.isVisible():
            self.hide()
            self._button.setFocus()


class _Rows(QStyledItemDelegate):
    """Rows of one height, whenever the style sheet comes to be known."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), ROW_PX)
