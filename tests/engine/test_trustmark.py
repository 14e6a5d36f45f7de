"""Exports with TrustMark: networks checked and tried; marks written, read back, confirmed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from engine.checkpoints import limits
from engine.errors import CheckpointError, UsageError
from engine.frame import ExportOptions, Mark
from engine.image.codec import encode, read_picture
from engine.image.pixels import psnr
from engine.provenance.fingerprint import Pixels
from engine.provenance.trustmark.packet import BCH_5, SUPER, Packet, packed
from engine.provenance.trustmark.picture import added
from engine.recipe import Photo, Recipe, Resize
from engine.services import doctor, trustmark_trial
from engine.services.trustmark import TrustMarks
from engine.services.trustmark_networks import look_at, opened, variants_in
from engine.services.trustmark_trial import judged
from engine.studio import Studio
from tests.drawn import generated, identity_in, pixels_of
from tests.trustmark_networks import decoder, encoder, write_networks

TRUSTMARK = ExportOptions(size_px=None, mark="trustmark")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read and networks tried however busy the machine is."""
    monkeypatch.setattr(limits, "REFUSE_S", 100.0)
    monkeypatch.setattr(trustmark_trial, "TRIAL_S", 100.0)


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> TrustMarks:
    """An installation with small networks of two variants, opened once."""
    home = tmp_path_factory.mktemp("networks")
    for letter in "QP":
        write_networks(home / "trustmark", letter)
    return TrustMarks(home)


@pytest.fixture
def studio(home: Path, marks: TrustMarks, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio with these networks, and photos in its store."""
    ids = iter(range(0x5A17C0FFEE, 0x5A17C0FFEE + 100))
    monkeypatch.setattr("engine.provenance.ledger._free_mark", lambda db: next(ids))
    studio = Studio(home)
    studio._identity = identity_in(home)
    studio.__dict__["trustmarks"] = marks
    return studio


def _photo(studio: Studio, seed: int, side: int = 512) -> Recipe:
    data = encode(pixels_of(generated(seed, side).image), "png")
    return Recipe(Photo(studio.store.put(data)))


def _jpeg(pixels: Pixels, quality: int = 75) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_an_export_with_trustmark_is_found_again_from_a_stripped_jpeg(
    studio: Studio, tmp_path: Path
) -> None:
    receipt = studio.export(_photo(studio, 3), tmp_path / "x.png", TRUSTMARK)
    studio.export(_photo(studio, 4), tmp_path / "y.png", TRUSTMARK)
    assert receipt.mark is not None
    assert receipt.mark.algorithm == "com.adobe.trustmark.Q"
    assert receipt.mark.parameters["psnr_db"] > 37
    own = studio.verify(tmp_path / "x.png", rerender=True)
    assert own.verdict == "own"
    stated = own.claim["watermarks"][0]
    assert stated["alg"] == "com.adobe.trustmark.Q"
    assert stated["value"].startswith("1*")
    assert len(stated["value"]) == 2 + BCH_5.data
    assert own.rerender is not None
    assert "its invisible mark included" in own.rerender.text
    for name, pixels in (
        ("copy", read_picture(tmp_path / "x.png")),
        ("turned", np.rot90(read_picture(tmp_path / "x.png"))),
        ("small", np.asarray(Image.open(tmp_path / "x.png").resize((300, 300)))),
    ):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(_jpeg(np.ascontiguousarray(pixels)))
        verdict = studio.verify(path)
        assert verdict.verdict == "none"
        assert verdict.watermark is not None
        assert verdict.watermark.algorithm == "com.adobe.trustmark.Q"
        assert verdict.ledger is not None
        assert verdict.ledger.row == receipt.ledger_id
        if name != "turned":  # the pictures are compared, and that comparison is upright
            assert verdict.ledger.by == "watermark"
            assert verdict.ledger.score >= 0.5


def test_a_trustmark_of_somebody_else_is_not_of_this_ledger(
    studio: Studio, marks: TrustMarks, tmp_path: Path
) -> None:
    writer = marks.writer()
    picture = pixels_of(generated(5, 512).image)
    foreign = Packet(SUPER, 0xC0FFEE)
    theirs = added(picture, packed(foreign), writer.encode, writer.variant, 1.0)
    (tmp_path / "x.jpg").write_bytes(_jpeg(theirs))
    verdict = studio.verify(tmp_path / "x.jpg")
    assert verdict.watermark is not None
    assert verdict.watermark.id is None
    assert verdict.watermark.payload == foreign.text
    assert verdict.ledger is None
    text = studio.report(verdict, "text")
    assert "reads as a TrustMark (com.adobe.trustmark.Q) that is not of this ledger" in text
    told = json.loads(studio.report(verdict, "json"))["watermark"]
    assert told["id"] is None
    assert told["payload"] == foreign.text


def test_a_mark_of_another_installation_is_told_with_its_id(
    studio: Studio, marks: TrustMarks, tmp_path: Path
) -> None:
    made = marks.writer().mark(pixels_of(generated(6, 512).image), 0xAB12CD34EF)
    assert made is not None
    (tmp_path / "x.jpg").write_bytes(_jpeg(made[0]))
    verdict = studio.verify(tmp_path / "x.jpg")
    assert verdict.ledger is None
    text = studio.report(verdict, "text")
    assert "the id ab12cd34ef, which was not found in your ledger" in text


def test_an_unmarked_picture_has_no_trustmark(marks: TrustMarks) -> None:
    for seed in range(6):
        assert marks.read(pixels_of(generated(seed, 256).image)) is None
    assert marks.problems == ()


def test_the_usual_mark_stays_the_usual_one(studio: Studio, tmp_path: Path) -> None:
    receipt = studio.export(_photo(studio, 7), tmp_path / "x.png", ExportOptions(size_px=None))
    assert receipt.mark is not None
    assert receipt.mark.algorithm == "org.latent-atelier.lattice.1"


def test_small_and_busy_pictures_are_told_to_carry_none(studio: Studio, tmp_path: Path) -> None:
    small = studio.export(_photo(studio, 3, 128), tmp_path / "x.png", TRUSTMARK)
    assert small.mark is None
    assert "takes no TrustMark that lasts" in small.notice
    noise = np.random.RandomState(0).randint(0, 256, (256, 256, 3)).astype(np.uint8)
    recipe = Recipe(Photo(studio.store.put(encode(noise, "png"))))
    busy = studio.export(recipe, tmp_path / "y.png", TRUSTMARK)
    assert busy.mark is None or psnr(read_picture(tmp_path / "y.png"), noise) >= 37


def test_without_networks_trustmark_is_refused_before_any_work(home: Path, tmp_path: Path) -> None:
    studio = Studio(home)
    assert not studio.has_trustmark()
    with pytest.raises(UsageError, match="needs its networks, but there are none in") as caught:
        studio.export(generated(), tmp_path / "x.png", TRUSTMARK)
    assert "encoder_Q.onnx" in caught.value.remedy
    assert not (home / "ledger.sqlite3").exists()
    assert not (home / "identity").exists()


def test_the_folder_can_be_named(
    home: Path, marks: TrustMarks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_ATELIER_TRUSTMARK", str(marks.folder))
    studio = Studio(home)
    assert studio.has_trustmark()
    assert studio.trustmarks.folder == marks.folder


def test_a_square_variant_marks_and_reads_too(marks: TrustMarks) -> None:
    pair = look_at(marks.folder, variants_in(marks.folder)[1])
    assert pair.variant.letter == "P"
    assert pair.reads_px == 224
    assert judged(pair) == "passed"


def test_a_decoder_that_leaves_its_side_open_is_shown_the_published_one(tmp_path: Path) -> None:
    folder = write_networks(tmp_path)
    (folder / "decoder_Q.onnx").write_bytes(decoder(side=None).SerializeToString())
    assert look_at(folder, variants_in(folder)[0]).reads_px == 245


def test_networks_that_do_not_belong_together_fail_their_self_test(
    home: Path, tmp_path: Path
) -> None:
    folder = write_networks(home / "trustmark")
    (folder / "decoder_Q.onnx").write_bytes(decoder(seed=1).SerializeToString())
    marks = TrustMarks(home)
    with pytest.raises(CheckpointError, match="do not read back the mark that they wrote"):
        marks.writer()
    picture = pixels_of(generated(3, 256).image)
    assert marks.read(picture) is None
    assert "fail their self test" in marks.problems[0]
    studio = Studio(home)
    (tmp_path / "x.png").write_bytes(encode(picture, "png"))
    verdict = studio.verify(tmp_path / "x.png")
    assert any("fail their self test" in note for note in verdict.notes)


def test_the_doctor_tells_of_networks_that_are_there(home: Path, marks: TrustMarks) -> None:
    def found(place: Path) -> list[doctor.Check]:
        return list(doctor._trustmark(place))

    assert found(home) == []
    (good,) = found(marks.folder.parent)
    assert good.ok
    assert "Q, P" in good.found
    folder = write_networks(home / "trustmark")
    (folder / "decoder_Q.onnx").write_bytes(b"no graph")
    (bad,) = found(home)
    assert bad.ok is False
    assert bad.remedy


def test_what_passed_is_tried_once_and_what_changed_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_networks(home / "trustmark")
    pair, known = look_at(folder, variants_in(folder)[0]), home / trustmark_trial.FILE
    asked: list[str] = []

    def ask(*given: str, seconds: float) -> str:
        asked.append(given[3])
        return "passed"

    monkeypatch.setattr(trustmark_trial, "ask", ask)
    trustmark_trial.check_pair(pair, known)
    trustmark_trial.check_pair(pair, known)
    assert asked == ["Q"]
    (folder / "encoder_Q.onnx").write_bytes(encoder(seed=2).SerializeToString())
    trustmark_trial.check_pair(look_at(folder, pair.variant), known)
    assert asked == ["Q", "Q"]
    with pytest.raises(CheckpointError, match="was changed while it was opened"):
        opened(pair)


@pytest.mark.parametrize("answer", [None, "change the picture too much", TimeoutError()])
def test_a_self_test_that_fails_or_breaks_is_one_clear_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    folder = write_networks(home / "trustmark")

    def ask(*given: str, seconds: float) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(trustmark_trial, "ask", ask)
    with pytest.raises(CheckpointError, match="fail their self test") as caught:
        trustmark_trial.check_pair(look_at(folder, variants_in(folder)[0]), home / "known.json")
    assert caught.value.remedy
    assert not (home / "known.json").exists()


def test_an_encoder_that_changes_too_much_is_refused(tmp_path: Path) -> None:
    folder = write_networks(tmp_path)
    (folder / "encoder_Q.onnx").write_bytes(encoder(gain=2.0).SerializeToString())
    assert "too much" in judged(look_at(folder, variants_in(folder)[0]))


def test_files_that_are_no_networks_of_trustmark_are_refused(tmp_path: Path) -> None:
    folder = write_networks(tmp_path)
    variant = variants_in(folder)[0]
    swapped = (folder / "encoder_Q.onnx").read_bytes()
    good = (folder / "decoder_Q.onnx").read_bytes()
    outside = onnx.load_from_string(good)
    outside.graph.initializer[1].ClearField("raw_data")
    outside.graph.initializer[1].data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0")):
        outside.graph.initializer[1].external_data.add(key=key, value=value)
    (folder / "weights.bin").write_bytes(bytes(2**21))
    unknown = onnx.load_from_string(good)
    unknown.graph.node[0].domain = "com.example"
    for data, words in (
        (swapped, "it takes"),
        (b"\x80\x04}.", "holds no network"),
        (outside.SerializeToString(), "keeps values in other files"),
        (unknown.SerializeToString(), "com.example"),
        (good[:-2000], "cut off|damaged"),
    ):
        (folder / "decoder_Q.onnx").write_bytes(data)
        with pytest.raises(CheckpointError, match=words):
            look_at(folder, variant)


def test_a_mark_of_other_networks_is_not_made_again(marks: TrustMarks) -> None:
    picture = pixels_of(generated(3, 256).image)
    made = marks.writer().mark(picture, 99)
    assert made is not None
    pixels, mark = made
    again = marks.mark_again(picture, mark)
    assert again is not None
    assert np.array_equal(again, pixels)
    for change in ({"encoder_sha256": "0" * 64}, {"strength": 50.0}, {"strength": None}):
        other = Mark(mark.algorithm, mark.value, {**mark.parameters, **change})
        assert marks.mark_again(picture, other) is None
    assert marks.mark_again(picture, Mark("com.adobe.trustmark.C", mark.value)) is None


def test_resizing_keeps_the_mark(marks: TrustMarks) -> None:
    image = Resize(generated(8).image, 480, 320)
    made = marks.writer().mark(pixels_of(image), 7)
    assert made is not None
    for size in ((960, 640), (240, 160)):
        small = np.asarray(Image.fromarray(made[0]).resize(size, Image.Resampling.BICUBIC))
        found = marks.read(small)
        assert found is not None
        assert found.id == 7
