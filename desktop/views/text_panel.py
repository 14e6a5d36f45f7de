"""Editing by text: what the picture should show, in which way, how far, and by which CLIP."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.facts import TextView
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.choice import Choice
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.frame import Progress
from engine.wishes import NEUTRAL, ClipInfo, TextEdit

WAYS = (
    ("optimise", "Search", "Search for a latent of this picture that is as the text says"),
    ("mapper", "Mapper", "Train a network for this text once; then any picture takes one pass"),
    (
        "direction",
        "Styles",
        "Find the style channels that the text moves: a slider for any picture",
    ),
)
GO = {"optimise": "Search", "mapper": "Apply", "direction": "Find"}
NO_CLIP = "No CLIP is installed: import the folder of a published one."
LABEL_PX = 72


class TextPanel(QWidget):
    """States what is wanted; the sliders are live once something was found."""

    start_wanted = Signal(str, str, str)  # text, neutral text, CLIP
    cancel_wanted = Signal()
    way_chosen = Signal(str)
    strength_changed = Signal(float)
    threshold_changed = Signal(float)
    slide_ended = Signal()
    keep_wanted = Signal()
    import_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = _field("Text", "What the picture should show", "a face with glasses")
        self.neutral = _field("Neutral text", "The same without what is to change", NEUTRAL)
        self.neutral.setText(NEUTRAL)
        self.ways = Segmented("How to edit by text", WAYS)
        self.clip = Choice("CLIP that compares texts and pictures")
        self._bring = push("Import…", "Import a published CLIP: a folder of transformers", "tight")
        self._bring.setMinimumWidth(72)
        self.strength = SliderRow(
            "Strength", -8, 8, 3, beyond=(-20, 20), step=0.1, decimals=1, label_px=LABEL_PX
        )
        self.threshold = SliderRow(
            "Threshold", 0, 0.6, 0.15, beyond=(0, 1), step=0.01, label_px=LABEL_PX
        )
        self.strength.setToolTip("In deviations of random pictures along what the text changes")
        self.threshold.setToolTip("How relevant a style channel must be: higher moves less else")
        self._go = push("Search", "Edit the picture on the canvas", "primary")
        self._keep = push("Keep as a direction", "Give it a slider on the Explore page", "tight")
        self.job = JobBar("editing by text")
        self.message = MessageBar()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        for row, (words, part) in enumerate((("Show", self.text), ("Instead of", self.neutral))):
            name = label(words)
            name.setFixedWidth(LABEL_PX)
            name.setBuddy(part)
            grid.addWidget(name, row, 0)
            grid.addWidget(part, row, 1)
        models = QHBoxLayout()
        models.setSpacing(4)
        models.addWidget(self.clip, 1)
        models.addWidget(self._bring)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self._go, 1)
        foot.addWidget(self._keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addLayout(grid)
        column.addWidget(self.ways)
        column.addWidget(self.strength)
        column.addWidget(self.threshold)
        column.addLayout(models)
        column.addLayout(foot)
        column.addWidget(self.job)
        column.addWidget(self.message)
        self.message.hide()
        self._connect()
        self.show_text(TextView())

    def _connect(self) -> None:
        self._go.clicked.connect(self._submit)
        self.text.returnPressed.connect(self._submit)
        self.neutral.returnPressed.connect(self._submit)
        self.ways.chosen.connect(self.way_chosen)
        self._keep.clicked.connect(self.keep_wanted)
        self._bring.clicked.connect(self.import_wanted)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        for row, signal in (
            (self.strength, self.strength_changed),
            (self.threshold, self.threshold_changed),
        ):
            row.value_changed.connect(signal)
            row.gesture_ended.connect(self.slide_ended)

    def show_text(self, view: TextView) -> None:
        """What there is, and where the sliders stand."""
        if tuple(view.clips) != tuple(self.clip_names):
            self.clip.set_choices([(name, plain(title, 40)) for name, title in view.clips])
            self.clip_names = tuple(view.clips)
        self.clip.setEnabled(bool(view.clips))
        self.ways.set_key(view.way)
        self.strength.set_value(view.strength)
        self.threshold.set_value(view.threshold)
        self.threshold.setVisible(view.way == "direction")
        self._keep.setVisible(view.can_keep)
        self._go.setText(GO[view.way])
        self._enable()

    clip_names: tuple[tuple[str, str], ...] = ()

    def _enable(self) -> None:
        able = bool(self.clip_names)
        self._go.setEnabled(able and not self.job.running)
        self._bring.setEnabled(not self.job.running)
        self._go.setToolTip("Edit the picture on the canvas" if able else NO_CLIP)

    def show_began(self) -> None:
        """An edit or an import waits or runs."""
        self.message.hide()
        self.job.show_began("Starting…")
        self._enable()

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_found(self, edit: TextEdit) -> None:
        """What was found."""
        self.show_stopped()
        way = edit.wish.way
        title = "Found" if way == "direction" else f"{edit.reached:.0%} of the way, as CLIP sees it"
        words = [plain(edit.note, 120)] if edit.note else []
        if edit.cut:
            words.append(f"The text was too long; read was: {plain(edit.read, 120)}.")
        words.append("The sliders go on from here.")
        self.message.show_message(f"{title}.", " ".join(words), "good", "")
        self.message.show()

    def show_brought(self, info: ClipInfo) -> None:
        """A CLIP was imported."""
        self.show_stopped()
        self.clip.set_key(info.name)
        title = f"Imported {plain(info.title, 60)}."
        self.message.show_message(title, f"It reads up to {info.context} tokens.", "good", "")
        self.message.show()

    def show_stopped(self) -> None:
        """Nothing runs."""
        self.job.show_ended()
        self._enable()

    def show_message(self, message: Message) -> None:
        """It failed."""
        self.show_stopped()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _submit(self) -> None:
        if self._go.isEnabled():
            self.start_wanted.emit(self.text.text(), self.neutral.text(), self.clip.key)


def _field(name: str, tip: str, example: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(example)
    field.setAccessibleName(name)
    field.setToolTip(tip)
    field.setFixedHeight(28)
    field.setMaxLength(1000)
    return field
