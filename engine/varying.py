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
)

_TERM = ("scale", "start", "end")  # fields of the first guidance


def vary(node: Denoise, changes: Mapping[str, Any]) -> Denoise:
    """The picture with other fields. What only the picture at hand asks for gives way: its spacing
    to a sampler that does not know it, its eta to any but DDIM, its sampler to an eta."""
    wanted = {key: value for key, value in changes.items() if key not in _TERM}
    term = {key: value for key, value in changes.items() if key in _TERM}
    if "negative" in wanted:
        node = _with(node, ClassifierFree(3.0), negative=wanted.pop("negative"))
    if "pag" in wanted:
        node = _with(node, PerturbedAttention(0.0), scale=wanted.pop("pag"))
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


def _with(node: Denoise, usual: Guidance, **changes: Any) -> Denoise:
    """The picture whose first term of that kind is changed; where there is none, with the usual
    one, changed, unless it does nothing then."""
    terms = node.guidance
    at = next((i for i, term in enumerate(terms) if isinstance(term, type(usual))), len(terms))
    old: Any = terms[at] if at < len(terms) else usual
    new = replace(old, **changes)
    if at == len(terms) and new.scale == 0:
        return node
    return replace(node, guidance=(*terms[:at], new, *terms[at + 1 :]))
