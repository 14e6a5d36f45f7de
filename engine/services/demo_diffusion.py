"""The diffusion half of the first tour: classes, the way from noise to picture, guidance scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from engine.cancel import CancelToken
from engine.denoising import (
    Classes,
    ClassifierFree,
    Denoise,
    DenoiserInfo,
    PerturbedAttention,
)
from engine.frame import DenoisingStep, Frame, OnProgress, OnStep, Progress
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed
from engine.services.contact_sheet import Pixels, Row, Section, contact_sheet

TILES = 8  # a row
SEEDS = (2, 5, 11)
STEPS, TRAIL_STEPS = 10, 15
SCALES = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
SCALE = 3.0
BEGAN, ENDED = 0.57, 0.82  # of the tour's progress


class Render(Protocol):
    """Studio.render, as far as it is used here."""

    def __call__(
        self, recipe: Recipe, *, cancel: CancelToken | None = None, on_step: OnStep | None = None
    ) -> Frame:
        """The picture of a Recipe; on_step hears of every step."""


def diffusion_sheet(
    render: Render, info: DenoiserInfo, progress: OnProgress, cancel: CancelToken
) -> tuple[Frame, tuple[Recipe, ...]]:
    """The sheet, as a frame whose Recipe is that of its first picture, and all Recipes on it."""
    tour = _Tour(render, info, progress, cancel)
    sections = [tour.classes(), tour.trail(), tour.scales()]
    words = f"{info.name}, {info.resolution} px, weights {info.sha256[:16]}"
    sheet = contact_sheet(info.title, words, [sections])
    recipes = tuple(dict.fromkeys(frame.recipe for frame in tour.frames))
    return replace(tour.frames[0], pixels=sheet), recipes


class _Tour:
    """Renders what the sheet shows."""

    def __init__(
        self, render: Render, info: DenoiserInfo, progress: OnProgress, cancel: CancelToken
    ) -> None:
        self.info, self.cancel, self.frames = info, cancel, list[Frame]()
        self._render, self._progress = render, progress
        self._names = info.classes[:TILES]
        self._pags = tuple(dict.fromkeys((0.0, info.usual_pag)))
        self._all = len(SEEDS) * max(1, len(self._names)) + 2 + len(SCALES) * len(self._pags)

    def classes(self) -> Section:
        """A column a class, a row a seed; without classes, whatever the seeds give."""
        pag = self.info.best_pag
        guided = f"guidance {SCALE:g}" + (f", attention {pag:g}" if pag else "")
        note = f"{guided}, DPM-Solver++ 2M, {STEPS} steps; a row shares its noise"
        every: Sequence[int | None] = range(len(self._names)) if self._names else (None,)
        rows = [
            Row(f"seed {seed}", [self._picture(self._node(seed, index)) for index in every])
            for seed in SEEDS
        ]
        return Section("Classes", note, rows, self._names)

    def trail(self) -> Section:
        """What the model foresees on the way, for two seeds."""
        shown = [round(step) for step in np.linspace(0, TRAIL_STEPS - 1, TILES)]
        rows = []
        for seed, index in zip(SEEDS[:2], (self._class(6), self._class(3)), strict=True):
            seen: dict[int, Pixels] = {}

            def hear(step: DenoisingStep, seen: dict[int, Pixels] = seen) -> None:
                seen[step.index] = step.pixels

            last = self._picture(replace(self._node(seed, index), steps=TRAIL_STEPS), hear)
            seen[TRAIL_STEPS - 1] = last
            rows.append(Row(f"seed {seed}", [seen.get(step) for step in shown]))
        note = f"the finished picture as the model foresees it at steps of {TRAIL_STEPS}"
        return Section("From noise to picture", note, rows, [f"step {n + 1}" for n in shown])

    def scales(self) -> Section:
        """One noise and one class, more and more guided, without and with perturbed attention."""
        node = self._node(SEEDS[0], self._class(7))
        rows = []
        for pag in self._pags:
            ways = [(ClassifierFree(scale), PerturbedAttention(pag)) for scale in SCALES]
            tiles = [self._picture(replace(node, guidance=terms)) for terms in ways]
            rows.append(Row(f"attention {pag:g}", tiles))
        note = "classifier-free: 0 is unguided, 1 the class as it was learnt, more exaggerates it"
        return Section("Guidance", note, rows, [f"{scale:g}" for scale in SCALES])

    def _class(self, index: int) -> int | None:
        count = len(self.info.classes)
        return min(index, count - 1) if count else None

    def _node(self, seed: int, index: int | None) -> Denoise:
        weights = () if index is None else (ClassWeight(index),)
        ref = ModelRef(self.info.name, self.info.sha256)
        terms = ClassifierFree(SCALE), PerturbedAttention(self.info.best_pag)
        return Denoise(ref, Seed(seed), Classes(weights), terms, steps=STEPS)

    def _picture(self, node: Denoise, on_step: OnStep | None = None) -> Pixels:
        self.cancel.check()
        share = min(1.0, len(self.frames) / self._all)
        self._progress(Progress("Diffusion", BEGAN + (ENDED - BEGAN) * share))
        frame = self._render(Recipe(node), cancel=self.cancel, on_step=on_step)
        self.frames.append(frame)
        return frame.pixels
