"""Values between processes: small ones through the pipe, the bytes of arrays by shared memory.

The sender makes one segment for a value and holds it until the receiver says that it was taken;
the receiver copies the bytes out and removes the segment. Segments are numbered, so that what a
killed sender left behind is found by its name.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

INLINE_BYTES = 64 << 10
_SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Parcel:
    """A pickled value. Its buffers are in `inline`, or one after the other in the named segment."""

    payload: bytes
    inline: tuple[bytes, ...] = ()
    segment: str | None = None
    sizes: tuple[int, ...] = ()


def segment_name(prefix: str, number: int) -> str:
    """Names stay below the 31 characters that macOS allows."""
    return f"{prefix}-{number:x}"


def pack(value: Any, name: str) -> tuple[Parcel, SharedMemory | None]:
    """Pickle the value; large buffers go to a new segment of that name, which the caller holds."""
    buffers: list[pickle.PickleBuffer] = []
    payload = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    sizes = tuple(view.nbytes for view in views)
    if sum(sizes) <= INLINE_BYTES or not _room_for(sum(sizes)):
        return Parcel(payload, tuple(bytes(view) for view in views)), None
    segment = SharedMemory(name, create=True, size=sum(sizes))
    memory, start = _memory(segment), 0
    for view in views:
        memory[start : start + view.nbytes] = view
        start += view.nbytes
    return Parcel(payload, (), name, sizes), segment


def unpack(parcel: Parcel) -> Any:
    """The value; its arrays own their memory and may be written. The segment is gone after."""
    if parcel.segment is None:
        return pickle.loads(parcel.payload, buffers=[bytearray(part) for part in parcel.inline])
    segment = SharedMemory(parcel.segment)
    try:
        parts, start = [], 0
        for size in parcel.sizes:
            parts.append(bytearray(_memory(segment)[start : start + size]))
            start += size
    finally:
        segment.close()
        segment.unlink()
    return pickle.loads(parcel.payload, buffers=parts)


def remove(name: str) -> None:
    """Remove a segment that nobody will take, where there is one."""
    with contextlib.suppress(FileNotFoundError):
        segment = SharedMemory(name)
        segment.close()
        segment.unlink()


def _memory(segment: SharedMemory) -> memoryview:
    if segment.buf is None:
        raise ValueError(f"the segment {segment.name} is closed")
    return segment.buf


def _room_for(size: int) -> bool:
    """Whether shared memory has that much left: where it ends, a write would kill the process."""
    if not _SHARED.is_dir():
        return True
    space = os.statvfs(_SHARED)
    return space.f_bavail * space.f_frsize > 2 * size
