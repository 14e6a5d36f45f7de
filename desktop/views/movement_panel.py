"""Movement: pictures as keys along a line of time, how the film walks, and its export."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.facts import FilmView
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.choice import Choice
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from desktop.widgets.timeline import TimeKey, Timeline
from engine.frame import Progress, Receipt

HINT = "Add the picture on the canvas as a key, change it, and add the next one. Two make a film."
EASINGS = (
    ("smooth", "Rest at keys"),
    ("linear", "Even steps"),
    ("in", "Start quickly"),
    ("out", "Start slowly"),
)
SPACES = (("z", "Through z"), ("w", "Through w"), ("s", "Through styles"))
NOISES = (("locked", "Noise locked"), ("walking", "Noise walking"))
LAYERS = (
    ("all", "All layers"),
    ("coarse", "Coarse layers"),
    ("middle", "Middle layers"),
    ("fine", "Fine layers"),
)
RATES = (("12", "12 a second"), ("25", "25 a second"), ("30", "30 a second"), ("50", "50 a second"))


class MovementPanel(QWidget):
    """States what is wanted of the film."""

    add_wanted = Signal()
    setting_changed = Signal(str, str)  # name, key
    loop_changed = Signal(float)
    loop_ended = Signal()
    play_wanted = Signal()
    frame_wanted = Signal()
    even_wanted = Signal()
    export_wanted = Signal()
    cancel_wanted = Signal()
    clear_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint = label(HINT, tone="muted", wrap=True)
        self.timeline = Timeline("Timeline")
        self._words = label(tone="muted")
        self._add = push("Add key", "The picture on the canvas becomes the next key", "tight")
        self._play = push("Play", "Look at the film, or stop", "tight")
        self._frame = push("Take frame", "Put the frame under the line on the canvas", "tight")
        self._clear = push("Clear", "Take every key away", "tight")
        self._choices = {
            "easing": Choice("Pace between keys", EASINGS),
            "space": Choice("Space of the walk", SPACES),
            "layers": Choice("Layers that walk", LAYERS),
            "noise": Choice("Noise", NOISES),
            "fps": Choice("Frames a second", RATES),
        }
        self._loop = SliderRow("Back to start", 0, 5, 0, step=0.1, beyond=(0, 60), label_px=96)
        self._even = push("Even out", "Re-time the film, so that equal times look equally far")
        self._go = push("Export film…", "Render every frame, sign and write the film", "primary")
        self.job = JobBar("film")
        self.message = MessageBar()
        self._lay_out()
        self._add.clicked.connect(self.add_wanted)
        self._play.clicked.connect(self.play_wanted)
        self._frame.clicked.connect(self.frame_wanted)
        self._clear.clicked.connect(self.clear_wanted)
        self._even.clicked.connect(self.even_wanted)
        self._go.clicked.connect(self.export_wanted)
        self._loop.value_changed.connect(self.loop_changed)
        self._loop.gesture_ended.connect(self.loop_ended)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        for choice in self._choices.values():
            choice.chosen.connect(self._chosen)

    def _lay_out(self) -> None:
        keys = QHBoxLayout()
        keys.setSpacing(4)
        for button in (self._add, self._play, self._frame, self._clear):
            keys.addWidget(button, 1)
        grid = QGridLayout()
        grid.setSpacing(4)
        for i, choice in enumerate(self._choices.values()):
            grid.addWidget(choice, i // 2, i % 2)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self._go, 1)
        foot.addWidget(self._even)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._hint)
        column.addWidget(self.timeline)
        column.addWidget(self._words)
        column.addLayout(keys)
        column.addLayout(grid)
        column.addWidget(self._loop)
        column.addLayout(foot)
        column.addWidget(self.job)
        column.addWidget(self.message)
        self.message.hide()

    def show_film(self, view: FilmView) -> None:
        """Show keys and settings."""
        keys = [TimeKey(time, image) for time, image in zip(view.times, view.images, strict=True)]
        self.timeline.set_film(keys, view.duration_s, view.share)
        self._hint.setVisible(len(keys) < 2)
        pace = ", evened out" if view.evened else ""
        self._words.setText(
            f"{view.share * view.duration_s:.1f} of {view.duration_s:.1f} s, "
            f"{view.frames} frames{pace}"
            if keys
            else "No keys yet."
        )
        for name, value in view.settings.items():
            self._choices[name].set_key(value)
        self._loop.set_value(view.loop_s)
        film = len(keys) > 1 and not self.job.running
        self._play.setText("Stop" if view.playing else "Play")
        self._play.setEnabled(len(keys) > 1)
        for button in (self._go, self._even):
            button.setEnabled(film)
        self._frame.setEnabled(bool(keys))
        self._clear.setEnabled(bool(keys))

    def show_began(self, words: str) -> None:
        """Something long began."""
        self.message.hide()
        self.job.show_began(words)
        for button in (self._go, self._even):
            button.setEnabled(False)

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_receipt(self, receipt: Receipt) -> None:
        """The film is written."""
        self.show_stopped()
        words = f"Signed by {plain(receipt.signer, 60)}. {plain(receipt.notice)}".strip()
        self.message.show_message(f"Exported {plain(receipt.path.name, 60)}.", words, "good", "")
        self.message.show()

    def show_stopped(self) -> None:
        """Nothing runs."""
        self.job.show_ended()
        for button in (self._go, self._even):
            button.setEnabled(True)

    def show_message(self, message: Message) -> None:
        """Something failed, or was told."""
        self.show_stopped()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _chosen(self, key: str) -> None:
        sender = self.sender()
        name = next((n for n, choice in self._choices.items() if choice is sender), None)
        if name is not None:
            self.setting_changed.emit(name, key)
