"""The verbs of editing: each runs its search in the worker process and waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.frame import DirectionInfo, OnProgress
from engine.path import Path as Film
from engine.recipe import Recipe, Space
from engine.services import direction_files
from engine.store import Store
from engine.wishes import (
    Alignment,
    ClipInfo,
    DirectionWish,
    Drag,
    DragWish,
    Inversion,
    InvertWish,
    TextEdit,
    TextWish,
)
from engine.worker import Worker

if TYPE_CHECKING:
    from engine.services.pace import Pace

OnFrame = Callable[[Any], None]


class Editor:
    """Editing for one data folder. Methods wait, and may be called from several threads.

    store: of that folder. changed: called when models or directions on the disk are others than
    before.
    """

    def __init__(self, home: Path, store: Store, changed: Callable[[], None]) -> None:
        self.home = home
        self._store = store
        self._changed = changed
        self._worker = _worker()

    def find_directions(
        self,
        model: str,
        wish: DirectionWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[DirectionInfo, ...]:
        """Find, measure and keep directions. Raises DirectionError; then nothing is kept."""
        asked = {"home": self.home, "model": model, "wish": wish}
        found: tuple[DirectionInfo, ...] = self._run("find:find", asked, progress, cancel)
        self._changed()
        return found

    def import_direction(
        self,
        model: str,
        path: Path,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        anyway: bool = False,
    ) -> tuple[DirectionInfo, ...]:
        """Keep the directions of a file. Raises DirectionError."""
        asked = {"home": self.home, "model": model, "path": path, "anyway": anyway}
        name = "direction_files:import_direction"
        found: tuple[DirectionInfo, ...] = self._run(name, asked, progress, cancel)
        self._changed()
        return found

    def export_direction(self, model: str, name: str, path: Path) -> Path:
        """Write one direction to a file; returns its path. Raises DirectionError."""
        return direction_files.export_direction(self.home, model, name, path)

    def remove_direction(self, model: str, name: str) -> None:
        """Forget a direction that the user found. Raises DirectionError."""
        direction_files.remove_direction(self.home, model, name)
        self._changed()

    def rename_direction(self, model: str, name: str, label: str) -> None:
        """Give a direction that the user found another label. Raises DirectionError."""
        direction_files.rename_direction(self.home, model, name, label)
        self._changed()

    def invert(
        self,
        wish: InvertWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: OnFrame | None = None,
    ) -> Inversion:
        """Find the latent of a picture. frame: shown uint8 [r, r, 3] on the way.

        When cancelled it answers with what it found so far. Raises RecipeError, ModelError.
        """
        asked = {"home": self.home, "wish": wish}
        found: Inversion = self._run("invert:invert", asked, progress, cancel, frame)
        return found

    def align(
        self,
        picture: Recipe,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Alignment:
        """How a portrait lies in a picture, within a second or two. Raises ModelError."""
        asked = {"home": self.home, "picture": picture}
        found: Alignment = self._run("align:align", asked, progress, cancel)
        return found

    def drag(
        self,
        wish: DragWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: OnFrame | None = None,
    ) -> Drag:
        """Move points of a picture. frame: shown a DragFrame on the way.

        When cancelled it answers with the steps it made. Raises RecipeError, ModelError.
        """
        asked = {"home": self.home, "wish": wish}
        done: Drag = self._run("drag:drag", asked, progress, cancel, frame)
        return done

    def edit_text(
        self,
        wish: TextWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: OnFrame | None = None,
    ) -> TextEdit:
        """Make a picture as a text says. frame: shown uint8 [r, r, 3] on the way.

        A cancelled search answers with what it found so far. Raises RecipeError, ModelError.
        """
        asked = {"home": self.home, "wish": wish}
        found: TextEdit = self._run("edit_text:edit_text", asked, progress, cancel, frame)
        return found

    def recipe_of_text(self, edit: TextEdit, strength: float, threshold: float) -> Recipe:
        """The Recipe of an edit by text, in milliseconds; see services.edit_text.recipe_at."""
        from engine.services.edit_text import recipe_at

        return recipe_at(edit, self._store, strength, threshold)

    def import_clip(
        self,
        path: Path,
        name: str | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> ClipInfo:
        """Keep a published CLIP; see services.clips.import_clip. Raises CheckpointError."""
        asked = {"home": self.home, "path": path, "name": name}
        found: ClipInfo = self._run("clips:import_clip", asked, progress, cancel)
        self._changed()
        return found

    def even_out(
        self,
        film: Film,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Pace:
        """Re-time a film to a constant perceptual pace."""
        asked = {"home": self.home, "path": film}
        pace: Pace = self._run("pace:even_out", asked, progress, cancel)
        return pace

    def frame_at(self, film: Film, share: float) -> Recipe:
        """The Recipe at a share of a film's time, in [0, 1]."""
        from engine.latent.tween import at

        return at(film, share)

    def between_four(self, corners: Sequence[Recipe], x: float, y: float, space: Space) -> Recipe:
        """The Recipe at a place between four pictures. Raises RecipeError."""
        from engine.latent.tween import between_four

        return between_four(corners, x, y, space)

    def recipe_of_step(self, drag: Drag, index: int) -> Recipe:
        """The Recipe of a step of a drag, from 0; -1 is where it began."""
        from engine.services.drag import recipe_of_step

        return recipe_of_step(drag, index)

    def close(self) -> None:
        """End the worker process; its job ends as cancelled. A later one starts another."""
        self._worker.close()
        self._worker = _worker()

    def _run(
        self,
        name: str,
        asked: dict[str, Any],
        progress: OnProgress | None,
        cancel: CancelToken | None,
        frame: OnFrame | None = None,
    ) -> Any:
        return self._worker.submit(
            f"engine.services.{name}", asked, on_progress=progress, on_frame=frame
        ).wait(cancel)


def _worker() -> Worker:
    return Worker(patience_s=8.0)  # a step of a large model takes seconds
