"""What no signature covers, whole families of files that are refused, and what a report tells."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.image.codec import encode, open_picture
from engine.image.formats import TIFF, sniff
from engine.provenance.cbor import Tagged, read_cbor
from engine.provenance.claim import OpenedPhoto
from engine.provenance.embedded import manifest_store
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.raw_store import raw_store
from engine.provenance.sign import sign_picture
from engine.provenance.verify import crjson, read_credentials
from engine.recipe import Crop, Generate, Latent, Mix, ModelRef, Photo, Recipe, Seed, Truncate
from engine.services.report import verdict_data
from engine.services.verify import report_for_others, verify
from tests.drawn import claim_for, generated, pixels_of, signed

FORMATS = ("png", "jpeg", "webp", "tiff", "avif")
GOOD = ("own", "trusted", "intact-unverified", "expired")


@pytest.fixture(scope="module")
def files(unlocked: Unlocked) -> dict[str, bytes]:
    return {format: signed(unlocked, format) for format in FORMATS}


def _with_valid_checksums(png: bytes) -> bytes:
    """A PNG as somebody would change it who knows PNG: every chunk's checksum is right."""
    import zlib

    out, at = png[:8], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        body = png[at + 4 : at + 8 + length]
        out += png[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return out


@pytest.mark.parametrize("format", FORMATS)
def test_the_raw_boxes_are_found_and_name_the_signers_certificate(
    files: dict[str, bytes], unlocked: Unlocked, format: str
) -> None:
    data = files[format]
    kind = sniff(data)
    assert kind is not None
    raw = raw_store(data, kind)
    assert raw is not None
    assert list(raw.leaves.values()) == [unlocked.chain.fingerprint]
    assert (raw.padded, raw.altered) == (frozenset(), frozenset())
    picture = encode(pixels_of(generated().image), format)  # type: ignore[arg-type]
    assert manifest_store(picture, kind) is None


@pytest.mark.parametrize("format", FORMATS)
def test_a_long_manifest_and_a_chain_of_them_are_read_to_the_letter(
    files: dict[str, bytes], unlocked: Unlocked, identity: Identity, format: str
) -> None:
    """A JPEG splits what is longer than a segment."""
    model = ModelRef("waves@1", "5" * 64)
    layers = tuple(range(64))
    latent: Latent = Seed(1)
    for number in range(25):
        latent = Mix(Truncate(latent, tuple(0.01 * number for _ in range(64))), Seed(2), layers)
    long = Recipe(Generate(model, latent))
    assert len(long.canonical) > 10_000
    claim = claim_for(generated(side=128), title="x" * 80)
    big = type(claim)(**{**vars(claim), "recipe": long, "thumbnail": bytes(70_000)})
    picture = encode(pixels_of(generated(side=128).image), format)  # type: ignore[arg-type]
    data = sign_picture(picture, f"image/{format}", big, unlocked)
    assert read_credentials(data, own_roots_pem=identity.own_roots()).verdict == "own"
    photo = OpenedPhoto(files[format], f"image/{format}", has_credentials=True)
    child = claim_for(Recipe(Crop(Photo("a" * 64), 0, 0, 30, 30)), photos=(photo,))
    data = sign_picture(picture, f"image/{format}", child, unlocked)
    found = read_credentials(data, own_roots_pem=identity.own_roots())
    assert found.verdict == "own"
    (parent,) = found.claim["ingredients"]
    assert (parent["state"], parent["signer"]) == ("intact", unlocked.chain.name)
    assert [part["relationship"] for part in parent["ingredients"]] == ["inputTo"]


@pytest.mark.parametrize("format", FORMATS)
def test_padding_that_no_signature_covers_must_be_empty(
    files: dict[str, bytes], identity: Identity, format: str
) -> None:
    data = bytearray(files[format])
    at = data.index(b"cpadY") + 600
    assert data[at : at + 8] == bytes(8)
    data[at : at + 8] = b"smuggled"
    changed = _with_valid_checksums(bytes(data)) if format == "png" else bytes(data)
    found = read_credentials(changed, own_roots_pem=identity.own_roots())
    assert found.verdict == "invalid"
    assert "does not cover" in found.findings[0].text


@pytest.mark.parametrize("format", FORMATS)
def test_the_name_of_the_store_which_nothing_signs_must_be_its_own(
    files: dict[str, bytes], identity: Identity, format: str
) -> None:
    data = bytearray(files[format])
    at = data.index(b"\x03c2pa\x00") + 1
    data[at : at + 4] = b"c2pb"
    changed = _with_valid_checksums(bytes(data)) if format == "png" else bytes(data)
    found = read_credentials(changed, own_roots_pem=identity.own_roots())
    assert found.verdict not in GOOD
    assert found.signer is None


@pytest.mark.parametrize("format", FORMATS)
def test_of_five_hundred_single_flips_none_goes_unseen_and_none_crashes(
    files: dict[str, bytes], identity: Identity, format: str
) -> None:
    data, roots = files[format], identity.own_roots()
    # The brands in an AVIF's first box are hashed by no manifest (C2PA 2.2, A.5.1).
    free = range(int.from_bytes(data[:4], "big")) if format == "avif" else range(0)
    rng = np.random.RandomState(0)
    for at in rng.choice(len(data), 500, replace=False).tolist():
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randint(0, 8)
        found = read_credentials(bytes(changed), own_roots_pem=roots)
        assert found.verdict not in GOOD or at in free, at
        assert found.signer is None or at in free


def test_the_outer_boxes_which_no_hash_covers_have_one_form(
    files: dict[str, bytes], identity: Identity
) -> None:
    data, roots = files["webp"], identity.own_roots()
    start = data.index(b"jumb", data.index(b"C2PA")) - 4
    for at in range(start, start + 260):
        for bit in (0, 5):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            found = read_credentials(bytes(changed), own_roots_pem=roots)
            assert found.verdict in ("invalid", "damaged"), at - start


@pytest.mark.parametrize("format", FORMATS)
def test_every_cut_is_damaged_or_invalid_and_never_a_traceback(
    files: dict[str, bytes], format: str
) -> None:
    data = files[format]
    for length in [*range(1, 60, 3), *range(60, len(data), len(data) // 25)]:
        found = read_credentials(data[:length])
        expected = ("damaged", "invalid") if length > 24 else ("damaged", "invalid", "none")
        assert found.verdict in expected, length


def _segments(jpeg: bytes) -> bytes:
    """The APP11 segments of a JPEG."""
    out, at = b"", 2
    while jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        size = 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        out += jpeg[at : at + size] if jpeg[at + 1] == 0xEB else b""
        at += size
    return out


def test_a_manifest_moved_to_another_picture_never_names_its_first_author(
    files: dict[str, bytes], identity: Identity
) -> None:
    victims = {f: encode(pixels_of(generated(99, 128).image), f) for f in ("jpeg", "webp")}
    moved = victims["jpeg"][:2] + _segments(files["jpeg"]) + victims["jpeg"][2:]
    store = manifest_store(files["webp"], sniff(files["webp"]))  # type: ignore[arg-type]
    assert store is not None
    chunk = b"C2PA" + struct.pack("<I", len(store)) + store + bytes(len(store) % 2)
    body = victims["webp"][8:] + chunk
    other = b"RIFF" + struct.pack("<I", len(body)) + body
    for data in (moved, other):
        found = read_credentials(data, own_roots_pem=identity.own_roots())
        assert found.verdict == "invalid"
        assert (found.signer, dict(found.certificate)) == (None, {})
        told = json.dumps([found.headline, [x.text for x in found.findings]])
        assert "Installation" not in told


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("run.sh", "echo")
    return out.getvalue()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (_zip(), "ZIP archive"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\n<svg onload='x'/>", "web page or drawing"),
        (b"MZ\x90\x00", "Windows program"),
        (b"\x7fELF\x02", "a program"),
        (b"#!/bin/sh\n", "a script"),
    ],
)
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_picture_that_is_something_else_besides_is_refused(
    tmp_path: Path, format: str, extra: bytes, words: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(encode(pixels_of(generated().image), format) + extra)  # type: ignore[arg-type]
    for look in (verify, open_picture, report_for_others):
        with pytest.raises(ImageError, match=words) as caught:
            look(path)  # type: ignore[operator]
        assert "at once" in caught.value.what


def test_a_pdf_or_a_page_in_the_head_of_a_picture_is_refused() -> None:
    plain = encode(pixels_of(generated().image), "jpeg")
    for text in (b"%PDF-1.7", b"<html><script>x</script>"):
        comment = b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
        with pytest.raises(ImageError, match="at once"):
            open_picture(plain[:2] + comment + plain[2:])


def test_what_cameras_append_is_no_polyglot() -> None:
    plain = encode(pixels_of(generated().image), "jpeg")
    for extra in (b"\x00" * 30, plain, b"\x00\x00\x00\x18ftypmp42"):
        assert open_picture(plain + extra).pixels.shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["eps", "svg", "bmp", "pdf"])
def test_other_files_under_a_pictures_name_are_not_read(tmp_path: Path, name: str) -> None:
    content = {
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "bmp": b"BM" + bytes(20),
        "pdf": b"%PDF-1.7\n",
    }[name]
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    verdict = verify(path)
    assert verdict.verdict == "none"
    assert "this is none of them" in verdict.findings[0].text


def test_deep_cmyk_palette_and_animated_pictures_are_read_with_a_note(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(64, axis=0)
    image = Image.fromarray(pixels_of(generated().image))
    red = Image.new("RGB", (8, 8), "red")
    cases: list[tuple[Image.Image, str, dict[str, Any], str]] = [
        (Image.fromarray(ramp), "PNG", {}, "16-bit"),
        (Image.fromarray(ramp), "TIFF", {}, "16-bit"),
        (image.convert("CMYK"), "JPEG", {}, ""),
        (image.convert("CMYK"), "TIFF", {}, ""),
        (image.convert("P"), "PNG", {}, ""),
        (red, "WEBP", {"save_all": True, "append_images": [image.resize((8, 8))]}, "first"),
        (red, "PNG", {"save_all": True, "append_images": [image.resize((8, 8))]}, "first"),
        (red, "AVIF", {"save_all": True, "append_images": [image.resize((8, 8))]}, "first"),
    ]
    for number, (picture, format, options, note) in enumerate(cases):
        path = tmp_path / f"{number}"
        picture.save(path, format, **options)
        verdict = verify(path)
        assert verdict.verdict == "none"
        assert note in " ".join(verdict.notes), number
        assert open_picture(path).pixels.shape[:2] == (picture.height, picture.width)


def test_a_bomb_is_noted_and_never_decoded(tmp_path: Path) -> None:
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 40_000, 20_000, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    )
    (tmp_path / "x.png").write_bytes(data)
    verdict = verify(tmp_path / "x.png")
    assert verdict.verdict == "none"
    assert "at most 64 megapixels" in verdict.notes[0]


def test_the_report_tells_signer_claims_actions_ingredients_and_codes(
    files: dict[str, bytes], unlocked: Unlocked, identity: Identity, tmp_path: Path
) -> None:
    (tmp_path / "x.webp").write_bytes(files["webp"])
    verdict = verify(tmp_path / "x.webp", own_roots_pem=identity.own_roots())
    told = json.loads(json.dumps(verdict_data(verdict)))
    assert told["verdict"] == "own"
    assert told["signer"] == unlocked.chain.name
    assert told["certificate"]["sha256"] == unlocked.chain.fingerprint
    assert told["certificate"]["algorithm"].lower() == "es256"
    assert told["claims"]["tier"] == "recipe"
    assert told["claims"]["digital_source_types"][0].endswith("/trainedAlgorithmicMedia")
    assert told["claims"]["uses"]["cawg.ai_training"] == "notAllowed"
    assert [step["action"] for step in told["actions"]] == ["c2pa.created", "c2pa.resized"]
    (model,) = told["ingredients"]
    assert (model["state"], model["ingredients"]) == ("no-credentials", [])
    assert "claimSignature.validated" in told["validation"]["passed"]
    assert told["validation"]["failed"] == []
    assert (told["watermark"], told["ledger"], told["notes"], told["rerender"]) == (
        None,
        None,
        [],
        None,
    )


def test_without_credentials_the_report_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(encode(pixels_of(generated().image), "png"))
    told = verdict_data(verify(path))
    for name in ("signer", "certificate", "claims", "validation", "recipe", "watermark", "ledger"):
        assert told[name] is None, name
    assert told["ingredients"] == told["actions"] == []
    assert crjson(path.read_bytes()) is report_for_others(path) is None


def test_cr_json_is_what_other_programs_read(files: dict[str, bytes], identity: Identity) -> None:
    for data in files.values():
        told = json.loads(crjson(data, identity.own_roots()) or "")
        (manifest,) = told["manifests"]
        assert manifest["claim.v2"]["claim_generator_info"]["name"] == "Latent Atelier"
        assert any(
            check["code"] == "signingCredential.trusted"
            for check in manifest["validationResults"]["success"]
        )
    assert crjson(b"nothing") is None


def test_the_public_pictures_show_their_chain(fixtures: Path) -> None:
    path = fixtures / "adobe-20220124-CIE-sig-CA.jpg"
    told = verdict_data(verify(path, anchors=fixtures / "test_cert_root_bundle.pem"))
    assert told["verdict"] == "invalid"
    assert told["signer"] is None
    states = {part["title"]: part["state"] for part in told["ingredients"]}
    assert "invalid" in states.values()


def test_cbor_is_read_and_nothing_odd_crashes_it() -> None:
    assert read_cbor(bytes.fromhex("d28443a10126a0f640")) == Tagged(
        18, [b"\xa1\x01&", {}, None, b""]
    )
    assert read_cbor(bytes.fromhex("9f01820203ff")) == [1, [2, 3]]
    assert read_cbor(bytes.fromhex("a26161016162820203")) == {"a": 1, "b": [2, 3]}
    assert read_cbor(bytes.fromhex("3903e7")) == -1000
    rng = np.random.RandomState(0)
    for _ in range(3000):
        try:
            read_cbor(rng.bytes(rng.randint(0, 40)))
        except ValueError:
            continue


@pytest.mark.parametrize("format", FORMATS)
def test_an_independent_verifier_agrees(
    files: dict[str, bytes], identity: Identity, tmp_path: Path, format: str
) -> None:
    other = pytest.importorskip("encypher_c2pa", reason="encypher-c2pa is not installed here")
    options = {"no_default_trust": True, "telemetry": False, "online": False}
    path = tmp_path / f"x.{format}"
    path.write_bytes(files[format])
    found = other.verify(str(path), trust_pem=identity.own_roots(), **options)
    assert (found["validation_state"], found["hard_binding"]) == ("Trusted", "match")
    assert found["validation_results"]["failure"] == []
    data = bytearray(files[format])
    data[-200 if format == "png" else data.rindex(b"waves@1")] ^= 1
    path.write_bytes(data)
    found = other.verify(str(path), trust_pem=identity.own_roots(), **options)
    assert found["validation_state"] != "Trusted"


@pytest.mark.parametrize("format", FORMATS)
def test_no_damage_to_boxes_crashes_the_raw_reader(files: dict[str, bytes], format: str) -> None:
    data = files[format]
    kind = sniff(data)
    assert kind is not None
    rng = np.random.RandomState(1)
    for _ in range(400):
        damaged = bytearray(data)
        for at in rng.randint(8, len(data), 4):
            damaged[at : at + 4] = rng.bytes(4)
        raw_store(
            bytes(damaged[: rng.randint(8, len(data))] if rng.rand() < 0.3 else damaged), kind
        )


def test_a_directory_beyond_the_end_of_a_tiff_is_no_manifest() -> None:
    for offset in (2**64 - 1, 2**63, 2**40):
        data = b"II+\x00\x08\x00\x00\x00" + offset.to_bytes(8, "little") + bytes(40)
        assert manifest_store(data, TIFF) is None
