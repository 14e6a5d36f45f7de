"""A text's direction in style space, at any threshold (Patashnik et al., 2021, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.errors import RecipeError


@dataclass(frozen=True)
class TextStyles:
    """What a text asks of each channel. relevance: in [-1, 1]; gain: deviations of CLIP's change
    for a deviation of the channel; deviation: of the channel."""

    relevance: Float32[np.ndarray, " style_dim"]
    gain: Float32[np.ndarray, " style_dim"]
    deviation: Float32[np.ndarray, " style_dim"]

    def vector(self, threshold: float) -> Float32[np.ndarray, " style_dim"]:
        """The direction of the channels whose relevance reaches the threshold.

        One unit moves pictures by one deviation of the text's change, as far as the change goes on
        as it begins. threshold 0 takes every channel; a higher one moves less else. Raises
        RecipeError where no channel is left.
        """
        kept = np.where(np.abs(self.relevance) >= threshold, self.relevance, 0.0)
        pull = float(kept.astype(np.float64) @ self.gain)
        if not kept.any() or pull <= 0:
            most = float(np.abs(self.relevance).max(initial=0.0))
            raise RecipeError(
                f"No style channel is that relevant: the threshold is {threshold:.2f}, the most "
                f"relevant one has {most:.2f}.",
                "Lower the threshold.",
            )
        return np.asarray(kept * self.deviation / pull, np.float32)

    def channels(self, threshold: float) -> int:
        """How many channels a threshold leaves."""
        return int((np.abs(self.relevance) >= threshold).sum())

    def packed(self) -> Float32[np.ndarray, "3 style_dim"]:
        """The three rows, for the store."""
        return np.stack([self.relevance, self.gain, self.deviation]).astype(np.float32)

    @classmethod
    def unpacked(cls, rows: np.ndarray) -> TextStyles:
        """From the rows of `packed`. Raises RecipeError for others."""
        if rows.ndim != 2 or len(rows) != 3:
            raise RecipeError("What was found for the text is damaged.", "Find it again.")
        return cls(*(np.asarray(row, np.float32) for row in rows))
