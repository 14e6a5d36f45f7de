"""The invisible mark: what it survives, what it leaves alone, and that chance finds none."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.provenance.watermark.code import SIGNS, decode, encode
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.embed import LEAST_PSNR, Marked, embed
from engine.provenance.watermark.frame import SIDE, TILE, luminance, resized
from engine.provenance.watermark.lattice import WAVES, folded, tile_of, waves_of
from engine.provenance.watermark.remains import Remains

ID = 0x5A17C0FFEE
Pixels = np.ndarray


def scene(seed: int, width: int = 512, height: int = 512) -> Pixels:
    """Soft shapes with edges and some grain: neither flat nor busy."""
    source = np.random.RandomState(seed)
    small = Image.fromarray(source.randint(30, 226, (7, 7, 3)).astype(np.uint8))
    picture = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    y, x = np.mgrid[:height, :width] / max(width, height)
    for _ in range(6):
        cx, cy, radius = source.rand(3) * (1, 1, 0.25)
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        picture[inside] = 0.5 * picture[inside] + 0.5 * source.randint(0, 256, 3)
    grain = source.randn(height, width, 1) * 2
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def marked() -> Marked:
    """One marked picture."""
    return embed(scene(1), ID)


def coded(pixels: Pixels, format: str, quality: int) -> Pixels:
    """The picture after a lossy file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def scaled(pixels: Pixels, factor: float) -> Pixels:
    """The picture at another size."""
    height, width = pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def cut(pixels: Pixels, share: float) -> Pixels:
    """A part of the picture, off its middle."""
    height, width = pixels.shape[:2]
    top, left = int(height * (1 - share) * 0.3), int(width * (1 - share) * 0.8)
    return pixels[top : top + int(height * share), left : left + int(width * share)]


def noisy(pixels: Pixels) -> Pixels:
    """Gaussian noise of 5 grey levels."""
    noise = np.random.RandomState(3).randn(*pixels.shape) * 5
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def turned(pixels: Pixels) -> Pixels:
    """Two degrees."""
    return np.asarray(Image.fromarray(pixels).rotate(2, Image.Resampling.BICUBIC))


ATTACKS: dict[str, Callable[[Pixels], Pixels]] = {
    "nothing": lambda p: p,
    "JPEG 50": lambda p: coded(p, "JPEG", 50),
    "JPEG 30": lambda p: coded(p, "JPEG", 30),
    "WebP 80": lambda p: coded(p, "WEBP", 80),
    "half the size": lambda p: scaled(p, 0.5),
    "a quarter of the size": lambda p: scaled(p, 0.25),
    "twice the size": lambda p: scaled(p, 2),
    "brighter": lambda p: np.clip(p * 1.2, 0, 255).astype(np.uint8),
    "less contrast": lambda p: (p * 0.8 + 25).astype(np.uint8),
    "noise": noisy,
    "crop 80 %": lambda p: cut(p, 0.8),
    "crop 70 %": lambda p: cut(p, 0.7),
    "turned": turned,
    "flipped": lambda p: p[:, ::-1],
    "rescaled and saved": lambda p: coded(scaled(scaled(p, 1.37), 1 / 1.37), "JPEG", 85),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_id_survives(marked: Marked, attack: str) -> None:
    assert detect(np.ascontiguousarray(ATTACKS[attack](marked.pixels))).id == ID


def test_the_mark_stays_within_its_limit(marked: Marked) -> None:
    assert marked.psnr >= LEAST_PSNR - 0.2
    assert marked.right > 0.95
    change = marked.pixels.astype(int) - scene(1)
    inside = np.ptp(change, axis=2)[(scene(1) > 20).all(2) & (scene(1) < 235).all(2)]
    assert inside.max() <= 1  # luminance alone, but for rounding


def test_the_mark_does_not_care_for_size_or_shape() -> None:
    for width, height in ((1024, 640), (300, 400), (256, 256)):
        found = detect(embed(scene(4, width, height), 77).pixels, search=False)
        assert found.id == 77


def test_nothing_is_found_in_pictures_without_a_mark() -> None:
    assert [detect(scene(seed)).id for seed in range(20, 26)] == [None] * 6


def test_two_pictures_with_one_id_are_marked_alike_and_with_two_ids_apart() -> None:
    assert np.array_equal(embed(scene(2), 5).pixels, embed(scene(2), 5).pixels)
    assert not np.array_equal(embed(scene(2), 5).pixels, embed(scene(2), 6).pixels)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40 - 1), st.integers(0, 2**32 - 1))
def test_a_word_with_a_quarter_of_its_signs_blurred_is_read(id: int, seed: int) -> None:
    source = np.random.RandomState(seed)
    soft = encode(id) + source.randn(SIGNS) * 0.8
    found, fit = decode(soft)
    assert found == id
    assert fit > 0.6


def test_noise_is_no_word() -> None:
    source = np.random.RandomState(0)
    assert [decode(source.randn(SIGNS))[0] for _ in range(50)] == [None] * 50


def test_a_tile_is_the_sum_of_its_waves() -> None:
    source = np.random.RandomState(0)
    waves = source.randn(len(WAVES)) + 1j * source.randn(len(WAVES))
    tile = tile_of(waves)
    assert tile.shape == (TILE, TILE)
    np.testing.assert_allclose(waves_of(tile), waves, atol=1e-5)
    spread = np.tile(tile, (SIDE // TILE, SIDE // TILE))
    np.testing.assert_allclose(folded(spread), tile, atol=1e-5)
    several = tile_of(np.stack([waves, 2 * waves]))
    np.testing.assert_allclose(several, np.stack([tile, 2 * tile]), atol=1e-5)


def test_a_pull_is_the_adjoint_of_an_answer() -> None:
    source = np.random.RandomState(0)
    remains = Remains(resized(luminance(scene(3)), SIDE, SIDE))
    change = source.randn(SIDE, SIDE).astype(np.float32)
    waves = source.randn(*remains.own.shape) + 1j * source.randn(*remains.own.shape)
    there = float((remains.answer(change) * waves.conj()).real.sum())
    back = float((change * remains.pull(waves)).sum())
    assert back == pytest.approx(2 * there, rel=1e-3)  # a wave stands for its mirror, too
