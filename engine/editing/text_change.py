"""What a pair of texts asks of pictures: a direction in CLIP's space, and how far pictures reach.

StyleCLIP (Patashnik et al., 2021, section 6) takes the change between two texts, each said in
several ways, as the change between two pictures. Here it is kept to the axes along which the
pictures of the generator differ at all, and counted in their standard deviation along it, so that
one strength means the same for every text, generator and CLIP.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn.functional import normalize

from engine.cancel import CancelToken
from engine.editing.generator import Differentiable
from engine.errors import RecipeError
from engine.perception.clip.model import Clip

NEUTRAL = "a face"
WAYS = ("{}", "a portrait of {}", "a picture of {}", "a drawing of {}")
AXES = 48  # at most: what a generator's pictures differ in
LEAST = 1e-3  # of the largest deviation: below it an axis is noise


@dataclass(frozen=True)
class TextChange:
    """The unit change from a neutral text to another. cut: what of them was too long to be read."""

    direction: Float[Tensor, " dim"]
    text: str
    neutral: str
    cut: bool


@dataclass(frozen=True)
class Ground:
    """How the pictures of one generator lie in a CLIP's space.

    axes: their principal axes, unit vectors; size: the deviation along each.
    """

    axes: Float[Tensor, "axes dim"]
    size: Float[Tensor, " axes"]

    def aimed(self, change: TextChange) -> Aim:
        """The change as far as pictures of this generator can follow it. Raises RecipeError.

        Each axis counts by how far random pictures reach along it: the change between two texts is
        also one of how much they say, which lies along axes where pictures hardly differ, and
        without the weights that took most of it.
        """
        parts = self.axes @ change.direction
        if float(parts.norm()) < 0.02:
            raise RecipeError(
                f"Nothing that this model draws differs between {change.neutral[:60]!r} and "
                f"{change.text[:60]!r}.",
                "Say it in other words, or choose another CLIP.",
            )
        parts = parts * self.size
        parts = parts / parts.norm()
        return Aim(parts @ self.axes, float((parts * self.size).norm()), parts)


@dataclass(frozen=True)
class Aim:
    """A unit direction among the pictures of a generator, the deviation of random ones along it,
    and its shares on the axes."""

    direction: Float[Tensor, " dim"]
    deviation: float
    parts: Float[Tensor, " axes"]

    def goal(self, start: Float[Tensor, "n dim"], strength: float) -> Float[Tensor, "n dim"]:
        """Where pictures that are at `start` are to go: `strength` deviations on, all else kept."""
        return normalize(start + strength * self.deviation * self.direction, dim=1)


def text_change(clip: Clip, text: str, neutral: str = NEUTRAL) -> TextChange:
    """Between two texts. Raises RecipeError for texts that are empty or say the same."""
    said = [" ".join(part.split()) for part in (text, neutral)]
    if not said[0]:
        raise RecipeError(
            "There is no text that says what the picture should show.",
            "Write one, such as: a face with glasses.",
        )
    if not said[1]:
        raise RecipeError("There is no neutral text to go from.", f"Write one, such as: {NEUTRAL}.")
    tokens = clip.tokens(said)
    if tokens.kept[0] == tokens.kept[1]:
        raise RecipeError("Both texts say the same.", "Say in one what the other does not have.")
    means = [clip.embed_texts([way.format(kept) for way in WAYS]).mean(0) for kept in tokens.kept]
    step = normalize(means[0], dim=0) - normalize(means[1], dim=0)
    if float(step.norm()) < 1e-4:
        raise RecipeError(
            "Both texts mean the same to this CLIP.", "Say it in other words, or choose another."
        )
    text, neutral = tokens.kept
    return TextChange(normalize(step, dim=0), text, neutral, any(tokens.cut))


def measure_ground(
    net: Differentiable, clip: Clip, w: Float32[np.ndarray, "n w_dim"], cancel: CancelToken
) -> Ground:
    """From the pictures of random w."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(w), 16):
            cancel.check()
            ws = torch.from_numpy(w[start : start + 16])[:, None].repeat(1, net.num_ws, 1)
            parts.append(clip.embed_images(net.images(ws)))
    seen = torch.cat(parts).double()
    values, vectors = torch.linalg.eigh(torch.cov(seen.T))
    size, axes = values.clamp(min=0).sqrt().flip(0), vectors.flip(1).T
    count = max(1, min(AXES, int((size > LEAST * size[0]).sum()), len(w) // 4))
    return Ground(axes[:count].float(), size[:count].float())
