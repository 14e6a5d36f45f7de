"""Drag points: what is set on the canvas, the drag in the worker, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.brush import dabbed
from desktop.commands import Gesture
from desktop.controllers.one_job import OneJob
from desktop.display import shown
from desktop.facts import DragView
from desktop.lanes import Job, QueueLane
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.recipe import Computed, Generate, Recipe, Tuned
from engine.studio import Studio
from engine.wishes import Drag, DragFrame, DragWish

DRAG = "drag"
MOST_POINTS = 16
Spot = tuple[float, float]


@dataclass(frozen=True)
class DragPoints:
    """What is set: handles, targets, and discs of the mask."""

    handles: tuple[Spot, ...] = ()
    targets: tuple[Spot, ...] = ()
    mask: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class _Drag:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    wish: DragWish
    frame: Callable[[Any], None]

    def __call__(self, progress: OnProgress, token: CancelToken) -> Drag:
        return self.studio.edit.drag(self.wish, progress, token, self.frame)


class DragController(QObject):
    """Setting points is undoable; so is every drag, and going to another of its steps."""

    view_changed = Signal(object)  # DragView
    began = Signal()
    progressed = Signal(object)  # Progress
    live = Signal(object)  # Shown
    done = Signal(object)  # Drag
    step_recipe = Signal(object, str)  # Recipe, what was done
    slid = Signal(object, str)  # Recipe of a step that is passed by, what is done
    stopped = Signal()
    told = Signal(object)  # Message
    _framed = Signal(object)  # DragFrame; crosses from the worker's thread

    def __init__(
        self, studio: Studio, lane: QueueLane, undo: QUndoStack, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.points = DragPoints()
        self._studio = studio
        self._lane = lane
        self._gesture = Gesture(undo, self._restore)
        self._masking = False
        self._brush = 0.12
        self._recipe: Recipe | None = None
        self._one = OneJob(self, lane)
        self._drag: Drag | None = None
        self._step = 0
        self._live: tuple[Spot, ...] = ()
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._finished)
        for signal, ours in ((self._one.stopped, self.stopped), (self._one.failed, self.told)):
            signal.connect(ours)
            signal.connect(self.publish)
        self._framed.connect(self._show_frame, Qt.ConnectionType.QueuedConnection)

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas. Points that its Recipe keeps are shown again."""
        if recipe == self._recipe:
            return
        self._recipe = recipe
        if self._drag is not None and not self._is_step(recipe):
            self._drag = None
        kept = kept_points(recipe)
        if kept is not None and self._one.job is None and not self.points.handles:
            self.points = kept
        self.publish()

    def _is_step(self, recipe: Recipe) -> bool:
        drag = self._drag
        if drag is None:
            return False
        if recipe == drag.wish.recipe:
            self._step = 0
            return True
        found = _computed(recipe)
        results = [step.result for step in drag.steps]
        if found is not None and found.result in results:
            self._step = results.index(found.result) + 1
            return True
        return False

    # --- points

    def place(self, handle: Spot, target: Spot) -> None:
        """A new pair."""
        if len(self.points.handles) < MOST_POINTS:
            self._do("Set a point", replace(
                self.points, handles=(*self.points.handles, handle),
                targets=(*self.points.targets, target),
            ))  # fmt: skip

    def move_point(self, index: int, is_target: bool, spot: Spot) -> None:
        """Move a handle or a target; live until the gesture ends."""
        name = "targets" if is_target else "handles"
        old = getattr(self.points, name)
        self._change(replace(self.points, **{name: (*old[:index], spot, *old[index + 1 :])}))

    def remove_point(self, index: int) -> None:
        """Take a pair away."""
        kept = [
            tuple(x for i, x in enumerate(part) if i != index)
            for part in (self.points.handles, self.points.targets)
        ]
        self._do("Remove a point", replace(self.points, handles=kept[0], targets=kept[1]))

    def paint(self, spot: Spot, wipe: bool) -> None:
        """A dab of the brush; live until the gesture ends."""
        mask = dabbed(self.points.mask, spot, self._brush, wipe)
        if mask != self.points.mask:
            self._change(replace(self.points, mask=mask))

    def end_gesture(self) -> None:
        """The hand is off."""
        self._gesture.end("Move points", self.points)

    @Slot()
    def clear(self) -> None:
        """Take every point away."""
        self._do("Clear points", replace(self.points, handles=(), targets=()))

    @Slot()
    def clear_mask(self) -> None:
        """Let all of the picture move."""
        self._do("Clear mask", replace(self.points, mask=()))

    @Slot(str)
    def set_mode(self, mode: str) -> None:
        """Points or mask."""
        self._masking = mode == "mask"
        self.publish()

    @Slot(float)
    def set_brush(self, percent: float) -> None:
        """The brush's radius, in hundredths of the picture."""
        self._brush = percent / 100
        self.publish()

    def _change(self, points: DragPoints) -> None:
        self._gesture.begin(self.points)
        self.points = points
        self.publish()

    def _do(self, text: str, points: DragPoints) -> None:
        self.end_gesture()
        self._gesture.whole(text, self.points, points)

    def _restore(self, points: DragPoints) -> None:
        self.points = points
        self.publish()

    # --- the drag

    @Slot()
    def start(self) -> None:
        """Begin to drag the picture on the canvas."""
        if self._recipe is None or self._one.job is not None or not self.points.handles:
            return
        wish = DragWish(self._recipe, self.points.handles, self.points.targets, self.points.mask)
        self._live = self.points.handles
        self.began.emit()
        self._one.begin(Job(DRAG, "Dragging points", _Drag(self._studio, wish, self._framed.emit)))
        self.publish()

    @Slot()
    def cancel(self) -> None:
        """Stop; the steps so far are kept."""
        self._one.cancel()

    @Slot(int)
    def go_to_step(self, step: int) -> None:
        """Show a step, 0 being where the drag began."""
        if self._drag is not None and step != self._step and 0 <= step <= len(self._drag.steps):
            self._step = step
            recipe = self._studio.edit.recipe_of_step(self._drag, step - 1)
            self.slid.emit(recipe, "Go to a step of a drag")

    @Slot(object)
    def _show_frame(self, frame: DragFrame) -> None:
        if self._one.job is not None:
            self._live = frame.handles
            self.live.emit(shown(frame.pixels))
            self.publish()

    @Slot()
    def publish(self) -> None:
        """Tell panel and canvas what there is."""
        running = self._one.job is not None
        handles = self._live if running else self.points.handles
        steps = 0 if self._drag is None else len(self._drag.steps)
        self.view_changed.emit(
            DragView(
                handles, self.points.targets, self.points.mask, self._masking, self._brush,
                running, steps, self._step,
            )
        )  # fmt: skip

    @Slot(object, object)
    def _finished(self, job: Job, result: Drag) -> None:
        self.done.emit(result)
        if result.steps:
            self._drag, self._step = result, len(result.steps)
            before = self.points
            self.points = replace(before, handles=result.steps[-1].handles)
            recipe = self._studio.edit.recipe_of_step(result, len(result.steps) - 1)
            self.step_recipe.emit(recipe, "Drag points")
        self.publish()


def _computed(recipe: Recipe) -> Computed | None:
    image = recipe.image.image if isinstance(recipe.image, Tuned) else recipe.image
    latent = image.latent if isinstance(image, Generate) else None
    while latent is not None and not isinstance(latent, Computed):
        latent = getattr(latent, "base", None)
    return latent if isinstance(latent, Computed) and latent.search == "drag" else None


def kept_points(recipe: Recipe) -> DragPoints | None:
    """The points that a dragged picture's Recipe keeps."""
    found = _computed(recipe)
    if found is None:
        return None
    values = {setting.name: setting.value for setting in found.settings}

    def groups(name: str, size: int) -> tuple[tuple[float, ...], ...]:
        flat = values.get(name, ())
        numbers = flat if isinstance(flat, tuple) else ()
        return tuple(tuple(numbers[i : i + size]) for i in range(0, len(numbers) - size + 1, size))

    handles, targets = groups("handles", 2), groups("targets", 2)
    if not handles or len(handles) != len(targets):
        return None
    return DragPoints(handles, targets, groups("mask", 3))  # type: ignore[arg-type]
