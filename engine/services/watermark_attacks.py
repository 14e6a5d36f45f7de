"""What happens to pictures on the way: the damage a mark is held to, and pictures to try it on.

Faces of seeds and portraits of rows that nothing else uses; photographs stand in a file of theirs.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.provenance.fingerprint import Pixels

BICUBIC = Image.Resampling.BICUBIC
Damage = Callable[[Pixels, np.random.RandomState], Pixels]
FACES_SEED, DRAWN_SEED = 700_000, 424_242


@dataclass(frozen=True)
class Attack:
    """One kind of damage, and the least share of ids that has to be read after it."""

    name: str
    damage: Damage
    bar: float


def _saved(format: str, quality: int) -> Damage:
    def damage(pixels: Pixels, source: np.random.RandomState) -> Pixels:
        return saved(pixels, format, quality)

    return damage


def saved(pixels: Pixels, format: str, quality: int) -> Pixels:
    """The picture after a lossy file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def scaled(pixels: Pixels, factor: float) -> Pixels:
    """The picture at another size."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(pixels).resize(size, BICUBIC))


def _size(factor: float) -> Damage:
    return lambda pixels, source: scaled(pixels, factor)


def _cut(share: float) -> Damage:
    """That share of each side, anywhere."""

    def damage(pixels: Pixels, source: np.random.RandomState) -> Pixels:
        height, width = pixels.shape[:2]
        tall, wide = int(height * share), int(width * share)
        top, left = source.randint(height - tall + 1), source.randint(width - wide + 1)
        return np.ascontiguousarray(pixels[top : top + tall, left : left + wide])

    return damage


def _light(gain: float, pivot: float) -> Damage:
    def damage(pixels: Pixels, source: np.random.RandomState) -> Pixels:
        levels = (pixels.astype(np.float64) - pivot) * gain + pivot
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)

    return damage


def _noise(pixels: Pixels, source: np.random.RandomState) -> Pixels:
    noisy = pixels + source.randn(*pixels.shape) * 5
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _turned(pixels: Pixels, source: np.random.RandomState) -> Pixels:
    return np.asarray(Image.fromarray(pixels).rotate(2 if source.rand() < 0.5 else -2, BICUBIC))


def _flipped(pixels: Pixels, source: np.random.RandomState) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def _screenshot(pixels: Pixels, source: np.random.RandomState) -> Pixels:
    """Shown at another size on a screen, brought back, and saved."""
    height, width = pixels.shape[:2]
    shown = Image.fromarray(scaled(pixels, 1.37))
    return saved(np.asarray(shown.resize((width, height), BICUBIC)), "JPEG", 85)


ATTACKS = (
    Attack("clean", lambda pixels, source: pixels, 0.97),
    Attack("JPEG 90", _saved("JPEG", 90), 0.97),
    Attack("JPEG 75", _saved("JPEG", 75), 0.97),
    Attack("JPEG 50", _saved("JPEG", 50), 0.97),
    Attack("WebP 80", _saved("WEBP", 80), 0.97),
    Attack("resize 0.5x", _size(0.5), 0.97),
    Attack("resize 2x", _size(2.0), 0.97),
    Attack("crop 80 %", _cut(0.8), 0.97),
    Attack("brightness +20 %", _light(1.2, 0.0), 0.97),
    Attack("brightness -20 %", _light(0.8, 0.0), 0.97),
    Attack("contrast +20 %", _light(1.2, 127.5), 0.97),
    Attack("contrast -20 %", _light(0.8, 127.5), 0.97),
    Attack("noise, sigma 5", _noise, 0.97),
    Attack("rotation 2 degrees", _turned, 0.97),
    Attack("horizontal flip", _flipped, 0.97),
    Attack("screenshot rescale", _screenshot, 0.97),
    Attack("JPEG 30", _saved("JPEG", 30), 0.80),
    Attack("crop 70 %", _cut(0.7), 0.80),
    Attack("resize 0.25x", _size(0.25), 0.80),
)
SMALL_ATTACKS = (
    Attack("clean", ATTACKS[0].damage, 0.99),
    Attack("JPEG 75", ATTACKS[2].damage, 0.90),
    Attack("resize 0.5x", ATTACKS[5].damage, 0.80),
)


def drawn_portraits(count: int, side: int) -> Iterator[Pixels]:
    """Portraits as the renderer draws them, of a data set that trained nothing."""
    from engine.portraits.attributes import sample
    from engine.portraits.renderer import render

    for index in range(count):
        table = sample(DRAWN_SEED, np.array([index]))
        levels = render(table, side).numpy()[0].transpose(1, 2, 0)
        yield np.ascontiguousarray(np.clip(np.rint((levels + 1) * 127.5), 0, 255).astype(np.uint8))
