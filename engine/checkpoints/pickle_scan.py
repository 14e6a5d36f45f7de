"""Reads a whole pickle before any of it is believed.

An unpickler acts on the first operation before it has seen the last, so that a payload may stand
before a corruption or behind good data. The scan walks to the end first and refuses the file
unless every operation, name, memo index and mark is what a pickler writes.
"""

from __future__ import annotations

from engine.checkpoints.pickle_globals import meaning_of
from engine.checkpoints.pickle_ops import Budget, Op, operations
from engine.checkpoints.refusal import UNSAFE, refuse

MAX_MARKS = 500
_TO_MARK = frozenset({"POP_MARK", "APPENDS", "SETITEMS", "ADDITEMS", "FROZENSET", "TUPLE"})


def scan(data: memoryview, start: int, budget: Budget, *, persistent: bool) -> int:
    """Check the pickle that begins at `start`; returns where it ends. Raises Refusal.

    persistent: whether persistent ids may occur, as in torch's archives.
    """
    scanner = _Scanner(persistent)
    end = start
    for op in operations(data, start, budget):
        scanner.see(op)
        end = op.end
    return end


class _Scanner:
    def __init__(self, persistent: bool) -> None:
        self.persistent = persistent
        self.marks = 0
        self.memo: dict[int, str | None] = {}
        self.texts: list[str] = []  # the texts pushed last, with nothing else in between

    def see(self, op: Op) -> None:
        if op.name in ("PUT", "MEMOIZE"):
            self._keep(len(self.memo) if op.value is None else op.value)
            return
        texts, self.texts = self.texts, []
        if op.name == "TEXT":
            self.texts = [*texts[-1:], op.value]
        elif op.name == "GET":
            self._get(op.value, texts)
        elif op.name == "GLOBAL":
            meaning_of(*op.value)
        elif op.name == "STACK_GLOBAL":
            if len(texts) < 2:
                refuse("its pickle computes the name of a global", UNSAFE)
            meaning_of(*texts)
        elif op.name == "PERSISTENT" and not self.persistent:
            refuse("its pickle refers to something outside itself", UNSAFE)
        elif op.name == "MARK":
            self.marks += 1
            if self.marks > MAX_MARKS:
                refuse(f"its pickle nests more than {MAX_MARKS} deep", UNSAFE)
        elif op.name in _TO_MARK:
            self.marks -= 1
            if self.marks < 0:
                refuse(f"its pickle has a {op.name} without a mark")

    def _keep(self, index: int) -> None:
        # Picklers count up from 0 or 1 and never write a place twice; a reader that grows a
        # table to the index would be made to take gigabytes.
        if index in self.memo or index > len(self.memo) + 1:
            refuse(f"its pickle keeps a value at {index} out of turn", UNSAFE)
        self.memo[index] = self.texts[-1] if self.texts else None

    def _get(self, index: int, texts: list[str]) -> None:
        if index not in self.memo:
            refuse(f"its pickle recalls a value {index} that it never kept")
        known = self.memo[index]
        if known is not None:
            self.texts = [*texts[-1:], known]
