"""Terms of the guidance that have a picture of their own, and variations among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from desktop.views.term_box import TermBox
from desktop.widgets.button import push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.line_row import LineRow
from desktop.widgets.recipe_drag import carries, text_of
from desktop.widgets.text import label
from engine.likening import Likeness, TextDifference
from engine.recipe import ModelRef, Photo, walk
from engine.wishes import ClipInfo


class PictureTermBox(TermBox):
    """Its signals for pictures carry itself, as those of every term."""

    photo_wanted = Signal(object)
    photo_dropped = Signal(object, object)  # the box, Path
    recipe_dropped = Signal(object, str)  # the box, a picture of this program

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a file, or a picture of this program."""
        if carries(event) or (
            event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile()
        ):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the picture that was let go."""
        if carries(event):
            self.recipe_dropped.emit(self, text_of(event))
            event.acceptProposedAction()
            return
        self.photo_dropped.emit(self, Path(event.mimeData().urls()[0].toLocalFile()))
        event.acceptProposedAction()

    def _ask(self) -> None:
        self.photo_wanted.emit(self)


class LikenessBox(PictureTermBox):
    """Toward another picture."""

    def __init__(self) -> None:
        super().__init__("Blend", "toward another picture", 0.5, 1.0, (0, 1))
        self._told = label("", tone="muted", wrap=True)
        photo = push("Another photo…", "Blend with a picture from a file; or drop one", "tight")
        self._lead(self._told, photo)
        photo.clicked.connect(self._ask)

    def show_term(self, term: Likeness) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        photo = any(isinstance(node, Photo) for node in walk(term.image))
        self._told.setText(f"Goes toward {'a photo' if photo else 'a generated picture'}.")


class DifferenceBox(TermBox):
    """Along the difference of two texts."""

    def __init__(self, clips: Sequence[ClipInfo]) -> None:
        super().__init__("Difference", "of two texts", 0.35, 1.0, (0, 1))
        self._clips = {clip.sha256: clip for clip in clips}
        self._clip = ChoiceRow("Read by", "The CLIP that the model looks through")
        self._clip.set_choices([(clip.sha256, clip.title) for clip in clips])
        self._away = LineRow("From", "What it shows now: a face")
        self._text = LineRow("To", "What it should show: a face with glasses")
        self._lead(self._clip, self._away, self._text)
        self._clip.chosen.connect(self._choose)
        self._away.written.connect(self._write_away)
        self._text.written.connect(self._write_text)

    def show_term(self, term: TextDifference) -> None:
        """Show the term; emits nothing."""
        super().show_term(term)
        self._clip.set_key(term.model.sha256, term.model.name)
        self._away.set_text(term.away)
        self._text.set_text(term.text)

    def _choose(self, key: str) -> None:
        clip = self._clips[key]
        self._set(model=ModelRef(clip.name, clip.sha256))
        self.gesture_ended.emit()

    def _write_away(self, text: str) -> None:
        self._write(self._away, "away", text)

    def _write_text(self, text: str) -> None:
        self._write(self._text, "text", text)

    def _write(self, row: LineRow, name: str, text: str) -> None:
        if not text:
            row.put_back()  # a difference needs both
            return
        self._set(**{name: text})
        self.gesture_ended.emit()
