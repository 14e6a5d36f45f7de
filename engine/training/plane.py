"""Data in the plane, and how well samples cover it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from engine.course import Points
from engine.errors import TrainingError
from engine.training_spec import Data, Drawn, Grid, Moons, Ring, Spiral

COVERED = 0.1  # of its fair share of samples makes a mode count as covered
REACH = 3.0  # deviations from a mode within which a sample is good
STOPS = 64  # places along a curve that stand for it


@dataclass(frozen=True, eq=False)
class Plane:
    """centres [k, 2]: modes, or places along curves. spread: the deviation around each.

    labels [k]: the class of each centre. loose: whether the centres are places on curves, which
    are measured by the ground that samples cover rather than one by one.
    """

    centres: Points
    spread: float
    labels: Int64[np.ndarray, " k"]
    loose: bool

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.labels.max()) + 1

    def draw(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """n real points [n, 2] and their classes [n]."""
        picked = torch.randint(0, len(self.centres), (n,), generator=rng)
        centres = torch.from_numpy(self.centres)[picked]
        noise = torch.randn(n, 2, generator=rng) * self.spread
        return centres + noise, torch.from_numpy(self.labels)[picked]

    def score(self, made: Points) -> Score:
        """How well these samples are spread over the data."""
        gaps = np.linalg.norm(made[:, None] - self.centres[None], axis=2)  # [n k]
        gaps = np.where(np.isfinite(gaps), gaps, np.inf)
        nearest = gaps.argmin(axis=1)
        good = gaps.min(axis=1) <= max(REACH * self.spread, self._slack)
        counts = np.bincount(nearest[good], minlength=len(self.centres))
        fair = len(made) / len(self.centres)
        return Score(int((counts >= COVERED * fair).sum()), len(self.centres), float(good.mean()))

    @property
    def _slack(self) -> float:
        """Places on a curve lie apart: what falls between two of them is good, too."""
        if not self.loose or len(self.centres) < 2:
            return 0.0
        return float(np.linalg.norm(np.diff(self.centres, axis=0), axis=1).min())


@dataclass(frozen=True)
class Score:
    """covered of `modes` get a tenth of their fair share of samples or more; good: the share of
    samples within three deviations of a mode."""

    covered: int
    modes: int
    good: float


def plane_of(data: Data) -> Plane:
    """The plane that a spec's data is about. Raises TrainingError for pictures."""
    match data:
        case Ring(modes, spread):
            turn = 2 * math.pi * np.arange(modes) / modes
            return _modes(np.stack([np.cos(turn), np.sin(turn)], axis=1), spread)
        case Grid(side, spread):
            line = np.linspace(-1, 1, side) if side > 1 else np.zeros(1)
            return _modes(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), spread)
        case Spiral(turns, spread):
            # Evenly along the arm: its length grows with the square of the turn.
            way = np.sqrt(np.linspace(0.02, 1, STOPS // 2))
            turn = 2 * math.pi * turns * way
            arm = np.stack([way * np.cos(turn), way * np.sin(turn)], axis=1)
            return _curves([arm, -arm], spread)
        case Moons(spread):
            turn = np.linspace(0, math.pi, STOPS // 2)
            upper = np.stack([np.cos(turn) - 0.5, np.sin(turn) - 0.25], axis=1) / 1.5
            return _curves([upper, -upper], spread)
        case Drawn(points, spread):
            places = np.array([(p.x, p.y) for p in points], np.float32)
            return Plane(places, spread, np.zeros(len(places), np.int64), loose=True)
    raise TrainingError(f"The data {data.op!r} are no points of the plane.")


def _modes(centres: np.ndarray, spread: float) -> Plane:
    return Plane(centres.astype(np.float32), spread, np.arange(len(centres)), loose=False)


def _curves(curves: list[np.ndarray], spread: float) -> Plane:
    labels = np.repeat(np.arange(len(curves)), [len(curve) for curve in curves])
    return Plane(np.concatenate(curves).astype(np.float32), spread, labels, loose=True)
