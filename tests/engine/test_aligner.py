"""Faces that lie aslant: the square that is cut, the network that finds it, what it vouches for."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import ImageError, ModelError
from engine.frame import Progress
from engine.image.codec import encode
from engine.image.pixels import straighten
from engine.models.bundled import bundled_folder
from engine.perception.aligner import Lie, corners_of, fitted, open_aligner, pyramid, view
from engine.provenance.origin import shaping_of
from engine.recipe import Photo, Recipe, Straighten
from engine.services.align import align
from engine.services.evaluate_aligner import measure_aligner, placed
from engine.studio import Studio
from engine.training.train_aligner import loss_of, random_lies, views_of

FOLDER = bundled_folder() / "portraits-aligner"
lies = st.builds(Lie, st.floats(0, 100), st.floats(0, 100), st.floats(1, 90), st.floats(-179, 179))


def picture(size: int = 64) -> np.ndarray:
    """A smooth picture with no symmetry, uint8 [size, size, 3]."""
    y, x = np.mgrid[0:size, 0:size] / size
    bands = np.stack([x, y, 0.5 + 0.5 * np.sin(5 * x + 3 * y)], 2)
    return np.asarray(bands * 255, np.uint8)


def test_an_upright_square_is_the_crop() -> None:
    pixels = picture()
    np.testing.assert_array_equal(straighten(pixels, 30, 22, 20, 0.0), pixels[12:32, 20:40])


@pytest.mark.parametrize("quarters", [1, 2, -1])
def test_quarter_turns_are_exact(quarters: int) -> None:
    """A square turned counterclockwise shows what lies in it turned clockwise."""
    pixels = picture()
    turned = straighten(pixels, 32, 32, 64, 90.0 * quarters)
    np.testing.assert_allclose(turned.astype(int), np.rot90(pixels, -quarters).astype(int), atol=1)


def test_beyond_the_picture_its_edge_goes_on() -> None:
    pixels = picture()
    wide = straighten(pixels, 0, 32, 40, 0.0)
    np.testing.assert_array_equal(wide[:, :20], np.repeat(pixels[12:52, :1], 20, axis=1))
    with pytest.raises(ImageError, match="not in the picture"):
        straighten(pixels, 65, 3, 8, 0.0)


def test_a_straightened_photo_says_that_it_was_cropped_and_turned() -> None:
    photo = Photo("a" * 64)
    turned = Recipe(Straighten(photo, 9.5, 8.0, 12, 4.5))
    assert Recipe.from_json(turned.canonical) == turned
    assert shaping_of(turned) == ("c2pa.orientation", "c2pa.cropped")
    assert shaping_of(Recipe(Straighten(photo, 9.5, 8.0, 12))) == ("c2pa.cropped",)


@settings(max_examples=50)
@given(lies)
def test_a_square_comes_back_from_its_corners(lie: Lie) -> None:
    again = fitted(corners_of(lie))
    assert (again.x, again.y, again.side) == pytest.approx((lie.x, lie.y, lie.side))
    assert math.isclose(again.degrees, lie.degrees, abs_tol=1e-6)


def test_a_view_is_what_straighten_cuts() -> None:
    pixels = picture(128)
    seen = view(pyramid(pixels), Lie(60.0, 70.0, 64.0, 20.0))[0].permute(1, 2, 0)
    cut = straighten(pixels, 60.0, 70.0, 64, -20.0)
    np.testing.assert_allclose((seen.numpy() + 1) * 127.5, cut, atol=6)


def test_the_right_answer_costs_least() -> None:
    """The loss of the true frames lies under that of frames a little off."""
    rng = torch.Generator().manual_seed(0)
    true, there = random_lies(32, rng), torch.ones(32)
    out = torch.cat([true, torch.full((32, 1), -3.0), torch.full((32, 1), 4.0)], 1)
    best, apart = loss_of(out, true, there)
    assert apart < 0.01
    for i in range(4):
        off = out.clone()
        off[:, i] += 0.05
        assert loss_of(off, true, there)[0] > best


def test_training_views_hold_the_frame_where_they_say() -> None:
    """A drawing with a mark at its frame's middle shows it at the place that is to be learnt."""
    wide = torch.full((16, 3, 96, 96), -1.0)
    wide[:, :, 46:50, 46:50] = 1.0
    rng = torch.Generator().manual_seed(5)
    places = random_lies(16, rng)
    seen = views_of(wide, places, rng)
    centres = (torch.arange(64) + 0.5) / 32 - 1
    for one, (_, _, x, y) in zip(seen, places.tolist(), strict=True):
        if max(abs(x), abs(y)) < 0.8:
            near = ((centres[None] - x).square() + (centres[:, None] - y).square()) < 0.003
            assert one.mean(0)[near].max() > 0.2


def test_turned_portraits_are_found() -> None:
    """Few here; `bench --suite editing` and `evaluate portraits-aligner` try many."""
    torch.set_num_threads(1)
    found = measure_aligner(FOLDER, False, lambda _: None, CancelToken(), 24)
    assert found["corners_px"] <= 4.0
    assert found["degrees"] <= 3.0
    assert found["unsure"] <= 0.2
    assert found["wrong_and_sure"] <= 0.05
    assert found["grounds_unsure"] >= 0.85


def test_the_window_s_verb_finds_a_portrait_in_a_photo(tmp_path: Path) -> None:
    from engine.services.workroom import workroom

    torch.set_num_threads(1)
    pixels, true = placed(np.random.RandomState(3), 8)
    photo = Photo(workroom(tmp_path).store.put(encode(pixels, "png")))
    told: list[Progress] = []
    found = align(tmp_path, Recipe(photo), told.append, CancelToken())
    assert found.sure
    assert found.rotation == pytest.approx(-true.degrees, abs=6)
    assert (found.x, found.y) == pytest.approx((true.x, true.y), abs=true.side * 0.08)
    assert told


def test_without_the_network_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.services import align as service

    monkeypatch.setattr(service, "ALIGNER", "portraits-nobody")
    with pytest.raises(ModelError, match="missing here"):
        align(tmp_path, Recipe(Photo("a" * 64)), lambda _: None, CancelToken())


def test_other_weights_are_refused(tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "aligner"
    shutil.copytree(FOLDER, copy)
    weights = copy / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match="not those of its card"):
        open_aligner(copy)


def test_an_export_of_a_straightened_photo_verifies_and_renders_again(
    studio: Studio, tmp_path: Path
) -> None:
    photo = Photo(studio.store.put(encode(picture(200), "png")))
    receipt = studio.export(Recipe(Straighten(photo, 90.0, 110.5, 180, 12.25)), tmp_path / "x.png")
    verdict = studio.verify(receipt.path, rerender=True)
    assert verdict.verdict == "own"
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    actions = [step["action"] for step in verdict.claim["actions"]]
    assert "c2pa.orientation" in actions
    assert "c2pa.cropped" in actions
