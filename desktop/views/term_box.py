"""One term of the guidance: what it pulls toward, how strongly, and in which part of the steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.views.texts_box import TextsBox
from desktop.widgets.button import IconButton
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.line_row import LineRow
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.denoising import Classes, Classifier, ClassifierFree, ClipGuidance, Texts
from engine.recipe import ClassWeight

EXAMPLE = "a smiling woman with glasses"


class TermBox(QWidget):
    """Scale and interval. Its signals carry itself, so that the panel knows its place."""

    changed = Signal(object, object)  # the box, Guidance
    removed = Signal(object)
    gesture_ended = Signal()

    def __init__(
        self,
        title: str,
        note: str = "",
        neutral: float = 0.0,
        most: float = 10.0,
        beyond: tuple[float, float] = (-50, 50),
    ) -> None:
        super().__init__()
        self._term: Any = None  # one of Guidance
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label(title, role="strong"))
        head.addWidget(label(note, tone="muted"), 1)
        remove = IconButton("close", "Remove this guidance", size_px=12)
        head.addWidget(remove)
        self._scale = SliderRow("Scale", 0, most, neutral, beyond=beyond, step=0.1)
        self._start = SliderRow("From", 0, 1, 0.0)
        self._end = SliderRow("Until", 0, 1, 1.0)
        self._start.setToolTip("The fraction of the steps where it begins to work")
        self._end.setToolTip("The fraction of the steps where it ends; what comes before is reused")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 4, 0, 8)
        self._column.setSpacing(0)
        self._column.addLayout(head)
        for part in (self._scale, self._start, self._end):
            self._column.addWidget(part)
            part.value_changed.connect(self._moved)
            part.gesture_ended.connect(self.gesture_ended)
        remove.clicked.connect(self._remove)

    def show_term(self, term: Any) -> None:
        """Show the term; emits nothing."""
        self._term = term
        self._scale.set_value(term.scale)
        self._start.set_value(term.start)
        self._end.set_value(term.end)

    def _lead(self, *parts: QWidget) -> None:
        """Put these between the title and the scale."""
        for place, part in enumerate(parts, 1):
            self._column.insertWidget(place, part)

    def _set(self, **changes: object) -> None:
        if self._term is not None:
            self.changed.emit(self, replace(self._term, **changes))

    def _moved(self) -> None:
        self._set(scale=self._scale.value, start=self._start.value, end=self._end.value)

    def _remove(self) -> None:
        self.removed.emit(self)


class FromClassBox(TermBox):
    """Classifier-free: away from a class, or from none."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__("Classifier-free", neutral=1.0)
        self._class = ChoiceRow("Away from")
        self._class.set_choices([("", "no class"), *_numbered(classes)])
        self._class.chosen.connect(self._choose)
        self._lead(self._class)

    def show_term(self, term: ClassifierFree) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        weights = term.negative.weights if isinstance(term.negative, Classes) else ()
        self._class.set_key(str(weights[0].index) if weights else "")

    def _choose(self, key: str) -> None:
        self._set(negative=Classes((ClassWeight(int(key)),) if key else ()))
        self.gesture_ended.emit()


class FromTextBox(TermBox):
    """Classifier-free: away from a text, or from what no text says."""

    def __init__(self) -> None:
        super().__init__("Classifier-free", neutral=1.0)
        self._away = TextsBox("Away from", "What the picture should not show", "nothing")
        self._away.changed.connect(self._write)
        self._away.gesture_ended.connect(self.gesture_ended)
        self._lead(self._away)

    def show_term(self, term: ClassifierFree) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        self._away.show_texts(term.negative if isinstance(term.negative, Texts) else Texts())

    def _write(self, texts: Texts) -> None:
        self._set(negative=texts)


class ToClassBox(TermBox):
    """Toward a class of a noise-aware classifier."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__("Classifier")
        self._class = ChoiceRow("Toward")
        self._class.set_choices(_numbered(classes))
        self._class.chosen.connect(self._choose)
        self._lead(self._class)

    def show_term(self, term: Classifier) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        self._class.set_key(str(term.index))

    def _choose(self, key: str) -> None:
        self._set(index=int(key))
        self.gesture_ended.emit()


class TextTermBox(TermBox):
    """Toward a text, and away from another."""

    def __init__(self, note: str) -> None:
        super().__init__("Text", note)
        self._text = LineRow("Toward", "What the picture should show", EXAMPLE)
        self._away = LineRow("Away from", "What it should not show; may be empty", "nothing")
        self._text.written.connect(self._write_text)
        self._away.written.connect(self._write_away)
        self._lead(self._text, self._away)

    def show_term(self, term: ClipGuidance) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        self._text.set_text(term.text)
        self._away.set_text(term.away)

    def _write_text(self, text: str) -> None:
        if not text:
            self._text.put_back()  # a text is what it is
            return
        self._set(text=text)
        self.gesture_ended.emit()

    def _write_away(self, text: str) -> None:
        self._set(away=text)
        self.gesture_ended.emit()


def _numbered(classes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(str(i), name) for i, name in enumerate(classes)]
