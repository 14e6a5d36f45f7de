"""What is known of a file, in plain words, and no more than that."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.display import thumb
from desktop.facts import Batch, Comparison
from desktop.messages import Message, plain
from desktop.places import pictures_folder
from desktop.verdict_words import LOOKS, facts
from desktop.views.comparison_card import ComparisonCard
from desktop.views.ingredient_tree import IngredientTree
from desktop.views.verify_facts import FactRow, FindingRow
from desktop.widgets.button import push
from desktop.widgets.frames import rule
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.text import label
from engine.frame import Finding, Progress, Verdict

HINT = (
    "Drop a picture anywhere on the window, or open one. You will read who signed it, "
    "whether it was changed since, and how it was made. A folder gives a table."
)
AGAIN = "Render again and compare"
FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.avif);;All files (*)"


class VerifyPanel(ScrollColumn):
    """Open or drop a file or folder; verdict, evidence, ingredients, a fresh rendering, reports."""

    file_chosen = Signal(object)  # Path
    folder_chosen = Signal(object)  # Path
    restore_wanted = Signal()
    rerender_wanted = Signal()
    view_chosen = Signal(str)  # of Comparison.views
    stop_wanted = Signal()
    table_wanted = Signal()
    copy_wanted = Signal()
    report_named = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__("Verify")
        self._open = push("Open a file…", "Open a file to verify (Ctrl+Shift+V)", "primary")
        self._folder = push("Open a folder…", "Verify every picture in a folder and below it")
        self.message = MessageBar()
        self._hint = label(HINT, tone="muted", wrap=True)
        self._name, self._tabled = "picture", False
        self._build_busy()
        self._result = QWidget()
        self._result.hide()
        self._build_result()
        opens = QHBoxLayout()
        opens.setSpacing(8)
        opens.addWidget(self._open, 1)
        opens.addWidget(self._folder, 1)
        head = QVBoxLayout()
        head.setContentsMargins(16, 16, 16, 16)
        head.setSpacing(16)
        head.addWidget(label("Verify a picture", role="title"))
        head.addWidget(self._hint)
        head.addLayout(opens)
        self._back = push("Back to the folder", "Show the table of the folder again")
        self._back.hide()
        for part in (self._back, self.message, self._busy, self._result):
            head.addWidget(part)
        self.column.addLayout(head)
        self.column.addStretch(1)
        self._open.clicked.connect(self.choose_file)
        self._folder.clicked.connect(self.choose_folder)
        self._back.clicked.connect(self._go_back)

    def _build_busy(self) -> None:
        self._busy = QWidget()
        self._stage = label(wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the folder")
        stop = push("Stop", "Stop here; what was verified stays in the table")
        column = QVBoxLayout(self._busy)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._stage)
        column.addWidget(self._bar)
        column.addWidget(stop, 0, Qt.AlignmentFlag.AlignLeft)
        self._busy.hide()
        stop.clicked.connect(self.stop_wanted)

    def _build_result(self) -> None:
        self._badge = IconLabel("question", "muted", 40)
        self._headline = label(role="title", wrap=True)
        self._file = label(tone="muted", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._headline)
        words.addWidget(self._file)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self._restore = push(
            "Restore into Explore", "Open the Recipe of this picture in Explore", "primary"
        )
        self._again = push(AGAIN, "Render the Recipe again and look at both pictures")
        acts = QVBoxLayout()
        acts.setSpacing(8)
        acts.addWidget(self._restore)
        acts.addWidget(self._again)
        self._compared = ComparisonCard()
        self._compared.view_chosen.connect(self.view_chosen)
        self._findings, self._facts = QVBoxLayout(), QVBoxLayout()
        for part in (self._findings, self._facts):
            part.setSpacing(8)
        self._tree = IngredientTree()
        self._made_from = _titled("Made from", self._tree)
        column = QVBoxLayout(self._result)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addLayout(head)
        column.addLayout(acts)
        column.addWidget(self._compared)
        column.addWidget(label("Evidence", role="strong"))
        column.addLayout(self._findings)
        column.addWidget(self._made_from)
        self._fact_rule = rule()
        column.addWidget(self._fact_rule)
        column.addLayout(self._facts)
        column.addWidget(rule())
        column.addLayout(self._reports())
        self._restore.clicked.connect(self.restore_wanted)
        self._again.clicked.connect(self.rerender_wanted)

    def _reports(self) -> QHBoxLayout:
        copy = push("Copy report", "Copy the whole report as text")
        as_json = push("JSON…", "Save the report for other programs")
        as_pdf = push("PDF…", "Save the report as one page to print or send")
        line = QHBoxLayout()
        line.setSpacing(8)
        for button in (copy, as_json, as_pdf):
            line.addWidget(button, 1)
        copy.clicked.connect(self.copy_wanted)
        as_json.clicked.connect(self._save_json)
        as_pdf.clicked.connect(self._save_pdf)
        return line

    def choose_file(self) -> None:
        """Ask for a file with the system's own dialog."""
        name, _ = QFileDialog.getOpenFileName(self, "Verify a file", "", FILTER)
        if name:
            self.file_chosen.emit(Path(name))

    def choose_folder(self) -> None:
        """Ask for a folder with the system's own dialog."""
        name = QFileDialog.getExistingDirectory(self, "Verify the pictures of a folder")
        if name:
            self.folder_chosen.emit(Path(name))

    def show_began(self, path: Path) -> None:
        """A file is being read."""
        self.message.hide()
        self._result.hide()
        self._busy.hide()
        self._back.setVisible(self._tabled)
        self._hint.setText(f"Reading {plain(path.name, 80)}…")

    def show_folder_began(self, folder: Path) -> None:
        """A folder is being read."""
        self.show_began(folder)
        self._back.hide()
        self._hint.setText("You can go on working on the other pages meanwhile.")
        self._stage.setText(f"Verifying {plain(folder.name, 60)}…")
        self._bar.setRange(0, 0)
        self._busy.show()

    def show_folder_progress(self, progress: Progress) -> None:
        """How far the folder is."""
        left = f", {progress.left_s:.0f} s left" if progress.left_s else ""
        self._stage.setText(plain(progress.stage, 80) + left)
        self._bar.setRange(0, 1000)
        self._bar.setValue(round((progress.fraction or 0.0) * 1000))

    def show_stopped(self) -> None:
        """The folder was taken back before it began."""
        self._busy.hide()
        self._hint.setText(HINT)

    def show_batch(self, batch: Batch) -> None:
        """The folder is done, or was stopped."""
        self._busy.hide()
        self._hint.setText("Choose a row to look at its file.")
        self._tabled = bool(batch.rows)

    def _go_back(self) -> None:
        self._back.hide()
        self._result.hide()
        self.message.hide()
        self._hint.setText("Choose a row to look at its file.")
        self.table_wanted.emit()

    def show_message(self, message: Message) -> None:
        """The file could not be read, or a report was made."""
        self._busy.hide()
        if message.tone == "bad" and self._result.isHidden():
            self._hint.setText("Open another file, or drop one on the window.")
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.ensureWidgetVisible(self.message)

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what is known."""
        icon, tone = LOOKS[verdict.verdict]
        self._name = verdict.path.stem
        self._badge.show_icon(icon, tone)
        self._badge.setAccessibleName(verdict.verdict)
        self._headline.setText(plain(verdict.headline, 200))
        self._file.setText(plain(verdict.path.name, 120))
        self._hint.setText("Open another file, or drop one on the window.")
        self._show_lines(verdict)
        parts = verdict.claim.get("ingredients", ())
        pictures = {place: thumb(pixels) for place, pixels in verdict.thumbnails.items()}
        self._made_from.setVisible(self._tree.show_parts(parts, pictures) > 0)
        for button in (self._restore, self._again):
            button.setVisible(verdict.known_recipe is not None)
        self._again.setEnabled(True)
        self._again.setText(AGAIN)
        self._compared.show_words(verdict.rerender)
        self._result.show()
        _set_role(self._open, "")

    def _show_lines(self, verdict: Verdict) -> None:
        again = verdict.rerender.text if verdict.rerender is not None else None
        notes = (Finding(None, note) for note in verdict.notes)
        _clear(self._findings)
        for finding in (*verdict.findings, *notes):
            if finding.text != again:  # the comparison has a place of its own
                self._findings.addWidget(FindingRow(finding))
        _clear(self._facts)
        told = facts(verdict)
        self._fact_rule.setVisible(bool(told))
        for name, words in told:
            self._facts.addWidget(FactRow(name, words))

    def show_rerendering(self) -> None:
        """A fresh rendering is under way."""
        self._again.setEnabled(False)
        self._again.setText("Rendering…")

    def show_comparison(self, comparison: Comparison | None) -> None:
        """The pictures of the comparison are there to be looked at."""
        self._compared.show_comparison(comparison)
        if comparison is not None:
            self.ensureWidgetVisible(self._compared)

    def _save_json(self) -> None:
        self._save("json", "JSON (*.json)")

    def _save_pdf(self) -> None:
        self._save("pdf", "PDF (*.pdf)")

    def _save(self, suffix: str, kinds: str) -> None:
        proposed = str(Path(pictures_folder()) / f"{self._name}-report.{suffix}")
        name, _ = QFileDialog.getSaveFileName(self, "Save the report", proposed, kinds)
        if name:
            path = Path(name)
            self.report_named.emit(path if path.suffix else path.with_suffix(f".{suffix}"))


def _titled(title: str, content: QWidget) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    column.addWidget(label(title, role="strong"))
    column.addWidget(content)
    return made


def _set_role(button: QPushButton, role: str) -> None:
    button.setProperty("role", role)
    button.style().unpolish(button)
    button.style().polish(button)


def _clear(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
