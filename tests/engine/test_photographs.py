"""The two sets of photographs on which the mark is measured stay apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from engine.services import photographs
from engine.services.evaluate_unmarked import Reading, false_ids
from engine.services.photographs import HELD_OUT, TUNED_ON, held_out, held_out_files, tuned_on


def test_no_photograph_is_in_both_sets() -> None:
    names = [name for shelf in HELD_OUT for name in shelf.names]
    assert len(set(names)) == len(names)
    assert not {name.partition(".")[0] for name in names} & {
        name.partition(".")[0] for name in TUNED_ON
    }
    assert all(shelf.licence for shelf in HELD_OUT)


def test_both_sets_give_squares() -> None:
    pytest.importorskip("sklearn")
    for source in (tuned_on, held_out):
        for pixels in itertools.islice(source(96), 4):
            assert pixels.shape == (96, 96, 3)
            assert pixels.dtype == np.uint8
    assert len(list(held_out_files())) >= 4


def test_squares_of_one_photograph_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "held_out_files", lambda: iter(["one"]))
    left = np.zeros((600, 1200, 3), np.uint8)
    left[:, :600] = 255
    monkeypatch.setattr(photographs, "_opened", lambda path: Image.fromarray(left))
    first, second = held_out(32)
    assert first.min() == 255
    assert second.max() == 0


def test_the_predicted_rate_falls_with_the_tail_of_the_fit() -> None:
    def told(fits: np.ndarray) -> float:
        readings = [Reading(False, float(fit), 70, True) for fit in fits]
        return float(false_ids(readings)["predicted rate a search"])

    source = np.random.RandomState(0)
    low, high = (source.gumbel(place, 0.017, 500) for place in (0.42, 0.48))
    assert told(low) < told(high) / 10
    assert told(source.gumbel(0.7, 0.017, 500)) == pytest.approx(70 * 2.0**-24, rel=0.01)
