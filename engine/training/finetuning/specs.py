"""The plans of the lessons that begin with the model of codes and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from engine.models.bundled import bundled_folder
from engine.training.diffusion_spec import Lesson, TrainDiffusion, latent_spec
from engine.training.finetuning.begin import START

LOOKS = 2 * 64  # what the bundled CLIP says of a picture, and how much noise is in it


def _after(
    name: str, work: Path, lesson: Lesson, images: int, beside: int = 0, looks: int = 0
) -> TrainDiffusion:
    base = latent_spec(work)
    return replace(
        base, name=name, lesson=lesson, images=images,
        unet=replace(base.unet, beside=beside, looks=looks),
        start=bundled_folder() / START, learning_rate=5e-4, warm_up=2_000, reading=0,
    )  # fmt: skip


def inpaint_spec(work: Path) -> TrainDiffusion:
    """It fills holes."""
    return _after("portraits-inpaint", work, "masked", 60_000, beside=5)


def instruct_spec(work: Path) -> TrainDiffusion:
    """It follows instructions."""
    spec = _after("portraits-instruct", work, "instruction", 130_000, beside=4)
    return replace(spec, portraits=20_000, reading=2_000)


def variations_spec(work: Path) -> TrainDiffusion:
    """It draws like another picture."""
    return _after("portraits-variations", work, "like", 56_000, looks=LOOKS)


def edges_spec(work: Path) -> TrainDiffusion:
    """A ControlNet for edges."""
    return _after("portraits-edges", work, "edges", 60_000)


def pose_spec(work: Path) -> TrainDiffusion:
    """A ControlNet for how a head is turned."""
    return _after("portraits-pose", work, "pose", 45_000)


FINE: Mapping[str, Callable[[Path], TrainDiffusion]] = {
    "portraits-inpaint": inpaint_spec,
    "portraits-instruct": instruct_spec,
    "portraits-variations": variations_spec,
    "portraits-edges": edges_spec,
    "portraits-pose": pose_spec,
}
