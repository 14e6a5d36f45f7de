"""A small real renderer for tests of exports: a Recipe's seed becomes a smooth coloured picture."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.frame import Frame, RenderSettings
from engine.image.codec import encode, thumbnail
from engine.image.pixels import crop, pixels_sha256, resize
from engine.provenance.claim import Claim, Made
from engine.provenance.key_file import read_key
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.sign import sign_picture
from engine.recipe import Crop, Generate, Image, ModelRef, Photo, Recipe, Resize, Seed, walk

MODEL = ModelRef("waves@1", "5" * 64)
SIDE = 64


def generated(seed: int = 7, side: int | None = None) -> Recipe:
    """A Recipe of one seed, with a Resize where a side is given."""
    image: Image = Generate(MODEL, Seed(seed))
    return Recipe(image if side is None else Resize(image, side, side))


def pixels_of(image: Image) -> np.ndarray:
    """uint8 [height, width, 3]: a sum of a few waves drawn from the seed."""
    if isinstance(image, Resize):
        return resize(pixels_of(image.image), image.width, image.height, image.filter)
    if isinstance(image, Crop):
        return crop(pixels_of(image.image), image.left, image.top, image.width, image.height)
    if isinstance(image, Photo):
        return np.full((40, 60, 3), int(image.sha256[:2], 16), np.uint8)
    seed = next(node.n for node in walk(image) if isinstance(node, Seed))
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    total = np.zeros((SIDE, SIDE, 3))
    for _ in range(5):
        fx, fy, phase = rng.uniform((-3, -3, 0), (3, 3, 6.28)).tolist()
        total += np.sin(6.28 * (fx * x + fy * y) + phase)[:, :, None] * rng.uniform(0, 1, 3)
    return np.ascontiguousarray(np.clip(128 + 40 * total, 0, 255).astype(np.uint8))


def frame(recipe: Recipe) -> Frame:
    """What a render of this Recipe gives."""
    return Frame(pixels_of(recipe.image), recipe, RenderSettings(), "onnx", "full", 0.001)


def identity_in(home: Path, passphrase: str | None = "a passphrase for tests") -> Identity:
    """An identity that asks for its passphrase, and gets this one."""
    return Identity(home, ask=lambda: passphrase, vault=lambda: None)


def claim_for(recipe: Recipe, **changes: object) -> Claim:
    """A claim as an export of this Recipe would make it."""
    pixels = pixels_of(recipe.image)
    height, width = pixels.shape[:2]
    made = Made("onnx", {"numpy": "2"}, pixels_sha256(pixels), width, height, "full")
    values: dict[str, object] = {
        "id": "ab" * 16,
        "recipe": recipe,
        "made": made,
        "when": "2026-01-02T03:04:05+00:00",
        "tier": "recipe",
        "thumbnail": thumbnail(pixels, 96, 4000),
    }
    return Claim(**{**values, **changes})  # type: ignore[arg-type]


def signed(
    identity: Unlocked, format: str = "png", recipe: Recipe | None = None, **changes: object
) -> bytes:
    """A signed picture file."""
    recipe = recipe or generated(side=128)
    data = encode(pixels_of(recipe.image), format)  # type: ignore[arg-type]
    return sign_picture(data, f"image/{format}", claim_for(recipe, **changes), identity)


def secrets_of(home: Path, passphrase: str) -> list[bytes]:
    """The private key in every form in which it could leak, and its passphrase."""
    (path,) = (home / "identity").glob("*/key.pem")
    about = path.with_name("about.json").read_text()
    salt = bytes.fromhex(about.split('"salt": "')[1].split('"')[0])
    key: ec.EllipticCurvePrivateKey = read_key(path, passphrase, salt)
    number = key.private_numbers().private_value.to_bytes(32, "big")
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    body = b"".join(pem.splitlines()[1:-1])
    forms = [number, number.hex().encode(), base64.b64encode(number), body[30:80]]
    return [*forms, b"PRIVATE KEY", passphrase.encode()]
