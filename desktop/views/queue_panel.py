"""The queue of the Diffuse page: pictures that are made while one goes on working."""

from __future__ import annotations

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from desktop.facts import QueueView
from desktop.widgets.button import IconButton, push
from desktop.widgets.queue_list import QueueList
from desktop.widgets.text import label

MOST = 64


class QueuePanel(QWidget):
    """Add the picture of now, or several of the noises that follow; order, stop and take them."""

    add_wanted = Signal(int)
    shown = Signal(int)
    removed = Signal(int)
    moved = Signal(int, int)
    clear_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._count = QSpinBox()
        self._count.setRange(1, MOST)
        self._count.setAccessibleName("How many pictures")
        self._count.setToolTip("How many pictures: this one and those of the noises that follow")
        self.add = push("Add to queue", "Make this picture at full quality, in its turn")
        self.list = QueueList("Queue of pictures")
        self._words = label(tone="muted", wrap=True)
        self._up = IconButton("up", "Earlier", "Make the chosen picture earlier (Alt+Up)")
        self._down = IconButton("down", "Later", "Make the chosen picture later (Alt+Down)")
        self._show = IconButton(
            "picture", "Show", "Bring the chosen picture to the canvas (Return)"
        )
        self._remove = IconButton("close", "Take away", "Stop it, or take it away (Delete)")
        self._clear = push("Clear", "Forget the pictures that are finished", "tight")
        self._stop = push("Stop all", "Stop, and let go of all that wait", "tight")
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.addWidget(self._count)
        head.addWidget(self.add, 1)
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 8, 0)
        tools.setSpacing(2)
        for button in (self._up, self._down, self._show, self._remove):
            tools.addWidget(button)
        tools.addStretch(1)
        tools.addWidget(self._clear)
        tools.addWidget(self._stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._words)
        column.addWidget(self.list)
        column.addWidget(self._tools)
        self.add.clicked.connect(lambda: self.add_wanted.emit(self._count.value()))
        self.list.shown.connect(self.shown)
        self.list.removed.connect(self.removed)
        self.list.moved.connect(self.moved)
        self.list.currentRowChanged.connect(self._choose)
        self._up.clicked.connect(lambda: self._ask_move(-1))
        self._down.clicked.connect(lambda: self._ask_move(1))
        self._show.clicked.connect(lambda: self._ask(self.shown))
        self._remove.clicked.connect(lambda: self._ask(self.removed))
        self._clear.clicked.connect(self.clear_wanted)
        self._stop.clicked.connect(self.stop_wanted)
        self.show_queue(QueueView(()))

    def show_queue(self, view: QueueView) -> None:
        """Show the queue."""
        self._view = view
        self.list.setVisible(bool(view.rows))
        self.list.show_rows(view.rows)
        waiting, finished = view.count("waiting", "running"), len(view.rows)
        finished -= waiting
        words = "Pictures wait here while you go on working."
        if view.rows:
            words = f"{waiting} to make, {finished} finished"
        self._words.setText(words)
        self._clear.setEnabled(finished > 0)
        self._stop.setEnabled(waiting > 0)
        self._choose()

    def _choose(self) -> None:
        rows = self._view.rows
        row = next((row for row in rows if row.key == self.list.key), None)
        waits = row is not None and row.stage == "waiting"
        for button, useful in (
            (self._up, waits), (self._down, waits), (self._show, row is not None),
            (self._remove, row is not None),
        ):  # fmt: skip
            button.setEnabled(useful)
        self._tools.setVisible(bool(rows))

    def _ask(self, signal: SignalInstance) -> None:
        if self.list.key is not None:
            signal.emit(self.list.key)

    def _ask_move(self, step: int) -> None:
        if self.list.key is not None:
            self.moved.emit(self.list.key, step)
