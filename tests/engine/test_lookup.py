"""Finding a picture again: in the ledger, in extracts of other ledgers, and with a mark."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import LedgerError
from engine.frame import ExportOptions, Mark, MarkFound, Verdict
from engine.image.codec import encode, read_picture
from engine.provenance.claim import commitment
from engine.provenance.fingerprint import Pixels
from engine.provenance.ledger import Ledger
from engine.provenance.ledger_extract import read_extract
from engine.services.export import Exporter
from engine.services.extracts import Extracts, export_extract
from engine.services.lookup import Lookup
from engine.services.report import verdict_data, verdict_text
from engine.services.verify import verify
from tests.drawn import frame, generated, pixels_of
from tests.engine.exporting import exporter_in


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    return exporter_in(tmp_path / "studio")


def _verify(exporter: Exporter, path: Path, **options: object) -> Verdict:
    lookup = Lookup(lambda: exporter.ledger)
    return verify(
        path,
        **{"own_roots_pem": exporter.identity.own_roots(), "lookup": lookup, **options},  # type: ignore[arg-type]
    )


def _stripped(path: Path, folder: Path, quality: int = 60) -> Path:
    """The picture as it comes back from a messenger: small, and without credentials."""
    with Image.open(path) as image:
        small = image.resize((image.width * 2 // 3, image.height * 2 // 3))
        out = folder / "stripped.jpg"
        small.convert("RGB").save(out, quality=quality)
    return out


def test_an_export_is_found_by_its_bytes_and_a_changed_copy_by_its_credentials_or_looks(
    exporter: Exporter, tmp_path: Path
) -> None:
    receipts = {
        seed: exporter.export(generated(seed), tmp_path / f"{seed}.png") for seed in (3, 4, 5)
    }
    found = _verify(exporter, tmp_path / "4.png").ledger
    assert found is not None
    assert (found.row, found.by, found.score) == (receipts[4].ledger_id, "file", 1.0)
    copy = _verify(exporter, _stripped(tmp_path / "5.png", tmp_path))
    assert copy.verdict == "none"
    assert copy.ledger is not None
    assert (copy.ledger.row, copy.ledger.by) == (receipts[5].ledger_id, "looks")
    assert copy.ledger.score > 0.8
    assert "Possible match in your ledger by its looks" in verdict_text(copy)
    told = verdict_data(copy)["ledger"]
    assert (told["row"], told["by"]) == (receipts[5].ledger_id, "looks")
    assert told["recipe_sha256"] == receipts[5].recipe.sha256


def test_a_picture_of_somebody_else_matches_nothing(exporter: Exporter, tmp_path: Path) -> None:
    exporter.export(generated(3), tmp_path / "x.png")
    other = tmp_path / "other.png"
    other.write_bytes(encode(pixels_of(generated(8).image), "png"))
    verdict = _verify(exporter, other)
    assert verdict.ledger is None
    assert "match" not in verdict_text(verdict)


def test_what_a_private_tier_holds_back_stays_in_the_ledger_and_can_be_rendered_again(
    exporter: Exporter, tmp_path: Path
) -> None:
    path = tmp_path / "x.avif"
    receipt = exporter.export(generated(), path, ExportOptions(tier="commitment"))
    verdict = _verify(exporter, path, render=frame)
    assert verdict.recipe is None
    assert verdict.ledger is not None
    assert verdict.ledger.recipe == verdict.known_recipe == receipt.recipe
    assert verdict.rerender is not None
    assert verdict.rerender.psnr_db > 35
    row = exporter.ledger.find(verdict.ledger.row)
    assert row is not None
    assert commitment(row.salt, receipt.recipe) == verdict.claim["export"]["commitment"]["value"]


def test_a_broken_ledger_is_noted_and_the_verdict_still_given(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")

    def broken() -> Ledger:
        raise LedgerError("The ledger is in use.")

    verdict = _verify(exporter, tmp_path / "x.png", lookup=Lookup(broken))
    assert verdict.verdict == "own"
    assert verdict.notes == ("Your ledger was not asked: The ledger is in use.",)


def test_an_export_tells_of_a_ledger_that_was_changed(exporter: Exporter, tmp_path: Path) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    (tmp_path / "studio" / "ledger.head").unlink()
    changed = replace(exporter, ledger=Ledger(tmp_path / "studio" / "ledger.sqlite3"))
    receipt = changed.export(generated(), tmp_path / "y.png")
    assert "signed head is missing" in receipt.notice
    assert any("signed head" in note for note in _verify(changed, tmp_path / "y.png").notes)


def _tint(pixels: Pixels, id: int) -> tuple[Pixels, Mark]:
    """A stand-in for the watermark: the id in the lowest bits of the first pixels."""
    marked = pixels.copy()
    flat = marked.reshape(-1)
    bits = np.array([id >> n & 1 for n in range(40)], np.uint8)
    flat[:40] = flat[:40] & 0xFE | bits
    return marked, Mark("org.latent-atelier.test", id.to_bytes(5, "big"), {"strength": 1})


def _read_tint(pixels: Pixels) -> MarkFound | None:
    bits = pixels.reshape(-1)[:40] & 1
    return MarkFound(sum(int(bit) << n for n, bit in enumerate(bits)), 0.9, "test")


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_a_watermark_carries_the_rows_id_and_is_stated_in_the_manifest(
    exporter: Exporter, tmp_path: Path, suffix: str
) -> None:
    marking = replace(exporter, watermark=_tint)
    path = tmp_path / f"x.{suffix}"
    receipt = marking.export(generated(), path)
    row = exporter.ledger.find(receipt.ledger_id)
    assert row is not None
    assert not np.array_equal(read_picture(path), pixels_of(generated(side=512).image))
    verdict = _verify(marking, path, render=frame)
    assert verdict.rerender is not None
    assert verdict.rerender.identical, "the unmarked pixels are what is compared"
    assert verdict.rerender.largest_difference == 1
    assert verdict.claim["actions"][-1]["action"] == "c2pa.watermarked.bound"
    assert verdict.claim["watermarks"][0]["alg"] == "org.latent-atelier.test"
    assert row.receipt["watermark"]["parameters"] == {"strength": 1}


def test_a_mark_is_a_pointer_that_the_pictures_confirm_or_not(
    exporter: Exporter, tmp_path: Path
) -> None:
    marking = replace(exporter, watermark=_tint)
    receipt = marking.export(generated(3), tmp_path / "x.png")
    lookup = Lookup(lambda: exporter.ledger, _read_tint)
    row = exporter.ledger.find(receipt.ledger_id)
    assert row is not None
    plain = tmp_path / "plain.png"
    plain.write_bytes(encode(read_picture(tmp_path / "x.png"), "png"))
    verdict = _verify(exporter, plain, lookup=lookup)
    assert verdict.watermark == MarkFound(row.mark, 0.9, "test")
    assert verdict.ledger is not None
    assert (verdict.ledger.by, verdict.ledger.score) == ("watermark", 1.0)
    # Somebody copies the mark onto a picture of their own.
    copied, _ = _tint(pixels_of(generated(8, 512).image), row.mark)
    plain.write_bytes(encode(copied, "png"))
    verdict = _verify(exporter, plain, lookup=lookup)
    assert verdict.ledger is not None
    assert verdict.ledger.score < 0.4
    assert "a mark can be copied" in verdict_text(verdict)
    assert verdict_data(verdict)["watermark"]["id"] == f"{row.mark:010x}"


def test_an_extract_answers_for_a_studio_and_shows_no_paths_or_private_recipes(
    exporter: Exporter, tmp_path: Path
) -> None:
    open_ = exporter.export(generated(3), tmp_path / "open.png")
    private = exporter.export(
        generated(4), tmp_path / "private.png", ExportOptions(tier="commitment")
    )
    path = tmp_path / "extract.json"
    assert export_extract(exporter.ledger, exporter.identity, path) == 2
    text = path.read_text()
    row = exporter.ledger.find(private.ledger_id)
    assert row is not None
    for hidden in (str(tmp_path), row.salt.hex(), private.recipe.sha256, "private.png"):
        assert hidden not in text
    told = {row.id: row for row in read_extract(path.read_bytes()).rows}
    assert told[open_.ledger_id].recipe == open_.recipe.canonical.decode()
    assert told[private.ledger_id].recipe == ""

    mine = Extracts(tmp_path / "mine", exporter.identity.own_roots())
    assert mine.keep(path).trusted
    lookup = Lookup(extracts=mine)
    verdict = verify(_stripped(tmp_path / "private.png", tmp_path), lookup=lookup)
    (line,) = [x.text for x in verdict.findings if "extract" in x.text]
    assert "has a possible match" in line
    assert private.ledger_id[:8] in line
    strangers = Extracts(tmp_path / "mine")
    verdict = verify(tmp_path / "open.png", lookup=Lookup(extracts=strangers))
    assert any("who is not verified, has this very file" in x.text for x in verdict.findings)


def test_an_extract_that_was_changed_or_is_none_is_refused(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    path = tmp_path / "extract.json"
    export_extract(exporter.ledger, exporter.identity, path)
    data = path.read_bytes()
    sealed = json.loads(data)
    newer = json.dumps({**sealed, "body": sealed["body"].replace('"extract":1', '"extract":2')})
    for changed in (
        data.replace(b"recipe", b"recipf"),
        data.replace(sealed["signature"].encode(), b"00" * 64),
        data[:-30],
        b"",
        b"[]",
        b"{}",
        newer.encode(),
    ):
        with pytest.raises(LedgerError, match="This extract"):
            read_extract(changed)
    kept = Extracts(tmp_path / "kept")
    kept.keep(path)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(data.replace(b"recipe", b"recipf"))
    assert kept.all() == ()


def test_no_extract_is_signed_from_a_ledger_that_is_not_whole(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    (tmp_path / "studio" / "ledger.head").write_text("{}")
    ledger = Ledger(tmp_path / "studio" / "ledger.sqlite3")
    with pytest.raises(LedgerError, match="not whole"):
        export_extract(ledger, exporter.identity, tmp_path / "extract.json")
    assert not (tmp_path / "extract.json").exists()


def test_a_row_keeps_receipt_manifest_and_two_fingerprints(
    exporter: Exporter, tmp_path: Path
) -> None:
    receipt = exporter.export(generated(), tmp_path / "x.png")
    row = exporter.ledger.find(receipt.ledger_id)
    assert row is not None
    assert len(row.fingerprints) == 64
    assert row.manifest.startswith("urn:c2pa:")
    assert row.receipt["backend"] == receipt.backend
    assert row.receipt["versions"] == dict(receipt.versions)
    assert io.BytesIO((tmp_path / "x.png").read_bytes()).read().count(row.manifest.encode()) >= 1
