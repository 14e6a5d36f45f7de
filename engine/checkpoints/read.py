"""The door: any untrusted checkpoint in, named arrays out, and nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from engine.cancel import CancelToken
from engine.checkpoints.child import read_in_child
from engine.checkpoints.folder import read_folder
from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.checkpoints.read_file import mapped
from engine.checkpoints.refusal import naming, refuse, shown
from engine.checkpoints.result_file import read_result
from engine.checkpoints.safetensors_file import read_safetensors
from engine.checkpoints.sniff import Kind, sniff
from engine.errors import CheckpointError


def read_raw(path: Path, cancel: CancelToken | None = None) -> RawCheckpoint:
    """Read a checkpoint file or a folder of weights.

    Pickles, archives of torch and ONNX graphs are read in a child process with limits on its memory
    and time; .safetensors files, whose strict reader needs none, here. An ONNX file yields facts
    alone: one network without tensors, whose `init` has inputs, outputs, nodes, opset, and the
    names of the files `beside` it.
    cancel: asked while the child works; Cancelled is raised. Raises CheckpointError that names the
    file, the reason and the remedy.
    """
    with naming(path.name or str(path)):
        try:
            if path.is_dir():
                return read_folder(path)
            if not path.is_file():
                refuse("there is no such file", "Check the path.")
            with mapped(path) as data:
                kind = sniff(data, path.name)
            return _read(path, kind, cancel)
        except OSError as error:
            what = f"{shown(path.name, 80)} cannot be read: {error.strerror}."
            raise CheckpointError(
                what, "Check the file, its permissions and disk space."
            ) from error


def _read(path: Path, kind: Kind, cancel: CancelToken | None) -> RawCheckpoint:
    if kind == "safetensors":
        tensors = read_safetensors(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return RawCheckpoint("safetensors", (RawNetwork("", "", tensors, {}),), {}, digest)
    with tempfile.TemporaryDirectory(prefix="atelier-read-", ignore_cleanup_errors=True) as name:
        read_in_child(path, Path(name), kind, cancel)
        return read_result(Path(name))
