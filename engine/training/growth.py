"""Progressive growing (Karras et al., 2018): which size a run is at, from its steps alone.

A run begins at 4 px. Every further size first fades in, then is trained whole for as long; when
GROWN of the run is over the full size has faded in, and the rest is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

FIRST_PX = 4
GROWN = 0.6


@dataclass(frozen=True)
class Stage:
    """size_px: of the pictures that both networks see. top_gain: how far the layers of that size
    have faded in, from 0 (the size below, enlarged) to 1."""

    size_px: int
    top_gain: float

    @property
    def whole_px(self) -> int:
        """The largest size that has faded in."""
        return self.size_px if self.top_gain == 1.0 else self.size_px // 2

    @property
    def words(self) -> str:
        """Such as "16 px, fading in, 40 %"."""
        if self.top_gain == 1.0:
            return f"{self.size_px} px"
        return f"{self.size_px} px, fading in, {100 * self.top_gain:.0f} %"


def sizes_up_to(full_px: int) -> tuple[int, ...]:
    """4, 8, ... up to the full size, a power of two from 4 on."""
    return tuple(FIRST_PX << k for k in range((full_px // FIRST_PX).bit_length()))


def stage_at(step: int, steps: int, full_px: int) -> Stage:
    """The stage of a run of so many steps when `step` of them are over."""
    sizes = sizes_up_to(full_px)
    place = step / part_of(steps, full_px)
    part = int(place)
    if part >= 2 * (len(sizes) - 1):
        return Stage(full_px, 1.0)
    fading = part % 2 == 1
    return Stage(sizes[(part + 1) // 2], place - part if fading else 1.0)


def beginnings(steps: int, full_px: int) -> tuple[tuple[float, int], ...]:
    """At which step every size begins to fade in, and the size."""
    part = part_of(steps, full_px)
    sizes = sizes_up_to(full_px)
    return tuple((max(0, 2 * k - 1) * part, size) for k, size in enumerate(sizes))


def work_at(step: int, steps: int, full_px: int) -> float:
    """What the first `step` steps cost, counted in steps at the full size.

    A step's cost is about proportional to how many sizes its networks go through, since layers
    get narrower as their maps get larger.
    """
    sizes = sizes_up_to(full_px)
    starts = [start for start, _ in beginnings(steps, full_px)] + [float(steps)]
    return sum(
        (k + 1) / len(sizes) * max(0.0, min(step, end) - start)
        for k, (start, end) in enumerate(pairwise(starts))
    )


def part_of(steps: int, full_px: int) -> float:
    """How many steps one part of the growth takes: a fading in, or the time after it."""
    return GROWN * steps / max(1, 2 * (len(sizes_up_to(full_px)) - 1))
