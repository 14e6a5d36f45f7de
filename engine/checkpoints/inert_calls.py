"""What REDUCE, NEWOBJ and BUILD mean: one small checked function for each listed name.

A function gets the arguments from the file and returns a stand-in. None of them imports, looks
up an attribute, or calls anything that the file names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.checkpoints.inert_values import (
    NUMPY_CODES,
    Array,
    DType,
    Global,
    InertSet,
    Storage,
    Thing,
    item_bytes,
    make_array,
    row_major,
    whole_numbers,
)
from engine.checkpoints.refusal import UNSAFE, refuse, shown

_DICTS = frozenset({"ordered dict", "easy dict", "default dict"})
_OBJECTS = frozenset({"namespace", "tf network", "module"})
_Call = Callable[[Global, tuple[Any, ...]], Any]


def reduce(function: Any, arguments: Any, nested: Callable[[memoryview], Any]) -> Any:
    """The stand-in for calling a listed name. Raises Refusal for anything else.

    nested: reads the archive within `torch.storage._load_from_bytes`.
    """
    if type(function) is not Global or type(arguments) is not tuple:
        refuse("its pickle calls something that is no listed name", UNSAFE)
    if function.meaning == "nested":
        if len(arguments) != 1 or type(arguments[0]) is not memoryview:
            refuse("its pickle has a nested archive that is not bytes", UNSAFE)
        return nested(arguments[0])
    call = _CALLS.get(function.meaning)
    if call is None:
        refuse(f"its pickle calls {function.name}, which is nothing to call", UNSAFE)
    return call(function, arguments)


def new_object(kind: Any, arguments: Any) -> Thing:
    """The stand-in for a new object of a listed class. Raises Refusal."""
    if type(kind) is not Global or kind.meaning not in _DICTS | _OBJECTS or arguments != ():
        refuse("its pickle makes an object of a class that is not listed", UNSAFE)
    return Thing(kind, {} if kind.meaning in _DICTS else None)


def build(target: Any, state: Any) -> None:
    """Give an object its state, once. Raises Refusal for every other target."""
    if type(target) is DType:
        _build_dtype(target, state)
    elif type(target) is Array:
        _build_array(target, state)
    elif type(target) is Thing:
        if target.built or type(state) is not dict:
            refuse("an object of its pickle gets a state that does not fit", UNSAFE)
        target.state, target.built = state, True
    else:
        refuse("its pickle gives a state to a value that has none", UNSAFE)


def _bad(function: Global) -> None:
    refuse(f"its pickle calls {function.name} with arguments that do not fit", UNSAFE)


def _dict(function: Global, arguments: tuple[Any, ...]) -> Thing:
    items: dict[Any, Any] = {}
    if function.meaning == "default dict":
        if len(arguments) > 1 or any(type(one) is not Global for one in arguments):
            _bad(function)
    elif arguments:
        pairs = arguments[0]
        if len(arguments) != 1 or type(pairs) not in (list, tuple):
            _bad(function)
        for pair in pairs:
            if type(pair) not in (list, tuple) or len(pair) != 2:
                _bad(function)
            items[checked_key(pair[0])] = pair[1]
    return Thing(function, items)


def _set(function: Global, arguments: tuple[Any, ...]) -> InertSet:
    if len(arguments) > 1 or (arguments and type(arguments[0]) not in (list, tuple)):
        _bad(function)
    return InertSet([*arguments[0]] if arguments else [], function.meaning == "frozenset")


def _encode(function: Global, arguments: tuple[Any, ...]) -> memoryview:
    if len(arguments) != 2 or type(arguments[0]) is not str or arguments[1] != "latin1":
        _bad(function)
    try:
        return memoryview(arguments[0].encode("latin-1"))
    except UnicodeEncodeError:
        refuse("its pickle holds bytes that are none")


def _empty_bytes(function: Global, arguments: tuple[Any, ...]) -> memoryview:
    if arguments:
        _bad(function)
    return memoryview(b"")


def _size(function: Global, arguments: tuple[Any, ...]) -> tuple[int, ...]:
    if len(arguments) != 1:
        _bad(function)
    return whole_numbers(arguments[0], "size")


def _device(function: Global, arguments: tuple[Any, ...]) -> str:
    if not 1 <= len(arguments) <= 2 or type(arguments[0]) is not str:
        _bad(function)
    return shown(arguments[0], 20)


def _tensor(function: Global, arguments: tuple[Any, ...]) -> Array:
    if not 4 <= len(arguments) <= 7 or type(arguments[0]) is not Storage:
        _bad(function)
    return make_array(*arguments[:4])


def _parameter(function: Global, arguments: tuple[Any, ...]) -> Array:
    if not 3 <= len(arguments) <= 4 or type(arguments[0]) is not Array:
        _bad(function)
    array: Array = arguments[0]
    return array


def _typed_tensor(function: Global, arguments: tuple[Any, ...]) -> Array:
    if len(arguments) != 4 or [type(arguments[i]) for i in (0, 1, 2)] != [Global, Global, tuple]:
        _bad(function)
    maker, kind, inner, _ = arguments
    if maker.meaning not in ("tensor", "parameter") or kind.meaning != "tensor type":
        _bad(function)
    return _tensor(maker, inner) if maker.meaning == "tensor" else _parameter(maker, inner)


def _persistent(function: Global, arguments: tuple[Any, ...]) -> Thing:
    if len(arguments) != 1 or type(arguments[0]) is not dict:
        _bad(function)
    return Thing(function, state=arguments[0], built=True)


def _dtype(function: Global, arguments: tuple[Any, ...]) -> DType:
    code = arguments[0] if arguments else None
    if not 1 <= len(arguments) <= 3 or type(code) is not str:
        _bad(function)
    assert isinstance(code, str)
    if code not in NUMPY_CODES - {"bf16"}:
        refuse(f"it holds an array of the type {shown(code, 20)!r}, which is not read here")
    return DType(code)


def _build_dtype(target: DType, state: Any) -> None:
    if target.ready or type(state) is not tuple or len(state) != 8:
        refuse("a type of its arrays is described in an unknown way", UNSAFE)
    version, order, *rest = state
    if type(version) is not int or type(order) is not str or any(type(x) is list for x in rest):
        refuse("a type of its arrays is described in an unknown way", UNSAFE)
    if order == ">":
        refuse("its arrays are big-endian", "Save them on a little-endian machine.")
    if order not in ("<", "|", "=") or tuple(rest[:3]) != (None, None, None):
        refuse("a type of its arrays is described in an unknown way", UNSAFE)
    target.ready = True


def _new_array(function: Global, arguments: tuple[Any, ...]) -> Array:
    if len(arguments) != 3 or type(arguments[0]) is not Global:
        _bad(function)
    if arguments[0].meaning != "ndarray" or arguments[1] != (0,):
        _bad(function)
    return Array()


def _build_array(target: Array, state: Any) -> None:
    if target.storage is not None or type(state) is not tuple or len(state) != 5:
        refuse("an array of its pickle gets a state that does not fit", UNSAFE)
    _, shape, kind, fortran, data = state
    if type(fortran) is not bool:
        refuse("an array of its pickle gets a state that does not fit", UNSAFE)
    made = _filled(kind, data, shape, fortran)
    target.storage, target.shape, target.strides = made.storage, made.shape, made.strides


def _filled(kind: Any, data: Any, shape: Any, fortran: bool) -> Array:
    if type(kind) is not DType or not kind.ready:
        refuse("an array of its pickle has no type that is known", UNSAFE)
    if type(data) is str:
        data = _encode(Global("_codecs", "encode", "encode"), (data, "latin1"))
    sizes = whole_numbers(shape, "shape")
    if type(data) is not memoryview or len(data) % item_bytes(kind.code):
        refuse("an array of its pickle has values that are not bytes", UNSAFE)
    storage = Storage(kind.code, len(data) // item_bytes(kind.code), data)
    steps = row_major(sizes[::-1])[::-1] if fortran else row_major(sizes)
    array = make_array(storage, 0, sizes, steps)
    if array.size != storage.count:
        refuse(f"an array of {array.size} values has bytes for {storage.count}")
    return array


def _scalar(function: Global, arguments: tuple[Any, ...]) -> Array:
    if len(arguments) != 2:
        _bad(function)
    return _filled(arguments[0], arguments[1], (), False)


def _array_of_buffer(function: Global, arguments: tuple[Any, ...]) -> Array:
    if len(arguments) != 4 or arguments[3] not in ("C", "F"):
        _bad(function)
    return _filled(arguments[1], arguments[0], arguments[2], arguments[3] == "F")


def checked_key(key: Any) -> Any:
    """A dict's key: text, a number, a truth value or None, or a short tuple of these.

    Hashing anything deeper could take for ever. Raises Refusal.
    """
    if type(key) is tuple and len(key) <= 8:
        return tuple(_plain_key(part) for part in key)
    return _plain_key(key)


def _plain_key(key: Any) -> Any:
    if type(key) not in (str, int, float, bool, type(None)):
        refuse("a dict of its pickle has a key that is neither text nor a number", UNSAFE)
    return key


_CALLS: dict[str, _Call] = {
    "ordered dict": _dict,
    "easy dict": _dict,
    "default dict": _dict,
    "dict": _dict,
    "set": _set,
    "frozenset": _set,
    "encode": _encode,
    "bytes": _empty_bytes,
    "size": _size,
    "device": _device,
    "tensor": _tensor,
    "parameter": _parameter,
    "typed tensor": _typed_tensor,
    "persistent": _persistent,
    "dtype": _dtype,
    "new array": _new_array,
    "scalar": _scalar,
    "array of buffer": _array_of_buffer,
}
