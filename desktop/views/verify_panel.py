"""What is known of a file, in plain words, and no more than that."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.frames import named, rule
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.text import label, short_digests
from engine.frame import Finding, Rerender, Verdict
from engine.recipe import Generate, Recipe, Resize, Seed, walk

LOOKS: dict[str, tuple[str, str]] = {
    "own": ("verify", "good"),
    "trusted": ("verify", "good"),
    "intact-unverified": ("shield", "accent"),
    "expired": ("clock", "warn"),
    "invalid": ("cross", "bad"),
    "damaged": ("cross", "bad"),
    "none": ("question", "muted"),
    "remote-not-checked": ("question", "muted"),
}
FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.avif);;All files (*)"


class VerifyPanel(ScrollColumn):
    """Open or drop a file; its verdict, findings, Recipe and a fresh rendering."""

    file_chosen = Signal(object)  # Path
    restore_wanted = Signal()
    rerender_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Verify")
        self._open = push("Open a file…", "Open a file to verify (Ctrl+Shift+V)", "primary")
        self.message = MessageBar()
        self._hint = label(
            "Drop a picture anywhere on the window, or open one. You will read who signed it, "
            "whether it was changed since, and how it was made.",
            tone="muted",
            wrap=True,
        )
        self._result = QWidget()
        self._result.hide()
        self._build_result()
        head = QVBoxLayout()
        head.setContentsMargins(16, 16, 16, 16)
        head.setSpacing(16)
        head.addWidget(label("Verify a picture", role="title"))
        for part in (self._hint, self._open, self.message, self._result):
            head.addWidget(part)
        self.column.addLayout(head)
        self.column.addStretch(1)
        self._open.clicked.connect(self.choose_file)

    def _build_result(self) -> None:
        self._badge = IconLabel("question", "muted", 40)
        self._headline = label(role="title", wrap=True)
        self._file = label(tone="muted", wrap=True)
        self._findings = QVBoxLayout()
        self._findings.setSpacing(8)
        self._facts = QVBoxLayout()
        self._facts.setSpacing(8)
        self._restore = push(
            "Restore into Explore", "Open the Recipe of this picture in Explore", "primary"
        )
        self._again = push("Render again and compare", "Render the Recipe and compare the pixels")
        self._compared = named(QFrame(), "card")
        self._compared_icon = IconLabel("check", "good", 20)
        self._compared_text = label(wrap=True)
        inner = QHBoxLayout(self._compared)
        inner.setContentsMargins(12, 12, 12, 12)
        inner.addWidget(self._compared_icon, 0, Qt.AlignmentFlag.AlignTop)
        inner.addWidget(self._compared_text, 1)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._headline)
        words.addWidget(self._file)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        column = QVBoxLayout(self._result)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        acts = QVBoxLayout()
        acts.setSpacing(8)
        acts.addWidget(self._restore)
        acts.addWidget(self._again)
        column.addLayout(head)
        column.addLayout(acts)
        column.addWidget(self._compared)
        column.addLayout(self._findings)
        column.addWidget(rule())
        column.addLayout(self._facts)
        self._restore.clicked.connect(self.restore_wanted)
        self._again.clicked.connect(self.rerender_wanted)

    def choose_file(self) -> None:
        """Ask for a file with the system's own dialog."""
        name, _ = QFileDialog.getOpenFileName(self, "Verify a file", "", FILTER)
        if name:
            self.file_chosen.emit(Path(name))

    def show_began(self, path: Path) -> None:
        """A file is being read."""
        self.message.hide()
        self._result.hide()
        self._hint.setText(f"Reading {plain(path.name, 80)}…")

    def show_message(self, message: Message) -> None:
        """The file could not be read."""
        self._hint.setText("Open another file, or drop one on the window.")
        self.message.show_message(message.title, message.remedy, message.tone, message.action)

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what is known."""
        icon, tone = LOOKS[verdict.verdict]
        self._badge.show_icon(icon, tone)
        self._badge.setAccessibleName(verdict.verdict)
        self._headline.setText(plain(verdict.headline, 200))
        self._file.setText(plain(verdict.path.name, 120))
        self._hint.setText("Open another file, or drop one on the window.")
        _clear(self._findings)
        again = verdict.rerender.text if verdict.rerender is not None else None
        for finding in verdict.findings:
            if finding.text == again:
                continue  # the comparison has a place of its own
            self._findings.addWidget(_FindingRow(finding))
        for note in verdict.notes:
            self._findings.addWidget(_FindingRow(Finding(None, note)))
        _clear(self._facts)
        for name, words in facts(verdict):
            self._facts.addWidget(_FactRow(name, words))
        self._restore.setVisible(verdict.known_recipe is not None)
        self._again.setVisible(verdict.known_recipe is not None)
        self._again.setEnabled(True)
        self._again.setText("Render again and compare")
        self._show_compared(verdict.rerender)
        self._result.show()
        _set_role(self._open, "")

    def show_rerendering(self) -> None:
        """A fresh rendering is under way."""
        self._again.setEnabled(False)
        self._again.setText("Rendering…")

    def _show_compared(self, rerender: Rerender | None) -> None:
        self._compared.setVisible(rerender is not None)
        if rerender is not None:
            look = ("check", "good") if rerender.identical else ("info", "warn")
            self._compared_icon.show_icon(*look)
            self._compared_text.setText(plain(rerender.text))


def facts(verdict: Verdict) -> list[tuple[str, str]]:
    """Name and words of what the credentials say."""
    lines: list[tuple[str, str]] = []
    if verdict.signer:
        known = verdict.verdict in ("own", "trusted")
        lines.append(("Signed by" if known else "The signer says", plain(verdict.signer, 120)))
    if verdict.signed_at:
        lines.append(("At", plain(verdict.signed_at, 60)))
    if verdict.known_recipe is not None:
        lines += recipe_facts(verdict.known_recipe)
    return lines


def recipe_facts(recipe: Recipe) -> list[tuple[str, str]]:
    """A Recipe in a few words."""
    nodes = list(walk(recipe.image))
    lines: list[tuple[str, str]] = []
    models = dict.fromkeys(node.model.name for node in nodes if isinstance(node, Generate))
    if models:
        lines.append(("Made with", plain(", ".join(models), 120)))
    seeds = dict.fromkeys(str(node.n) for node in nodes if isinstance(node, Seed))
    if seeds:
        lines.append(("Seeds" if len(seeds) > 1 else "Seed", ", ".join(seeds)))
    ops = [node.op for node in nodes if hasattr(node, "op")]
    steps = [
        f"{count} {word if count == 1 else word + 's'}"
        for op, word in (("move", "direction"), ("mix", "mix"), ("blend", "blend"))
        if (count := ops.count(op))
    ]
    if steps:
        lines.append(("Steps", ", ".join(steps).replace("mixs", "mixes")))
    if isinstance(recipe.image, Resize):
        lines.append(("Size", f"{recipe.image.width} × {recipe.image.height} px"))
    lines.append(("Recipe", recipe.sha256[:16] + "…"))
    return lines


class _FindingRow(QWidget):
    """One line of a verification."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        look = {True: ("check", "good"), False: ("cross", "bad")}.get(
            bool(finding.ok), ("info", "muted")
        )
        if finding.ok is None:
            look = ("info", "muted")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(IconLabel(*look, 18), 0, Qt.AlignmentFlag.AlignTop)
        text = plain(finding.text)
        words = label(short_digests(text), wrap=True, selectable=True)
        words.setToolTip(text if short_digests(text) != text else "")
        line.addWidget(words, 1)


class _FactRow(QWidget):
    """A name and its words."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        head = label(name, tone="muted")
        head.setFixedWidth(104)
        line.addWidget(head, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(label(words, wrap=True, selectable=True), 1)


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
