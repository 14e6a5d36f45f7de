"""The real mark in exports: stated, read back from what is left of a copy, and never overstated."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.frame import ExportOptions, Verdict
from engine.image.codec import encode, read_picture
from engine.image.pixels import psnr
from engine.provenance.fingerprint import Pixels
from engine.services.compare import difference_picture
from engine.services.export import Exporter
from engine.services.lookup import Lookup
from engine.services.marking import ALGORITHM, mark, mark_again, read_mark
from engine.services.report import receipt_data, verdict_data, verdict_text
from engine.services.verify import verify
from tests.drawn import frame, generated, pixels_of
from tests.engine.exporting import exporter_in

Damage = Callable[[Pixels], Pixels]
DAMAGES: dict[str, Damage] = {
    "cut at a corner": lambda p: p[100:, 100:],
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: np.asarray(Image.fromarray(p).rotate(2, Image.Resampling.BICUBIC)),
    "half the size": lambda p: np.asarray(Image.fromarray(p).resize((256, 256))),
}


@pytest.fixture
def exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    ids = iter(range(0x5A17C0FFEE, 0x5A17C0FFEE + 100))  # tests must not depend on chance
    monkeypatch.setattr("engine.provenance.ledger._free_mark", lambda db: next(ids))
    return replace(exporter_in(tmp_path / "studio"), watermark=mark)


def _verify(exporter: Exporter, path: Path, **options: object) -> Verdict:
    lookup = Lookup(lambda: exporter.ledger, read_mark)
    roots = exporter.identity.own_roots()
    return verify(path, own_roots_pem=roots, lookup=lookup, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_stripped_and_damaged_copy_finds_its_row_by_its_mark(
    exporter: Exporter, tmp_path: Path, damage: str
) -> None:
    receipt = exporter.export(generated(3), tmp_path / "x.png")
    exporter.export(generated(4), tmp_path / "y.png")
    left = np.ascontiguousarray(DAMAGES[damage](read_picture(tmp_path / "x.png")))
    file = io.BytesIO()
    Image.fromarray(left).save(file, "JPEG", quality=75)
    (tmp_path / "copy.jpg").write_bytes(file.getvalue())
    verdict = _verify(exporter, tmp_path / "copy.jpg")
    assert verdict.verdict == "none"
    assert verdict.watermark is not None
    assert receipt.mark is not None
    assert verdict.watermark.id == int.from_bytes(receipt.mark.value, "big")
    assert verdict.ledger is not None
    assert (verdict.ledger.row, verdict.ledger.by) == (receipt.ledger_id, "watermark")
    assert verdict.ledger.score >= 0.5
    text = verdict_text(verdict)
    assert f"Possible match in your ledger by its mark: row {receipt.ledger_id[:8]}" in text
    assert verdict_data(verdict)["watermark"]["algorithm"] == ALGORITHM


def test_a_mark_on_another_picture_is_told_as_copied(exporter: Exporter, tmp_path: Path) -> None:
    receipt = exporter.export(generated(3), tmp_path / "x.png")
    assert receipt.mark is not None
    other = mark_again(pixels_of(generated(8, 512).image), receipt.mark)
    assert other is not None
    (tmp_path / "other.png").write_bytes(encode(other, "png"))
    verdict = _verify(exporter, tmp_path / "other.png")
    assert verdict.ledger is not None
    assert verdict.ledger.score < 0.5
    assert "a mark can be copied" in verdict_text(verdict)


@pytest.mark.parametrize("tier", ["recipe", "commitment", "disclosure"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_rendered_and_marked_again_the_picture_is_the_file(
    exporter: Exporter, tmp_path: Path, suffix: str, tier: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    receipt = exporter.export(generated(), path, ExportOptions(tier=tier))  # type: ignore[arg-type]
    assert receipt.verdict == "own"
    verdict = _verify(exporter, path, render=frame, mark_again=mark_again)
    again = verdict.rerender
    assert again is not None
    assert again.identical
    assert again.text.startswith("Rendered again: identical")
    assert verdict.claim["watermarks"][0]["alg"] == ALGORITHM
    assert verdict.claim["actions"][-1]["action"] == "c2pa.watermarked.bound"
    if suffix != "jpg":
        assert again.largest_difference == 0
        assert "its invisible mark included" in again.text
        assert again.pixels is not None
        assert np.array_equal(again.pixels, read_picture(path))


def test_a_mark_that_cannot_be_made_again_is_said_to_be_what_differs(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    verdict = _verify(exporter, tmp_path / "x.png", render=frame)
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    assert "identical before its invisible mark" in verdict.rerender.text


def test_small_exports_say_that_no_durable_mark_fits(exporter: Exporter, tmp_path: Path) -> None:
    receipt = exporter.export(generated(), tmp_path / "x.png", ExportOptions(size_px=128))
    assert receipt.mark is None
    assert "No durable mark fits a picture of 128 px" in receipt.notice
    verdict = _verify(exporter, tmp_path / "x.png", render=frame)
    assert verdict.watermark is None
    assert not verdict.claim["watermarks"]
    assert "watermarked" not in str(verdict.claim["actions"])
    middle = exporter.export(generated(), tmp_path / "y.png", ExportOptions(size_px=200))
    assert middle.mark is not None
    assert "At 200 px the mark outlives light compression only" in middle.notice


def test_the_mark_can_be_left_out(exporter: Exporter, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    receipt = exporter.export(generated(), path, ExportOptions(watermark=False))
    assert receipt.mark is None
    assert receipt_data(receipt)["watermark"] is None
    assert "mark" not in receipt.notice
    assert np.array_equal(read_picture(path), pixels_of(generated(side=512).image))


def test_noise_is_marked_more_strongly_or_not_at_all() -> None:
    noise = np.random.RandomState(0).randint(0, 256, (256, 256, 3), np.uint8)
    made = mark(noise, 77)
    if made is not None:
        pixels, stated = made
        assert psnr(pixels, noise) > 36.5
        found = read_mark(pixels)
        assert found is not None
        assert found.id == 77
        assert stated.value == (77).to_bytes(5, "big")


def test_a_difference_is_spread_over_the_range() -> None:
    a = np.full((8, 8, 3), 100, np.uint8)
    b = a.copy()
    b[2, 3] = (100, 103, 99)
    picture, gain = difference_picture(a, b)
    assert gain == 64
    assert picture[2, 3].tolist() == [192] * 3
    assert picture.sum() == 3 * 192
    assert difference_picture(a, a)[1] == 1
