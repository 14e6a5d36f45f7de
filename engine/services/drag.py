"""Dragging as a job: points in, a picture for every step out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.frame import OnProgress, Progress
from engine.latent.evaluate import evaluate
from engine.recipe import Computed, Recipe, Setting, Tuned
from engine.services.wanted import class_vector, generated
from engine.services.workroom import workroom
from engine.wishes import Drag, DragFrame, DragStep, DragWish

SPREAD = 2000
SHOW_S = 0.05
OnFrame = Callable[[Any], None]


def drag(
    home: Path,
    wish: DragWish,
    progress: OnProgress,
    cancel: CancelToken,
    frame: OnFrame,
) -> Drag:
    """Move the handles of a picture to their targets; every step is kept and can be taken.

    A cancelled drag answers with the steps it made. Raises RecipeError, ModelError.
    """
    import torch

    from engine.backends.torch_backend import to_bytes
    from engine.editing import drag as moves
    from engine.editing.generator import differentiable
    from engine.editing.invert import spread

    room = workroom(home)
    made, delta = generated(wish.recipe)
    info = room.library.resolve(made.model)
    torch.set_num_threads(1 if info.resolution <= 128 else torch.get_num_threads())
    model, memo = room.renderer.opened(info, "torch", delta)
    ws = evaluate(made.latent, model, room.store.get_array, class_vector(made, info), memo)[0]
    net = differentiable(model, made.noise)
    around = spread(sample_w(model, SPREAD, 3))
    handles = np.array(wish.handles, np.float32).reshape(-1, 2)
    targets = np.array(wish.targets, np.float32).reshape(-1, 2)
    tap = moves.FeatureTap(net, torch.from_numpy(np.array(ws))[None])
    state = moves.begin(net, tap, around, ws, handles, targets)
    mask = moves.mask_of(np.array(wish.mask, np.float32).reshape(-1, 3), tap.side)
    settings = moves.DragSettings(steps=wish.steps)
    steps: list[DragStep] = []
    shown = 0.0

    def seen(state: moves.DragState, image: torch.Tensor) -> None:
        nonlocal shown
        now = _points(state.handles.numpy())
        moved = np.asarray(around.ws(state.v).numpy(), np.float32)
        result = room.store.put_array(moved[0] if info.num_ws == 1 else moved)
        steps.append(DragStep(result, now))
        far = float((state.targets - state.handles).norm(dim=1).mean()) * info.resolution
        progress(Progress(f"step {state.step}: {far:.1f} px to go", state.step / settings.steps))
        if time.monotonic() - shown >= SHOW_S:
            shown = time.monotonic()
            frame(DragFrame(np.ascontiguousarray(to_bytes(image)[0].numpy()), now, state.step))

    moves.drag(tap, around, state, settings, mask, cancel, seen)
    far = np.linalg.norm(state.handles.numpy() - targets, axis=1) * info.resolution
    return Drag(wish, tuple(steps), float(far.mean()))


def _points(values: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in values)


def recipe_of_step(drag: Drag, index: int) -> Recipe:
    """The Recipe of a step, from 0; -1 is the picture that the drag began with."""
    wish = drag.wish
    if index < 0:
        return wish.recipe
    made, delta = generated(wish.recipe)
    told = [
        Setting("step", (float(index + 1),)),
        Setting("handles", tuple(v for point in wish.handles for v in point)),
        Setting("targets", tuple(v for point in wish.targets for v in point)),
    ]
    if wish.mask:
        told.append(Setting("mask", tuple(v for dab in wish.mask for v in dab)))
    found = Computed("drag", drag.steps[index].result, "w", (), (made.latent,), tuple(told))
    image = replace(made, latent=found)
    return Recipe(Tuned(image, delta) if delta else image)
