"""Films as files: frame-exact, signed, and nothing left behind when they fail."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path as File

import numpy as np
import pytest
from PIL import Image

from engine.cancel import CancelToken
from engine.errors import Cancelled, ExportError
from engine.frame import ExportOptions, Progress
from engine.image.film import FilmName, writing
from engine.image.formats import GIF, MP4, WEBM, sniff, sniff_film
from engine.latent.tween import frame_of
from engine.path import Key, Path
from engine.provenance.watermark.detect import detect
from engine.recipe import Computed, Generate, Photo, Recipe, Resize, Seed, Truncate
from engine.services.verify import report_for_others
from engine.studio import Studio
from tests.random_model import NAME

SIDE = 32
OPTIONS = ExportOptions(size_px=SIDE)


@pytest.fixture
def film(studio: Studio) -> Path:
    ref = studio.ref(NAME)
    keys = tuple(
        Key(Generate(ref, Truncate(Seed(n), 0.7)), float(i) * 0.3) for i, n in enumerate((1, 2, 3))
    )
    return Path(keys, fps=10)


def pixels_of(studio: Studio, film: Path, index: int) -> np.ndarray:
    recipe = Recipe(Resize(frame_of(film, index).image, SIDE, SIDE))
    return np.asarray(studio.render(recipe).pixels)


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".mp4", ".webm"])
def test_a_film_is_signed_and_verifies(
    studio: Studio, film: Path, tmp_path: File, suffix: str
) -> None:
    told: list[Progress] = []
    path = tmp_path / f"film{suffix}"
    receipt = studio.export_film(film, path, OPTIONS, told.append)
    assert receipt.verdict == "own"
    verdict = studio.verify(path, rerender=True)
    assert verdict.verdict == "own"
    assert Path.from_json(verdict.claim["film"]) == film
    assert verdict.recipe == Recipe(Resize(frame_of(film, 0).image, SIDE, SIDE))
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    assert any("Frame 7 of 7" in item.stage for item in told)
    for_others = json.loads(report_for_others(path) or "{}")
    assert receipt.sha256
    assert for_others["manifests"]
    sidecar = tmp_path / "film.c2pa"
    assert sidecar.is_file() == (suffix == ".webm")
    left = {item.name for item in tmp_path.iterdir()} - {"home", path.name, "film.c2pa"}
    assert not left


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".mp4", ".webm"])
def test_a_changed_film_is_told(studio: Studio, film: Path, tmp_path: File, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    studio.export_film(film, path, OPTIONS)
    data = bytearray(path.read_bytes())
    where = len(data) // 2 if suffix == ".webm" else len(data) - 40
    if suffix in (".webp", ".mp4"):
        frame = data.find(b"ANMF") if suffix == ".webp" else data.find(b"mdat")
        where = frame + 60
    data[where] ^= 1
    path.write_bytes(bytes(data))
    assert studio.verify(path).verdict in ("invalid", "damaged")


def test_a_webp_film_holds_every_frame_to_the_pixel(
    studio: Studio, film: Path, tmp_path: File
) -> None:
    path = tmp_path / "film.webp"
    studio.export_film(film, path, OPTIONS)
    with Image.open(path) as image:
        assert image.n_frames == film.frames
        for index in range(film.frames):
            image.seek(index)
            assert (np.asarray(image.convert("RGB")) == pixels_of(studio, film, index)).all()


def test_a_video_holds_every_frame_nearly(studio: Studio, film: Path, tmp_path: File) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "film.mp4"
    studio.export_film(film, path, OPTIONS)
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == film.frames
    for index, frame in enumerate(shown):
        far = np.abs(frame.astype(float) - pixels_of(studio, film, index)).mean()
        assert far < 12


@pytest.mark.parametrize("format", ["mp4", "webm"])
def test_one_film_is_one_file(tmp_path: File, format: FilmName) -> None:
    frames = np.random.RandomState(0).randint(0, 256, (6, 20, 21, 3), np.uint8)
    made = []
    for name in ("a", "b"):
        with writing(tmp_path / name, format, 12.5, False) as film:
            for frame in frames:
                film.add(frame)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_times_of_an_animation_add_up(tmp_path: File) -> None:
    frames = np.zeros((30, 8, 8, 3), np.uint8)
    frames[:, 0, 0, 0] = np.arange(30) * 8
    with writing(tmp_path / "a.gif", "gif", 30.0, True) as film:
        for frame in frames:
            film.add(frame)
    with Image.open(tmp_path / "a.gif") as image:
        times = []
        for index in range(image.n_frames):
            image.seek(index)
            times.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert sum(times) == 1000


def test_a_sequence_is_signed_still_by_still(studio: Studio, film: Path, tmp_path: File) -> None:
    receipt = studio.export_film(film, tmp_path / "still.png", OPTIONS)
    names = sorted(item.name for item in tmp_path.glob("still-*.png"))
    assert len(names) == film.frames == 7
    assert "7 stills" in receipt.notice
    verdict = studio.verify(tmp_path / names[3])
    assert verdict.verdict == "own"
    assert verdict.recipe == Recipe(Resize(frame_of(film, 3).image, SIDE, SIDE))


def stills_of(path: File) -> list[np.ndarray]:
    """Every frame of a film, as a player shows it."""
    if path.suffix in (".mp4", ".webm"):
        av = pytest.importorskip("av")
        with av.open(str(path)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with Image.open(path) as image:
        shown = []
        for index in range(image.n_frames):
            image.seek(index)
            shown.append(np.asarray(image.convert("RGB")))
        return shown


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_every_frame_of_a_film_carries_the_mark_of_its_row(
    studio: Studio, tmp_path: File, suffix: str
) -> None:
    ref = studio.ref(NAME)
    keys = (Key(Generate(ref, Seed(1)), 0.0), Key(Generate(ref, Seed(2)), 0.2))
    path = tmp_path / f"film{suffix}"
    options = ExportOptions(size_px=256, tier="commitment")
    receipt = studio.export_film(Path(keys, fps=10), path, options)
    row = studio.ledger.find(receipt.ledger_id)
    assert row is not None
    shown = stills_of(path)
    assert len(shown) == 3
    assert [detect(np.ascontiguousarray(still)).id for still in shown] == [row.mark] * 3
    verdict = studio.verify(path)
    assert verdict.verdict == "own"
    assert verdict.claim["watermarks"]
    assert verdict.claim["actions"][-1]["action"] == "c2pa.watermarked.bound"
    assert verdict.claim["export"]["commitment"]


def test_a_film_too_small_for_a_mark_says_so(studio: Studio, film: Path, tmp_path: File) -> None:
    receipt = studio.export_film(film, tmp_path / "film.webp", OPTIONS)
    assert receipt.mark is None
    assert f"No durable mark fits a picture of {SIDE} px" in receipt.notice
    assert not studio.verify(tmp_path / "film.webp").claim["watermarks"]


def test_a_film_asks_its_time_authority_or_is_not_made(
    studio: Studio, film: Path, tmp_path: File
) -> None:
    options = replace(OPTIONS, time_authority="http://127.0.0.1:9/")
    with pytest.raises(ExportError, match="nothing was signed"):
        studio.export_film(film, tmp_path / "film.webp", options)
    assert not [item for item in tmp_path.iterdir() if item.name != "home"]


def test_what_a_crash_left_of_a_film_and_its_credentials_is_swept(
    studio: Studio, film: Path, tmp_path: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.export_film(film, tmp_path / "film.webm", OPTIONS)
    row = studio.ledger.reserve(Recipe(film.keys[0].image), tmp_path / "film.webm", "recipe")
    for left in (row.temporary, row.sidecar):
        left.write_bytes(b"half")
    monkeypatch.setattr("engine.provenance.ledger.alive", lambda owner: False)
    studio.ledger.reconcile()
    assert not row.temporary.exists()
    assert not row.sidecar.exists()
    assert studio.verify(tmp_path / "film.webm").verdict == "own"


def test_a_cancelled_film_leaves_nothing(studio: Studio, film: Path, tmp_path: File) -> None:
    token = CancelToken()

    def stop(progress: Progress) -> None:
        if "Frame 3" in progress.stage:
            token.cancel()

    with pytest.raises(Cancelled):
        studio.export_film(film, tmp_path / "film.mp4", OPTIONS, stop, token)
    assert not [item for item in tmp_path.iterdir() if item.name != "home"]


def test_a_film_of_another_kind_is_refused(studio: Studio, film: Path, tmp_path: File) -> None:
    with pytest.raises(ExportError, match=r"\.mp4"):
        studio.export_film(film, tmp_path / "film.avi", OPTIONS)


def test_a_film_from_a_photo_names_it_as_its_parent(studio: Studio, tmp_path: File) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    photo = studio.store.put(out.getvalue())
    w = studio.store.put_array(np.zeros(16, np.float32))
    ref = studio.ref(NAME)
    found = Computed("invert", w, "w", (Photo(photo),))
    film = Path((Key(Generate(ref, Seed(1)), 0.0), Key(Generate(ref, found), 0.2)), fps=10)
    studio.export_film(film, tmp_path / "film.webp", OPTIONS)
    claim = studio.verify(tmp_path / "film.webp").claim
    assert [x["relationship"] for x in claim["ingredients"]].count("parentOf") == 1
    assert claim["actions"][0]["action"] == "c2pa.opened"


def test_films_are_told_by_their_first_bytes() -> None:
    assert sniff_film(b"GIF89a" + bytes(20)) is GIF
    assert sniff_film(b"\x1aE\xdf\xa3" + bytes(20)) is WEBM
    assert sniff_film(b"\0\0\0\x18ftypisom" + bytes(20)) is MP4
    avif = b"\0\0\0\x18ftypavif" + bytes(20)
    assert sniff_film(avif) is None
    assert sniff(avif) is not None
    assert sniff_film(b"hello") is None
