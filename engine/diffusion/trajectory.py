"""What earlier runs passed through, so that a change which acts late need not begin early."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class State:
    """A run after one step. x0: the picture predicted there. rng: of the generator of noise."""

    x: Tensor
    x0: Tensor
    scheduler: Mapping[str, Any]
    rng: Tensor

    @property
    def nbytes(self) -> int:
        """What keeping it costs: its own tensors and what multistep schedulers remember."""
        lists = (v for v in self.scheduler.values() if isinstance(v, list))
        tensors = [self.x, self.x0, self.rng, *(t for v in lists for t in v)]
        return sum(t.nbytes for t in tensors if isinstance(t, Tensor)) + 2000


class Trajectories:
    """States by the digests of everything they depend on; the oldest go first."""

    def __init__(self, limit_bytes: int = 128 * 2**20) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, State] = OrderedDict()

    def latest(self, keys: Sequence[str]) -> tuple[int, State | None]:
        """The last step of a run whose state is known, with every one before it; -1 for none."""
        known = 0
        while known < len(keys) and keys[known] in self._kept:
            self._kept.move_to_end(keys[known])
            known += 1
        return known - 1, self._kept[keys[known - 1]] if known else None

    def picture(self, key: str) -> Tensor:
        """The picture predicted at a step that is known."""
        return self._kept[key].x0

    def keep(self, key: str, state: State) -> None:
        """Remember the state after a step."""
        old = self._kept.pop(key, None)
        self._bytes += state.nbytes - (0 if old is None else old.nbytes)
        self._kept[key] = state
        while self._bytes > self._limit and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0
