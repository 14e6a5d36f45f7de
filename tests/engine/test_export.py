"""One export, whole or not at all; and verifying what came out, with the Recipe rendered again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, ExportError, ImageError, ModelError, UsageError
from engine.frame import ExportOptions, Frame, Progress, Verdict
from engine.image.codec import encode, read_picture
from engine.image.pixels import pixels_sha256
from engine.image.png_chunks import chunks
from engine.image.xmp import stated_source_type
from engine.provenance.claim import commitment
from engine.recipe import Crop, Photo, Recipe, Resize
from engine.services.export import Exporter
from engine.services.verify import verify
from tests.drawn import MODEL, frame, generated, identity_in, pixels_of, secrets_of, signed
from tests.engine.exporting import exporter_in


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    return exporter_in(tmp_path / "studio")


def _verify(exporter: Exporter, path: Path, **options: object) -> Verdict:
    roots = exporter.identity.own_roots()
    return verify(path, own_roots_pem=roots, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp", ".tif", ".tiff", ".avif"])
def test_an_export_is_own_and_its_recipe_renders_it_again(
    exporter: Exporter, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    receipt = exporter.export(generated(), path)
    assert receipt.verdict == "own"
    assert receipt.recipe == generated(side=512)
    verdict = _verify(exporter, path, render=frame)
    assert verdict.verdict == "own"
    assert verdict.recipe == receipt.recipe
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    assert read_picture(path).shape == (512, 512, 3)
    if suffix.lower() in (".jpg", ".jpeg", ".avif"):
        word = "AVIF" if suffix == ".avif" else "JPEG"
        assert verdict.rerender.psnr_db > 35
        assert f"identical before {word} compression" in verdict.rerender.text
    else:
        assert verdict.rerender.largest_difference == 0
        assert "identical, in every pixel" in verdict.rerender.text


def test_the_row_the_receipt_and_the_file_agree(exporter: Exporter, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    receipt = exporter.export(generated(), path, ExportOptions(title="A wave"))
    (row,) = exporter.ledger.rows()
    assert row.status == "done"
    assert (row.id, row.sha256) == (receipt.ledger_id, receipt.sha256)
    assert row.recipe == receipt.recipe.canonical.decode()
    assert row.path == receipt.path == path
    pixels = pixels_of(generated(side=512).image)
    assert row.pixels_sha256 == receipt.pixels_sha256 == pixels_sha256(pixels)
    assert row.signer == exporter.identity.status().fingerprint
    claim = _verify(exporter, path).claim
    assert claim["export"]["id"] == row.id
    assert claim["title"] == "A wave"
    assert {"numpy", "pillow"} <= set(receipt.versions)
    assert _left(tmp_path) == {"x.png"}


def test_text_and_xmp_are_in_the_file_and_under_the_signature(
    exporter: Exporter, tmp_path: Path
) -> None:
    for name in ("x.png", "x.jpg", "x.webp", "x.tiff", "x.avif"):
        exporter.export(generated(), tmp_path / name)
        data = (tmp_path / name).read_bytes()
        assert stated_source_type(data) == "trainedAlgorithmicMedia"
        at = data.index(b"CreatorTool") + 14
        (tmp_path / name).write_bytes(data[:at] + b"X" + data[at + 1 :])
        assert _verify(exporter, tmp_path / name).verdict == "invalid"
    kinds = [kind for kind, _ in chunks(encode(pixels_of(generated().image), "png"))]
    assert kinds[-1] == b"IEND"


@pytest.mark.parametrize(("size", "expected"), [(None, 64), (64, 64), (32, 32), (300, 300)])
def test_the_size_is_a_visible_resize(
    exporter: Exporter, tmp_path: Path, size: int | None, expected: int
) -> None:
    receipt = exporter.export(generated(), tmp_path / "x.png", ExportOptions(size_px=size))
    assert read_picture(tmp_path / "x.png").shape == (expected, expected, 3)
    assert isinstance(receipt.recipe.image, Resize) == (expected != 64)


def test_the_longer_side_counts(exporter: Exporter, tmp_path: Path) -> None:
    recipe = Recipe(Crop(generated().image, 0, 0, 40, 20))
    exporter.export(recipe, tmp_path / "x.png", ExportOptions(size_px=100))
    assert read_picture(tmp_path / "x.png").shape == (50, 100, 3)


def test_a_photo_is_exported_as_opened_not_as_generated(exporter: Exporter, tmp_path: Path) -> None:
    recipe = Recipe(Crop(Photo("a" * 64), 1, 1, 30, 30))
    exporter.export(recipe, tmp_path / "x.png", ExportOptions(size_px=None))
    data = (tmp_path / "x.png").read_bytes()
    assert stated_source_type(data) is None
    verdict = _verify(exporter, tmp_path / "x.png")
    assert [step["action"] for step in verdict.claim["actions"]] == ["c2pa.opened", "c2pa.cropped"]


def test_a_photo_whose_credentials_fail_is_refused(exporter: Exporter, tmp_path: Path) -> None:
    photo = bytearray(signed(exporter.identity.unlock()))
    photo[photo.index(b"IDAT") + 30] ^= 1
    broken = replace(exporter, photo=lambda sha256: bytes(photo))
    with pytest.raises(ExportError, match="own credentials do not pass"):
        broken.export(Recipe(Photo("a" * 64)), tmp_path / "x.png", ExportOptions(size_px=None))
    assert not (tmp_path / "x.png").exists()


def test_the_commitment_can_be_opened_with_the_ledger(exporter: Exporter, tmp_path: Path) -> None:
    receipt = exporter.export(generated(), tmp_path / "x.png", ExportOptions(tier="commitment"))
    verdict = _verify(exporter, tmp_path / "x.png", render=frame)
    assert verdict.verdict == "own"
    assert verdict.recipe is None
    assert "no Recipe in the file" in verdict.findings[-1].text
    row = exporter.ledger.find(receipt.ledger_id)
    assert row is not None
    told = verdict.claim["export"]["commitment"]["value"]
    assert told == commitment(row.salt, Recipe.from_json(row.recipe))


def test_progress_is_told_and_the_file_appears_last(exporter: Exporter, tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []

    def note(progress: Progress) -> None:
        seen.append((progress.stage, (tmp_path / "x.png").exists()))

    exporter.export(generated(), tmp_path / "x.png", progress=note)
    assert [stage for stage, _ in seen] == [
        "Rendering",
        "Encoding",
        "Signing",
        "Checking",
        "Writing",
    ]
    assert not any(there for _, there in seen)


def _left(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if name != "studio"}


@pytest.mark.parametrize("before", [None, b"an older picture"])
@pytest.mark.parametrize("stage", ["Rendering", "Encoding", "Signing", "Checking", "Writing"])
def test_a_cancel_at_any_step_leaves_what_was_there(
    exporter: Exporter, tmp_path: Path, stage: str, before: bytes | None
) -> None:
    path = tmp_path / "x.png"
    if before is not None:
        path.write_bytes(before)
    token = CancelToken()

    def note(progress: Progress) -> None:
        if progress.stage == stage:
            token.cancel()

    with pytest.raises(Cancelled):
        exporter.export(generated(), path, progress=note, cancel=token)
    assert _left(tmp_path) == (set() if before is None else {"x.png"})
    assert before is None or path.read_bytes() == before
    assert [row.status for row in exporter.ledger.rows()] == ["failed"]


def test_a_render_that_fails_leaves_nothing(exporter: Exporter, tmp_path: Path) -> None:
    def failing(recipe: Recipe) -> Frame:
        raise ModelError("The weights of waves@1 are missing.", "Install the program again.")

    with pytest.raises(ModelError):
        replace(exporter, render=failing).export(generated(), tmp_path / "x.png")
    assert _left(tmp_path) == set()
    assert [row.status for row in exporter.ledger.rows()] == ["failed"]


def test_a_preview_is_never_exported(exporter: Exporter, tmp_path: Path) -> None:
    hasty = replace(exporter, render=lambda recipe: replace(frame(recipe), quality="preview"))
    with pytest.raises(ExportError, match="full quality"):
        hasty.export(generated(), tmp_path / "x.png")
    assert _left(tmp_path) == set()


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO]
)
@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_disk_that_fails_at_any_step_leaves_the_old_file(
    exporter: Exporter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"an older picture")
    exporter.identity.unlock()
    real: Callable[..., object] = getattr(os, call)

    def failing(*args: object, **options: object) -> object:
        first = str(args[0])
        if call == "fsync" or ".atelier-" in first:
            raise OSError(number, os.strerror(number))
        return real(*args, **options)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(ExportError) as caught:
        exporter.export(generated(), path)
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    if number in (errno.ENOSPC, errno.EDQUOT):
        assert "disk is full" in caught.value.what
    assert path.read_bytes() == b"an older picture"
    assert _left(tmp_path) == {"x.png"}
    assert [row.status for row in exporter.ledger.rows()] == ["failed"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.gif", "exported as .png, .jpg"),
        ("x", "exported as .png, .jpg"),
        ("no/such/x.png", "no folder"),
        ("folder.png", "is a folder"),
        ("file/x.png", "no folder"),
    ],
)
def test_a_path_that_cannot_be_is_refused_before_any_work(
    exporter: Exporter, tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=words):
        exporter.export(generated(), tmp_path / name)
    assert exporter.ledger.rows() == ()
    assert not exporter.identity.status().exists


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ExportError, match="Cannot write to the folder"):
        exporter.export(generated(), tmp_path / "x.png")
    assert exporter.ledger.rows() == ()


def test_an_export_over_an_old_file_replaces_it_whole(exporter: Exporter, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"an older picture")
    exporter.export(generated(), path)
    assert _verify(exporter, path).verdict == "own"


def test_a_throwaway_identity_is_told(exporter: Exporter, tmp_path: Path) -> None:
    alone = replace(exporter, identity=identity_in(tmp_path / "studio", None))
    receipt = alone.export(generated(), tmp_path / "x.png")
    assert "this process alone" in receipt.notice
    assert _verify(exporter, tmp_path / "x.png").verdict == "intact-unverified"


def test_a_passphrase_file_is_an_option(exporter: Exporter, tmp_path: Path) -> None:
    secret = tmp_path / "studio" / "passphrase"
    secret.write_text("canary-passphrase\n")
    secret.chmod(0o600)
    alone = replace(exporter, identity=identity_in(tmp_path / "studio", None))
    options = ExportOptions(passphrase_file=secret)
    receipt = alone.export(generated(), tmp_path / "x.png", options)
    assert receipt.notice == ""
    forms = secrets_of(tmp_path / "studio", "canary-passphrase")
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in ("passphrase", "key.pem"):
            assert not [form for form in forms if form in path.read_bytes()], path


def test_a_changed_picture_is_compared_honestly(exporter: Exporter, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    exporter.export(generated(), path)
    data = path.read_bytes()
    start = data.index(b"caBX") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    pixels = pixels_of(generated(side=512).image).copy()
    pixels[100:120, 100:120] ^= 64
    painted = encode(pixels, "png")
    path.write_bytes(painted[:33] + data[start : start + length] + painted[33:])
    verdict = _verify(exporter, path, render=frame)
    assert verdict.verdict == "invalid"
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    assert verdict.rerender.largest_difference == 64
    assert "this file's pixels are at most 64 of 255 apart" in verdict.rerender.text
    assert verdict.findings[-1].ok is None


def test_another_rendering_says_how_far_off_it_is(exporter: Exporter, tmp_path: Path) -> None:
    exporter.export(generated(), tmp_path / "x.png")

    def rounded(recipe: Recipe) -> Frame:
        pixels = pixels_of(recipe.image)
        return replace(frame(recipe), pixels=pixels - (pixels > 100), backend="torch")

    verdict = _verify(exporter, tmp_path / "x.png", render=rounded)
    assert verdict.verdict == "own"
    assert verdict.rerender is not None
    assert not verdict.rerender.identical
    assert verdict.rerender.largest_difference == 1
    assert verdict.rerender.psnr_db > 45
    assert "It was made with onnx." in verdict.rerender.text


def test_networks_that_were_held_otherwise_are_told(exporter: Exporter, tmp_path: Path) -> None:
    exporter.export(generated(), tmp_path / "x.png")

    def thin(recipe: Recipe) -> Frame:
        pixels = pixels_of(recipe.image)
        how = "bfloat16 weights on the processor"
        return replace(frame(recipe), pixels=pixels - (pixels > 100), how=how)

    verdict = _verify(exporter, tmp_path / "x.png", render=thin)
    assert verdict.rerender is not None
    told = "It was made with float32 weights on the processor; here with bfloat16 weights"
    assert told in verdict.rerender.text


def test_a_missing_model_is_named_with_its_digest(exporter: Exporter, tmp_path: Path) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    verdict = _verify(exporter, tmp_path / "x.png", render=frame, has_model=lambda ref: False)
    assert verdict.rerender is None
    assert MODEL.name in verdict.findings[-1].text
    assert MODEL.sha256 in verdict.findings[-1].text


def test_a_render_that_fails_while_verifying_is_a_finding(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")

    def failing(recipe: Recipe) -> Frame:
        raise ModelError("The weights are damaged.")

    verdict = _verify(exporter, tmp_path / "x.png", render=failing)
    assert verdict.verdict == "own"
    assert "The weights are damaged." in verdict.findings[-1].text


def test_verify_refuses_what_is_no_file_and_anchors_that_are_none(
    exporter: Exporter, tmp_path: Path
) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(ImageError, match="Cannot read"):
            verify(path)
    picture = tmp_path / "x.png"
    picture.write_bytes(encode(pixels_of(generated().image), "png"))
    for content in (None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense"):
        anchors = tmp_path / "roots.pem"
        if content is not None:
            anchors.write_bytes(content)
        with pytest.raises(UsageError, match="Cannot read certificates"):
            verify(picture, anchors=anchors)


def test_anchors_from_a_file_make_another_installations_picture_trusted(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.export(generated(), tmp_path / "x.png")
    anchors = tmp_path / "roots.pem"
    anchors.write_text(exporter.identity.own_roots())
    assert verify(tmp_path / "x.png", anchors=anchors).verdict == "trusted"
    assert verify(tmp_path / "x.png").verdict == "intact-unverified"


def test_a_truncated_export_is_damaged(exporter: Exporter, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    exporter.export(generated(), path)
    path.write_bytes(path.read_bytes()[:-20])
    assert _verify(exporter, path).verdict == "damaged"
