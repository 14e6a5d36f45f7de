"""The direction sliders: named ones on top, found ones below, a field to search them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.kit import Key, Kit
from desktop.messages import plain
from desktop.state import ExploreState
from desktop.widgets.button import IconButton
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.frame import DirectionInfo

FOUND = (
    "ganspace",
    "sefa",
    "pca",
    "activations",
    "stylespace",
)  # methods whose directions have no name of their own
LIMITS = (-50.0, 50.0)
NONE_YET = "No directions are known for this model; the command find-directions looks for some."


class DirectionsPanel(QWidget):
    """One slider a direction, counted in standard deviations."""

    strength_changed = Signal(object, float)  # Key, strength
    gesture_ended = Signal()
    reset_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Key, SliderRow] = {}
        self._kit: Kit | None = None
        self._state: ExploreState | None = None
        self._more_open = False
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search directions")
        self._search.setAccessibleName("Search directions")
        self._search.setToolTip("Search directions by name")
        self._search.setClearButtonEnabled(False)
        self._search.setFixedHeight(28)
        reset = IconButton("reset", "Reset all directions", "Reset all directions (Ctrl+0)")
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.setSpacing(4)
        head.addWidget(self._search, 1)
        head.addWidget(reset)
        self._named = _stack()
        self._found = _stack()
        self._more = IconButton(
            "right",
            "More directions",
            "Directions without a name, strongest first",
            size_px=14,
            text="More",
            role="fold",
        )
        self._nothing = label(tone="muted", wrap=True)
        self._nothing.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._named)
        column.addWidget(self._nothing)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._found)
        self._search.textChanged.connect(self._arrange)
        self._more.clicked.connect(self._flip)
        reset.clicked.connect(self.reset_wanted)

    def set_kit(self, kit: Kit) -> None:
        """The directions of another model."""
        self._kit = kit
        for row in self.rows.values():
            row.deleteLater()
        self.rows = {}
        for info in kit.directions:
            if info.method not in FOUND:
                self._add(info)
        self._more_open = self._more_open or not self.rows  # never an empty panel
        self._arrange()

    def show_state(self, state: ExploreState) -> None:
        """Show every strength; directions that only the Recipe knows get a slider, too."""
        self._state = state
        strengths = {(m.direction, m.layers): m.strength for m in state.moves}
        unknown = [key for key in strengths if key not in self.rows]
        for key in unknown:
            self._add(self._info(key))
        if unknown:
            self._arrange()
        for key, row in self.rows.items():
            row.set_value(strengths.get(key, 0.0))

    def _info(self, key: Key) -> DirectionInfo:
        known = self._kit.directions if self._kit is not None else ()
        found = next((d for d in known if (d.sha256, d.layers) == key), None)
        if found is not None:
            return found
        name = f"From Recipe {key[0][:6]}"
        return DirectionInfo(key[0], name, key[0], "", "recipe", -3, 3, key[1])

    def _add(self, info: DirectionInfo) -> None:
        key = (info.sha256, info.layers)
        row = SliderRow(plain(info.label, 40), info.low, info.high, beyond=LIMITS)
        row.setProperty("key", key)
        row.value_changed.connect(self._moved)
        row.gesture_ended.connect(self.gesture_ended)
        self.rows[key] = row
        holder = self._found if info.method in FOUND else self._named
        layout = holder.layout()
        assert layout is not None
        layout.addWidget(row)

    def _moved(self, strength: float) -> None:
        row = self.sender()
        key = next((key for key, known in self.rows.items() if known is row), None)
        if key is not None:
            self.strength_changed.emit(key, strength)

    def _flip(self) -> None:
        self._more_open = not self._more_open
        self._arrange()

    def _arrange(self) -> None:
        """Show what is searched for; without a search the named ones, and the rest on demand."""
        if self._kit is None:
            return
        words = self._search.text().lower().split()
        found = [info for info in self._kit.directions if info.method in FOUND]
        if words or self._more_open:
            for info in found:
                if (info.sha256, info.layers) not in self.rows:
                    self._add(info)
            if self._state is not None:
                self._set_values(self._state)
        shown = 0
        for row in self.rows.values():
            match = all(word in row.name.lower() for word in words)
            row.setVisible(match)
            shown += match
        searching = bool(words)
        self._more.setText(f"More ({len(found)})")
        self._more.setVisible(bool(found) and not searching)
        self._more.set_icon("down" if self._more_open else "right")
        self._found.setVisible(searching or self._more_open)
        self._nothing.setText("No direction has this name." if self._kit.directions else NONE_YET)
        self._nothing.setVisible(shown == 0 and (searching or not self._kit.directions))

    def _set_values(self, state: ExploreState) -> None:
        for key, row in self.rows.items():
            row.set_value(state.strength(*key))


def _stack() -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    return widget
