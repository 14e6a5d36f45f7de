"""A small pickle machine in plain Python that builds stand-ins and can do nothing else.

It knows lists, dicts, tuples, text, numbers and bytes; every object is a Thing, an Array or
another record of `inert_values`. Its input has passed `pickle_scan`; it checks again what only
the values can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from engine.checkpoints import inert_calls
from engine.checkpoints.inert_values import Global, InertSet, Thing
from engine.checkpoints.pickle_globals import meaning_of
from engine.checkpoints.pickle_ops import Budget, Op, operations
from engine.checkpoints.pickle_scan import scan
from engine.checkpoints.refusal import UNSAFE, refuse

Persistent = Callable[[Any], Any]
Nested = Callable[[memoryview], Any]


def load(
    data: memoryview,
    start: int,
    budget: Budget,
    *,
    persistent: Persistent | None = None,
    nested: Nested | None = None,
) -> tuple[Any, int]:
    """Scan the pickle that begins at `start`, then build it; returns it and where it ends.

    persistent: gives the value for a persistent id; nested: reads the bytes of an archive within
    the pickle; where either is None it may not occur. Raises Refusal.
    """
    end = scan(data, start, budget, persistent=persistent is not None)
    machine = _Machine(persistent, nested)
    for op in operations(data, start, Budget()):  # the scan has paid for these
        machine.step(op)
    return machine.pop_last(), end


_CONSTANTS: dict[str, Any] = {"NONE": None, "TRUE": True, "FALSE": False, "EMPTY_TUPLE": ()}
_FRESH: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": InertSet,
}
_PUSHED = frozenset({"INT", "LONG", "FLOAT", "TEXT", "BYTES"})
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


def _no_nested(_: memoryview) -> NoReturn:
    refuse("its pickle has an archive within an archive within it", UNSAFE)


class _Machine:
    def __init__(self, persistent: Persistent | None, nested: Nested | None) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, Any] = {}
        self.persistent = persistent
        self.nested = nested or _no_nested

    def step(self, op: Op) -> None:
        name = op.name
        if name in _PUSHED:
            self.stack.append(op.value)
        elif name == "GET":
            self.stack.append(self.memo[op.value])
        elif name in ("PUT", "MEMOIZE"):
            self.memo[len(self.memo) if op.value is None else op.value] = self._top()
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _FRESH:
            self.stack.append(_FRESH[name]())
        elif name == "MARK":
            self.below.append(self.stack)
            self.stack = []
        elif name not in _IGNORED:
            _ACTIONS[name](self, op)

    def pop_last(self) -> Any:
        """The one value that is left. Raises Refusal when there are more or none."""
        if self.below or len(self.stack) != 1:
            refuse("its pickle leaves more or less than one value")
        return self.stack.pop()

    def _top(self) -> Any:
        if not self.stack:
            refuse("its pickle uses a value that is not there")
        return self.stack[-1]

    def pop(self, _: Op | None = None) -> Any:
        self._top()
        return self.stack.pop()

    def pop_mark(self, _: Op | None = None) -> list[Any]:
        if not self.below:
            refuse("its pickle uses a mark that is not there")
        items, self.stack = self.stack, self.below.pop()
        return items

    def to_tuple(self, op: Op) -> None:
        if op.name == "TUPLE":
            items = self.pop_mark()
        else:
            items = [self.pop() for _ in range(int(op.name[-1]))][::-1]
        self.stack.append(tuple(items))

    def to_frozenset(self, _: Op) -> None:
        items = self.pop_mark()
        self.stack.append(InertSet(items, frozen=True))

    def append(self, op: Op) -> None:
        items = [self.pop()] if op.name == "APPEND" else self.pop_mark()
        target = self._top()
        if type(target) is not list:
            refuse("its pickle appends to something that is no list", UNSAFE)
        target.extend(items)

    def add(self, _: Op) -> None:
        items = self.pop_mark()
        target = self._top()
        if type(target) is not InertSet or target.frozen:
            refuse("its pickle adds to something that is no set", UNSAFE)
        target.items.extend(items)

    def put_items(self, op: Op) -> None:
        if op.name == "SETITEM":
            value, key = self.pop(), self.pop()
            items = [key, value]
        else:
            items = self.pop_mark()
        target = self._top()
        table = target.items if type(target) is Thing else target
        if type(table) is not dict:
            refuse("its pickle sets an item of something that is no dict", UNSAFE)
        if len(items) % 2:
            refuse("its pickle sets a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            table[inert_calls.checked_key(key)] = value

    def global_name(self, op: Op) -> None:
        if op.name == "GLOBAL":
            module, name = op.value
        else:
            name, module = self.pop(), self.pop()
            if type(module) is not str or type(name) is not str:
                refuse("its pickle computes the name of a global", UNSAFE)
        self.stack.append(Global(module, name, meaning_of(module, name)))

    def reduce(self, _: Op) -> None:
        arguments, function = self.pop(), self.pop()
        self.stack.append(inert_calls.reduce(function, arguments, self.nested))

    def new(self, _: Op) -> None:
        arguments, kind = self.pop(), self.pop()
        self.stack.append(inert_calls.new_object(kind, arguments))

    def build(self, _: Op) -> None:
        state = self.pop()
        inert_calls.build(self._top(), state)

    def refer(self, _: Op) -> None:
        if self.persistent is None:
            refuse("its pickle refers to something outside itself", UNSAFE)
        self.stack.append(self.persistent(self.pop()))


_ACTIONS: dict[str, Callable[[_Machine, Op], object]] = {
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "TUPLE": _Machine.to_tuple,
    "TUPLE1": _Machine.to_tuple,
    "TUPLE2": _Machine.to_tuple,
    "TUPLE3": _Machine.to_tuple,
    "FROZENSET": _Machine.to_frozenset,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append,
    "ADDITEMS": _Machine.add,
    "SETITEM": _Machine.put_items,
    "SETITEMS": _Machine.put_items,
    "GLOBAL": _Machine.global_name,
    "STACK_GLOBAL": _Machine.global_name,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new,
    "BUILD": _Machine.build,
    "PERSISTENT": _Machine.refer,
}
