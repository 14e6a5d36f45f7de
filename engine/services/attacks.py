"""The parent's side of the adversarial lab: hands pictures to its worker process.

The process starts with the first job and imports torch; nothing here does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.errors import RecipeError
from engine.frame import OnProgress
from engine.models.library import ModelLibrary
from engine.perturbing import (
    Flip,
    FlipWish,
    Iterated,
    Look,
    Network,
    Perturb,
    Projected,
    Report,
    Universal,
    VictimInfo,
)
from engine.recipe import Image, ModelRef, Recipe, Resize
from engine.services import victims
from engine.services.diffusion import Place
from engine.worker import Worker

Pixels = UInt8[np.ndarray, "height width 3"]
Draw = Callable[[Recipe], Pixels]
HURRIED_STEPS = 3  # of an attack in many steps, while a slider is dragged


class Attacks:
    """Attacks, what they do, and what is looked for besides, for one data folder.

    Methods wait, and may be called from several threads.
    """

    def __init__(self, place: Place, library: ModelLibrary) -> None:
        self._place = place
        self._library = library
        self._worker = _worker()  # its process starts with the first job
        self._searcher = _worker()  # another one, so that a search never holds up a slider

    def victims(self) -> tuple[VictimInfo, ...]:
        """Every network that can be attacked or shows what transfers."""
        return victims.victims(self._library)

    def has(self, ref: ModelRef) -> bool:
        """Whether a network with those weights is here."""
        return any(
            isinstance(info.victim, Network)
            and info.victim.model.sha256 == ref.sha256
            and not info.missing
            for info in self.victims()
        )

    def perturb(
        self,
        node: Perturb,
        pixels: Pixels,
        *,
        fresh: bool = False,
        hurry: bool = False,
        cancel: CancelToken | None = None,
    ) -> Pixels:
        """See perturb.perturb_image."""
        asked = {"node": node, "pixels": pixels, "fresh": fresh, "hurry": hurry}
        made: Pixels = self._run("perturb:perturb_image", asked, cancel=cancel)
        return made

    def look(
        self, recipe: Recipe, draw: Draw, hurry: bool = False, cancel: CancelToken | None = None
    ) -> Look:
        """What the attack of a Recipe does. draw: renders the picture below it."""
        node = attacked(recipe)
        asked = {
            "recipe": Recipe(node).canonical,
            "pixels": draw(Recipe(node.image)),
            "hurry": hurry,
        }
        found: Look = self._run("attack_tables:look", asked, cancel=cancel)
        return found

    def report(
        self,
        recipe: Recipe,
        draw: Draw,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Transfer and survival of the attack of a Recipe."""
        node = attacked(recipe)
        asked = {"recipe": Recipe(node).canonical, "pixels": draw(Recipe(node.image))}
        found: Report = self._run("attack_tables:report", asked, progress, cancel)
        return found

    def find_universal(
        self,
        recipe: Recipe,
        pictures: int = 48,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Recipe:
        """The Recipe with a universal pattern in the place of its attack; found on portraits that
        the bundled generator makes. Raises RecipeError for networks that read no portraits."""
        asked = {"recipe": Recipe(attacked(recipe)).canonical, "pictures": pictures}
        sha256: str = self._search("find_universal", asked, progress, cancel)
        return with_pattern(recipe, sha256)

    def flip(
        self,
        wish: FlipWish,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        frame: Callable[[Any], None] | None = None,
    ) -> Flip:
        """The smallest move in w that changes an answer. frame: shown uint8 [r, r, 3]."""
        found: Flip = self._search("flip", {"wish": wish}, progress, cancel, frame)
        return found

    def close(self) -> None:
        """End the worker processes; their jobs end as cancelled. A later one starts another."""
        for worker in (self._worker, self._searcher):
            worker.close()
        self._worker, self._searcher = _worker(), _worker()

    def _run(
        self,
        name: str,
        asked: dict[str, Any],
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Any:
        kwargs = {"place": self._place, **asked}
        job = self._worker.submit(f"engine.services.{name}", kwargs, on_progress=progress)
        return job.wait(cancel)

    def _search(
        self,
        name: str,
        asked: dict[str, Any],
        progress: OnProgress | None,
        cancel: CancelToken | None,
        frame: Callable[[Any], None] | None = None,
    ) -> Any:
        job = self._searcher.submit(
            f"engine.services.attack_searches:{name}",
            {"place": self._place, **asked},
            on_progress=progress,
            on_frame=frame,
        )
        return job.wait(cancel)


def _worker() -> Worker:
    return Worker(patience_s=8.0)  # a gradient of a large picture takes a second


def is_long(node: Perturb) -> bool:
    """Whether the attack takes more steps than a drag has time for."""
    return isinstance(node.attack, Iterated | Projected) and node.attack.steps > HURRIED_STEPS


def attacked(recipe: Recipe) -> Perturb:
    """The Perturb of a Recipe, below what an export adds. Raises RecipeError without one."""
    image: Image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    if not isinstance(image, Perturb):
        raise RecipeError(
            f"This Recipe attacks nothing, got {image.op!r}.", "Begin on the Attack page."
        )
    return image


def with_pattern(recipe: Recipe, sha256: str) -> Recipe:
    """The Recipe with a universal pattern as its attack."""
    node = attacked(recipe)
    return Recipe(replace(node, attack=Universal(sha256), target=None, transforms=()))
