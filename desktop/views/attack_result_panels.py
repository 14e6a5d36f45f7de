"""Attack: what the network sees, what other networks say, and what damage leaves of it."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.attack_facts import LookView, ReportView
from desktop.messages import plain
from desktop.widgets.answer_bars import AnswerBars, Row
from desktop.widgets.captioned_strip import Captioned, CaptionedStrip, Tone
from desktop.widgets.text import label

WAIT = "The network is looking…"
ROWS = 4


class LookPanel(QWidget):
    """Picture, change and result, and the answers before and after."""

    def __init__(self) -> None:
        super().__init__()
        self._strip = CaptionedStrip("Picture, change and result", 3)
        self._verdict = label(WAIT, role="strong", wrap=True)
        self._figures = label(tone="muted", wrap=True)
        self._bars = AnswerBars("Answers before and after")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(6)
        for part in (self._strip, self._verdict, self._figures, self._bars):
            column.addWidget(part)

    def show_look(self, view: LookView) -> None:
        """Another picture was attacked."""
        look = view.look
        cells = (
            Captioned(view.images[0], "Picture"),
            Captioned(view.images[1], f"Change × {look.gain}"),
            Captioned(view.images[2], "Result"),
        )
        self._strip.set_cells(cells)
        before, after = look.before[0], look.after[0]
        if look.reached:
            words = f"Fooled: “{before.value}” became “{after.value}”."
        elif before.value == after.value:
            words = f"Not fooled: still “{after.value}”."
        else:
            words = f"Not as wanted: “{before.value}” became “{after.value}”."
        self._verdict.setText(plain(words, 160))
        self._figures.setText(
            f"Largest change {look.largest} of 255, mean (RMS) {look.rms:.1f}"
            + (", a preview." if view.live else ".")
        )
        self._bars.set_rows(rows_of(view))

    def show_trouble(self, words: str) -> None:
        """It could not be attacked."""
        self._verdict.setText(plain(words, 300))
        self._figures.setText("")
        self._bars.set_rows(())
        self._strip.set_cells(())


class TransferPanel(QWidget):
    """A row for each network."""

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(WAIT, tone="muted", wrap=True)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(6)
        column.addWidget(self._hint)
        column.addLayout(self._grid)

    def show_report(self, view: ReportView) -> None:
        """Another attack's table."""
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        rows = view.report.transfer
        changed = sum(row.changed for row in rows if not row.attacked)
        others = sum(not row.attacked for row in rows)
        self._hint.setText(
            "No other network here reads such pictures."
            if not others
            else f"{changed} of {others} other answers changed; the attack never looked at them."
        )
        for index, row in enumerate(rows):
            asked = f", {row.question}" if row.question else ""
            name = f"{row.title}{asked}" + (" (attacked)" if row.attacked else "")
            before, after = (f"{one.value} {one.share:.0%}" for one in (row.before, row.after))
            told = f"{before}  →  {after}"
            head = label(plain(name, 90), wrap=True)
            tail = label(plain(told, 120), tone="bad" if row.changed else "good", wrap=True)
            self._grid.addWidget(head, 2 * index, 0)
            self._grid.addWidget(tail, 2 * index + 1, 0)


class SurvivalPanel(QWidget):
    """The attacked picture after each kind of damage."""

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(WAIT, tone="muted", wrap=True)
        self._strip = CaptionedStrip("After damage", 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(6)
        column.addWidget(self._hint)
        column.addWidget(self._strip)

    def show_report(self, view: ReportView) -> None:
        """Another attack's strip."""
        cells = view.report.survival
        held = sum(cell.holds for cell in cells[1:])
        self._hint.setText(f"The attack outlives {held} of {len(cells) - 1} kinds of damage.")
        self._strip.set_cells(
            [
                Captioned(image, one.damage, plain(one.answer.value, 40), _tone(one.holds))
                for one, image in zip(cells, view.images, strict=True)
            ]
        )


def _tone(holds: bool) -> Tone:
    return "bad" if holds else "good"


def rows_of(view: LookView) -> list[Row]:
    """The likeliest answers of both, each with its share before and after where that is told."""
    before = {one.value: one.share for one in view.look.before}
    after = {one.value: one.share for one in view.look.after}
    likely = list(dict.fromkeys([view.look.before[0].value, view.look.after[0].value]))
    rest = sorted(
        {*before, *after} - {*likely}, key=lambda v: -max(before.get(v, 0), after.get(v, 0))
    )
    return [(plain(v, 60), before.get(v), after.get(v)) for v in [*likely, *rest][:ROWS]]
