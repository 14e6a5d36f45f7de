"""Attack: the smallest move in w after which the attribute network says otherwise."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.attack_facts import AttackKit, FlipView
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.captioned_strip import Captioned, CaptionedStrip
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.job_bar import JobBar
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.text import label
from engine.frame import Progress
from engine.perturbing import Question

HINT = (
    "The picture stays one that the generator makes. The shortest move in w that changes one "
    "answer of the attribute network while its other answers stay is looked for; the judge, which "
    "takes no part in it, says whether the face really changed."
)
READER = "portraits-attributes"


class LatentPanel(QWidget):
    """States which answer is to be changed."""

    flip_wanted = Signal(str, int)  # attribute, number of the answer
    cancel_wanted = Signal()
    take_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._questions: tuple[Question, ...] = ()
        self._attribute = ChoiceRow("Attribute", "Which attribute is to read otherwise")
        self._answer = ChoiceRow("Shall read", "What the attribute network shall say")
        self._go = push("Find the move", "Search for the smallest move in w", "primary")
        self._take = push("Open on Explore", "Go on with this picture on Explore", "tight")
        self.job = JobBar("moving in w")
        self.message = MessageBar()
        self._strip = CaptionedStrip("Before and after the move", 2)
        self._words = label(wrap=True)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 8, 0)
        line.setSpacing(8)
        line.addWidget(self._go, 1)
        line.addWidget(self._take)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(6)
        column.addWidget(label(HINT, tone="muted", wrap=True))
        for part in (self._attribute, self._answer):
            column.addWidget(part)
        column.addLayout(line)
        for more in (self.job, self.message, self._strip, self._words):
            column.addWidget(more)
        for hidden in (self.message, self._take, self._strip, self._words):
            hidden.hide()
        self._go.setEnabled(False)
        self._attribute.chosen.connect(self._chosen)
        self._go.clicked.connect(self._submit)
        self._take.clicked.connect(self.take_wanted)
        self.job.cancel_wanted.connect(self.cancel_wanted)

    def set_kit(self, kit: AttackKit) -> None:
        """What the attribute network can be asked."""
        info = next((one for one in kit.infos if one.key == READER), None)
        self._questions = () if info is None else info.questions
        self._attribute.set_choices([(q.name, q.name.replace("_", " ")) for q in self._questions])
        if any(q.name == "eyeglasses" for q in self._questions):
            self._attribute.set_key("eyeglasses")
        self._go.setEnabled(bool(self._questions))
        self._chosen(self._attribute.key)

    def show_began(self, kind: str) -> None:
        """A search waits or runs."""
        self._go.setEnabled(False)
        self.message.hide()
        if kind == "flip an attribute":
            self.job.show_began("Starting…")

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        if self.job.running:
            self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_live(self, image: QImage) -> None:
        """A picture on the way."""
        self._strip.show()
        self._strip.set_cells((Captioned(None, "Before"), Captioned(image, "On the way")))

    def show_flip(self, view: FlipView) -> None:
        """What was found."""
        flip = view.flip
        self._strip.set_cells((Captioned(view.before, "Before"), Captioned(view.after, "After")))
        followed = flip.judged_before.value != flip.judged_after.value
        verdict = (
            "The judge says so, too: the face really changed."
            if followed
            else f"The judge still says “{flip.judged_after.value}”: the network was fooled."
        )
        told = (
            f"“{flip.before.value}” became “{flip.after.value}” after {flip.far:.1f} deviations; "
            f"of the rest, {flip.drifted} moved most, by {flip.drift:.0%} of its range. {verdict}"
            if flip.reached
            else "The answer was not reached: what comes nearest is shown."
        )
        self._words.setText(plain(told, 400))
        for part in (self._strip, self._words, self._take):
            part.show()

    def show_ended(self) -> None:
        """Nothing runs."""
        self._go.setEnabled(bool(self._questions))
        self.job.show_ended()

    def show_message(self, message: Message) -> None:
        """A search failed."""
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _chosen(self, key: str) -> None:
        question = next((q for q in self._questions if q.name == key), None)
        if question is not None:
            values = question.values
            self._answer.set_choices([(str(i), value) for i, value in enumerate(values)])
            self._answer.set_key(str(len(values) - 1))

    def _submit(self) -> None:
        self.flip_wanted.emit(self._attribute.key, int(self._answer.key or 0))
