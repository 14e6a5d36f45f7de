"""Movement: the keys of a film, its preview, its pace and its export."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.film_player import FilmPlayer
from desktop.controllers.film_work import EvenOut, ExportFilm
from desktop.controllers.one_job import OneJob
from desktop.controllers.thumbs import ThumbController
from desktop.facts import FilmView
from desktop.film_state import (
    FilmState,
    plain_of,
    settings_of,
    state_from,
    with_key,
    with_key_at,
    with_setting,
    without_key,
)
from desktop.kit import Kit
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of
from engine.errors import AtelierError, RecipeError
from engine.frame import ExportOptions, Receipt
from engine.path import Path
from engine.recipe import Recipe
from engine.studio import Studio

EXPORT, EVEN, KIND, FILM = "export film", "even out film", "film", "film"


class MovementController(QObject):
    """Every change of the film is undoable. The preview changes nothing but the canvas."""

    view_changed = Signal(object)  # FilmView
    kept = Signal(str, object)  # name, plain data for the project
    preview_wanted = Signal(object, bool, float)  # Recipe, live, now
    preview_over = Signal()
    recipe_taken = Signal(object, str)  # Recipe, what was done
    began = Signal(str)
    progressed = Signal(object)  # Progress
    exported = Signal(object)  # Receipt
    stopped = Signal()
    told = Signal(object)  # Message

    def __init__(
        self,
        studio: Studio,
        exports: QueueLane,
        searches: QueueLane,
        undo: QUndoStack,
        thumbs: ThumbController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = FilmState()
        self.share = 0.0
        self._studio = studio
        self._exports = exports
        self._options = ExportOptions()
        self._searches = searches
        self._gesture = Gesture(undo, self._restore)
        self._thumbs = thumbs
        self._current: Recipe | None = None
        self._one = OneJob(self, searches, exports)
        self._layers = 1
        self.player = FilmPlayer(self)
        self.player.moved.connect(self.scrub)
        self.player.ended.connect(self.publish)
        self._soon = QTimer(self, interval=60, singleShot=True)
        self._soon.timeout.connect(self.publish)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._finished)
        self._one.stopped.connect(self.stopped)
        self._one.failed.connect(self.told)
        thumbs.arrived.connect(self._arrived)

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: the next key."""
        self._current = recipe
        if self.player.playing:
            self.stop()

    # --- keys

    @Slot()
    def add(self) -> None:
        """The picture on the canvas becomes the last key."""
        if self._current is not None:
            self._add(self._current)

    @Slot(str)
    def drop(self, text: str) -> None:
        """A dropped Recipe becomes the last key."""
        try:
            self._add(Recipe.from_json(text))
        except AtelierError as error:
            self._tell(error)

    def recipe_at(self, index: int) -> Recipe | None:
        """The picture of a key, for a drag."""
        keys = () if self.state.path is None else self.state.path.keys
        return Recipe(keys[index].image) if index < len(keys) else None

    def _add(self, recipe: Recipe) -> None:
        try:
            self._do("Add a key", with_key(self.state, recipe))
        except AtelierError as error:
            self._tell(error)

    @Slot(int)
    def remove(self, index: int) -> None:
        """Take a key away."""
        self._do("Remove a key", without_key(self.state, index))

    @Slot(int, float)
    def move_key(self, index: int, time_s: float) -> None:
        """Move a key between its neighbours; live until the gesture ends."""
        try:
            self._change(with_key_at(self.state, index, time_s))
        except AtelierError as error:
            self._tell(error)

    @Slot(int)
    def show_key(self, index: int) -> None:
        """Put a key on the canvas."""
        path = self.state.path
        if path is not None and index < len(path.keys):
            self.stop()
            self.share = path.keys[index].time_s / path.duration_s if path.duration_s else 0.0
            self.recipe_taken.emit(Recipe(path.keys[index].image), "Show a key")
            self.publish()

    @Slot()
    def clear(self) -> None:
        """Take every key away."""
        self.stop()
        self._do("Clear the film", FilmState())

    @Slot(str, str)
    def set_setting(self, name: str, key: str) -> None:
        """Easing, space, layers, noise or frames a second."""
        try:
            self._do("Setting of the film", with_setting(self.state, name, key, self._layers))
        except AtelierError as error:
            self._tell(error)
        self.publish()

    @Slot(object)
    def set_kit(self, kit: Kit) -> None:
        """As many layers as the model has."""
        self._layers = kit.info.num_ws

    @Slot(object)
    def open_view(self, view: Mapping[str, Any]) -> None:
        """The film of another project; none where it cannot be read."""
        self.stop()
        self.state, self.share = state_from(view.get(FILM)), 0.0
        self._restore(self.state)

    def load(self, path: Path) -> None:
        """Another film, such as one that a verified file carries."""
        self.stop()
        self.share = 0.0
        self._do("Open a film", FilmState(path, path.loop_s))

    @Slot(float)
    def set_loop(self, seconds: float) -> None:
        """How long the way back takes; live until the gesture ends."""
        path = self.state.path
        try:
            made = None if path is None else replace(path, loop_s=seconds, warp=())
        except AtelierError as error:
            self._tell(error)
            return
        self._change(FilmState(made, seconds))

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off."""
        self._gesture.end("Time of the film", self.state)

    def _change(self, state: FilmState) -> None:
        self._gesture.begin(self.state)
        self.state = state
        self.publish()

    def _do(self, text: str, state: FilmState) -> None:
        self.end_gesture()
        self._gesture.whole(text, self.state, state)

    def _restore(self, state: FilmState) -> None:
        self.state = state
        self.kept.emit(FILM, plain_of(state))
        keys = () if state.path is None else state.path.keys
        self._thumbs.ask(KIND, [Recipe(key.image) for key in keys])
        self.publish()

    # --- looking

    @Slot(float)
    def scrub(self, share: float) -> None:
        """Look at a place of the film."""
        self.share = share
        self._show()

    def _show(self) -> None:
        path = self.state.path
        if path is not None:
            recipe = self._studio.edit.frame_at(path, self.share)
            self.preview_wanted.emit(recipe, True, time.perf_counter())
            self.publish()

    @Slot()
    def play(self) -> None:
        """Play from here, or stop."""
        path = self.state.path
        if self.player.playing:
            self.stop()
        elif path is not None and path.duration_s:
            self.player.start(self.share, path.duration_s, bool(path.loop_s))
            self.publish()

    @Slot()
    def stop(self) -> None:
        """Stop playing."""
        if self.player.playing:
            self.player.stop()
            self.publish()

    @Slot()
    def take_frame(self) -> None:
        """The frame under the line becomes the picture on the canvas."""
        if self.state.path is not None:
            self.stop()
            recipe = self._studio.edit.frame_at(self.state.path, self.share)
            self.recipe_taken.emit(recipe, "Take a frame")

    # --- long work

    @Slot(object)
    def set_options(self, options: ExportOptions) -> None:
        """How films are exported; the title belongs to the export panel's own file."""
        self._options = replace(options, title="")

    @Slot(object)
    def export(self, file: File) -> None:
        """Render, sign and write the film in the background."""
        if self.state.path is not None and self._one.job is None:
            self.stop()
            work = ExportFilm(self._studio, self.state.path, file, self._options)
            self._begin(Job(EXPORT, f"Exporting {file.name}", work, file), self._exports)

    @Slot()
    def even_out(self) -> None:
        """Re-time the film to a constant perceptual pace."""
        if self.state.path is not None and self._one.job is None:
            self.stop()
            work = EvenOut(self._studio, self.state.path)
            self._begin(Job(EVEN, "Evening out the film", work), self._searches)

    def _begin(self, job: Job, lane: QueueLane) -> None:
        self.began.emit(job.label)
        self._one.begin(job, lane)

    @Slot()
    def cancel(self) -> None:
        """Stop what runs; nothing is kept of it."""
        self._one.cancel()

    @Slot(object, object)
    def _finished(self, job: Job, result: Any) -> None:
        if isinstance(result, Receipt):
            self.exported.emit(result)
            return
        self._do("Even out the film", replace(self.state, path=result.path))
        before, after = result.unevenness, result.after
        self.told.emit(
            Message(
                "The film walks at a constant pace.",
                f"Steps varied by {before:.0%} before, by {after:.0%} now. "
                f"The way is {result.length:.1f} long to the eye.",
                tone="good",
            )
        )

    def _tell(self, error: AtelierError | RecipeError) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)

    @Slot(object)
    def _arrived(self, recipe: Recipe) -> None:
        path = self.state.path
        known = path is not None and any(key.image == recipe.image for key in path.keys)
        if known and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def publish(self) -> None:
        """Tell a panel what there is."""
        path = self.state.path
        if path is None:
            self.view_changed.emit(FilmView(loop_s=self.state.loop_s))
            return
        images = tuple(self._thumbs.get(Recipe(key.image)) for key in path.keys)
        self.view_changed.emit(
            FilmView(
                tuple(key.time_s for key in path.keys), images, path.duration_s, path.frames,
                settings_of(path, self._layers),
                path.loop_s, self.share, self.player.playing, bool(path.warp),
            )
        )  # fmt: skip
