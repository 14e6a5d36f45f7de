"""Inversion as a job: a picture in, a Recipe that makes it out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.errors import ModelError, RecipeError
from engine.frame import ModelInfo, OnProgress, Progress
from engine.models.opened import Model
from engine.recipe import (
    Computed,
    Generate,
    Image,
    ModelRef,
    Noise,
    Recipe,
    Resize,
    Setting,
    Tuned,
)
from engine.services.workroom import Workroom, workroom
from engine.wishes import Inversion, InvertWish

STARTS = 256
SPREAD = 2000
SHOW_S = 0.12
OnFrame = Callable[[Any], None]


@dataclass(frozen=True)
class _Watch:
    """Tells how a search goes, not more often than the eye can follow."""

    progress: OnProgress
    frame: OnFrame
    began: float
    words: str
    low: float
    high: float

    def __call__(self, step: int, steps: int, psnr: float, image: Any) -> None:
        share = self.low + (self.high - self.low) * step / steps
        passed = time.monotonic() - self.began
        left = passed / max(step, 1) * (steps - step)
        self.progress(Progress(f"{self.words}: {psnr:.1f} dB, step {step} of {steps}", share, left))
        now = time.monotonic()
        if step == steps or now - _last_shown[0] >= SHOW_S:
            _last_shown[0] = now
            self.frame(_pixels(image))


_last_shown = [0.0]


def invert(
    home: Path,
    wish: InvertWish,
    progress: OnProgress,
    cancel: CancelToken,
    frame: OnFrame,
) -> Inversion:
    """Search for the latent of a picture; what was found so far when it is cancelled.

    Raises RecipeError or ModelError for what cannot be inverted, Cancelled while tuning.
    """
    import torch

    from engine.editing import invert as search
    from engine.editing.generator import differentiable
    from engine.editing.perceptual import PyramidLooks, looks

    room = workroom(home)
    info = room.library.find(wish.model)
    _check(info)
    torch.set_num_threads(1 if info.resolution <= 128 else torch.get_num_threads())
    model = room.model(info, "torch")
    image, target = _target(room, info, wish.target)
    progress(Progress("Looking for a start", 0.0))
    net, w = differentiable(model, Noise()), sample_w(model, SPREAD, 3)
    spread = search.spread(w)
    settings = _settings(wish)
    state = _begin(room, wish, model, net, target, w, spread, cancel)
    seen = looks() if wish.perceptual else PyramidLooks()
    words = "Searching"
    high = 0.6 if wish.tune_steps else 1.0
    watch = _Watch(progress, frame, time.monotonic(), words, 0.0, high)
    state = search.invert(net, target, state, spread, seen, settings, cancel, watch)
    ws = search.result_of(state, spread)
    if info.num_ws == 1:
        ws = ws[0]
    steps = settings.w_steps + settings.plus_steps
    told = (
        Setting("w_steps", (float(settings.w_steps),)),
        Setting("plus_steps", (float(settings.plus_steps),)),
        Setting("loss", seen.name),
        Setting("done", (float(state.step),)),
    )
    kind: Literal["invert", "encode"] = "invert" if steps else "encode"
    found = Computed(kind, room.store.put_array(ws), "w", (image,), (), told)
    made = Generate(ModelRef(info.name, info.sha256), found)
    delta = ""
    if wish.tune_steps and not cancel.cancelled:
        delta = _tuned(room, wish, model, net, ws, target, w, seen, progress, cancel, frame)
    shown: Image = Tuned(made, delta) if delta else made
    picture = room.renderer.render(Recipe(shown)).pixels
    return Inversion(Recipe(shown), state.step, steps, _psnr(picture, target), found.result)


def _settings(wish: InvertWish) -> Any:
    from engine.editing.invert import InvertSettings

    plus = wish.steps if wish.layers_apart else 0
    w_steps = wish.steps // 2 if wish.layers_apart else wish.steps
    perceptual = 1.0 if wish.perceptual else 0.0
    return InvertSettings(w_steps=w_steps, plus_steps=plus, perceptual=perceptual)


def _check(info: ModelInfo) -> None:
    if info.c_dim and info.num_ws == 1:
        raise RecipeError(
            f"{info.name} makes pictures of classes; inversion needs one without.",
            "Choose another model.",
        )


def _target(
    room: Workroom, info: ModelInfo, target: Recipe
) -> tuple[Image, UInt8[np.ndarray, "r r 3"]]:
    """The picture at the model's size, and the expression that gives it."""
    side = info.resolution
    image = target.image
    if not (isinstance(image, Resize) and (image.width, image.height) == (side, side)):
        image = Resize(image, side, side)
    return image, room.renderer.render(Recipe(image)).pixels


def _begin(
    room: Workroom,
    wish: InvertWish,
    model: Model,
    net: Any,
    target: np.ndarray,
    w: np.ndarray,
    spread: Any,
    cancel: CancelToken,
) -> Any:
    """Where the search starts: where it stopped, what the encoder says, or the nearest random."""
    from engine.editing.invert import begin, nearest

    if wish.resume:
        stopped = room.store.get_array(wish.resume)
        return replace(begin(np.atleast_2d(stopped), spread, net.num_ws), step=wish.step)
    encoder = room.encoder(model.info)
    if encoder is not None:
        return begin(encoder.ws(target[None])[0], spread, net.num_ws)
    if not wish.steps:
        raise ModelError(
            f"There is no encoder of {model.info.name} with these weights.",
            "Search in steps, or train one: python main.py train portraits-encoder.",
        )
    return begin(nearest(net, target, w[:STARTS], cancel), spread, net.num_ws)


def _tuned(
    room: Workroom,
    wish: InvertWish,
    model: Model,
    net: Any,
    ws: np.ndarray,
    target: np.ndarray,
    w: np.ndarray,
    seen: Any,
    progress: OnProgress,
    cancel: CancelToken,
    frame: OnFrame,
) -> str:
    """Pivotal tuning of the synthesis network; the delta's SHA-256."""
    from engine.editing.delta import TuneSettings, tune

    watch = _Watch(progress, frame, time.monotonic(), "Tuning the weights", 0.6, 1.0)
    settings = TuneSettings(steps=wish.tune_steps)
    data = tune(net, np.atleast_2d(ws), target, w[:64], seen, settings, cancel, watch)
    return room.store.put(data)


def _pixels(image: Any) -> UInt8[np.ndarray, "r r 3"]:
    from engine.backends.torch_backend import to_bytes

    return np.ascontiguousarray(to_bytes(image)[0].cpu().numpy())


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    from engine.editing.invert import psnr_db

    difference = (a.astype(np.float64) - b.astype(np.float64)) / 127.5
    return psnr_db(float(np.square(difference).mean()))
