"""Attack: which picture, which network, what it is asked, and which answer is wanted."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.attack_facts import AttackKit
from desktop.attack_state import FORGED_ID, AttackState
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.pick_list import PickButton
from desktop.widgets.slider_row import LABEL_PX
from desktop.widgets.text import label
from engine.perturbing import MarkReader

ANY = "Any other answer"
REMOVE, FORGE = "Remove the mark", f"Write the id {FORGED_ID:010x}"
DROP = "Drop a photo on the window while this page is shown, or open one."


class TargetPanel(QWidget):
    """States what is to be attacked."""

    current_wanted = Signal()
    open_wanted = Signal()
    victim_chosen = Signal(str)
    question_chosen = Signal(str)
    target_chosen = Signal(object)  # number of the answer, or None

    def __init__(self) -> None:
        super().__init__()
        self._kit: AttackKit | None = None
        current = push("Explore's picture", "Attack the picture that Explore or Diffuse shows")
        opener = push("Open a photo…", "Attack a picture of your own")
        self._words = label(DROP, tone="muted", wrap=True)
        self._victim = ChoiceRow("Network", "Whose mind is to be changed")
        self._question = ChoiceRow("Asked for", "What the network is asked")
        name = QLabel("Wanted")
        name.setFixedWidth(LABEL_PX)
        self._target = PickButton("search", "Wanted answer", "The answer that is wanted")
        name.setBuddy(self._target)
        wanted = QHBoxLayout()
        wanted.setContentsMargins(0, 2, 20, 2)
        wanted.setSpacing(4)
        wanted.addWidget(name)
        wanted.addWidget(self._target, 1)
        self._missing = label(tone="muted", wrap=True)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.setSpacing(8)
        head.addWidget(current, 1)
        head.addWidget(opener, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._words)
        for part in (self._victim, self._question):
            column.addWidget(part)
        column.addLayout(wanted)
        column.addWidget(self._missing)
        current.clicked.connect(self.current_wanted)
        opener.clicked.connect(self.open_wanted)
        self._victim.chosen.connect(self.victim_chosen)
        self._question.chosen.connect(self.question_chosen)
        self._target.picked.connect(self._picked)

    def set_kit(self, kit: AttackKit) -> None:
        """The networks that there are; those that are missing say how to have them."""
        self._kit = kit
        titles = [
            (info.key, f"{info.title} (not installed)" if info.missing else info.title)
            for info in kit.attackable
        ]
        self._victim.set_choices(titles)
        absent = [info for info in kit.attackable if info.missing]
        self._missing.setVisible(bool(absent))
        if absent:
            self._missing.setText(f"For photographs: {absent[0].missing}")

    def show_state(self, state: AttackState) -> None:
        """Show every choice."""
        self._words.setText(
            "A photo from outside; exports name it as their parent." if state.is_photo else DROP
        )
        info = self._kit.of(state.victim) if self._kit is not None else None
        if info is None:
            return
        self._victim.set_key(info.key)
        self._question.setVisible(len(info.questions) > 1)
        self._question.set_choices([(q.name, q.name.replace("_", " ")) for q in info.questions])
        self._question.set_key(state.question)
        self._target.setEnabled(state.method != "universal")
        if isinstance(state.victim, MarkReader):
            self._target.set_names((REMOVE, FORGE))
            self._target.set_index(0 if state.target is None else 1)
            return
        question = info.question(state.question)
        values = () if question is None else question.values
        self._target.set_names((ANY, *values))
        self._target.set_index(0 if state.target is None else state.target + 1)

    def _picked(self, index: int) -> None:
        self.target_chosen.emit(None if index == 0 else index - 1)
