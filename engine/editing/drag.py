"""Drags points of a picture to other places (Pan et al., 2023, "Drag Your GAN").

Every step does two things on the features of a middle layer: motion supervision (section 3.2)
pulls the patch around each handle one place toward its target, by a step on the first layers'
w+; then point tracking looks for where the handle went, as the nearest feature around it to the
one it began with. What a mask leaves out is held where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from engine.cancel import CancelToken
from engine.editing.generator import Differentiable
from engine.editing.invert import Spread
from engine.errors import RecipeError
from engine.image.discs import inside_discs

SIDE = 128  # places along the picture that features are looked at
Points = Float32[np.ndarray, "n 2"]


@dataclass(frozen=True)
class DragSettings:
    """steps: at most. rate: of Adam, in deviations of w. layers: share of the layers that move,
    coarse ones first. supervise, track: radii of the two patches, and near: how close to its target
    a handle counts as there, all in pixels of a picture of 128. hold: weight of what the mask
    leaves out."""

    steps: int = 120
    rate: float = 0.04
    layers: float = 0.6
    supervise: float = 3.0
    track: float = 5.0
    near: float = 1.0
    hold: float = 10.0


@dataclass
class DragState:
    """Where a drag stands. v: deviations of w+. handles: now, in shares of the picture (x, y).

    first: the features that the handles began with. ground: all features at the start.
    """

    v: Float[Tensor, "num_ws w_dim"]
    handles: Float[Tensor, "n 2"]
    targets: Float[Tensor, "n 2"]
    first: Float[Tensor, "n c"]
    ground: Float[Tensor, "1 c g g"]
    step: int = 0
    adam: Any = field(default=None, repr=False)


class FeatureTap:
    """The features of one middle layer of a synthesis network, at the size of the search.

    The layer is found by a trial: the last one whose map has at least half the picture's side and
    at least 16 channels.
    """

    def __init__(self, net: Differentiable, ws: Float[Tensor, "1 num_ws w_dim"]) -> None:
        self._net = net
        self._module = _chosen(net, ws)
        self.side = SIDE

    def __call__(
        self, ws: Float[Tensor, "1 num_ws w_dim"]
    ) -> tuple[Float[Tensor, "1 c g g"], Float[Tensor, "1 3 r r"]]:
        """Features and picture."""
        with _recording([self._module]) as seen:
            image = self._net.images(ws)
        x = _map_of(seen[0][1])
        assert x is not None
        size = (self.side, self.side)
        here = x.float().to(ws.device)
        return interpolate(here, size, mode="bilinear", align_corners=False), image


@contextmanager
def _recording(modules: list[Any]) -> Iterator[list[tuple[Any, Any]]]:
    """What the modules give while the block runs."""
    seen: list[tuple[Any, Any]] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        seen.append((module, output))

    hooks = [module.register_forward_hook(keep) for module in modules]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _map_of(output: Any) -> Tensor | None:
    first = output[0] if isinstance(output, tuple | list) and output else output
    return first if isinstance(first, Tensor) and first.ndim == 4 else None


def _chosen(net: Differentiable, ws: Tensor) -> Any:
    modules = [m for m in net.module.synthesis.modules() if m is not net.module.synthesis]
    with torch.no_grad(), _recording(modules) as seen:
        image = net.images(ws)
    least = image.shape[-1] // 2
    fit = [
        module
        for module, output in seen
        if (x := _map_of(output)) is not None and x.shape[1] >= 16 and x.shape[-1] >= least
    ]
    maps = [(m, o) for m, o in seen if m in fit]
    half = [m for m, o in maps if (x := _map_of(o)) is not None and x.shape[-1] < image.shape[-1]]
    found = half or fit
    if not found:
        raise RecipeError(
            "This model has no layer whose features can be dragged.", "Choose another model."
        )
    return found[-1]


def begin(
    net: Differentiable,
    tap: FeatureTap,
    spread: Spread,
    ws: Float32[np.ndarray, "num_ws w_dim"],
    handles: Points,
    targets: Points,
) -> DragState:
    """A drag from a picture. handles, targets: x and y in shares of the picture, 0 to 1.

    Raises RecipeError where there are no points, or they lie outside.
    """
    points = np.concatenate([handles, targets])
    if not len(handles) or handles.shape != targets.shape:
        raise RecipeError("A drag needs a handle and a target.", "Click on the picture twice.")
    if points.min() < 0 or points.max() > 1:
        raise RecipeError("The points of a drag lie within the picture.", "Move them inside.")
    v = spread.deviations(torch.from_numpy(np.array(ws, np.float32)))
    with torch.no_grad():
        ground, _ = tap(spread.ws(v)[None])
    first = torch.from_numpy(np.array(handles, np.float32))
    return DragState(
        v, first, torch.from_numpy(np.array(targets, np.float32)), _at(ground, first), ground
    )


def _at(features: Float[Tensor, "1 c g g"], points: Float[Tensor, "n 2"]) -> Float[Tensor, "n c"]:
    """The features at points, between places bilinearly."""
    grid = (points * 2 - 1)[None, None]  # [1 1 n 2]
    return grid_sample(features, grid, align_corners=False)[0, :, 0].T


def _offsets(radius: float, side: int, step: float = 1.0) -> Float[Tensor, "k 2"]:
    """Places of a disc around a point, in shares of the picture."""
    line = torch.arange(-radius, radius + 1e-6, step)
    y, x = torch.meshgrid(line, line, indexing="ij")
    inside = x.square() + y.square() <= radius * radius + 1e-6
    return torch.stack([x[inside], y[inside]], 1) / side


def reached(state: DragState, settings: DragSettings, side: int) -> Bool[Tensor, " n"]:
    """Which handles are at their targets."""
    far = (state.targets - state.handles).norm(dim=1) * side
    near: Tensor = far <= settings.near * side / 128
    return near


def drag_step(
    tap: FeatureTap,
    spread: Spread,
    state: DragState,
    settings: DragSettings,
    mask: Float[Tensor, "1 1 g g"] | None,
) -> Float[Tensor, "1 3 r r"]:
    """One step of motion supervision and tracking; changes the state, returns the new picture.

    mask: 1 where the picture may move; None holds nothing.
    """
    side = tap.side
    scale = side / 128
    moving = ~reached(state, settings, side)
    count = max(1, round(settings.layers * len(state.v)))
    lead = state.v[:count].clone().requires_grad_()
    optimiser = torch.optim.Adam([lead], lr=settings.rate)
    if state.adam is not None:
        optimiser.load_state_dict(state.adam)
    v = torch.cat([lead, state.v[count:]])
    features, _ = tap(spread.ws(v)[None])
    loss = features.new_zeros(())
    patch = _offsets(settings.supervise * scale, side)
    for i in torch.nonzero(moving).flatten().tolist():
        way = state.targets[i] - state.handles[i]
        far = way.norm() * side
        step = way / (way.norm() + 1e-9) * min(1.0, float(far)) / side
        around = state.handles[i] + patch
        held = _at(features, around).detach()
        loss = loss + (_at(features, around + step * scale) - held).abs().mean()
    if mask is not None:
        still = 1.0 - mask
        change = ((features - state.ground) * still).abs().sum()
        loss = loss + settings.hold * change / (still.sum() * features.shape[1] + 1e-6)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    state.adam = optimiser.state_dict()
    state.v = torch.cat([lead.detach(), state.v[count:]])
    with torch.no_grad():
        features, image = tap(spread.ws(state.v)[None])
        _track(features, state, settings.track * scale, side)
    state.step += 1
    return image


def _track(features: Float[Tensor, "1 c g g"], state: DragState, radius: float, side: int) -> None:
    """Move every handle to the nearest feature around it to its first one (equation 4)."""
    around = _offsets(radius, side, 0.5)
    for i in range(len(state.handles)):
        places = (state.handles[i] + around).clamp(0, 1)
        far = (_at(features, places) - state.first[i]).abs().sum(1)
        # Of equally near places the one that moved least: else a flat patch would wander off.
        far = far + 1e-4 * far.mean() * (around * side).norm(dim=1)
        state.handles[i] = places[int(far.argmin())]


def mask_of(dabs: Float32[np.ndarray, "k 3"], side: int) -> Float[Tensor, "1 1 side side"] | None:
    """Where the picture may move: discs x, y, radius in shares of the picture; None for all."""
    if not len(dabs):
        return None
    return torch.from_numpy(inside_discs(dabs, side).astype(np.float32))[None, None]


def drag(
    tap: FeatureTap,
    spread: Spread,
    state: DragState,
    settings: DragSettings,
    mask: Tensor | None,
    cancel: CancelToken,
    seen: Callable[[DragState, Tensor], None],
) -> None:
    """Step until every handle is at its target, the steps are spent, or it is cancelled."""
    while state.step < settings.steps and not cancel.cancelled:
        if bool(reached(state, settings, tap.side).all()):
            return
        seen(state, drag_step(tap, spread, state, settings, mask))
