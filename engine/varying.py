"""A diffusion picture with other values of some of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.denoising import (
    SPACINGS,
    ClassifierFree,
    Denoise,
    Guidance,
    PerturbedAttention,
    Texts,
)

_TERM = ("scale", "start", "end")  # fields of the first guidance


def vary(node: Denoise, changes: Mapping[str, Any]) -> Denoise:
    """The picture with other fields. What only the picture at hand asks for gives way: its spacing
    to a sampler that does not know it, its eta to any but DDIM, its sampler to an eta."""
    wanted = {key: value for key, value in changes.items() if key not in _TERM}
    term = {key: value for key, value in changes.items() if key in _TERM}
    if "negative" in wanted:
        wanted["guidance"] = _away(node, wanted.pop("negative"))
        node = replace(node, guidance=wanted["guidance"])
    if "pag" in wanted:
        wanted["guidance"] = _perturbed(node, wanted.pop("pag"))
        node = replace(node, guidance=wanted["guidance"])
    if term:
        terms: tuple[Any, ...] = node.guidance or (ClassifierFree(1.0),)
        wanted["guidance"] = (replace(terms[0], **term), *terms[1:])
    sampler = wanted.get("sampler", "ddim" if "eta" in wanted else node.sampler)
    spacing = wanted.get("spacing", node.spacing)
    if "spacing" not in wanted and spacing not in SPACINGS[sampler]:
        spacing = SPACINGS[sampler][0]
    if "sampler" not in wanted and spacing not in SPACINGS[sampler]:
        sampler = "dpmpp_2m"  # it knows them all
    eta = wanted.get("eta", node.eta if sampler == "ddim" else 0.0)
    return replace(node, **{**wanted, "sampler": sampler, "spacing": spacing, "eta": eta})


def _away(node: Denoise, texts: Texts) -> tuple[Any, ...]:
    """The guidance with another text to move away from; some guidance, where there is none."""
    terms: tuple[Any, ...] = node.guidance
    if not any(isinstance(term, ClassifierFree) for term in terms):
        terms = (*terms, ClassifierFree(3.0))
    first = next(i for i, term in enumerate(terms) if isinstance(term, ClassifierFree))
    return (*terms[:first], replace(terms[first], negative=texts), *terms[first + 1 :])


def _perturbed(node: Denoise, scale: float) -> tuple[Guidance, ...]:
    """The guidance with another scale of that by perturbed attention, last where there was none."""
    terms: tuple[Any, ...] = node.guidance
    first = next((i for i, term in enumerate(terms) if isinstance(term, PerturbedAttention)), None)
    if first is None:
        return (*terms, PerturbedAttention(scale)) if scale else terms
    return (*terms[:first], replace(terms[first], scale=scale), *terms[first + 1 :])
