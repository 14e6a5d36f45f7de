"""The noise-aware networks that guide diffusion from outside, as the window and the command line
know them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.recipe import ModelRef


@dataclass(frozen=True)
class ClassifierInfo:
    """A noise-aware classifier, for guidance. classes: their names, in order."""

    name: str
    title: str
    sha256: str
    resolution: int
    classes: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class NoisyClipInfo:
    """A picture tower for noisy pictures. clip: the digest of the CLIP whose space it shares."""

    name: str
    title: str
    sha256: str
    resolution: int
    clip: str
    folder: Path


def eyes_for(clip: str, resolution: int, towers: Iterable[NoisyClipInfo]) -> ModelRef | None:
    """The picture tower for noisy pictures of a size that shares the space of the CLIP with that
    digest; None where there is none, and the gradient has to go through the U-Net."""
    fits = (t for t in towers if (t.clip, t.resolution) == (clip, resolution))
    found = next(fits, None)
    return None if found is None else ModelRef(found.name, found.sha256)
