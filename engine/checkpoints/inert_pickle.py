"""Reads a pickle without running it: what it would call becomes a plain record of the call.

A pickle is a program for a small stack machine whose CALL instructions run any function by name.
This machine has the same instructions but no functions: a name becomes a `Name`, a call a `Call`
that remembers what was called with what. Names must be on a list; nothing real is ever
constructed, neither numpy nor torch nor a builtin. Decoding of the single instructions is the
standard library's (`pickletools`), which checks lengths and constructs plain values only.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn

from engine.errors import CheckpointError

MAX_STEPS = 5_000_000
MAX_MEMO = 2_000_000
REMEDY = "It was made to mislead, or by a program that is not known here; get it from its authors."


@dataclass(frozen=True)
class Name:
    """A global that the pickle names: module and attribute."""

    module: str
    attribute: str

    @property
    def full(self) -> str:
        """Module, dot, attribute."""
        return f"{self.module}.{self.attribute}"


@dataclass(eq=False)
class Call:
    """A call that was not made. items: what was then put into the result; state: BUILD's."""

    name: Name
    arguments: tuple[Any, ...]
    items: dict[Any, Any] = field(default_factory=dict)
    state: Any = None


@dataclass(frozen=True)
class Persistent:
    """A reference to something outside of the pickle, such as a storage of torch."""

    key: Any


class _Mark:
    pass


_MARK = _Mark()


def read_pickle(
    data: bytes, where: str, allowed: Collection[str], start: int = 0
) -> tuple[Any, int]:
    """The value that the pickle at `start` describes, and where it ends.

    allowed: full names that may occur. Raises CheckpointError for all else.
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    machine = _Machine(where, frozenset(allowed))
    try:
        for steps, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if steps > MAX_STEPS:
                machine.refuse(f"takes more than {MAX_STEPS} steps")
            if opcode.name == "STOP":
                break
            machine.step(opcode.name, argument)
        return machine.result(), stream.tell()
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
        raise CheckpointError(
            f"{where} is a damaged pickle: {(str(error) or type(error).__name__)[:120]}.",
            "The file may be cut off; fetch it again.",
        ) from error


class _Machine:
    def __init__(self, where: str, allowed: frozenset[str]) -> None:
        self.where, self.allowed = where, allowed
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def refuse(self, words: str) -> NoReturn:
        raise CheckpointError(f"{self.where} {words}.", REMEDY)

    def result(self) -> Any:
        if len(self.stack) != 1 or self.stack[0] is _MARK:
            raise ValueError("it leaves no single value")
        return self.stack[0]

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _NOTHING:
            return
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in _EMPTY:
            self.stack.append(_EMPTY[opcode]())
        elif opcode in _GETS:
            self.stack.append(self.memo[int(argument)])
        elif opcode in _PUTS:
            self._put(len(self.memo) if argument is None else int(argument))
        elif opcode in _ACTIONS:
            _ACTIONS[opcode](self, argument)
        else:
            self.refuse(f"uses the pickle instruction {opcode}, which no checkpoint needs")

    def _pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark stands where a value should")
        return value

    def _since_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise ValueError("a mark is missing")

    def _put(self, place: int) -> None:
        if not 0 <= place <= MAX_MEMO:
            self.refuse(f"remembers a value under the number {place}")
        if self.stack[-1] is _MARK:
            raise ValueError("a mark stands where a value should")
        self.memo[place] = self.stack[-1]

    def _name(self, module: Any, attribute: Any) -> None:
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise ValueError("a name that is no text")
        name = Name(module, attribute)
        if name.full not in self.allowed:
            shown = "".join(c if c.isprintable() else "?" for c in name.full[:80])
            self.refuse(f"wants {shown}, which no checkpoint needs")
        self.stack.append(name)

    def _global(self, argument: Any) -> None:
        module, _, attribute = str(argument).partition(" ")
        self._name(module, attribute)

    def _stack_global(self, argument: Any) -> None:
        attribute, module = self._pop(), self._pop()
        self._name(module, attribute)

    def _call(self, argument: Any) -> None:
        arguments, name = self._pop(), self._pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            self.refuse("calls something that is no known name")
        self.stack.append(Call(name, arguments))

    def _build(self, argument: Any) -> None:
        state = self._pop()
        target = self.stack[-1]
        if not isinstance(target, Call) or target.state is not None:
            self.refuse("changes something that cannot be changed")
        target.state = state

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self.stack.append(tuple(values[::-1]))

    def _set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Call) else target
        if type(items) is not dict or len(pairs) % 2:
            self.refuse("puts named items into what has none")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) not in (str, int, bool, float, bytes, tuple, type(None)):
                self.refuse("uses a key that is no plain value")
            items[key] = value

    def _append(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            self.refuse("appends to what is no list")
        self.stack[-1].extend(values)

    def _add(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not set:
            self.refuse("adds to what is no set")
        self.stack[-1].update(value for value in values if isinstance(value, str | int))

    def _dict(self, argument: Any) -> None:
        pairs = self._since_mark()
        self.stack.append({})
        self._set_items(pairs)

    def _one_item(self, argument: Any) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])


_NOTHING = {"PROTO", "FRAME"}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK,
                              "EMPTY_TUPLE": ()}  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_ACTIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m._since_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "TUPLE": lambda m, _: m.stack.append(tuple(m._since_mark())),
    "TUPLE1": lambda m, _: m._tuple(1),
    "TUPLE2": lambda m, _: m._tuple(2),
    "TUPLE3": lambda m, _: m._tuple(3),
    "LIST": lambda m, _: m.stack.append(m._since_mark()),
    "DICT": _Machine._dict,
    "APPEND": lambda m, _: m._append([m._pop()]),
    "APPENDS": lambda m, _: m._append(m._since_mark()),
    "ADDITEMS": lambda m, _: m._add(m._since_mark()),
    "SETITEM": _Machine._one_item,
    "SETITEMS": lambda m, _: m._set_items(m._since_mark()),
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "REDUCE": _Machine._call,
    "NEWOBJ": _Machine._call,
    "BUILD": _Machine._build,
    "BINPERSID": lambda m, _: m.stack.append(Persistent(m._pop())),
}
