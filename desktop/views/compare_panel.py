"""A strip over one parameter of a diffusion picture, or a table over two, and its export."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.facts import Axes, CompareView
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.job_bar import JobBar
from desktop.widgets.labelled_grid import LabelledGrid
from desktop.widgets.lines_edit import LinesEdit
from desktop.widgets.message_bar import MessageBar
from engine.comparing import AXES
from engine.frame import Progress, Receipt

NOTHING = "none"
LEAVE = "leave the field or press Ctrl+Return to compare"


class ComparePanel(QWidget):
    """States what is to vary; no parameter varies along both sides."""

    axes_chosen = Signal(str, str)  # keys of AXES, the second one "" for nothing
    texts_written = Signal(str, object)  # "prompt" or "negative", tuple of str
    cell_taken = Signal(int, int)
    export_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._across = ChoiceRow("Across", "What varies from left to right")
        self._across.set_choices(list(AXES.items()))
        self._across.set_key("guidance")
        self._down = ChoiceRow("Down", "What varies from top to bottom")
        self._down.set_choices([(NOTHING, "Nothing"), *AXES.items()])
        self._down.set_key(NOTHING)
        self._axes = ("guidance", NOTHING)
        self._known = tuple(AXES)
        self._texts = {
            "prompt": LinesEdit("Prompts", f"Each line is a prompt; {LEAVE}"),
            "negative": LinesEdit("Negative prompts", f"Each is moved away from; {LEAVE}"),
        }
        self.grid = LabelledGrid("Comparison")
        self._export = push(
            "Export sheet…", "Render every picture anew and export one labelled, signed sheet"
        )
        self.job = JobBar("sheet")
        self.message = MessageBar()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        column.addWidget(self._across)
        column.addWidget(self._down)
        for axis, lines in self._texts.items():
            lines.setProperty("axis", axis)
            lines.hide()
            lines.written.connect(self._write)
            column.addWidget(lines)
        column.addSpacing(4)
        aligned = QVBoxLayout()  # with the fields above
        aligned.setContentsMargins(0, 0, 20, 0)
        aligned.setSpacing(8)
        for part in (self.grid, self._export, self.job, self.message):
            aligned.addWidget(part)
        column.addLayout(aligned)
        self._export.setEnabled(False)  # until there is something to compare
        self._across.chosen.connect(self._chosen)
        self._down.chosen.connect(self._chosen)
        self._export.clicked.connect(self.export_wanted)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        self.grid.taken.connect(self.cell_taken)
        self._words: tuple[tuple[str, ...], ...] = ()

    def show_compare(self, view: CompareView) -> None:
        """Show words and pictures."""
        words = (view.rows, view.columns, *view.whole)
        if words != self._words:
            self._words = words
            self.grid.set_axes(view.rows, view.columns, *view.whole)
        self.grid.set_pictures(view.pictures, view.free)
        if view.comparison is not None:
            self._show_axes(view.comparison, view.axes)
        self._export.setEnabled(not self.job.running)

    def _show_axes(self, comparison: Axes, axes: tuple[str, ...]) -> None:
        if axes != self._known:
            self._known = axes
            choices = [(key, AXES[key]) for key in axes]
            self._across.set_choices(choices)
            self._down.set_choices([(NOTHING, "Nothing"), *choices])
        across = comparison.across if comparison.across in axes else "guidance"
        down = comparison.down if comparison.down in axes and comparison.down != across else NOTHING
        self._axes = (across, down)
        self._across.set_key(across)
        self._down.set_key(down)
        for axis, lines in self._texts.items():
            lines.set_lines(getattr(comparison, axis))
            lines.setVisible(axis in self._axes)

    def _write(self, lines: tuple[str, ...]) -> None:
        sender = self.sender()
        if sender is not None:
            self.texts_written.emit(str(sender.property("axis")), lines)

    def show_began(self, words: str) -> None:
        """A sheet is being made."""
        self.message.hide()
        self.job.show_began(words)
        self._export.setEnabled(False)

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_receipt(self, receipt: Receipt) -> None:
        """The sheet is written."""
        self.show_stopped()
        words = f"Signed by {plain(receipt.signer, 60)}. {plain(receipt.notice)}".strip()
        self.message.show_message(f"Exported {plain(receipt.path.name, 60)}.", words, "good")

    def show_stopped(self) -> None:
        """Nothing runs."""
        self.job.show_ended()
        self._export.setEnabled(True)

    def show_message(self, message: Message) -> None:
        """Something failed."""
        self.show_stopped()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)

    def _chosen(self) -> None:
        across, down = self._across.key, self._down.key
        if across == down:  # the two change places
            before = self._axes
            across, down = (across, before[0]) if across != before[0] else (before[1], down)
            if across == NOTHING:
                across = next(key for key in self._known if key != down)
            self._across.set_key(across)
            self._down.set_key(down)
        self._axes = (across, down)
        self.axes_chosen.emit(across, "" if down == NOTHING else down)
