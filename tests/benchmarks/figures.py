"""A measured figure, the bar it is held to, and the machine it was taken on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """at_most and at_least are bars; a figure without one is told, not judged."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    def plain(self) -> dict[str, Any]:
        """The form of `bench --json`."""
        bar = self.at_most if self.at_most is not None else self.at_least
        return {
            "name": self.name,
            "value": float(f"{self.value:.4g}"),
            "unit": self.unit,
            "bar": bar,
            "holds": self.holds,
        }


def machine() -> str:
    """The processor, its cores and the system, in words."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def median_ms(work: Callable[[], object], times: int) -> float:
    """Median milliseconds of `work` over so many calls, after one that warms up."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def interleaved_per_s(
    first: Callable[[], object], second: Callable[[], object], rounds: int, calls: int
) -> tuple[float, float, float]:
    """Calls a second of two rivals, taken in turns, and the median ratio first to second."""
    rates: list[tuple[float, float]] = []
    for work in (first, second):
        work()
    for _ in range(rounds):
        pair = []
        for work in (first, second):
            began = time.perf_counter()
            for _ in range(calls):
                work()
            pair.append(calls / (time.perf_counter() - began))
        rates.append((pair[0], pair[1]))
    return (
        statistics.median(a for a, _ in rates),
        statistics.median(b for _, b in rates),
        statistics.median(a / b for a, b in rates),
    )
