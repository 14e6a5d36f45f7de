"""A measurement that was stopped goes on with what it had, unless what it measures has changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.services.kept_results import KeptResults, digest_of
from engine.services.many_trials import through


def half(number: int) -> float:
    return number / 2


def jobs(done: list[int], numbers: range) -> list[Callable[[], int]]:
    def give(number: int) -> int:
        done.append(number)
        return number

    return [partial(give, number) for number in numbers]


def test_only_what_is_missing_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "results.jsonl"
    first: list[int] = []
    assert sorted(through(KeptResults(path, "a"), "half", half, jobs(first, range(3)))) == [
        0.0,
        0.5,
        1.0,
    ]
    with path.open("a", encoding="utf-8") as file:
        file.write('["half 3", 1.')  # stopped while it wrote
    again: list[int] = []
    found = through(KeptResults(path, "a"), "half", half, jobs(again, range(5)))
    assert sorted(found) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert (first, again) == ([0, 1, 2], [3, 4])


def test_results_of_something_else_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    KeptResults(path, "a")["x"] = 1
    assert KeptResults(path, "a")["x"] == 1
    assert "x" not in KeptResults(path, "b")
    assert "x" not in KeptResults(path, "a")


def test_a_digest_tells_files_apart(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("2")
    assert digest_of([one, other]) == digest_of([other, one]) != digest_of([one])
