"""What pulls a variation elsewhere, as terms of the loop. Runs in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn.functional import normalize

from engine.denoising import Denoise
from engine.diffusion.guidance import Within
from engine.errors import ModelError, RecipeError
from engine.image.pixels import pixels_sha256
from engine.likening import TextDifference, likenesses_of
from engine.models.diffusion.denoiser import Denoiser
from engine.recipe import ModelRef

if TYPE_CHECKING:
    from engine.perception.clip.model import Clip

Pixels = UInt8[np.ndarray, "height width 3"]


def likeness_terms(
    node: Denoise,
    pictures: Sequence[Pixels],
    network: Denoiser,
    clip: Callable[[ModelRef], Clip],
) -> list[Within]:
    """Each step part of the way from where the one before led. pictures: one for each of
    likenesses_of. Raises ModelError, RecipeError for a picture that is no square."""
    found = []
    for term, pixels in zip(likenesses_of(node), pictures, strict=True):
        if pixels.shape[0] != pixels.shape[1]:
            raise RecipeError(
                f"A variation goes toward square pictures, got {pixels.shape[1]} x "
                f"{pixels.shape[0]}.",
                "Crop the picture to a square.",
            )
        image = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        around = methodcaller("toward", network.said_of(image, node.noise_seed), term.scale)
        name = f"like:{pixels_sha256(pixels)}"
        found.append(Within(name, around, term.scale, (term.start, term.end)))
    for difference in node.guidance:
        if isinstance(difference, TextDifference) and difference.scale:
            found.append(_along(difference, network, clip(difference.model)))
    return found


def _along(term: TextDifference, network: Denoiser, clip: Clip) -> Within:
    said = clip.embed_texts([term.text, term.away])
    way = normalize(said[:1] - said[1:], dim=1)
    if way.shape[1] != network.says:
        raise ModelError(
            f"{clip.name} says {way.shape[1]} numbers of a text, but {network.info.name} looks "
            f"through a CLIP of {network.says}.",
            "Choose the CLIP that the model was taught with.",
        )
    name = f"{term.model.sha256}:{term.text}:{term.away}"
    around = methodcaller("toward", way, term.scale)
    return Within(name, around, term.scale, (term.start, term.end))
