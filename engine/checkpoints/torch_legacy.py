"""torch.save's older stream: five pickles, then the values.

A magic number, the protocol (1001), facts of the machine, the object, and the list of its
storages' keys; after them, for each key, the number of values (int64) and the values
(torch/serialization.py, `_legacy_save`). `torch.storage._load_from_bytes` holds one such stream
for each tensor of an NVIDIA pickle.
"""

from __future__ import annotations

from typing import Any

from engine.checkpoints.inert_pickle import Nested, load
from engine.checkpoints.inert_values import Storage, item_bytes
from engine.checkpoints.pickle_ops import Budget
from engine.checkpoints.refusal import UNSAFE, refuse, shown
from engine.checkpoints.torch_zip import load_torch_zip, read_ident

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAGIC_PICKLE = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."


def load_torch_legacy(data: memoryview, budget: Budget, nested: Nested | None) -> Any:
    """The stand-in for what the stream holds. Raises Refusal."""
    storages: dict[str, Storage] = {}

    def storage(ident: Any) -> Storage:
        code, key, count = read_ident(ident, 6)
        known = storages.setdefault(key, Storage(code, count))
        if (known.code, known.count) != (code, count):
            refuse(f"the values {shown(key)} are announced in two ways", UNSAFE)
        return known

    magic, at = load(data, 0, budget)
    protocol, at = load(data, at, budget)
    if (type(magic), magic, type(protocol), protocol) != (int, MAGIC, int, PROTOCOL):
        refuse("it is no stream of torch")
    system, at = load(data, at, budget)
    if type(system) is not dict or system.get("little_endian") is not True:
        refuse("its values are big-endian", "Save it again on a little-endian machine.")
    value, at = load(data, at, budget, persistent=storage, nested=nested)
    keys, at = load(data, at, budget)
    _fill(data, at, keys, storages)
    return value


def load_nested(data: memoryview, budget: Budget) -> Storage:
    """The one storage that an archive within a pickle holds. Raises Refusal."""
    if bytes(data[:4]) == b"PK\3\4":
        value = load_torch_zip(data, budget, None)
    else:
        value = load_torch_legacy(data, budget, None)
    if type(value) is not Storage:
        refuse("an archive within its pickle holds something other than values", UNSAFE)
    return value


def _fill(data: memoryview, at: int, keys: Any, storages: dict[str, Storage]) -> None:
    if type(keys) is not list or not all(type(key) is str for key in keys):
        refuse("the list of its values is none")
    if len(keys) != len(storages) or set(keys) != set(storages):
        refuse("the list of its values names others than are used")
    for key in keys:
        storage = storages[key]
        if at + 8 > len(data):
            refuse("its values are cut off")
        told = int.from_bytes(data[at : at + 8], "little", signed=True)
        end = at + 8 + storage.count * item_bytes(storage.code)
        if told != storage.count or end > len(data):
            refuse(f"the values {shown(key)} are cut off or of another number than it says")
        storage.data = data[at + 8 : end]
        at = end
    if at != len(data):
        refuse("bytes follow the end of its values", UNSAFE)
