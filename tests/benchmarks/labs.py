"""The labs: each part measures itself in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.benchmarks.attacks import measure_attacks
from tests.benchmarks.figures import Figure
from tests.benchmarks.lab_training import measure_lessons

PARTS: tuple[Callable[[], Iterator[Figure]], ...] = (measure_lessons, measure_attacks)


def measure() -> Iterator[Figure]:
    """Every figure of every part."""
    for part in PARTS:
        yield from part()
