"""Signing, verifying, sizes, the ledger, and the watermark's table beside other libraries."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.image.codec import encode, thumbnail
from engine.provenance import ledger_log as log
from engine.provenance.fingerprint import SIZE, fingerprints
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.ledger import Ledger
from engine.provenance.sign import sign_picture
from engine.provenance.verify import read_credentials
from engine.recipe import Recipe
from tests.benchmarks import watermark
from tests.benchmarks.figures import Figure, median_ms
from tests.drawn import claim_for, generated, identity_in

FORMATS = ("png", "jpeg", "webp", "tiff", "avif")
SIDE_PX = 1024
ROWS = 10_000


def measure() -> Iterator[Figure]:
    """Every figure of the suite."""
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        identity = identity_in(Path(folder))
        yield from signing(identity, identity.unlock())
        yield from ledger(Path(folder))
    yield from watermark.measure()


def signing(identity: Identity, unlocked: Unlocked) -> Iterator[Figure]:
    """A full manifest with thumbnail in a grainy picture of 1024 px, in every format."""
    pixels = _grainy()
    recipe = generated(side=SIDE_PX)
    claim = claim_for(recipe, thumbnail=thumbnail(pixels, 192, 8000))
    roots = identity.own_roots()
    for format in FORMATS:
        picture = encode(pixels, format)
        mime = f"image/{format}"
        signed = sign_picture(picture, mime, claim, unlocked)
        word = format.upper()

        def encoding(format: str = format) -> bytes:
            return encode(pixels, format)

        def sign(picture: bytes = picture, mime: str = mime) -> bytes:
            return sign_picture(picture, mime, claim, unlocked)

        def read(signed: bytes = signed) -> object:
            return read_credentials(signed, own_roots_pem=roots)

        yield Figure(f"{word}: encode, {SIDE_PX} px", median_ms(encoding, 3), "ms")
        yield Figure(f"{word}: sign, {SIDE_PX} px", median_ms(sign, 9), "ms", at_most=60)
        yield Figure(f"{word}: verify, {SIDE_PX} px", median_ms(read, 9), "ms")
        over = (len(signed) - len(picture)) / 1000
        yield Figure(f"{word}: manifest with thumbnail", over, "KB", at_most=25)
    yield Figure("fingerprints, 1024 px", median_ms(lambda: fingerprints(pixels), 5), "ms")


def ledger(home: Path) -> Iterator[Figure]:
    """Ten thousand exports: opening with every hash checked, and finding one of them."""
    recipe = generated(side=512)
    rng = np.random.RandomState(0)
    path = home / "many.sqlite3"
    made = Ledger(path)
    with made._file.transaction() as db:
        for number in range(ROWS):
            for entry in _steps(number, recipe, rng.bytes(SIZE)):
                log.append(db, made._key, entry)
        made._write_head(log.tail(db))
    pixels = _grainy()

    def search() -> object:
        return Ledger.search(fresh, pixels)

    yield Figure("open a ledger of 10,000 rows", median_ms(lambda: Ledger(path), 3), "ms")
    fresh = Ledger(path)
    yield Figure("search it by picture", median_ms(search, 9), "ms", at_most=100)
    digest = f"{77:064x}"
    yield Figure("find a file in it", median_ms(lambda: fresh.find_file(digest), 9), "ms", 100)

    def reserve() -> object:
        return fresh.reserve(recipe, home / "x.png", "recipe")

    yield Figure("reserve a row", median_ms(reserve, 9), "ms")


def _steps(number: int, recipe: Recipe, looks: bytes) -> list[log.Entry]:
    id = f"{number:032x}"
    body = {"recipe": recipe.canonical.decode("utf-8"), "created": "2026", "path": "/x.png"}
    return [
        log.Entry(id, "pending", number, body),
        log.Entry(id, "staged", number, body, f"{number:064x}", f"urn:c2pa:{number}", looks),
        log.Entry(id, "done", number, {}),
    ]


def _grainy() -> np.ndarray:
    """uint8 [1024, 1024, 3]: slopes with grain, as a photograph has it."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    slopes = np.stack([x / 4, y / 4, (x + y) / 8], axis=-1)
    grain = np.random.RandomState(0).randn(SIDE_PX, SIDE_PX, 3) * 6
    return np.clip(slopes + grain, 0, 255).astype(np.uint8)
