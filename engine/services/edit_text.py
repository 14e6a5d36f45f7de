"""Editing by text as a job: a picture and a text in, what makes it so out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.directions.text_styles import TextStyles
from engine.frame import OnProgress, Progress
from engine.latent.evaluate import evaluate
from engine.recipe import (
    Blend,
    Computed,
    Generate,
    Latent,
    Move,
    Recipe,
    Setting,
    Tuned,
)
from engine.services.mappers import mapper_for
from engine.services.text_ground import SPREAD, TextSearch, text_search
from engine.services.wanted import class_vector, generated
from engine.services.workroom import workroom
from engine.store import Store
from engine.wishes import TextEdit, TextWish

if TYPE_CHECKING:
    from engine.editing.generator import Differentiable

SHOW_S = 0.12
OnFrame = Callable[[Any], None]


def edit_text(
    home: Path, wish: TextWish, progress: OnProgress, cancel: CancelToken, frame: OnFrame
) -> TextEdit:
    """Make a picture as a text says, in one of the three ways; see TextWish.

    A cancelled search answers with what it found so far; a mapper or a measurement that is
    cancelled leaves nothing. Raises RecipeError, ModelError, Cancelled.
    """
    room = workroom(home)
    made, delta = generated(wish.recipe, styled=wish.way == "direction")
    info = room.library.resolve(made.model)
    search = text_search(room, info, wish.pair, progress, cancel)
    if wish.way == "direction":
        return _direction(search, wish, progress, cancel)
    return _latent(search, wish, made, delta, progress, cancel, frame)


def _direction(
    search: TextSearch, wish: TextWish, progress: OnProgress, cancel: CancelToken
) -> TextEdit:
    styles = search.styles(progress, cancel)
    styles.vector(wish.pair.threshold)  # refuses a threshold that leaves nothing
    result = search.room.store.put_array(styles.packed())
    count = styles.channels(wish.pair.threshold)
    note = f"{count} of {len(styles.relevance)} style channels"
    return _answer(search, wish, result, 1.0, note)


def _latent(
    search: TextSearch,
    wish: TextWish,
    made: Generate,
    delta: str,
    progress: OnProgress,
    cancel: CancelToken,
    frame: OnFrame,
) -> TextEdit:
    """A latent of its own: searched for, or given by a mapper."""
    import torch

    from engine.editing import text_optimise
    from engine.editing.generator import differentiable
    from engine.editing.invert import spread

    room, info = search.room, search.info
    model, memo = room.renderer.opened(info, "torch", delta)
    ws = evaluate(made.latent, model, room.store.get_array, class_vector(made, info), memo)
    start = torch.from_numpy(np.array(ws, np.float32))
    net = differentiable(model, made.noise)
    around = spread(sample_w(model, SPREAD, 3))
    note = ""
    if wish.way == "mapper":
        mapper, note = mapper_for(search, wish, progress, cancel)
        found = mapper.applied(start, around)
    else:
        settings = text_optimise.OptimiseSettings()
        settings = replace(settings, steps=wish.steps or settings.steps)
        watch = _watch(progress, frame)
        found = text_optimise.optimise(
            net, search.clip, around, start, search.aim, wish.strength, settings, cancel, watch
        )
    result = room.store.put_array(np.asarray(found[0, 0] if info.num_ws == 1 else found[0]))
    return _answer(search, wish, result, _reached(search, net, start, found, wish), note)


def _reached(
    search: TextSearch, net: Differentiable, start: Any, found: Any, wish: TextWish
) -> float:
    import torch

    from engine.editing.text_optimise import gone

    with torch.no_grad():
        before, after = (search.clip.embed_images(net.images(ws)) for ws in (start, found))
        return gone(after, before, search.aim, wish.strength)


def _watch(progress: OnProgress, frame: OnFrame) -> Callable[[int, int, float, Any], None]:
    """Tells how a search goes, not more often than the eye can follow."""
    began = time.monotonic()
    shown = 0.0

    def seen(step: int, steps: int, share: float, images: Any) -> None:
        from engine.backends.torch_backend import to_bytes

        nonlocal shown
        now = time.monotonic()
        words = f"Searching: {share:.0%} of the way, step {step} of {steps}"
        progress(Progress(words, step / steps, (now - began) / step * (steps - step)))
        if step == steps or now - shown >= SHOW_S:
            shown = now
            frame(np.ascontiguousarray(to_bytes(images)[0].cpu().numpy()))

    return seen


def _answer(search: TextSearch, wish: TextWish, result: str, reached: float, note: str) -> TextEdit:
    change = search.change
    return TextEdit(wish, result, search.clip_info, reached, change.text, change.cut, note)


def recipe_at(edit: TextEdit, store: Store, strength: float, threshold: float) -> Recipe:
    """The Recipe of an edit at a strength; 0 is the picture that it began with.

    strength: of a latent, in shares of what was asked for; of a direction, in deviations.
    threshold: of a direction. Raises RecipeError for a threshold that leaves no channel.
    """
    if not strength:
        return edit.wish.recipe
    made, delta = generated(edit.wish.recipe, styled=True)
    latent: Latent
    if edit.wish.way == "direction":
        vector = store.put_array(vector_of(edit, store, threshold))
        latent = Move(made.latent, vector, strength, None, "s")
    else:
        latent = computed(edit, made.latent)
        if strength != 1:
            latent = Blend(made.latent, latent, strength, "w", "linear")
    image = replace(made, latent=latent)
    return Recipe(Tuned(image, delta) if delta else image)


def vector_of(edit: TextEdit, store: Store, threshold: float) -> np.ndarray:
    """The direction in style space that an edit gives at a threshold. Raises RecipeError."""
    return TextStyles.unpacked(store.get_array(edit.result)).vector(threshold)


def computed(edit: TextEdit, base: Latent) -> Computed:
    """The latent that a text gave, and how it was asked for."""
    wish, pair = edit.wish, edit.wish.pair
    told = (
        Setting("way", wish.way),
        Setting("text", _line(edit.read)),
        Setting("neutral", _line(pair.neutral)),
        Setting("clip", edit.clip.name),
        Setting("clip_sha256", edit.clip.sha256),
        Setting("strength", (float(wish.strength),)),
    )
    return Computed("text", edit.result, "w", (), (base,), told)


def _line(text: str) -> str:
    """As a Setting takes it."""
    return "".join(c for c in text if c.isprintable())[:200]
