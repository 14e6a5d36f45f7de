"""Files that are a picture and something else at once, told before anything is decoded.

Such a file shows one thing to a person and hands another to whatever program opens it next. What
cameras append on purpose (a second JPEG, a short film) is let through.
"""

from __future__ import annotations

import struct

from engine.image.formats import JPEG, PNG, WEBP, PictureFormat

_HEAD = 1024
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL = 65_557
_TEXTS = ((b"<script", "a web page"), (b"<html", "a web page"), (b"<svg", "an SVG drawing"))
_AFTER = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript program"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"GIF8", "a GIF picture"),
    (b"\x89PNG\r\n\x1a\n", "a second PNG picture"),
    (b"<", "a web page or drawing"),
)


def other_kind(data: bytes, kind: PictureFormat) -> str | None:
    """What else the file is, in words such as "a ZIP archive"; None where it is a picture alone."""
    head = data[:_HEAD].lower()
    if b"%pdf-" in head:
        return "a PDF document"
    for mark, words in _TEXTS:
        if mark in head:
            return words
    if _is_zip(data):
        return "a ZIP archive"
    after = data[_end(data, kind) :].lstrip(b"\x00\r\n\t ")
    return next((words for mark, words in _AFTER if after.startswith(mark)), None)


def _is_zip(data: bytes) -> bool:
    """Whether an archive's end record is there, with its directory where the record says."""
    tail_at = max(0, len(data) - _ZIP_TAIL)
    at = data.rfind(_ZIP_END, tail_at)
    if at < 0 or at + 22 > len(data):
        return False
    entries, size, _, comment = struct.unpack_from("<HIIH", data, at + 10)
    whole = at + 22 + comment == len(data)
    directory = data[at - size : at - size + 4] == b"PK\x01\x02" if 0 < size <= at else False
    return directory or (entries == 0 and size == 0 and whole)


def _end(data: bytes, kind: PictureFormat) -> int:
    """Where the picture ends, as far as its container tells; else the end of the file."""
    if kind is PNG:
        at = data.find(b"IEND")
        return len(data) if at < 0 else at + 8
    if kind is WEBP:
        return min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    if kind is JPEG:
        at = data.rfind(b"\xff\xd9")
        return len(data) if at < 0 else at + 2
    return len(data)
