"""Seed: its number, any other, the neighbours, and the pad between four seeds."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.facts import LatticeView
from desktop.state import ExploreState, home_seed
from desktop.widgets.button import IconButton, push
from desktop.widgets.number_edit import NumberEdit
from desktop.widgets.pad import Pad
from engine.recipe import MAX_SEED, Latent


class SeedPanel(QWidget):
    """States which seed is wanted and where the pad's point was moved."""

    seed_entered = Signal(int)
    random_wanted = Signal()
    next_wanted = Signal()
    previous_wanted = Signal()
    corners_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._number = NumberEdit("Seed", 0, MAX_SEED, 0)
        self._number.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._number.setToolTip(f"Seed: a whole number from 0 to {MAX_SEED}; Return shows it")
        self._number.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9]{1,10}")))
        self._number.setFixedHeight(28)
        previous = IconButton("previous", "Previous seed", "Previous seed ([)")
        following = IconButton("next", "Next seed", "Next seed (])")
        dice = IconButton("dice", "Random seed", "Random seed (R)")
        self.pad = Pad("Seed pad")
        corners = push("New corners", "Draw three other seeds to walk toward; the picture stays")
        self._place = QLabel()
        self._place.setProperty("tone", "muted")
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._number, 1)
        for button in (previous, following, dice):
            line.addWidget(button)
        foot = QHBoxLayout()
        foot.addWidget(self._place, 1)
        foot.addWidget(corners)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.pad)
        column.addLayout(foot)
        self._number.value_entered.connect(self._entered)
        self._number.stepped.connect(self._stepped)
        previous.clicked.connect(self.previous_wanted)
        following.clicked.connect(self.next_wanted)
        dice.clicked.connect(self.random_wanted)
        corners.clicked.connect(self.corners_wanted)

    def show_state(self, state: ExploreState) -> None:
        """Show the seed."""
        self.show_base(state.base)

    def show_base(self, base: Latent) -> None:
        """Show the seed that names a latent."""
        seed = home_seed(base)
        self._number.setPlaceholderText("custom latent" if seed is None else "")
        if seed is None:
            self._number.clear_value()
        else:
            self._number.set_value(seed)

    def show_lattice(self, view: LatticeView) -> None:
        """Show the pad."""
        lattice = view.lattice
        self.pad.setEnabled(lattice is not None)
        self.pad.set_tiles(view.tiles)
        if lattice is None:
            self.pad.clear_point()
            self.pad.set_labels(())
            self._place.setText("Custom latent")
            return
        self.pad.set_labels([str(seed) for seed in lattice.seeds])
        self.pad.set_point(lattice.x, lattice.y)
        self._place.setText(f"{lattice.x:.2f} across, {lattice.y:.2f} down")

    def _entered(self, seed: float) -> None:
        self.seed_entered.emit(int(seed))
        self._number.selectAll()

    def _stepped(self, step: int) -> None:
        (self.next_wanted if step > 0 else self.previous_wanted).emit()

    def focus_seed(self) -> None:
        """Ready to type a seed."""
        self._number.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._number.selectAll()
