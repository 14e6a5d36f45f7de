"""How much memory this program holds."""

from __future__ import annotations

from functools import cache

import psutil


@cache
def _process() -> psutil.Process:
    return psutil.Process()


def resident_mb() -> float:
    """Resident memory in megabytes."""
    return float(_process().memory_info().rss) / 1e6
