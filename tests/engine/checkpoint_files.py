"""The fixtures by name, a reader in this process, and small hand-made pickles and archives."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from engine.checkpoints.read_file import read_contents
from engine.checkpoints.refusal import naming
from engine.checkpoints.sniff import sniff

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoints"
NAMES = (
    "sg2ada_64.pkl",
    "sg3t_64_cond10.pkl",
    "sg3r_64.pkl",
    "legacy_tf_64.pkl",
    "rosinality_64.pt",
)
MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
FLOATS = b"ctorch\nFloatStorage\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def read_here(data: bytes, name: str = "model.pkl") -> dict[str, np.ndarray]:
    """Read the bytes in this process, values and all; every array by "network/name"."""
    with naming(name):
        view = memoryview(data)
        _, contents = read_contents(view, sniff(view, name))
        return {
            f"{network.name}/{key}": array.to_numpy()
            for network in contents.networks
            for key, array in network.arrays.items()
        }


def text(value: str) -> bytes:
    """BINUNICODE."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def ints(*values: int) -> bytes:
    """A tuple of whole numbers."""
    return (
        b"(" + b"".join(b"\x8a\x09" + v.to_bytes(9, "little", signed=True) for v in values) + b"t"
    )


def ident(key: str = "0", count: int = 4, kind: bytes = FLOATS, view: bytes = b"") -> bytes:
    """A persistent id of torch and the reference to it; view: b"N" in the older stream."""
    number = b"\x8a\x09" + count.to_bytes(9, "little", signed=True)
    return b"(" + text("storage") + kind + text(key) + text("cpu") + number + view + b"tQ"


def tensor(
    storage: bytes | None = None,
    offset: int = 0,
    shape: tuple[int, ...] = (4,),
    strides: tuple[int, ...] = (1,),
) -> bytes:
    """The call that makes a tensor over a storage."""
    where = b"\x8a\x09" + offset.to_bytes(9, "little", signed=True)
    hooks = b"ccollections\nOrderedDict\n)R"
    parts = (storage or ident(), where, ints(*shape), ints(*strides), b"\x89", hooks)
    return REBUILD + b"(" + b"".join(parts) + b"tR"


def in_dict(value: bytes, key: str = "weight") -> bytes:
    """A whole pickle of protocol 3: one dict with one item."""
    return b"\x80\x03}" + text(key) + value + b"s."


def archive(
    pickle: bytes,
    values: bytes = bytes(16),
    *,
    method: int = zipfile.ZIP_STORED,
    more: tuple[tuple[str, bytes], ...] = (),
    root: str = "model",
) -> bytes:
    """A .zip as torch.save lays it out, with one storage of four floats."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr(f"{root}/data.pkl", pickle)
        file.writestr(f"{root}/byteorder", b"little")
        file.writestr(f"{root}/data/0", values)
        file.writestr(f"{root}/version", b"3\n")
        for name, content in more:
            file.writestr(name, content)
    return out.getvalue()


def stream(
    pickle: bytes, keys: bytes = b"", values: bytes = bytes(16), told: int = 4, little: bool = True
) -> bytes:
    """The older stream of torch.save, with one storage of four floats."""
    order = b"\x88" if little else b"\x89"
    keys = keys or b"\x80\x02]" + text("0") + b"a."
    system = b"\x80\x02}" + text("little_endian") + order + b"s."
    return MAGIC + b"\x80\x02M\xe9\x03." + system + pickle + keys + struct.pack("<q", told) + values
