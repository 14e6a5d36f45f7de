"""Finding directions: the marks, the search in the worker, and what comes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Replace
from desktop.controllers.one_job import OneJob
from desktop.controllers.thumbs import ThumbController
from desktop.facts import MarkView
from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of, plain
from desktop.state import ExploreState, recipe_of
from engine.cancel import CancelToken
from engine.frame import DirectionInfo, OnProgress
from engine.recipe import MAX_SEED, Recipe, Seed
from engine.studio import Studio
from engine.wishes import DirectionWish, Labelled

FIND, BRING, SEND, CHANGE = "find", "import direction", "export direction", "change direction"
KIND = "marks"
SHOWN = 24


@dataclass(frozen=True)
class _Find:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    model: str
    wish: DirectionWish

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[DirectionInfo, ...]:
        return self.studio.edit.find_directions(self.model, self.wish, progress, token)


@dataclass(frozen=True)
class _Bring:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    model: str
    path: Path
    anyway: bool

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[DirectionInfo, ...]:
        return self.studio.edit.import_direction(
            self.model, self.path, progress, token, self.anyway
        )


@dataclass(frozen=True)
class _Send:
    """Runs in the lane's thread."""

    studio: Studio
    model: str
    name: str
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Path:
        return self.studio.edit.export_direction(self.model, self.name, self.path)


@dataclass(frozen=True)
class _Change:
    """Renames, or removes where the label is None; runs in the lane's thread."""

    studio: Studio
    model: str
    name: str
    label: str | None

    def __call__(self, progress: OnProgress, token: CancelToken) -> None:
        if self.label is None:
            self.studio.edit.remove_direction(self.model, self.name)
        else:
            self.studio.edit.rename_direction(self.model, self.name, self.label)


class FindingController(QObject):
    """Marks belong to one model; another model begins with none."""

    marks_changed = Signal(object)  # MarkView
    began = Signal()
    progressed = Signal(object)  # Progress
    found = Signal(object)  # tuple of DirectionInfo
    stopped = Signal()
    told = Signal(object)  # Message
    renew_wanted = Signal(str)  # model whose directions are others now

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        thumbs: ThumbController,
        undo: QUndoStack,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._undo = undo
        self._lane = lane
        self._thumbs = thumbs
        self._kit: Kit | None = None
        self._state: ExploreState | None = None
        self._one = OneJob(self, lane)
        self._open = False
        self._recipes: tuple[Recipe, ...] = ()
        self.marks: dict[Recipe, int] = {}
        self._random = random.SystemRandom()
        self._soon = QTimer(self, interval=60, singleShot=True)
        self._soon.timeout.connect(self._publish)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._found)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)
        lane.finished.connect(self._changed)
        lane.failed.connect(self._refused)
        thumbs.arrived.connect(self._arrived)

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """Another model."""
        if self._kit is None or kit.ref != self._kit.ref:
            self.marks, self._recipes = {}, ()
        self._kit = kit

    @Slot(object)
    def follow(self, state: ExploreState) -> None:
        """Pictures to mark are made with the page's model and truncation."""
        self._state = state
        if self._open and not self._recipes:
            self.fresh()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Render only while somebody looks."""
        self._open = is_open
        if is_open and not self._recipes and self._state is not None:
            self.fresh()
        elif not is_open:
            self._thumbs.ask(KIND, ())

    @Slot()
    def fresh(self) -> None:
        """Other pictures to mark; the marks of those before are kept."""
        if self._state is None:
            return
        plain_state = replace(self._state, moves=(), mixes=(), delta=None)
        seeds = [self._random.randint(0, MAX_SEED) for _ in range(SHOWN)]
        self._recipes = tuple(recipe_of(replace(plain_state, base=Seed(n))) for n in seeds)
        self._thumbs.ask(KIND, self._recipes)
        self._publish()

    @Slot(int, int)
    def mark(self, index: int, mark: int) -> None:
        """Mark a picture as more (1), less (-1) or neither (0)."""
        if index < len(self._recipes):
            recipe = self._recipes[index]
            before = dict(self.marks)
            after = {known: value for known, value in before.items() if known != recipe}
            if mark:
                after[recipe] = mark
            self._set_marks(after)
            self._undo.push(Replace("Mark a picture", self._set_marks, before, after))

    def _set_marks(self, marks: dict[Recipe, int]) -> None:
        self.marks = dict(marks)
        self._publish()

    @Slot(str)
    def learn(self, name: str) -> None:
        """Learn a direction from the marks."""
        marks = tuple(Labelled(recipe, mark > 0) for recipe, mark in self.marks.items())
        self.find(DirectionWish("labels", marks=marks, name=name or self._free_name()))

    def _free_name(self) -> str:
        known = {d.name for d in self._kit.directions} if self._kit is not None else set()
        numbers = range(1, len(known) + 2)
        return next(name for n in numbers if (name := f"my direction {n}") not in known)

    @Slot(object)
    def find(self, wish: DirectionWish) -> None:
        """Begin a search."""
        if self._kit is not None and self._one.job is None:
            work = _Find(self._studio, self._kit.info.name, wish)
            self._begin(Job(FIND, "Finding directions", work, self._kit.info.name))

    @Slot(object)
    def bring(self, path: Path, anyway: bool = False) -> None:
        """Import directions from a file."""
        if self._kit is not None and self._one.job is None:
            work = _Bring(self._studio, self._kit.info.name, path, anyway)
            self._begin(Job(BRING, f"Importing {path.name}", work, self._kit.info.name))

    @Slot(object, object)
    def send(self, info: DirectionInfo, path: Path) -> None:
        """Export a direction to a file."""
        if self._kit is not None:
            work = _Send(self._studio, self._kit.info.name, info.name, path)
            self._lane.submit(Job(SEND, f"Exporting {path.name}", work, path))

    @Slot(object)
    def remove(self, info: DirectionInfo) -> None:
        """Take a direction away."""
        self._alter(info, None)

    @Slot(object, str)
    def rename(self, info: DirectionInfo, label: str) -> None:
        """Give a direction another label."""
        self._alter(info, label)

    def _alter(self, info: DirectionInfo, label: str | None) -> None:
        if self._kit is not None:
            work = _Change(self._studio, self._kit.info.name, info.name, label)
            self._lane.submit(Job(CHANGE, "Changing a direction", work, self._kit.info.name))

    def _begin(self, job: Job) -> None:
        self.began.emit()
        self._one.begin(job)

    @Slot()
    def cancel(self) -> None:
        """Stop the search; nothing is kept of it."""
        self._one.cancel()

    @Slot(object, object)
    def _found(self, job: Job, result: tuple[DirectionInfo, ...]) -> None:
        self.found.emit(result)
        self.renew_wanted.emit(job.about)

    @Slot(object, object)
    def _changed(self, job: Job, result: object) -> None:
        if job.kind == CHANGE:
            self.renew_wanted.emit(job.about)
        elif job.kind == SEND:
            name = plain(str(getattr(result, "name", "")), 80)
            self.told.emit(Message(f"Exported {name}.", tone="good"))

    @Slot(object, object)
    def _refused(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if job.kind in (CHANGE, SEND) and message is not None:
            self.told.emit(message)

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        if self._open and recipe in self._recipes and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _publish(self) -> None:
        images = tuple(self._thumbs.get(recipe) for recipe in self._recipes)
        marks = tuple(self.marks.get(recipe, 0) for recipe in self._recipes)
        kept = [mark for recipe, mark in self.marks.items() if recipe not in self._recipes]
        self.marks_changed.emit(MarkView(images, marks, kept.count(1), kept.count(-1)))
