"""Runs attacks: called in the worker process, which keeps networks and the last results.

`perturb_image` is a pure function of its arguments; what is remembered only makes it quicker. It
runs on one thread, so that the same Recipe gives the same bytes however many cores there are.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.editing import adversarial, universal
from engine.editing.adversarial import Slope
from engine.editing.mark_victim import MarkVictim
from engine.editing.transformations import BY_NAME
from engine.editing.victims import (
    ImageNetVictim,
    NoisyVictim,
    ReaderVictim,
    Victim,
    levels_of,
    pixels_of,
)
from engine.errors import RecipeError
from engine.models.diffusion.open_denoiser import open_classifier
from engine.perception import imagenet
from engine.perception.reader import open_reader
from engine.perturbing import (
    FastGradient,
    Iterated,
    Network,
    Perturb,
    Projected,
    Universal,
    VictimInfo,
)
from engine.services.attacks import HURRIED_STEPS
from engine.services.diffusion import Place
from engine.services.installation import Installation
from engine.services.victims import IMAGENET, check_perturb, class_names

Pixels = UInt8[np.ndarray, "height width 3"]
KEPT = 12
MOST_SIDE = 2048


class Lab(Installation):
    """What one place's attacks share."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.home, place.bundled)
        self._victims: dict[str, Victim] = {}
        self._slopes: OrderedDict[str, Any] = OrderedDict()
        self._made: OrderedDict[str, Pixels] = OrderedDict()

    def victim(self, info: VictimInfo) -> Victim:
        """A network, opened once. Raises ModelError."""
        if info.key not in self._victims:
            self._victims[info.key] = self._opened(info)
        return self._victims[info.key]

    def _opened(self, info: VictimInfo) -> Victim:
        if not isinstance(info.victim, Network):
            return MarkVictim()
        if info.key in IMAGENET:
            return ImageNetVictim(imagenet.load(IMAGENET[info.key][1]), class_names())
        ref = info.victim.model
        known = {one.sha256: one for one in self.library.classifiers()}
        if ref.sha256 in known:
            found = known[ref.sha256]
            return NoisyVictim(open_classifier(found), found.resolution, found.classes)
        return ReaderVictim(open_reader(self.library.bundled / info.key))

    def first_slope(self, key: str, x: torch.Tensor, slope: Slope) -> Slope:
        """A slope that remembers the gradient at the picture itself: an epsilon that is dragged
        asks for it again and again."""

        def remembered(at: torch.Tensor) -> torch.Tensor:
            if not torch.equal(at, x):
                return slope(at)
            if key not in self._slopes:
                self._slopes[key] = slope(at)
                _trim(self._slopes)
            found: torch.Tensor = self._slopes[key]
            return found

        return remembered

    def made(self, key: str) -> Pixels | None:
        """A result that was made lately."""
        return self._made.get(key)

    def keep(self, key: str, pixels: Pixels) -> None:
        """Remember a result."""
        self._made[key] = pixels
        _trim(self._made)


@lru_cache(maxsize=4)
def lab(place: Place) -> Lab:
    """The lab of a place; it lives as long as the process."""
    torch.set_num_threads(1)
    return Lab(place)


def perturb_image(
    place: Place,
    node: Perturb,
    pixels: Pixels,
    fresh: bool = False,
    hurry: bool = False,
    cancel: CancelToken | None = None,
) -> Pixels:
    """The attacked picture. fresh: made anew, as for an export. hurry: fewer steps, for a drag.

    Raises ModelError, RecipeError, StoreError, Cancelled.
    """
    room = lab(place)
    _check_size(pixels)
    key = _key(node, pixels) + ("-" if hurry else "")
    found = None if fresh else room.made(key)
    if found is None:
        found = _made(room, node, pixels, fresh, hurry, cancel or CancelToken())
        room.keep(key, found)
    return found


def _made(
    room: Lab, node: Perturb, pixels: Pixels, fresh: bool, hurry: bool, cancel: CancelToken
) -> Pixels:
    x = levels_of(pixels)
    attack, epsilon = node.attack, node.epsilon
    if isinstance(attack, Universal):
        moved = universal.added(x, _pattern(room, attack), epsilon)
        return pixels_of(adversarial.whole_levels(x, moved, epsilon, "linf"))
    info = check_perturb(room.library, node)
    assert info is not None
    victim = room.victim(info)
    objective = victim.objective(pixels, node.question, node.target)
    if node.transforms:
        kinds = [BY_NAME[name] for name in node.transforms]
        slope = adversarial.expected(objective, kinds, node.draws, node.seed, cancel)
    else:
        slope = adversarial.slope_of(objective)
        if not fresh:
            slope = room.first_slope(_goal(node, pixels), x, slope)
    norm = "linf"
    match attack:
        case FastGradient():
            moved = adversarial.fast_gradient(x, slope, epsilon)
        case Iterated(steps, momentum):
            steps = min(steps, HURRIED_STEPS) if hurry else steps
            moved = adversarial.iterated(x, slope, epsilon, steps, momentum, cancel)
        case Projected(norm, steps):
            steps = min(steps, HURRIED_STEPS) if hurry else steps
            search = adversarial.projected_l2 if norm == "l2" else adversarial.projected_linf
            moved = search(x, slope, epsilon, steps, node.seed, cancel)
        case _:
            raise RecipeError(
                f"The attack {attack.op!r} is not known here.", "A newer version may know it."
            )
    return pixels_of(adversarial.whole_levels(x, moved, epsilon, norm))


def _check_size(pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    if min(height, width) < 16 or max(height, width) > MOST_SIDE:
        raise RecipeError(
            f"Pictures of 16 to {MOST_SIDE} px a side can be attacked, got {width} x {height}.",
            "Resize or crop the picture first.",
        )


def _pattern(room: Lab, attack: Universal) -> np.ndarray[Any, Any]:
    pattern = room.store.get_array(attack.pattern)
    if pattern.ndim != 3 or pattern.shape[0] != 3 or not np.isfinite(pattern).all():
        raise RecipeError(
            f"A universal pattern is an array [3, h, w], got {list(pattern.shape)}.",
            "Find one on the Attack page.",
        )
    return pattern


def _goal(node: Perturb, pixels: Pixels) -> str:
    """What a gradient at the picture depends on."""
    words = f"{node.victim!r} {node.question} {node.target}"
    return hashlib.sha256(words.encode() + _bytes(pixels)).hexdigest()


def _key(node: Perturb, pixels: Pixels) -> str:
    words = (
        f"{node.victim!r} {node.attack!r} {node.epsilon} {node.question} {node.target} "
        f"{node.transforms} {node.draws} {node.seed}"
    )
    return hashlib.sha256(words.encode() + _bytes(pixels)).hexdigest()


def _bytes(pixels: Pixels) -> bytes:
    return repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()


def _trim(kept: OrderedDict[str, Any]) -> None:
    while len(kept) > KEPT:
        kept.popitem(last=False)
