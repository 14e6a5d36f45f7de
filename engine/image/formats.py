"""Which picture formats are read, told by the first bytes and never by the file's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PictureFormat:
    """A format: Pillow's name for it, its media type, the word for people."""

    pillow: str
    mime: str
    word: str


PNG = PictureFormat("PNG", "image/png", "PNG")
JPEG = PictureFormat("JPEG", "image/jpeg", "JPEG")
WEBP = PictureFormat("WEBP", "image/webp", "WebP")
TIFF = PictureFormat("TIFF", "image/tiff", "TIFF")
AVIF = PictureFormat("AVIF", "image/avif", "AVIF")

MP4 = PictureFormat("", "video/mp4", "MP4")
WEBM = PictureFormat("", "video/webm", "WebM")
GIF = PictureFormat("", "image/gif", "GIF")

FormatName = Literal["png", "jpeg", "webp", "tiff", "avif"]
"""What is written here; `image/` before it is the media type."""

SUFFIXES: dict[str, FormatName] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".avif": "avif",
}
LOSSLESS: frozenset[FormatName] = frozenset({"png", "webp", "tiff"})
"""Those that are written here without loss. A JPEG and an AVIF are not."""

_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def sniff(data: bytes) -> PictureFormat | None:
    """The format that the first bytes show, or None where it is none of the five read here."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith(_TIFF_STARTS):
        return TIFF
    if data[4:8] == b"ftyp" and _avif_brand(data):
        return AVIF
    return None


def sniff_film(data: bytes) -> PictureFormat | None:
    """The kind of film that the first bytes show: written and verified here, never decoded.

    An animated WebP is a WebP.
    """
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if data[:4] == b"\x1aE\xdf\xa3":
        return WEBM
    return MP4 if data[4:8] == b"ftyp" and sniff(data) is None else None


def _avif_brand(data: bytes) -> bool:
    """Whether the file type box (ISO/IEC 14496-12, 4.3) names AVIF among its brands."""
    box = data[: min(int.from_bytes(data[:4], "big"), 256)]
    brands = {box[8:12], *(box[i : i + 4] for i in range(16, len(box) - 3, 4))}
    return bool(brands & {b"avif", b"avis"})
