"""What may remain of a picture, and how the waves of each remainder answer to a change of it.

A reader that meets a cut picture folds fewer tiles, so what was made to agree over the whole need
not agree over a part; and one that meets a picture of more contrast sees nothing where it clips.
Whoever embeds looks at all of these at once.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float32
from scipy.ndimage import gaussian_filter

from engine.provenance.watermark.frame import FINE, LIMIT, SIDE, TILE, Frame, texture
from engine.provenance.watermark.lattice import tile_of, waves_of

CUTS = (0.8, 0.7)  # of each side
CONTRAST = 1.2

Waves = Complex[np.ndarray, "remains waves"]


class Remains:
    """The remainders of one frame; the whole is the first."""

    def __init__(self, frame: Frame) -> None:
        ones = np.ones_like(frame)
        harder = (frame - 127.5) * CONTRAST + 127.5
        clipped = (harder <= 0) | (harder >= 255)
        self._views = (
            _View(frame, ones, _cuts()),
            _View(
                np.clip(harder, 0, 255).astype(np.float32),
                np.where(clipped, 0, ones * CONTRAST),
                _cuts()[:1],
            ),
        )
        self.own = np.concatenate([view.own for view in self._views])

    def answer(self, change: Frame) -> Waves:
        """By how much a change of the frame moves each wave of each remainder."""
        return np.concatenate([view.answer(change) for view in self._views])

    def pull(self, waves: Waves) -> Frame:
        """The adjoint: the change that moves these waves most for its energy."""
        first = self._views[0]
        count = len(first.own)
        return np.asarray(first.pull(waves[:count]) + self._views[1].pull(waves[count:]))


class _View:
    """One way to see the picture, and parts of it. gain: how a change of the frame shows in it."""

    def __init__(self, frame: Frame, gain: Frame, masks: Bool[np.ndarray, "parts 256 256"]) -> None:
        fine, strength = texture(frame)
        flat = fine / strength
        # The slope of `flattened`: what is cut off by its limit answers to nothing.
        self._slope = np.asarray((np.abs(flat) < LIMIT) / strength, np.float32)
        self._gain = np.asarray(gain, np.float32)
        self._masks = masks.astype(np.float32)
        self._share = 1 / _folded(self._masks)
        self.own = self._waves(np.asarray(np.clip(flat, -LIMIT, LIMIT), np.float32))

    def answer(self, change: Frame) -> Waves:
        """See Remains."""
        seen = change * self._gain
        return self._waves((seen - gaussian_filter(seen, FINE)) * self._slope)

    def pull(self, waves: Waves) -> Frame:
        """See Remains."""
        tiles = np.asarray(tile_of(waves) * self._share, np.float32)
        times = SIDE // TILE
        whole = (np.tile(tiles, (1, times, times)) * self._masks).sum(axis=0) * self._slope
        return np.asarray((whole - gaussian_filter(whole, FINE)) * self._gain, np.float32)

    def _waves(self, plane: Frame) -> Waves:
        return waves_of(_folded(self._masks * plane) * self._share)


def _folded(
    planes: Float32[np.ndarray, "remains 256 256"],
) -> Float32[np.ndarray, "remains 64 64"]:
    tiles = planes.reshape(-1, SIDE // TILE, TILE, SIDE // TILE, TILE)
    return np.asarray(tiles.sum(axis=(1, 3)), np.float32)


def _cuts() -> Bool[np.ndarray, "remains 256 256"]:
    """The whole, and cuts at its corners and in its middle."""
    masks = [np.ones((SIDE, SIDE), bool)]
    for share in CUTS:
        side = round(SIDE * share)
        rest = SIDE - side
        for top, left in ((0, 0), (0, rest), (rest, 0), (rest, rest), (rest // 2, rest // 2)):
            mask = np.zeros((SIDE, SIDE), bool)
            mask[top : top + side, left : left + side] = True
            masks.append(mask)
    return np.stack(masks)
