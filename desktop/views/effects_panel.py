"""The disentanglement table: what each direction moves, as a heat map."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from desktop.kit import Kit
from desktop.messages import plain
from desktop.widgets.button import IconButton
from desktop.widgets.heat_map import HeatMap, HeatRow
from desktop.widgets.text import label
from engine.frame import DirectionInfo

EMPTY = (
    "No direction of this model was measured: nothing here reads attributes off its pictures. "
    "Directions are listed all the same."
)


class EffectsPanel(QWidget):
    """A row a direction, a column an attribute. The chosen row can be exported or taken away."""

    export_wanted = Signal(object)  # DirectionInfo
    remove_wanted = Signal(object)  # DirectionInfo
    rename_wanted = Signal(object)  # DirectionInfo
    import_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table = HeatMap("What each direction moves")
        self._kit: Kit | None = None
        self._column: int | None = None
        self._chosen: DirectionInfo | None = None
        self._note = label(tone="muted", wrap=True)
        self._words = label("", wrap=True)
        self._more = IconButton("menu", "Chosen direction", "Export, rename or remove it")
        bring = IconButton("open", "Import directions", "Import directions from a file")
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self._words, 1)
        foot.addWidget(bring)
        foot.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._note)
        column.addWidget(self.table)
        column.addLayout(foot)
        self.table.sorted_by.connect(self._sort)
        self.table.chosen.connect(self._choose)
        self._more.clicked.connect(self._menu)
        bring.clicked.connect(self.import_wanted)
        self._say()

    def set_kit(self, kit: Kit) -> None:
        """The directions of a model."""
        self._kit = kit
        if self._chosen not in kit.directions:
            self._chosen = None
        self._arrange()

    def _sort(self, column: int) -> None:
        self._column = None if column == self._column else column
        self._arrange()

    def _arrange(self) -> None:
        if self._kit is None:
            return
        names = [d for d in self._kit.directions if d.method == "named"]
        columns = tuple(dict.fromkeys(
            [d.name for d in names] + [n for d in self._kit.directions for n in d.scores]
        ))  # fmt: skip
        labels = {d.name: d.label for d in names}
        shown = list(self._kit.directions)
        if self._column is not None and self._column < len(columns):
            key = columns[self._column]
            shown.sort(key=lambda d: -abs(d.scores.get(key, 0.0)))
        rows = [
            HeatRow(d, plain(d.label, 40), tuple(d.scores.get(name) for name in columns))
            for d in shown
        ]
        heads = [plain(labels.get(name, name).split()[0], 20) for name in columns]
        self.table.set_table(heads, rows, self._column)
        measured = any(d.scores for d in shown)
        self._note.setText("" if measured else EMPTY)
        self._note.setVisible(not measured)
        self._say()

    def _choose(self, key: object) -> None:
        if isinstance(key, DirectionInfo):
            self._chosen = key
            self._say()

    def _say(self) -> None:
        found = self._chosen
        self._more.setEnabled(found is not None)
        if found is None:
            self._words.setText("Click a row to read how it was found.")
            return
        how = plain(found.note or found.method, 160)
        self._words.setText(f"{plain(found.label, 60)}, in {found.space}: {how}")

    def _menu(self) -> None:
        menu = QMenu(self)
        for words, slot in (
            ("Export to a file…", self._export),
            ("Rename…", self._rename),
            ("Remove", self._remove),
        ):
            menu.addAction(words).triggered.connect(slot)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _export(self) -> None:
        self.export_wanted.emit(self._chosen)

    def _rename(self) -> None:
        self.rename_wanted.emit(self._chosen)

    def _remove(self) -> None:
        self.remove_wanted.emit(self._chosen)
