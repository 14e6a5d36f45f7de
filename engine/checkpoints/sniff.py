"""Says what a file is from its first bytes, never from its name alone."""

from __future__ import annotations

from typing import Literal

from engine.checkpoints.refusal import DAMAGED, UNSAFE, refuse
from engine.checkpoints.torch_legacy import MAGIC_PICKLE

Kind = Literal["pickle", "torch-zip", "torch-legacy", "safetensors", "onnx"]

READ_HERE = "Pickles of NVIDIA or TensorFlow, torch.save files, .safetensors and .onnx are read."
_UNPACK = "Unpack it first, then open the checkpoint that is inside."
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x89HDF\r\n", "an HDF5 file of Keras", READ_HERE),
    (b"GGUF", "a GGUF file of a language model", READ_HERE),
    (b"\x93NUMPY", "a single NumPy array", READ_HERE),
    (b"\x89PNG", "a picture", "Open pictures on the Verify page."),
    (b"\xff\xd8\xff", "a picture", "Open pictures on the Verify page."),
    (b"\x7fELF", "a program", UNSAFE),
    (b"MZ", "a program", UNSAFE),
    (b"#!", "a script", UNSAFE),
    (b"%PDF", "a PDF document", READ_HERE),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<script")


def sniff(data: memoryview, name: str) -> Kind:
    """The kind of checkpoint. name: the file's, for ONNX alone, which has no mark of its own.

    Raises Refusal, saying what the file is instead.
    """
    head = bytes(data[:512])
    if not head:
        refuse("the file is empty", "Fetch it again from its source.")
    # First, for the length of its header may begin with the bytes of any other mark.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= len(data) - 8:
        return "safetensors"
    if head.startswith(_LFS):
        refuse("it is a Git LFS pointer, not the file itself", "Run `git lfs pull` where it lies.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        refuse("it is a web page, not a checkpoint", "Fetch the file itself, signed in if need be.")
    for mark, what, remedy in _STRANGERS:
        if head.startswith(mark):
            refuse(f"it is {what}, not a checkpoint", remedy)
    if head[257:262] == b"ustar":
        refuse("it is a tar archive, not a checkpoint", _UNPACK)
    return _checkpoint(data, head, name)


def _checkpoint(data: memoryview, head: bytes, name: str) -> Kind:
    if head.startswith(b"PK\5\6"):
        refuse("it is an empty .zip archive", "Fetch it again from its source.")
    if head.startswith(b"PK"):
        return "torch-zip"
    if head.startswith(MAGIC_PICKLE):
        return "torch-legacy"
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 9:
        return "pickle"
    if name.lower().endswith(".safetensors"):
        refuse("it is no whole safetensors file; it may be cut off")
    if name.lower().endswith(".onnx") or head[0] == 0x08:
        return "onnx"
    if head[:1] in (b"(", b"c", b"]", b"}", b"i") and bytes(data[-1:]) == b".":
        refuse("it is a pickle of protocol 0 or 1, which checkpoints are not written in", UNSAFE)
    if not any(head):
        refuse("it begins with nothing but zeros; the download may have failed", DAMAGED)
    refuse("it is no kind of checkpoint that is known", READ_HERE)
