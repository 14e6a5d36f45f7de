"""Guidance: terms that add up, each with its scale and the part of the steps it works in."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.diffuse_state import DiffuseState, TermSetting
from desktop.facts import DiffuseKit
from desktop.widgets.button import IconButton, push
from desktop.widgets.choice_row import ChoiceRow
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.recipe import ModelRef

MOST = 8
TITLES = {"classifier_free": "Classifier-free", "classifier": "Classifier"}


class TermBox(QWidget):
    """One term. Its signals carry itself, so that the panel knows its place."""

    changed = Signal(object, object)  # the box, TermSetting
    removed = Signal(object)
    gesture_ended = Signal()

    def __init__(self, kind: str, classes: tuple[str, ...]) -> None:
        super().__init__()
        self._kind = kind
        self._term: TermSetting | None = None
        free = kind == "classifier_free"
        head = QHBoxLayout()
        head.addWidget(label(TITLES[kind], role="strong"), 1)
        remove = IconButton("close", "Remove this guidance", size_px=12)
        head.addWidget(remove)
        self._class = ChoiceRow("Away from" if free else "Toward")
        names = [(str(i), name) for i, name in enumerate(classes)]
        self._class.set_choices([("", "no class"), *names] if free else names)
        self._scale = SliderRow("Scale", 0, 10, 1.0 if free else 0.0, beyond=(-50, 50), step=0.1)
        self._start = SliderRow("From", 0, 1, 0.0)
        self._end = SliderRow("Until", 0, 1, 1.0)
        self._start.setToolTip("The fraction of the steps where it begins to work")
        self._end.setToolTip("The fraction of the steps where it ends; what comes before is reused")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 8)
        column.setSpacing(0)
        column.addLayout(head)
        for part in (self._class, self._scale, self._start, self._end):
            column.addWidget(part)
        for row in (self._scale, self._start, self._end):
            row.value_changed.connect(self._moved)
            row.gesture_ended.connect(self.gesture_ended)
        self._class.chosen.connect(self._chosen)
        remove.clicked.connect(self._remove)

    @property
    def kind(self) -> str:
        """Of the term."""
        return self._kind

    def show_term(self, term: TermSetting) -> None:
        """Show the term; emits nothing."""
        self._term = term
        self._class.set_key("" if term.index is None else str(term.index))
        self._scale.set_value(term.scale)
        self._start.set_value(term.start)
        self._end.set_value(term.end)

    def _moved(self) -> None:
        if self._term is not None:
            term = replace(
                self._term,
                scale=self._scale.value,
                start=self._start.value,
                end=self._end.value,
            )
            self.changed.emit(self, term)

    def _chosen(self, key: str) -> None:
        if self._term is not None:
            self.changed.emit(self, replace(self._term, index=int(key) if key else None))
            self.gesture_ended.emit()

    def _remove(self) -> None:
        self.removed.emit(self)


class GuidancePanel(QWidget):
    """States the terms that are wanted."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self._boxes: list[TermBox] = []
        self._shape: tuple[object, ...] = ()
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._empty = label("The model's own pictures, without guidance.", tone="muted", wrap=True)
        self._free = push("Add classifier-free", "Toward the class, away from another or from none")
        self._judged = push("Add classifier", "Toward a class of a noise-aware classifier")
        self._rescale = SliderRow("Rescale", 0, 1, 0.0)
        self._rescale.setToolTip("How far the spread of the guided picture is brought back")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._free)
        buttons.addWidget(self._judged)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        column.addLayout(self._list)
        column.addWidget(self._empty)
        column.addLayout(buttons)
        column.addWidget(self._rescale)
        column.setAlignment(buttons, Qt.AlignmentFlag.AlignLeft)
        self._free.clicked.connect(self._add_free)
        self._judged.clicked.connect(self._add_judged)
        self._rescale.value_changed.connect(self._set_rescale)
        self._rescale.gesture_ended.connect(self.gesture_ended)

    def set_kit(self, kit: DiffuseKit) -> None:
        """The models and classifiers that there are."""
        self._kit = kit
        self._judged.setEnabled(bool(kit.classifiers))
        if not kit.classifiers:
            self._judged.setToolTip("There is no noise-aware classifier on this machine")

    def show_state(self, state: DiffuseState) -> None:
        """Show the terms."""
        self._state = state
        shape = (state.model, *((t.kind, t.model) for t in state.terms))
        if shape != self._shape:
            self._shape = shape
            self._make_boxes(state)
        for box, term in zip(self._boxes, state.terms, strict=True):
            box.show_term(term)
        self._empty.setVisible(not state.terms)
        full = len(state.terms) >= MOST
        self._free.setEnabled(not full)
        self._judged.setEnabled(not full and bool(self._kit and self._kit.classifiers))
        self._rescale.set_value(state.rescale)

    def _make_boxes(self, state: DiffuseState) -> None:
        for box in self._boxes:
            self._list.removeWidget(box)
            box.hide()  # it lives on until the event loop turns
            box.deleteLater()
        self._boxes = []
        for term in state.terms:
            box = TermBox(term.kind, self._classes(state, term))
            box.changed.connect(self._changed)
            box.removed.connect(self._removed)
            box.gesture_ended.connect(self.gesture_ended)
            self._list.addWidget(box)
            self._boxes.append(box)

    def _classes(self, state: DiffuseState, term: TermSetting) -> tuple[str, ...]:
        if self._kit is None:
            return ()
        if term.model is not None:
            return self._kit.classes_of_classifier(term.model.sha256)
        info = self._kit.maker(state.model.sha256)
        return () if info is None else info.classes

    def _changed(self, box: TermBox, term: TermSetting) -> None:
        if self._state is not None and box in self._boxes:
            terms = list(self._state.terms)
            terms[self._boxes.index(box)] = term
            self.field_changed.emit("terms", tuple(terms))

    def _removed(self, box: TermBox) -> None:
        if self._state is not None and box in self._boxes:
            at = self._boxes.index(box)
            self._set_terms(self._state.terms[:at] + self._state.terms[at + 1 :])

    def _add_free(self) -> None:
        if self._state is not None:
            self._set_terms((*self._state.terms, TermSetting("classifier_free", 3.0)))

    def _add_judged(self) -> None:
        if self._state is not None and self._kit is not None and self._kit.classifiers:
            info = self._kit.classifiers[0]
            index = self._state.class_index or 0
            ref = ModelRef(info.name, info.sha256)
            term = TermSetting("classifier", 4.0, index=index, model=ref)
            self._set_terms((*self._state.terms, term))

    def _set_terms(self, terms: tuple[TermSetting, ...]) -> None:
        self.field_changed.emit("terms", terms)
        self.gesture_ended.emit()

    def _set_rescale(self, amount: float) -> None:
        self.field_changed.emit("rescale", amount)
