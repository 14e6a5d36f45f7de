"""The chunks of a PNG file: length, type, data, CRC (W3C PNG specification, section 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from engine.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and data of every chunk up to IEND, each checked against its CRC.

    Raises ImageError where the file ends early or a checksum is wrong: decoders differ in what
    they let pass, and a picture that is missing its end would otherwise open without a word.
    """
    if not data.startswith(SIGNATURE):
        raise ImageError("This file is not a PNG picture.")
    view = memoryview(data)
    at = len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ImageError("The PNG file is cut off before its end.", "Get the whole file again.")
        length, kind = struct.unpack_from(">I4s", view, at)
        end = at + 12 + length
        if end > len(data):
            raise ImageError("The PNG file is cut off in the middle.", "Get the whole file again.")
        body = view[at + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(kind)) != struct.unpack_from(">I", view, end - 4)[0]:
            raise ImageError(
                "The PNG file is damaged: a checksum does not match.", "Get the whole file again."
            )
        yield kind, body
        if kind == b"IEND":
            return
        at = end
