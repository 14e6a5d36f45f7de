"""Share one training step among CPU threads by pictures rather than by loops inside operators.

Each thread takes the next shard of the batch as soon as it is free. A core that another program
holds then delays one shard, where threads inside an operator would all wait for the slowest at
every one of the hundreds of operators in a step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from engine.gan.discriminator import GROUP

Result = TypeVar("Result")

# Below this size in px a step is mostly Python, which only one thread can run at a time.
WORTH_SHARING = 32


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Shards:
    """Runs a function on each shard of a batch and keeps the results in shard order."""

    def __init__(self, device: torch.device) -> None:
        threads = usable_cores() if device.type == "cpu" else 1
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        if threads > 1:
            torch.set_num_threads(1)
            self._pool = ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1))

    def slices(self, count: int, resolution: int) -> list[slice]:
        """The shards of `count` pictures, groups kept whole; one at sizes that are too small."""
        wanted = self.threads if resolution >= WORTH_SHARING and self._pool else 1
        size = -(-count // (wanted * GROUP)) * GROUP
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def map(self, work: Callable[[slice], Result], count: int, resolution: int) -> list[Result]:
        """`work` on every shard. Results are in order, so that sums do not depend on timing."""
        parts = self.slices(count, resolution)
        if self._pool is None or len(parts) == 1:
            return [work(part) for part in parts]
        return list(self._pool.map(work, parts))


def add_gradients(shards: Sequence[Sequence[Tensor | None]]) -> list[Tensor | None]:
    """The sum over shards of each parameter's gradient; None where it was not used."""
    total = list(shards[0])
    used = [index for index, value in enumerate(total) if value is not None]
    sums = [value for value in total if value is not None]
    for shard in shards[1:]:
        more = [value for index in used if (value := shard[index]) is not None]
        torch._foreach_add_(sums, more)
    return total
