"""Any checkpoint file to raw named tensors, without running anything that is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoints.inert_pickle import read_pickle
from engine.checkpoints.nvidia import networks_of
from engine.checkpoints.pickled import ALLOWED, Reader, tensors_of
from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.safetensors_file import parse_safetensors
from engine.checkpoints.torch_files import read_torch
from engine.errors import CheckpointError

MAX_BYTES = 16 * 2**30
KINDS = "Read here are model folders of this program, .safetensors, NVIDIA's .pkl and torch's .pt."
# Dictionaries of a training checkpoint that hold a generator, best first.
GENERATORS = ("G_ema", "g_ema", "generator_ema", "G", "g", "generator", "netG", "state_dict")


def read_raw(path: Path) -> RawCheckpoint:
    """The tensors of a checkpoint, or of a folder that holds one .safetensors file.

    Raises CheckpointError that names the file, the reason and the remedy.
    """
    if path.is_dir():
        path = _only_file(path)
    data = _read(path)
    where, kind = path.name, sniff(data, path.name)
    digest = hashlib.sha256(data).hexdigest()
    if kind == "safetensors":
        network = RawNetwork("", "", parse_safetensors(data, where), {})
        return RawCheckpoint("safetensors", (network,), {}, digest)
    if kind == "pickle":
        return _pickle(data, where, digest)
    tree = read_torch(data, where)
    name = "torch-zip" if kind == "torch-zip" else "torch-legacy"
    networks, extra = _from_tree(tree, where)
    _finite(networks, where)
    return RawCheckpoint(name, networks, extra, digest)


def sniff(data: bytes, where: str) -> str:
    """What the bytes are: "safetensors", "torch-zip", "torch-legacy" or "pickle".

    Raises CheckpointError that names what was given instead.
    """
    start = data[:512].lstrip()
    for sign, words, remedy in _STRANGERS:
        if start[: len(sign)].lower() == sign:
            raise CheckpointError(f"{where} is {words}.", remedy)
    if data[:4] == b"PK\x03\x04":
        return "torch-zip"
    if data[:1] == b"\x80" and data[2:14] == b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19":
        return "torch-legacy"
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return "safetensors"
    if where.lower().endswith(".safetensors"):
        return "safetensors"  # its reader says what is wrong with it
    if data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05":
        return "pickle"
    raise CheckpointError(f"{where} is of a kind that is not read.", KINDS)


_STRANGERS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run `git lfs pull`."),
    (b"<!doctype html", "a web page saved under a model's name", "Download the file itself."),
    (b"<html", "a web page saved under a model's name", "Download the file itself."),
    (b"\x1f\x8b", "packed with gzip", "Unpack it first."),
)


def _pickle(data: bytes, where: str, digest: str) -> RawCheckpoint:
    tree, end = read_pickle(data, where, ALLOWED)
    if end != len(data):
        raise CheckpointError(
            f"{where} has {len(data) - end} bytes behind its pickle.",
            "The file is damaged or made to mislead.",
        )
    reader = Reader(where, None, lambda inner: read_torch(inner, where, 1))
    format, networks = networks_of(tree, reader)
    if not networks:
        networks, extra = _from_tree(reader.value(tree), where)
        _finite(networks, where)
        return RawCheckpoint("torch-legacy", networks, extra, digest)
    _finite(networks, where)
    return RawCheckpoint(format, networks, {}, digest)


def _from_tree(tree: Any, where: str) -> tuple[tuple[RawNetwork, ...], dict[str, Any]]:
    """Networks of a plain state dict or of a training checkpoint, and what lies beside them."""
    if not isinstance(tree, dict):
        raise CheckpointError(f"{where} holds no named tensors.", KINDS)
    found = [
        RawNetwork(name, "", tensors_of(tree[name]), {})
        for name in GENERATORS
        if isinstance(tree.get(name), Mapping) and tensors_of(tree[name])
    ]
    if found:
        extra = {k: v for k, v in tree.items() if isinstance(v, np.ndarray | int | float)}
        return tuple(found), extra
    tensors = tensors_of(tree)
    if not tensors:
        raise CheckpointError(f"{where} holds no named tensors.", KINDS)
    return (RawNetwork("", "", tensors, {}),), {}


def _finite(networks: tuple[RawNetwork, ...], where: str) -> None:
    for network in networks:
        for name, array in network.tensors.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise CheckpointError(
                    f"{where}: the tensor {name[:80]!r} holds values that are not finite.",
                    "The training had failed; take an earlier checkpoint.",
                )


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(
            f"{folder} is no model folder: it has no card.json and {len(files)} .safetensors "
            "files.",
            KINDS,
        )
    return files[0]


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CheckpointError(f"{path.name} holds {size} bytes, too many.", KINDS)
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
