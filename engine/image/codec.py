"""Reading pictures from outside safely, and writing PNG, JPEG, WebP, TIFF and AVIF."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from engine.errors import ImageError
from engine.image.colour import to_srgb
from engine.image.formats import PNG, FormatName, PictureFormat, sniff
from engine.image.png_chunks import chunks
from engine.image.polyglot import other_kind

MAX_PIXELS = 64_000_000
MAX_SIDE = 32_768
MAX_BYTES = 1 << 30
JPEG_QUALITY = 95
AVIF_QUALITY = 90

# Pillow tells of odd metadata by warnings; what matters of them is said in notes and errors. From
# 89 megapixels on it only warns, before the declared size can be looked at here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,
    AttributeError,
    UserWarning,
    struct.error,
    zlib.error,
)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_ORIENTATION = 0x0112
_TIFF_XMP, _TIFF_SOFTWARE, _TIFF_DESCRIPTION, _TIFF_PREDICTOR = 700, 305, 270, 317
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureTooLarge(ImageError):
    """The picture may be sound, but is larger than what is decoded here."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture from outside. pixels: uint8 [height, width, 3], sRGB; notes: what was changed."""

    pixels: UInt8[np.ndarray, "height width 3"]
    format: PictureFormat
    notes: tuple[str, ...]


def read_bytes(path: Path, kind: str = "file") -> bytes:
    """The bytes of a file of at most 1 GiB. Raises ImageError."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(
                f"{path.name} has {size / 2**30:.1f} GiB; at most 1 GiB is read.",
                f"Choose a smaller {kind}.",
            )
        return path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"Cannot read {path}: {error.strerror or 'it cannot be opened'}.",
            "Check the path and its permissions.",
        ) from error


def read_picture(source: Path | str | bytes) -> UInt8[np.ndarray, "height width 3"]:
    """The pixels of a PNG, JPEG, WebP, TIFF or AVIF file: uint8, sRGB. Raises ImageError."""
    return open_picture(source).pixels


def open_picture(source: Path | str | bytes) -> Picture:
    """Decode a picture that may be hostile. Raises ImageError, and nothing else.

    The format is told by the first bytes; size limits hold before anything is decoded. EXIF
    orientation is applied, colours become sRGB by the embedded profile, 16-bit grey is scaled,
    transparent parts are laid on white, and of an animation the first frame is taken; all but the
    first is told in `notes`.
    """
    data = source if isinstance(source, bytes) else read_bytes(Path(source), "picture")
    found = sniff(data)
    if found is None:
        raise ImageError(
            "This is not a picture of a kind that is read here.",
            "Give a PNG, JPEG, WebP, TIFF or AVIF file.",
        )
    refuse_polyglot(data)
    try:
        if found is PNG:
            for _ in chunks(data):
                pass
        with Image.open(io.BytesIO(data), formats=[found.pillow]) as image:
            _check_size(*image.size)
            pixels, notes = _decode(image)
    except _BOMB as error:
        raise _too_large("the size it declares") from error
    except _BROKEN as error:
        raise ImageError(
            f"The {found.word} file is damaged or cut off and cannot be decoded.",
            "Get the whole file again.",
        ) from error
    return Picture(pixels, found, tuple(notes))


def refuse_polyglot(data: bytes) -> None:
    """Raises ImageError where a picture file is something else besides."""
    found = sniff(data)
    other = None if found is None else other_kind(data, found)
    if found is not None and other is not None:
        raise ImageError(
            f"This file is a {found.word} picture and {other} at once, and is refused.",
            "Do not open it elsewhere unless you know where it comes from.",
        )


def _decode(image: Image.Image) -> tuple[UInt8[np.ndarray, "height width 3"], list[str]]:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("Of several frames the first was taken.")
    image.load()
    turn = _orientation(image)
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I"):
        notes.append("16-bit grey was scaled to 8 bits.")
        return _from_deep_grey(np.asarray(image)), notes
    if image.mode == "F":
        raise ImageError(
            "The picture holds floating-point values, whose range is not known.",
            "Save it with 8 or 16 bits a channel.",
        )
    if image.has_transparency_data or image.mode in ("LA", "La", "RGBa", "PA"):
        image = image.convert("RGBA")
    rgb, note = to_srgb(image)
    notes += [note] if note else []
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        if alpha.getextrema() != (255, 255):
            notes.append("Transparent parts were laid on white.")
            white = Image.new("RGB", rgb.size, "white")
            rgb = Image.composite(rgb, white, alpha)
    return np.array(rgb, dtype=np.uint8), notes


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """How EXIF says the picture is to be turned; damaged EXIF does not make it unreadable."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return None


def _from_deep_grey(grey: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    """Grey of 0 to 65535 to three equal channels of 0 to 255, rounded."""
    wide = np.clip(grey.astype(np.int64), 0, 65535)
    eight = ((wide * 255 + 32767) // 65535).astype(np.uint8)
    return np.repeat(eight[:, :, None], 3, axis=2)


def _check_size(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_large(f"{width} x {height} pixels")


def _too_large(got: str) -> ImageError:
    return PictureTooLarge(
        f"The picture is too large: at most 64 megapixels and 32,768 pixels a side, got {got}.",
        "Make it smaller in another program first.",
    )


def encode(
    pixels: UInt8[np.ndarray, "height width 3"],
    format: FormatName,
    *,
    xmp: bytes = b"",
    text: Mapping[str, str] | None = None,
    quality: int = JPEG_QUALITY,
) -> bytes:
    """The picture as a file with the XMP packet inside. Deterministic.

    PNG, WebP and TIFF keep every pixel; JPEG and AVIF keep full chroma. text: PNG text fields
    (Latin-1 keywords, such as "Software"), of which a TIFF has a tag for "Software" and "Source";
    the other formats carry none. quality: of a JPEG.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    out = io.BytesIO()
    if format == "png":
        image.save(out, "PNG", pnginfo=_png_info(xmp, text or {}))
    elif format == "jpeg":
        image.save(out, "JPEG", quality=quality, subsampling=0, optimize=True, xmp=xmp)
    elif format == "webp":
        # More effort takes eight times as long at 1024 px and saves two per cent.
        effort = {"quality": 20, "method": 1}
        image.save(out, "WEBP", lossless=True, exact=True, xmp=xmp, **effort)
    elif format == "tiff":
        tags = _tiff_tags(xmp, text or {})
        image.save(out, "TIFF", compression="tiff_adobe_deflate", tiffinfo=tags)
    else:
        # One thread: how the work is shared out must not show in the bytes.
        options = {"quality": AVIF_QUALITY, "subsampling": "4:4:4", "max_threads": 1}
        image.save(out, "AVIF", xmp=xmp, speed=8, **options)
    return out.getvalue()


def _png_info(xmp: bytes, text: Mapping[str, str]) -> PngInfo:
    info = PngInfo()
    info.add(b"sRGB", b"\x00")
    for keyword, value in text.items():
        info.add_itxt(keyword, value)
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
    return info


def _tiff_tags(xmp: bytes, text: Mapping[str, str]) -> ImageFileDirectory_v2:
    tags = ImageFileDirectory_v2()
    tags[_TIFF_PREDICTOR] = 2  # differences along the row, which deflate packs far better
    for keyword, tag in (("Software", _TIFF_SOFTWARE), ("Source", _TIFF_DESCRIPTION)):
        if keyword in text:
            tags[tag] = text[keyword]
    if xmp:
        tags[_TIFF_XMP] = xmp
    return tags


def thumbnail(pixels: UInt8[np.ndarray, "height width 3"], side: int, limit: int) -> bytes:
    """A JPEG of at most `side` pixels a side and, as far as quality allows, `limit` bytes."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = b""
    for quality in (85, 75, 60, 45, 30):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= limit:
            break
    return data
