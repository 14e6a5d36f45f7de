"""Many trials of a measurement, on every core, kept as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from engine.services.kept_results import KeptResults


def through(
    kept: KeptResults, name: str, work: Callable[[Any], Any], jobs: Iterable[Callable[[], Any]]
) -> Iterator[Any]:
    """`work` of what each job gives, as far as its result is not kept already; in any order."""
    before: list[str] = []
    missing: list[str] = []

    def wanted() -> Iterator[Any]:
        for number, job in enumerate(jobs):
            label = f"{name} {number}"
            (before if label in kept else missing).append(label)
            if label not in kept:
                yield job()

    for place, result in enumerate(on_every_core(work, wanted())):
        kept[missing[place]] = result
        yield result
    for label in before:
        yield kept[label]


def on_every_core(work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
    """`work` of each job, on every core, a few ahead."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        waiting: list[Any] = []
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > 3 * cores:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()
