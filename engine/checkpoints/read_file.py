"""Reads one file in this process: from bytes to stand-ins, and from a mapped file to a result.

Called in the child process of `child`; tests call `read_contents` directly for its speed.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.checkpoints.contents import Contents, contents_of
from engine.checkpoints.gathered import Network
from engine.checkpoints.inert_pickle import load
from engine.checkpoints.inert_values import Storage, item_bytes
from engine.checkpoints.limits import allow_copies
from engine.checkpoints.onnx_file import check_onnx
from engine.checkpoints.pickle_ops import Budget
from engine.checkpoints.refusal import TOO_MUCH, UNSAFE, refuse
from engine.checkpoints.result_file import CHECKED, write_result
from engine.checkpoints.sniff import Kind, sniff
from engine.checkpoints.torch_legacy import load_nested, load_torch_legacy
from engine.checkpoints.torch_zip import load_torch_zip

SPARE_BYTES = 16 * 2**20


def read_into(path: Path, folder: Path, kind: Kind) -> None:
    """Read the checkpoint and write what it holds into the folder. Raises Refusal, OSError.

    A file `checked` appears there when nothing is left to refuse but single values.
    """
    with mapped(path) as data:
        form, contents = read_contents(data, kind, path.parent)
        (folder / CHECKED).touch()
        allow_copies()
        write_result(folder, form, contents, hashlib.sha256(data).hexdigest())


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """The bytes of a file, read-only and only as they are needed. Raises Refusal, OSError."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            refuse("the file is empty", "Fetch it again from its source.")
        # Not closed by hand: arrays may still look into it.
        yield memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def read_contents(
    data: memoryview, kind: Kind | None = None, folder: Path | None = None
) -> tuple[str, Contents]:
    """The format, in RawCheckpoint's words, and what the bytes hold. Raises Refusal.

    kind: as sniffed; sniffed here when None. folder: where ONNX's external values may lie.
    """
    kind = kind or sniff(data, "")
    budget = Budget()

    def nested(inner: memoryview) -> Storage:
        return load_nested(inner, budget)

    if kind == "onnx":
        facts = check_onnx(data, folder)
        return "onnx", Contents((Network("onnx", "", "", {}, dict(facts.as_plain())),), {}, {})
    if kind == "torch-zip":
        value = load_torch_zip(data, budget, nested)
    elif kind == "torch-legacy":
        value = load_torch_legacy(data, budget, nested)
    else:
        value, end = load(data, 0, budget, nested=nested)
        if end != len(data):
            refuse("bytes follow the end of its pickle", UNSAFE)
    contents = contents_of(value)
    _bounded(contents, len(data))
    return _format(kind, contents), contents


def _format(kind: str, contents: Contents) -> str:
    families = {network.family for network in contents.networks}
    if kind == "pickle":
        kind = "torch-legacy"  # a bare pickle of tensors: torch's oldest habit
        for family in ("tf", "nvidia"):
            kind = f"{family}-pickle" if family in families else kind
    return kind


def _bounded(contents: Contents, size: int) -> None:
    """Refuse a file whose tensors, sharing their bytes, would become far more than the file is."""
    total = 0
    for _, array in contents.arrays_in_all:
        if array.storage is None:
            refuse("an array was announced but never filled")
        total += array.size * item_bytes(array.code)
    if total > 2 * size + SPARE_BYTES:
        refuse(f"its tensors share bytes so often that they would take {total} bytes", TOO_MUCH)
