"""The verbs of editing without a worker: quick answers of the right kind, on request slow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.errors import DirectionError, RecipeError
from engine.frame import DirectionInfo, OnProgress, Progress
from engine.latent.tween import at, between_four
from engine.recipe import Blend, Computed, Generate, Move, Recipe, Setting
from engine.services.edit_text import computed
from engine.wishes import (
    Alignment,
    ClipInfo,
    DirectionWish,
    Drag,
    DragFrame,
    DragStep,
    DragWish,
    Inversion,
    InvertWish,
    TextEdit,
    TextWish,
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class FakeEditor:
    """steps: how many a search takes; delay_s: how long each."""

    def __init__(self, studio: Any) -> None:
        self._studio = studio
        self.steps, self.delay_s = 5, 0.0
        self.wishes: list[DirectionWish] = []
        self.searches: list[InvertWish] = []
        self.texts: list[TextWish] = []
        self.removed: list[str] = []
        self.closed = False
        self.alignment = Alignment(30.0, 28.0, 40.0, 12.0, 0.4, True)

    def _work(self, progress: OnProgress | None, cancel: CancelToken | None) -> int:
        for step in range(self.steps):
            if cancel is not None and cancel.cancelled:
                return step
            if progress is not None:
                progress(Progress(f"step {step}", step / self.steps))
            time.sleep(self.delay_s)
        return self.steps

    def find_directions(
        self,
        model: str,
        wish: DirectionWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[DirectionInfo, ...]:
        self.wishes.append(wish)
        self._work(progress, cancel)
        if wish.method == "labels" and len(wish.marks) < 6:
            raise DirectionError("Mark at least 3 pictures.", "Mark more.")
        name = wish.name or wish.method
        sha = self._studio.ref(model).sha256
        found = DirectionInfo(name, name.title(), digest(name), sha, wish.method, -3, 3, note="x")
        self._studio.more = (*self._studio.more, found)
        return (found,)

    def import_direction(self, model: str, path: Path, *_: Any) -> tuple[DirectionInfo, ...]:
        return self.find_directions(model, DirectionWish("boundary", name=path.stem))

    def export_direction(self, model: str, name: str, path: Path) -> Path:
        path.write_text(name)
        return path

    def remove_direction(self, model: str, name: str) -> None:
        self.removed.append(name)
        self._studio.more = tuple(d for d in self._studio.more if d.name != name)

    def rename_direction(self, model: str, name: str, label: str) -> None:
        self._studio.more = tuple(
            replace(d, label=label) if d.name == name else d for d in self._studio.more
        )

    def invert(
        self,
        wish: InvertWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: Callable[[Any], None] | None = None,
    ) -> Inversion:
        self.searches.append(wish)
        if frame is not None:
            frame(np.zeros((64, 64, 3), np.uint8))
        done = self._work(progress, cancel)
        found = Computed("invert", digest("found"), "w", (wish.target.image,))
        recipe = Recipe(Generate(self._studio.ref(wish.model), found))
        return Inversion(recipe, wish.step + done, wish.step + self.steps, 31.0, found.result)

    def align(
        self,
        picture: Recipe,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Alignment:
        self._work(progress, cancel)
        return self.alignment

    def drag(
        self,
        wish: DragWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: Callable[[Any], None] | None = None,
    ) -> Drag:
        if frame is not None:
            frame(DragFrame(np.zeros((64, 64, 3), np.uint8), wish.handles, 1))
        done = self._work(progress, cancel)
        steps = tuple(DragStep(digest(f"step {i}"), wish.targets) for i in range(done))
        return Drag(wish, steps, 0.5)

    def recipe_of_step(self, drag: Drag, index: int) -> Recipe:
        if index < 0:
            return drag.wish.recipe
        image = drag.wish.recipe.image
        assert isinstance(image, Generate)
        wish = drag.wish
        told = (
            Setting("handles", tuple(v for p in wish.handles for v in p)),
            Setting("targets", tuple(v for p in wish.targets for v in p)),
        )
        found = Computed("drag", drag.steps[index].result, "w", (), (image.latent,), told)
        return Recipe(replace(image, latent=found))

    def edit_text(
        self,
        wish: TextWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: Callable[[Any], None] | None = None,
    ) -> TextEdit:
        self.texts.append(wish)
        if frame is not None:
            frame(np.zeros((64, 64, 3), np.uint8))
        if not wish.pair.text.strip():
            raise RecipeError("There is no text that says what the picture should show.", "Write.")
        self._work(progress, cancel)
        return TextEdit(wish, digest(wish.pair.text), self._studio.clips()[0], 0.9, wish.pair.text)

    def recipe_of_text(self, edit: TextEdit, strength: float, threshold: float) -> Recipe:
        image = edit.wish.recipe.image
        if not strength:
            return edit.wish.recipe
        assert isinstance(image, Generate)
        if edit.wish.way == "direction":
            latent: Any = Move(image.latent, digest(f"styles {threshold}"), strength, None, "s")
        else:
            latent = Blend(image.latent, computed(edit, image.latent), strength, "w", "linear")
        return Recipe(replace(image, latent=latent))

    def import_clip(self, path: Path, *_: Any) -> ClipInfo:
        self._studio.clip_names = (*self._studio.clip_names, path.name)
        found: ClipInfo = self._studio.clips()[-1]
        return found

    def even_out(self, film: Any, *_: Any) -> Any:
        path = replace(film, warp=(0.0, 0.4, 1.0))
        return SimpleNamespace(path=path, unevenness=0.5, after=0.1, length=1.0)

    def frame_at(self, film: Any, share: float) -> Recipe:
        return at(film, share)

    def between_four(self, corners: Any, x: float, y: float, space: Any) -> Recipe:
        return between_four(corners, x, y, space)

    def close(self) -> None:
        self.closed = True
