"""torch.save's archive since PyTorch 1.6: a .zip of stored entries around one pickle.

`NAME/data.pkl` refers to tensors' values by persistent ids, `("storage", type, key, place,
count)`; the values are the entries `NAME/data/KEY` (torch/serialization.py, `_save`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from engine.checkpoints.inert_pickle import Nested, load
from engine.checkpoints.inert_values import Global, Storage, item_bytes
from engine.checkpoints.pickle_globals import STORAGES
from engine.checkpoints.pickle_ops import Budget
from engine.checkpoints.refusal import DAMAGED, UNSAFE, refuse, shown
from engine.checkpoints.zip_entries import list_entries, open_entries

T = TypeVar("T")
MOST_NAMES = 8_000_000
_KNOWN = frozenset(
    {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
)
_KEY = re.compile(r"data/[A-Za-z0-9_.-]{1,64}")
_SCRIPT = ("code/", "constants.pkl", "constants/", "extra/", "bytecode.pkl", "mobile_debug")


def load_torch_zip(data: memoryview, budget: Budget, nested: Nested | None) -> Any:
    """The stand-in for what the archive holds. Raises Refusal."""
    listed = list_entries(data)
    _check_names(_inside_one_folder({one.name: one for one in listed}))
    entries = _inside_one_folder(open_entries(data, listed))
    order = bytes(entries["byteorder"].data) if "byteorder" in entries else b"little"
    if order != b"little":
        refuse("its values are big-endian", "Save it again on a little-endian machine.")
    pickle = entries["data.pkl"]
    storage_of_pickle = Storage("u1", len(pickle.data), pickle.data, pickle.crc)
    text = storage_of_pickle.bytes()

    def storage(ident: Any) -> Storage:
        code, key, count = read_ident(ident, 5)
        entry = entries.get(f"data/{key}")
        if entry is None:
            refuse(f"the values {shown(key)} are missing from it")
        if len(entry.data) != count * item_bytes(code):
            refuse(f"the values {shown(key)} are {len(entry.data)} bytes, not the {count} values")
        return Storage(code, count, entry.data, entry.crc)

    value, end = load(text, 0, budget, persistent=storage, nested=nested)
    if end != len(text):
        refuse("bytes follow the end of its pickle", UNSAFE)
    return value


def pickle_of(path: Path) -> bytes:
    """The bytes of an archive's pickle, to be looked at and not run; b"" where there is none, or
    where it is so large that it holds more than names."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [one for one in archive.infolist() if one.filename.endswith("/data.pkl")]
            if len(entries) != 1 or entries[0].file_size > MOST_NAMES:
                return b""
            return archive.read(entries[0])
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError):
        return b""


def read_ident(ident: Any, length: int) -> tuple[str, str, int]:
    """Type, key and number of values from a persistent id of torch. Raises Refusal.

    length: how many parts the id has; a sixth, of a view, must be None.
    """
    if type(ident) is not tuple or len(ident) != length:
        refuse("its pickle refers to values in an unknown way", UNSAFE)
    word, kind, key, place, count, *view = ident
    if type(word) is not str or word != "storage" or any(part is not None for part in view):
        refuse("its pickle refers to values in an unknown way", UNSAFE)
    if type(kind) is not Global or kind.meaning != "storage" or kind.name not in STORAGES:
        refuse("its pickle refers to values of an unknown type", UNSAFE)
    if type(key) is not str or type(place) is not str:
        refuse("its pickle refers to values in an unknown way", UNSAFE)
    if type(count) is not int or not 0 <= count < 2**48:
        refuse("its pickle refers to an impossible number of values", UNSAFE)
    return STORAGES[kind.name], key, count


def _inside_one_folder(entries: Mapping[str, T]) -> dict[str, T]:
    roots = {name.split("/", 1)[0] for name in entries}
    if len(roots) != 1 or any("/" not in name for name in entries):
        refuse("it is a .zip archive, but no checkpoint of torch", "Unpack it first.")
    return {name.split("/", 1)[1]: entry for name, entry in entries.items()}


def _check_names(entries: Mapping[str, object]) -> None:
    script = [name for name in entries if name.startswith(_SCRIPT)]
    if script:
        refuse("it is a TorchScript archive, which holds a program", UNSAFE)
    if "data.pkl" not in entries:
        refuse("it is a .zip archive, but no checkpoint of torch", "Unpack it first.")
    for name in entries:
        if name != "data.pkl" and name not in _KNOWN and not _KEY.fullmatch(name):
            refuse(f"it holds {shown(name)!r}, which is no part of a checkpoint", DAMAGED)
