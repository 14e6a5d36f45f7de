"""Attacks without networks: the answer turns when the budget is large enough."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.errors import RecipeError
from engine.perturbing import (
    Answer,
    Flip,
    FlipWish,
    Look,
    MarkReader,
    Network,
    Perturb,
    Question,
    Report,
    Survived,
    Transferred,
    Universal,
    VictimInfo,
)
from engine.recipe import ModelRef, Recipe

Pixels = np.ndarray[Any, Any]
ENOUGH = 3.0
SMILE = Question("smile", ("serious", "smiling"))


def _network(name: str) -> Network:
    return Network(ModelRef(name, hashlib.sha256(name.encode()).hexdigest()))


class FakeAttacks:
    """What the window calls of the adversarial lab."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        self.looked: list[tuple[Recipe, bool]] = []
        self.reported: list[Recipe] = []

    def victims(self) -> tuple[VictimInfo, ...]:
        glasses = Question("eyeglasses", ("no eyeglasses", "eyeglasses"))
        classes = Question("class", ("tench", "goldfish", "great white shark"))
        mark = Question("mark", ("no mark", "a mark"))
        return (
            VictimInfo(
                "portraits-attributes",
                "Attribute network",
                _network("attributes"),
                (SMILE, glasses),
                "portraits",
            ),
            VictimInfo("judge", "Judge", _network("judge"), (SMILE,), "portraits", False),
            VictimInfo("lite0", "Lite0", _network("lite0"), (classes,), "photographs"),
            VictimInfo(
                "lite1",
                "Lite1",
                _network("lite1"),
                (classes,),
                "photographs",
                True,
                "Run: pip install lite1",
            ),
            VictimInfo("watermark", "Reader of the mark", MarkReader(), (mark,), "marks"),
        )

    def perturb(self, node: Perturb, pixels: Pixels) -> Pixels:
        change = np.where(np.indices(pixels.shape).sum(0) % 2, 1, -1) * int(node.epsilon)
        return np.clip(pixels.astype(int) + change, 0, 255).astype(np.uint8)

    def look(
        self,
        recipe: Recipe,
        draw: Callable[[Recipe], Pixels],
        hurry: bool = False,
        cancel: CancelToken | None = None,
    ) -> Look:
        self.looked.append((recipe, hurry))
        node = recipe.image
        assert isinstance(node, Perturb)
        pixels = draw(Recipe(node.image))
        result = self.perturb(node, pixels)
        fooled = node.epsilon >= ENOUGH
        before = (Answer("smiling", 0.9), Answer("serious", 0.1))
        after = before[::-1] if fooled else before
        return Look(
            recipe, pixels, result, result, 8, before, after, int(node.epsilon), 1.0, fooled
        )

    def report(
        self,
        recipe: Recipe,
        draw: Callable[[Recipe], Pixels],
        progress: Any = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        self.reported.append(recipe)
        node = recipe.image
        assert isinstance(node, Perturb)
        pixels = draw(Recipe(node.image))
        smiling, serious = Answer("smiling", 0.9), Answer("serious", 0.8)
        rows = (
            Transferred("Attribute network", "smile", smiling, serious, True),
            Transferred("Judge", "smile", smiling, smiling),
        )
        cells = tuple(
            Survived(name, pixels, serious, smiling, name != "JPEG 50")
            for name in ("As it is", "JPEG 75", "JPEG 50", "Turned 5°")
        )
        return Report(recipe, rows, cells)

    def find_universal(
        self, recipe: Recipe, pictures: int = 48, progress: Any = None, cancel: Any = None
    ) -> Recipe:
        node = recipe.image
        assert isinstance(node, Perturb)
        if isinstance(node.victim, MarkReader):
            raise RecipeError("A universal pattern is looked for on portraits.", "Choose another.")
        return Recipe(replace(node, attack=Universal("a" * 64), target=None))

    def flip(
        self, wish: FlipWish, progress: Any = None, cancel: Any = None, frame: Any = None
    ) -> Flip:
        smiling, serious = Answer("smiling", 0.9), Answer("serious", 0.6)
        return Flip(wish.recipe, True, 1.8, smiling, serious, smiling, smiling, 0.02, "greying")
