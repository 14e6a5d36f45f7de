"""How often chance reads an id in pictures without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import gumbel_r

from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark.code import CHECK_BITS
from engine.provenance.watermark.detect import LEAST_FIT, detect

SEARCHED = 10  # one in so many pictures is searched in every pose
MARGIN_PX = 64


@dataclass(frozen=True)
class Reading:
    """What was read of a picture without a mark. words: how many were decoded."""

    found: bool
    fit: float
    words: int
    searched: bool


def unmarked(
    count: int, pool: list[Pixels], side: int
) -> Iterator[Callable[[], tuple[Pixels, bool]]]:
    """Squares of the pool's pictures, cut and turned differently each time.

    pool: squares longer by MARGIN_PX than `side`.
    """

    def one(number: int) -> tuple[Pixels, bool]:
        source = np.random.RandomState(900_000 + number)
        pixels = pool[source.randint(len(pool))]
        top, left = source.randint(MARGIN_PX + 1, size=2)
        part = np.rot90(pixels[top : top + side, left : left + side], source.randint(4))
        if source.rand() < 0.5:
            part = part[:, ::-1]
        return np.ascontiguousarray(part), number % SEARCHED == 0

    for number in range(count):
        yield partial(one, number)


def read_unmarked(job: tuple[Pixels, bool]) -> tuple[Any, ...]:
    """The values of a Reading, of a picture that is searched in every pose or not."""
    pixels, search = job
    found = detect(pixels, search=search)
    return astuple(Reading(found.id is not None, found.fit, found.words, search))


def false_ids(readings: list[Reading]) -> dict[str, Any]:
    """How often chance reads an id.

    The best fit of a search that finds nothing is a largest value of many, so a Gumbel distribution
    is fitted to those. Its tail gives how many words a search are to be expected above the least
    fit (exp(-(least - place) / width), the intensity of the extremes; Gumbel, 1958), and each of
    these passes the check with the chance that its bits leave.
    """
    searched = [reading for reading in readings if reading.searched]
    fits = np.array([reading.fit for reading in searched if reading.words])
    words = float(np.mean([reading.words for reading in searched]))
    place, width = (float(x) for x in gumbel_r.fit(fits)) if len(fits) > 10 else (0.5, 0.02)
    above = min(words, float(np.exp(-(LEAST_FIT - place) / width)))
    return {
        "pictures": len(readings),
        "searched in every pose": len(searched),
        "false ids": sum(reading.found for reading in readings),
        "words tried a search": round(words, 1),
        "best fit of a search": {
            "median": round(float(np.median(fits)), 3),
            "largest": round(float(fits.max()), 3),
            "gumbel": [round(place, 4), round(width, 4)],
        },
        "least fit": LEAST_FIT,
        "words above it expected a search": float(f"{above:.2e}"),
        "predicted rate a search": float(f"{above * 2.0**-CHECK_BITS:.2e}"),
    }
