"""Guidance: terms that add up, each with its scale and the part of the steps it works in."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.diffuse_state import DiffuseState
from desktop.facts import DiffuseKit
from desktop.views.control_box import ControlBox
from desktop.views.picture_term_box import DifferenceBox, LikenessBox, PictureTermBox
from desktop.views.term_box import (
    EXAMPLE,
    FromClassBox,
    FromTextBox,
    TermBox,
    TextTermBox,
    ToClassBox,
)
from desktop.widgets.button import push
from desktop.widgets.slider_row import SliderRow
from desktop.widgets.text import label
from engine.controlling import Control, ControlInfo, Drawn, Pose
from engine.denoising import (
    Classifier,
    ClassifierFree,
    ClipGuidance,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
)
from engine.guides import eyes_for
from engine.likening import Likeness, TextDifference
from engine.recipe import ModelRef

MOST = 8
BEFORE, BECOMES = "a face", "a smiling face with glasses"
CLASS_SCALE, TEXT_SCALE, PICTURE_SCALE = 4.0, 1.0, 1.5


class GuidancePanel(QWidget):
    """States the terms that are wanted."""

    field_changed = Signal(str, object)
    gesture_ended = Signal()
    photo_wanted = Signal(int)  # for the term at that place; after the last, for a new blend
    photo_dropped = Signal(int, object)  # likewise, Path
    recipe_dropped = Signal(int, str)  # likewise, a picture of this program
    drawing_chosen = Signal(object)  # the place, or None
    brush_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self._boxes: list[TermBox] = []
        self._shape: tuple[object, ...] = ()
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._empty = label("The model's own pictures, without guidance.", tone="muted", wrap=True)
        self._free = push("Classifier-free", "Add guidance toward the class, away from another")
        self._judged = push("Classifier", "Add guidance toward a class of a noise-aware classifier")
        self._said = push("Text", "Add guidance toward a text that a CLIP reads")
        words = "Add perturbed-attention guidance: clearer parts, fewer kinds of pictures"
        self._cleared = push("Attention", words)
        self._followed = push("ControlNet", "Add a ControlNet, which follows a picture or lines")
        self._seen = push("Picture", "Add guidance toward the picture that the model is shown")
        self._blended = push("Blend…", "Go part of the way toward another picture")
        self._turned = push("Difference", "Go along the difference of two texts")
        self._rescale = SliderRow("Rescale", 0, 1, 0.0)
        self._rescale.setToolTip("How far the spread of the guided picture is brought back")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._free)
        buttons.addWidget(self._judged)
        buttons.addWidget(self._said)
        buttons.addWidget(self._cleared)
        buttons.addStretch(1)
        more = QHBoxLayout()
        more.setSpacing(8)
        more.addWidget(self._followed)
        more.addWidget(self._seen)
        more.addWidget(self._blended)
        more.addWidget(self._turned)
        more.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 8, 12)
        column.setSpacing(4)
        column.addLayout(self._list)
        column.addWidget(self._empty)
        column.addLayout(buttons)
        column.addLayout(more)
        column.addWidget(self._rescale)
        column.setAlignment(buttons, Qt.AlignmentFlag.AlignLeft)
        self._said.clicked.connect(self._add_said)
        self._cleared.clicked.connect(self._add_cleared)
        self._followed.clicked.connect(self._add_followed)
        self._seen.clicked.connect(self._add_seen)
        self._blended.clicked.connect(self._ask_blended)
        self._turned.clicked.connect(self._add_turned)
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
        self._said.setEnabled(bool(kit.clips))
        if not kit.clips:
            self._said.setToolTip("There is no CLIP on this machine")

    def show_state(self, state: DiffuseState) -> None:
        """Show the terms."""
        self._state = state
        shape = (state.model, *((t.op, getattr(t, "model", None)) for t in state.terms))
        if shape != self._shape:
            self._shape = shape
            self._make_boxes(state)
        for box, term in zip(self._boxes, state.terms, strict=True):
            box.show_term(term)
        self._empty.setVisible(not state.terms)
        full = len(state.terms) >= MOST
        self._free.setEnabled(not full)
        self._judged.setEnabled(not full and bool(self._kit and self._kit.classifiers))
        self._said.setEnabled(not full and bool(self._kit and self._kit.clips))
        info = self._info()
        self._followed.setVisible(bool(self._nets()))
        self._followed.setEnabled(not full)
        self._cleared.setVisible(info is not None and bool(info.usual_pag))
        self._cleared.setEnabled(
            not full and not any(isinstance(t, PerturbedAttention) for t in state.terms)
        )
        self._seen.setVisible(info is not None and info.shown == "picture")
        self._seen.setEnabled(not any(isinstance(t, PictureGuidance) for t in state.terms))
        varies = info is not None and info.shown == "like"
        self._blended.setVisible(varies)
        self._blended.setEnabled(not full)
        self._turned.setVisible(varies and bool(self._kit and self._kit.clips))
        self._turned.setEnabled(not full)
        self._rescale.set_value(state.rescale)

    def _info(self) -> DenoiserInfo | None:
        state, kit = self._state, self._kit
        return None if kit is None or state is None else kit.maker(state.model.sha256)

    def _nets(self) -> tuple[ControlInfo, ...]:
        """The ControlNets that fit the model."""
        info, kit = self._info(), self._kit
        return () if kit is None or info is None else kit.controls.get(info.sha256, ())

    def _make_boxes(self, state: DiffuseState) -> None:
        self.drawing_chosen.emit(None)  # no new box is drawn for
        for box in self._boxes:
            self._list.removeWidget(box)
            box.hide()  # it lives on until the event loop turns
            box.deleteLater()
        self._boxes = []
        for term in state.terms:
            box = self._box(state, term)
            box.changed.connect(self._changed)
            box.removed.connect(self._removed)
            box.gesture_ended.connect(self.gesture_ended)
            self._list.addWidget(box)
            self._boxes.append(box)

    def _box(self, state: DiffuseState, term: Guidance) -> TermBox:
        if isinstance(term, ClipGuidance):
            return TextTermBox("" if term.eyes else "through the U-Net, slower")
        if isinstance(term, PerturbedAttention):
            return TermBox("Attention", "clearer parts, fewer kinds", most=5.0)
        if isinstance(term, PictureGuidance):
            return TermBox("Picture", "toward what is shown", neutral=1.0)
        if isinstance(term, Control):
            return self._control_box()
        if isinstance(term, Likeness):
            return self._with_pictures(LikenessBox())
        if isinstance(term, TextDifference):
            return DifferenceBox(self._kit.clips if self._kit else ())
        if isinstance(term, Classifier):
            kit = self._kit
            return ToClassBox(() if kit is None else kit.classes_of_classifier(term.model.sha256))
        info = self._info()
        if info is not None and info.reads:
            return FromTextBox()
        return FromClassBox(() if info is None else info.classes)

    def _control_box(self) -> ControlBox:
        info = self._info()
        box = ControlBox(self._nets(), 0 if info is None else info.resolution)
        self._with_pictures(box)
        box.drawing_chosen.connect(self._choose_drawing)
        box.brush_changed.connect(self.brush_changed)
        return box

    def _with_pictures(self, box: PictureTermBox) -> PictureTermBox:
        box.photo_wanted.connect(self._ask_photo)
        box.photo_dropped.connect(self._take_photo)
        box.recipe_dropped.connect(self._take_recipe)
        return box

    def _ask_photo(self, box: TermBox) -> None:
        self.photo_wanted.emit(self._boxes.index(box))

    def _take_photo(self, box: TermBox, path: object) -> None:
        self.photo_dropped.emit(self._boxes.index(box), path)

    def _take_recipe(self, box: TermBox, text: str) -> None:
        self.recipe_dropped.emit(self._boxes.index(box), text)

    def _choose_drawing(self, box: TermBox, on: bool) -> None:
        if box in self._boxes:
            self.drawing_chosen.emit(self._boxes.index(box) if on else None)

    def _changed(self, box: TermBox, term: Guidance) -> None:
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
            self._set_terms((*self._state.terms, ClassifierFree(3.0)))

    def _add_judged(self) -> None:
        if self._state is not None and self._kit is not None and self._kit.classifiers:
            info = self._kit.classifiers[0]
            index = self._state.class_index or 0
            term = Classifier(ModelRef(info.name, info.sha256), index, CLASS_SCALE)
            self._set_terms((*self._state.terms, term))

    def _add_said(self) -> None:
        if self._state is None or self._kit is None or not self._kit.clips:
            return
        clip = self._kit.clips[0]
        info = self._info()
        size = 0 if info is None else info.resolution
        eyes = eyes_for(clip.sha256, size, self._kit.eyes)
        term = ClipGuidance(ModelRef(clip.name, clip.sha256), EXAMPLE, TEXT_SCALE, eyes=eyes)
        self._set_terms((*self._state.terms, term))

    def _add_cleared(self) -> None:
        info = self._info()
        if self._state is not None and info is not None and info.usual_pag:
            self._set_terms((*self._state.terms, PerturbedAttention(info.usual_pag)))

    def _add_followed(self) -> None:
        info, nets = self._info(), self._nets()
        if self._state is not None and info is not None and nets:
            ref = ModelRef(nets[0].name, nets[0].sha256)
            side = info.resolution
            first = Pose(side) if nets[0].follows == "pose" else Drawn(side)
            self._set_terms((*self._state.terms, Control(ref, first)))

    def _add_seen(self) -> None:
        if self._state is not None:
            self._set_terms((*self._state.terms, PictureGuidance(PICTURE_SCALE)))

    def _ask_blended(self) -> None:
        if self._state is not None:
            self.photo_wanted.emit(len(self._state.terms))  # it comes with its picture

    def _add_turned(self) -> None:
        if self._state is not None and self._kit is not None and self._kit.clips:
            clip = self._kit.clips[0]
            ref = ModelRef(clip.name, clip.sha256)
            self._set_terms((*self._state.terms, TextDifference(ref, BECOMES, BEFORE)))

    def _set_terms(self, terms: tuple[Guidance, ...]) -> None:
        self.field_changed.emit("terms", terms)
        self.gesture_ended.emit()

    def _set_rescale(self, amount: float) -> None:
        self.field_changed.emit("rescale", amount)
