"""The queue of the Diffuse page: pictures that are made one after another while work goes on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from desktop.controllers.one_job import OneJob
from desktop.diffuse_state import DiffuseState, recipe_of
from desktop.display import thumb
from desktop.facts import DiffuseKit, QueueRow, QueueView
from desktop.lanes import Job, QueueLane
from desktop.messages import Message
from desktop.state import home_seed
from engine.cancel import CancelToken
from engine.comparing import SAMPLER_TITLES
from engine.denoising import Denoise
from engine.frame import DenoisingStep, Frame, OnProgress, Progress, RenderSettings
from engine.recipe import MAX_SEED, Recipe, Seed, walk
from engine.studio import Studio

KIND = "queue"
MOST = 64  # pictures added at once


@dataclass(frozen=True)
class _Work:
    """Renders one picture at full quality; runs in the lane's thread."""

    studio: Studio
    recipe: Recipe

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[Frame, QImage]:
        nodes = [node for node in walk(self.recipe.image) if isinstance(node, Denoise)]
        steps = sum(node.steps for node in nodes)

        def hear(step: DenoisingStep) -> None:
            progress(Progress("denoising", min(1.0, (step.index + 1) / max(steps, step.count))))

        frame = self.studio.render(self.recipe, RenderSettings(quality="full"), token, hear)
        return frame, thumb(frame.pixels)


@dataclass(frozen=True)
class _Entry:
    """A picture of the queue and how far it is."""

    state: DiffuseState
    row: QueueRow


class QueueController(QObject):
    """Makes the first picture that waits; the others can be moved, stopped and taken."""

    view_changed = Signal(object)  # QueueView
    taken = Signal(object)  # DiffuseState
    made = Signal(object)  # Frame

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = QueueLane(self, "queue")
        self._studio = studio
        self._kit: DiffuseKit | None = None
        self._state: DiffuseState | None = None
        self._entries: list[_Entry] = []
        self._running: int | None = None
        self._keys = itertools.count(1)
        self._work = OneJob(self, self.lane)
        self._work.progressed.connect(self._progressed)
        self._work.finished.connect(self._finished)
        self._work.failed.connect(self._failed)
        self._work.stopped.connect(self._stopped)

    @Slot(object)
    def set_kit(self, kit: DiffuseKit) -> None:
        """The models that there are; their classes name the rows."""
        self._kit = kit

    @Slot(object)
    def follow(self, state: DiffuseState) -> None:
        """The picture that `add` takes."""
        self._state = state

    @Slot(int)
    def add(self, count: int) -> None:
        """Put the picture of now at the end, and `count` - 1 more of the noises that follow."""
        state = self._state
        if state is None:
            return
        first = home_seed(state.base)
        for index in range(min(count, MOST)):
            seed = ((first or 0) + index) % (MAX_SEED + 1)
            base = state.base if index == 0 else Seed(seed)
            own = replace(state, base=base)
            row = QueueRow(next(self._keys), self._words(own), "waiting")
            self._entries.append(_Entry(own, row))
        self._go_on()

    @Slot(int)
    def remove(self, key: int) -> None:
        """Take a picture from the queue; the one that is being made stops."""
        if key == self._running:
            self._work.cancel()
            return
        self._entries = [entry for entry in self._entries if entry.row.key != key]
        self._publish()

    @Slot(int, int)
    def move(self, key: int, step: int) -> None:
        """Bring a picture that waits forward (-1) or back (1) among those that wait."""
        places = [i for i, entry in enumerate(self._entries) if entry.row.stage == "waiting"]
        here = next((n for n, i in enumerate(places) if self._entries[i].row.key == key), None)
        if here is None or not 0 <= here + step < len(places):
            return
        a, b = places[here], places[here + step]
        self._entries[a], self._entries[b] = self._entries[b], self._entries[a]
        self._publish()

    @Slot(int)
    def take(self, key: int) -> None:
        """The picture goes to the canvas."""
        entry = self._entry(key)
        if entry is not None:
            self.taken.emit(entry.state)

    @Slot()
    def clear(self) -> None:
        """Forget what is finished."""
        self._entries = [e for e in self._entries if e.row.stage in ("waiting", "running")]
        self._publish()

    @Slot()
    def stop(self) -> None:
        """Stop the picture that is being made and let go of all that wait."""
        self._entries = [entry for entry in self._entries if entry.row.stage != "waiting"]
        self._work.cancel()
        self._publish()

    def close(self) -> None:
        """Stop the lane."""
        self._work.drop()
        self.lane.close()

    def _words(self, state: DiffuseState) -> str:
        info = self._kit.maker(state.model.sha256) if self._kit is not None else None
        index, seed = state.class_index, home_seed(state.base)
        known = info is not None and index is not None and index < len(info.classes)
        named = info.classes[index] if info and index is not None and known else "any class"
        asked = state.prompt or named
        noise = "walk" if seed is None else f"noise {seed}"
        return f"{asked}, {noise}\n{SAMPLER_TITLES[state.sampler]}, {state.steps} steps"

    def _entry(self, key: int | None) -> _Entry | None:
        return next((entry for entry in self._entries if entry.row.key == key), None)

    def _put(self, key: int | None, **changed: object) -> None:
        self._entries = [
            replace(e, row=replace(e.row, **changed)) if e.row.key == key else e  # type: ignore[arg-type]
            for e in self._entries
        ]
        self._publish()

    def _go_on(self) -> None:
        """Begin the first that waits, where none is being made."""
        waiting = next((e for e in self._entries if e.row.stage == "waiting"), None)
        if self._running is None and waiting is not None:
            self._running = waiting.row.key
            work = _Work(self._studio, recipe_of(waiting.state))
            self._put(waiting.row.key, stage="running")
            self._work.begin(Job(KIND, "Making the pictures of the queue", work))
        else:
            self._publish()

    def _end(self, **changed: object) -> None:
        key, self._running = self._running, None
        self._put(key, **changed)
        self._go_on()

    @Slot(object)
    def _progressed(self, progress: Progress) -> None:
        self._put(self._running, fraction=progress.fraction or 0.0)

    @Slot(object, object)
    def _finished(self, job: Job, result: tuple[Frame, QImage]) -> None:
        frame, image = result
        self.made.emit(frame)
        self._end(stage="done", fraction=1.0, image=image)

    @Slot(object)
    def _failed(self, message: Message) -> None:
        self._end(stage="failed", note=f"{message.title} {message.remedy}".strip())

    @Slot()
    def _stopped(self) -> None:
        self._end(stage="stopped")

    def _publish(self) -> None:
        self.view_changed.emit(QueueView(tuple(entry.row for entry in self._entries)))
