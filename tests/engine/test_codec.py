"""Reading pictures from outside, and writing them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.errors import ImageError
from engine.image.codec import encode, open_picture, read_picture, thumbnail
from engine.image.formats import LOSSLESS, SUFFIXES, sniff
from engine.image.pixels import crop, largest_difference, pixels_sha256, psnr, resize
from engine.image.png_chunks import chunks
from engine.image.xmp import SOURCE_TYPES, packet, stated_source_type


def _pixels(height: int = 40, width: int = 60) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([y * 5, x * 4, (x + y) * 2], axis=-1).astype(np.uint8)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_that_declares(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + body + _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_what_is_kept_without_loss_comes_back_exactly(
    format: str, options: dict[str, object]
) -> None:
    read = read_picture(_saved(Image.fromarray(_pixels()), format, **options))
    assert np.array_equal(read, _pixels())
    assert read.flags.c_contiguous
    assert read.flags.writeable


@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
def test_lossy_pictures_come_back_nearly(format: str) -> None:
    read = read_picture(_saved(Image.fromarray(_pixels()), format, quality=95))
    assert psnr(read, _pixels()) > 35


def test_the_format_is_told_by_the_bytes_not_by_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really.jpg"
    path.write_bytes(_saved(Image.fromarray(_pixels()), "PNG"))
    assert np.array_equal(read_picture(path), _pixels())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
        b"BM" + bytes(60),
        b"SIMPLE  =                    T",
    ],
)
def test_other_formats_are_refused_before_anything_is_decoded(data: bytes) -> None:
    with pytest.raises(ImageError, match="not a picture of a kind that is read here"):
        open_picture(data)


@pytest.mark.parametrize(
    ("width", "height"), [(40_000, 10), (10, 40_000), (9000, 9000), (20_000, 20_000)]
)
def test_a_bomb_is_refused_by_its_declared_size(width: int, height: int) -> None:
    with pytest.raises(ImageError, match="too large"):
        open_picture(_png_that_declares(width, height))


def test_a_one_bit_bomb_is_refused_too() -> None:
    with pytest.raises(ImageError, match="too large"):
        open_picture(_png_that_declares(30_000, 30_000, depth=1, colour=0))


def test_a_bomb_in_a_text_chunk_is_refused() -> None:
    body = b"Comment\x00\x00" + zlib.compress(b"\x00" * 200_000_000, 9)
    data = _png_that_declares(4, 4)
    head, tail = data[:33], data[33:]
    with pytest.raises(ImageError):
        open_picture(head + _chunk(b"zTXt", body) + tail)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_one_clear_error(format: str, part: float) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    data = _saved(Image.fromarray(noise), format)
    with pytest.raises(ImageError) as caught:
        open_picture(data[: int(len(data) * part)])
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_png_without_its_end_is_refused_though_all_pixels_are_there() -> None:
    data = _saved(Image.fromarray(_pixels()), "PNG")
    with pytest.raises(ImageError, match="cut off"):
        open_picture(data[:-12])


def test_a_damaged_checksum_is_refused() -> None:
    data = bytearray(_saved(Image.fromarray(_pixels()), "PNG"))
    data[60] ^= 1
    with pytest.raises(ImageError):
        open_picture(bytes(data))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_no_damage_gives_anything_but_a_picture_or_an_image_error(format: str) -> None:
    data = _saved(Image.fromarray(_pixels()), format)
    rng = np.random.RandomState(1)
    for _ in range(120):
        damaged = bytearray(data)
        for at in rng.randint(0, len(data), 3):
            damaged[at] = rng.randint(0, 256)
        try:
            assert read_picture(bytes(damaged)).dtype == np.uint8
        except ImageError:
            continue


def test_grey_of_sixteen_bits_keeps_its_tones() -> None:
    deep = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    picture = open_picture(_saved(Image.fromarray(deep), "PNG"))
    assert np.array_equal(picture.pixels[0, :, 0], np.arange(256))
    assert any("16-bit" in note for note in picture.notes)


def test_palette_cmyk_and_one_bit_pictures_open() -> None:
    image = Image.fromarray(_pixels())
    for mode, format in [("P", "PNG"), ("CMYK", "JPEG"), ("1", "PNG"), ("L", "TIFF")]:
        assert read_picture(_saved(image.convert(mode), format)).shape == (40, 60, 3)


def test_transparent_parts_are_laid_on_white_and_noted() -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, 4:] = (10, 20, 30, 255)
    picture = open_picture(_saved(Image.fromarray(rgba), "PNG"))
    assert tuple(picture.pixels[0, 0]) == (255, 255, 255)
    assert tuple(picture.pixels[0, 7]) == (10, 20, 30)
    assert any("white" in note for note in picture.notes)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    # The corner that is up and left after turning, for each EXIF value (EXIF 2.3, table 6).
    corner = {2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}
    pixels = np.zeros((16, 24, 3), np.uint8)
    row, column = corner[orientation]
    pixels[row, column] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_picture(_saved(Image.fromarray(pixels), "PNG", exif=exif))
    assert read[0, 0].min() == 255
    assert read.shape[:2] == ((16, 24) if orientation < 5 else (24, 16))


def test_a_colour_profile_is_honoured() -> None:
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(_pixels())
    assert np.array_equal(read_picture(_saved(image, "PNG", icc_profile=srgb)), _pixels())
    wrong = ImageCms.ImageCmsProfile(lab).tobytes()
    picture = open_picture(_saved(image, "PNG", icc_profile=wrong))
    assert np.array_equal(picture.pixels, _pixels())
    assert any("colour profile" in note for note in picture.notes)


def test_of_an_animation_the_first_frame_is_taken_with_a_note() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    picture = open_picture(data)
    assert tuple(picture.pixels[0, 0]) == (255, 0, 0)
    assert any("first" in note for note in picture.notes)


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(ImageError, match="Cannot read"):
            read_picture(path)


def test_every_format_carries_the_source_type_for_readers_without_credentials() -> None:
    xmp = packet(SOURCE_TYPES + "trainedAlgorithmicMedia", "Tool 1 & <2>", "2026-01-01T00:00:00Z")
    for format in sorted(set(SUFFIXES.values())):
        data = encode(_pixels(), format, xmp=xmp, text={"Software": "Tool"})
        assert data == encode(_pixels(), format, xmp=xmp, text={"Software": "Tool"})
        assert (psnr(read_picture(data), _pixels()) == np.inf) == (format in LOSSLESS)
        assert stated_source_type(data) == "trainedAlgorithmicMedia"
        assert b"Iptc4xmpExt:DigitalSourceType" in data
    assert stated_source_type(encode(_pixels(), "png")) is None


def test_png_is_exact_deterministic_and_has_its_text_before_the_pixels() -> None:
    first, second = (encode(_pixels(), "png", xmp=b"<x/>", text={"Software": "T"}) for _ in "ab")
    assert first == second
    assert np.array_equal(read_picture(first), _pixels())
    kinds = [kind for kind, _ in chunks(first)]
    assert kinds.index(b"sRGB") < kinds.index(b"iTXt") < kinds.index(b"IDAT")


def test_jpeg_keeps_full_chroma() -> None:
    data = encode(_pixels(), "jpeg")
    with Image.open(io.BytesIO(data)) as image:
        assert image.layer[0][1:3] == image.layer[1][1:3] == (1, 1)  # type: ignore[attr-defined]
    assert psnr(read_picture(data), _pixels()) > 38


def test_a_thumbnail_is_small() -> None:
    noise = np.random.RandomState(0).randint(0, 256, (512, 300, 3)).astype(np.uint8)
    data = thumbnail(noise, 192, 14_000)
    assert sniff(data) is not None
    assert len(data) <= 14_000
    assert max(read_picture(data).shape) == 192


def test_hash_and_differences_see_shape_and_values() -> None:
    pixels = _pixels()
    assert pixels_sha256(pixels) != pixels_sha256(pixels.reshape(60, 40, 3))
    other = pixels.copy()
    other[3, 4, 1] ^= 8
    assert largest_difference(pixels, other) == 8
    assert psnr(pixels, pixels) == float("inf")
    assert pixels_sha256(pixels) != pixels_sha256(other)


def test_resize_and_crop() -> None:
    assert resize(_pixels(), 60, 40) is not None
    assert resize(_pixels(), 31, 17).shape == (17, 31, 3)
    assert np.array_equal(crop(_pixels(), 3, 4, 10, 12), _pixels()[4:16, 3:13])
    with pytest.raises(ImageError, match="does not fit"):
        crop(_pixels(), 55, 0, 10, 10)
