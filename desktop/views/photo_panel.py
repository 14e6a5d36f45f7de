"""One's own picture: open it, cut it to a square, and search for the latent that makes it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import PhotoView
from desktop.messages import Message, plain
from desktop.squares import beyond
from desktop.widgets.button import IconButton, push
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.segmented import Segmented
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.frame import Progress
from engine.wishes import Inversion

HINT = (
    "Open a picture of your own, or drop one on the window while this page is shown. What this "
    "model cannot make it will come close to; tuning changes the model a little for this picture."
)
CROP_HINT = (
    "On the picture: drag the square, its corners and the handle that turns it; or arrows, plus "
    "and minus, comma and period, with Shift in fine steps."
)
NO_ALIGN = "Faces are found for models of drawn portraits alone; move the square by hand."
LENGTHS = {"once": 0, "quick": 100, "good": 250, "best": 700}
TUNE_STEPS = 150


class PhotoPanel(QWidget):
    """States what is to be opened and searched for."""

    open_wanted = Signal()
    search_wanted = Signal(int, bool, int)  # steps, a w for each layer, steps of tuning
    resume_wanted = Signal()
    cancel_wanted = Signal()
    crop_wanted = Signal(bool)
    align_wanted = Signal()
    widen_wanted = Signal()
    turn_changed = Signal(float)  # degrees, counterclockwise
    turned = Signal(float)  # by so many degrees
    turn_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(HINT, tone="muted", wrap=True)
        self._words = label(wrap=True)
        opener = push("Open a picture…", "Choose a picture of your own")
        self._crop = push("Crop", "Show the picture and its square again", "tight")
        self._align = push("Align the face", "Find how the face lies, and lay the square so")
        self.rotation = SliderRow("Rotation (°)", -180, 180, 0.0, step=1.0, decimals=1)
        self._square = self._square_part()
        self._length = Segmented(
            "Length of the search",
            (
                ("once", "Once", "One pass of the encoder, where the model has one"),
                ("quick", "Quick", "100 steps a layer, half as many before"),
                ("good", "Good", "250 steps"),
                ("best", "Best", "700 steps"),
            ),
        )
        self._length.set_key("good")
        self._layers = Segmented(
            "Latent",
            (
                ("plus", "w+, nearer", "A w for each layer: nearer to the picture"),
                ("w", "w, freer", "One w for all layers: easier to edit afterwards"),
            ),
        )
        self._layers.set_key("plus")
        self._tune = Segmented(
            "Tuning",
            (
                ("no", "Model as it is", "Only the latent is searched for"),
                ("yes", "Tune the model", "Then tune the weights a little for this picture"),
            ),
        )
        self._tune.set_key("no")
        self._go = push("Find its latent", "Search for what makes this picture", "primary")
        self._more = push("Go on", "Go on where the search was stopped", "tight")
        self.job = JobBar("searching for the latent")
        self.message = MessageBar()
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(opener, 1)
        head.addWidget(self._crop)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self._go, 1)
        foot.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._hint)
        column.addLayout(head)
        column.addWidget(self._words)
        column.addWidget(self._square)
        for part in (self._length, self._layers, self._tune):
            column.addWidget(part)
        column.addLayout(foot)
        column.addWidget(self.job)
        column.addWidget(self.message)
        self.message.hide()
        opener.clicked.connect(self.open_wanted)
        self._crop.clicked.connect(self._show_crop)
        self._align.clicked.connect(self.align_wanted)
        self.rotation.value_changed.connect(self.turn_changed)
        self.rotation.gesture_ended.connect(self.turn_ended)
        self._go.clicked.connect(self._submit)
        self._more.clicked.connect(self.resume_wanted)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        self.show_photo(PhotoView())

    def _square_part(self) -> QWidget:
        """What is done to the square from here."""
        part = QWidget()
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._align, 1)
        for icon, name, degrees in (
            ("turn left", "Turn the square left by 90°", 90.0),
            ("turn right", "Turn the square right by 90°", -90.0),
        ):
            button = IconButton(icon, name, role="field")
            button.clicked.connect(lambda _=False, by=degrees: self.turned.emit(by))
            line.addWidget(button)
        widest = IconButton("fit", "Largest upright square", role="field")
        widest.clicked.connect(self.widen_wanted)
        line.addWidget(widest)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.rotation)
        column.addWidget(label(CROP_HINT, tone="muted", wrap=True))
        return part

    def show_photo(self, view: PhotoView) -> None:
        """What was opened, and its square."""
        there = view.size is not None
        self._hint.setVisible(not there)
        self._words.setVisible(there)
        self._crop.setEnabled(there)
        self._square.setVisible(there)
        self._align.setEnabled(view.can_align and not self.job.running)
        tip = "Find how the face lies, and lay the square so" if view.can_align else NO_ALIGN
        self._align.setToolTip(tip)
        self.rotation.set_value(view.square.rotation)
        self._go.setEnabled(there and not self.job.running)
        self._more.setVisible(view.can_resume and not self.job.running)
        if view.size is not None:
            square = view.square
            words = (
                f"{plain(view.name, 60)}, {view.size[0]} × {view.size[1]} px. Square of "
                f"{square.side:.0f} px about {square.x:.0f}, {square.y:.0f}."
            )
            if beyond(square, view.size):
                words += " Where it leaves the picture, the edge goes on."
            self._words.setText(words)

    def show_began(self) -> None:
        """A search waits or runs."""
        self.message.hide()
        self.job.show_began("Starting…")
        self._go.setEnabled(False)
        self._align.setEnabled(False)
        self._more.hide()

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_found(self, found: Inversion) -> None:
        """The search is over, or was stopped."""
        self.job.show_ended()
        done = found.finished
        title = "Found" if done else f"Stopped at step {found.step} of {found.steps}"
        words = "The picture is on the canvas: every slider works on it."
        if not done:
            words += " Go on takes up the search."
        self.message.show_message(f"{title}: {found.psnr_db:.1f} dB.", words, "good", "")
        self.message.show()

    def show_stopped(self) -> None:
        """Nothing runs and nothing was found."""
        self.job.show_ended()
        self._go.setEnabled(True)

    def show_message(self, message: Message) -> None:
        """The search failed, or a face was looked for."""
        self.show_stopped()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _submit(self) -> None:
        self.search_wanted.emit(
            LENGTHS[self._length.key],
            self._layers.key == "plus",
            TUNE_STEPS if self._tune.key == "yes" else 0,
        )

    def _show_crop(self) -> None:
        self.crop_wanted.emit(True)
