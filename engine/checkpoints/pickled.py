"""What the records of an inert pickle stand for: arrays of numpy and tensors of torch.

Only shapes, types and raw bytes are taken over, each checked against the others first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from engine.checkpoints.inert_pickle import Call, Name, Persistent
from engine.errors import CheckpointError

MAX_DEPTH = 100
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**31

_STORAGES = {
    "FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|b1", "BFloat16Storage": "bf16",
}  # fmt: skip
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
CONTAINERS = ("collections.OrderedDict", "dnnlib.util.EasyDict", "argparse.Namespace")
ALLOWED = frozenset(
    {
        *CONTAINERS,
        "builtins.set", "__builtin__.set", "_codecs.encode", "numpy.dtype", "numpy.ndarray",
        *(f"{module}.{name}" for module in _NUMPY for name in ("_reconstruct", "scalar")),
        *(f"torch.{name}" for name in _STORAGES),
        "torch.Size", "torch.device", "torch.float32", "torch.float16", "torch.float64",
        "torch.bfloat16", "torch._utils._rebuild_parameter", "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor", "torch.storage._load_from_bytes",
        "torch_utils.persistence._reconstruct_persistent_obj", "dnnlib.tflib.network.Network",
    }
)  # fmt: skip

Storages = Callable[[Any], np.ndarray]
"""A storage of torch by its key in this pickle: one-dimensional, of its own type."""


class Reader:
    """Turns records into plain values and arrays.

    storages: finds torch's storages. nested: reads the bytes of a torch file inside this one.
    """

    def __init__(
        self, where: str, storages: Storages | None, nested: Callable[[bytes], Any] | None
    ) -> None:
        self.where, self.storages, self.nested = where, storages, nested
        self._known: dict[int, Any] = {}

    def refuse(self, words: str) -> NoReturn:
        """Raise a CheckpointError about this file."""
        raise CheckpointError(f"{self.where} {words}.", "The file is damaged or made to mislead.")

    def value(self, item: Any, depth: int = 0) -> Any:
        """The plain value of a record; calls that mean nothing here stay records."""
        if depth > MAX_DEPTH:
            self.refuse(f"is nested more than {MAX_DEPTH} deep")
        if isinstance(item, dict):
            return {key: self.value(entry, depth + 1) for key, entry in item.items()}
        if isinstance(item, list | tuple):
            return [self.value(entry, depth + 1) for entry in item]
        if not isinstance(item, Call):
            return item
        if id(item) not in self._known:
            self._known[id(item)] = self._call(item, depth + 1)
        return self._known[id(item)]

    def _call(self, call: Call, depth: int) -> Any:
        name, arguments = call.name.full, call.arguments
        if name in CONTAINERS:
            return self._container(call, depth)
        if name.endswith(".set"):
            return self.value(arguments[0], depth) if arguments else []
        if name == "torch._utils._rebuild_parameter" and arguments:
            return self.value(arguments[0], depth)
        if name.startswith("torch._utils._rebuild_tensor"):
            return self._tensor(arguments)
        if name == "torch.storage._load_from_bytes":
            return self._nested(arguments)
        if name.endswith(("multiarray._reconstruct", "numpy.ndarray")):
            return self._array(call)
        if name.endswith("multiarray.scalar"):
            return self._scalar(arguments)
        return call

    def _container(self, call: Call, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for pair in call.arguments[0] if call.arguments else ():
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not _plain(pair[0]):
                self.refuse("has a container with odd contents")
            found[pair[0]] = pair[1]
        found |= call.items
        if isinstance(call.state, dict):
            found |= {key: entry for key, entry in call.state.items() if key != "_metadata"}
        return {key: self.value(entry, depth) for key, entry in found.items()}

    def _tensor(self, arguments: tuple[Any, ...]) -> np.ndarray:
        if len(arguments) < 4:
            self.refuse("has a tensor without its sizes")
        source, offset, size, stride = arguments[:4]
        if isinstance(source, Call):
            flat = self.value(source)
        elif isinstance(source, Persistent) and self.storages is not None:
            flat = self.storages(source.key)
        else:
            self.refuse("has a tensor without its values")
        if not isinstance(flat, np.ndarray) or flat.ndim != 1:
            self.refuse("has a tensor without its values")
        whole = [offset, *_numbers(size), *_numbers(stride)]
        fits = all(type(n) is int and 0 <= n < 2**40 for n in whole)
        if not fits or len(size) != len(stride) or len(size) > MAX_DIMENSIONS:
            self.refuse("has a tensor of impossible sizes")
        count = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if count > MAX_ELEMENTS or (count and last >= len(flat)):
            self.refuse(f"has a tensor of shape {tuple(size)} that reaches past its values")
        if count > max(len(flat), 1):
            self.refuse(f"has a tensor of shape {tuple(size)} that repeats its values")
        steps = [step * flat.itemsize for step in stride]
        view = np.lib.stride_tricks.as_strided(flat[offset:], tuple(size), steps, writeable=False)
        return np.array(view)

    def _nested(self, arguments: tuple[Any, ...]) -> Any:
        if self.nested is None or len(arguments) != 1 or not isinstance(arguments[0], bytes):
            self.refuse("has a torch file inside that is none")
        return self.nested(arguments[0])

    def _array(self, call: Call) -> np.ndarray:
        state = call.state
        if not isinstance(state, tuple) or len(state) != 5:
            self.refuse("has an array without its values")
        _, shape, kind, column_major, raw = state
        dtype, raw = self._dtype(kind), _raw(raw)
        if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS or raw is None:
            self.refuse("has an array without its values")
        if not all(type(n) is int and 0 <= n < 2**31 for n in shape):
            self.refuse("has an array of impossible sizes")
        if math.prod(shape) * dtype.itemsize != len(raw):
            self.refuse(f"has an array of shape {shape} that does not fill its {len(raw)} bytes")
        flat = np.frombuffer(raw, dtype)
        return flat.reshape(shape, order="F" if column_major is True else "C")

    def _scalar(self, arguments: tuple[Any, ...]) -> Any:
        raw = _raw(arguments[1]) if len(arguments) == 2 else None
        dtype = self._dtype(arguments[0]) if arguments else None
        if raw is None or dtype is None or len(raw) != dtype.itemsize:
            self.refuse("has a number without its value")
        return np.frombuffer(raw, dtype)[0].item()

    def _dtype(self, kind: Any) -> np.dtype[Any]:
        code = kind.arguments[0] if isinstance(kind, Call) and kind.arguments else None
        if not isinstance(code, str) or code not in _CODES:
            self.refuse("has an array of a type that is not read")
        order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
        return np.dtype((">" if order == ">" else "<") + code)


_CODES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


def storage_type(name: Any) -> str | None:
    """The numpy code of a torch storage class, "bf16" for bfloat16; None for what is none."""
    if isinstance(name, Name) and name.module == "torch":
        return _STORAGES.get(name.attribute)
    return None


def storage_values(raw: bytes | memoryview, code: str) -> np.ndarray:
    """Bytes of a storage as numbers; bfloat16, which numpy lacks, as float32."""
    if code != "bf16":
        return np.frombuffer(raw, np.dtype(code))
    wide = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
    return wide.view(np.float32)


def tensors_of(tree: Mapping[Any, Any]) -> dict[str, np.ndarray]:
    """The arrays at the top of a mapping, by name."""
    return {k: v for k, v in tree.items() if isinstance(k, str) and isinstance(v, np.ndarray)}


def _raw(value: Any) -> bytes | None:
    """Bytes, also as Python 2 and the oldest protocols write them."""
    if isinstance(value, Call) and value.name.full == "_codecs.encode" and value.arguments:
        value = value.arguments[0]
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return value if isinstance(value, bytes) else None


def _numbers(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (None,)


def _plain(key: Any) -> bool:
    return type(key) in (str, int, bool, float, bytes)
