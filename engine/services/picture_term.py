"""Guidance toward the picture that a model is shown. Runs in the worker process."""

from __future__ import annotations

from collections.abc import Callable

from engine.denoising import Classes, ClassifierFree, Conditioning, Denoise, PictureGuidance
from engine.diffusion import guidance
from engine.models.diffusion.condition import Told
from engine.models.diffusion.text_blends import Weights


def picture_term(
    term: PictureGuidance, node: Denoise, told: Callable[[Conditioning], Weights]
) -> guidance.Term:
    """Toward the shown picture and away from none, under the negative text (Brooks et al., 2023,
    equation 3, the second scale)."""
    texts = (item.negative for item in node.guidance if isinstance(item, ClassifierFree))
    away = told(next(texts, Classes()))
    return guidance.classifier_free(
        Told(away), Told(away, picture=False), term.scale, (term.start, term.end)
    )
