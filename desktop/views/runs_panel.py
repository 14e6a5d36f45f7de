"""Runs on pictures that were left and can go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.train_state import LOSS_TITLES
from desktop.widgets.button import push
from desktop.widgets.text import label
from engine.course import KeptRun
from engine.training_spec import Adversarial, Pictures

MOST = 6
EMPTY = "A run that was stopped, or cut off, waits here."


class RunsPanel(QWidget):
    """One button a run. States which one shall go on."""

    run_chosen = Signal(object)  # KeptRun

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[KeptRun, ...] = ()
        self._empty = label(EMPTY, tone="muted", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.addWidget(self._empty)
        column.addLayout(self._list)

    def show_runs(self, runs: Sequence[KeptRun]) -> None:
        """Show the newest of them."""
        if tuple(runs[:MOST]) == self._runs:
            return
        self._runs = tuple(runs[:MOST])
        self._empty.setVisible(not runs)
        while (item := self._list.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for index, run in enumerate(self._runs):
            button = push(_words(run), "Go on with this run where it was saved last")
            button.setProperty("index", index)
            button.clicked.connect(self._chosen)
            self._list.addWidget(button)

    def _chosen(self) -> None:
        self.run_chosen.emit(self._runs[int(self.sender().property("index"))])


def _words(run: KeptRun) -> str:
    data, method = run.spec.data, run.spec.method
    what = plain(Path(data.folder).name, 20) if isinstance(data, Pictures) else "Portraits"
    loss = LOSS_TITLES[method.loss.op] if isinstance(method, Adversarial) else ""
    if isinstance(method, Adversarial) and method.grows:
        loss += ", growing"
    when = time.strftime("%d %b %H:%M", time.localtime(run.stamp))
    return f"{what}, {loss}, {run.images:,} images, {when}"
