"""The drawn data set: what it promises to those who train on it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.portraits.attributes import ATTRIBUTES, COLUMN, NAMED, Attribute, sample
from engine.portraits.dataset import portraits
from engine.portraits.renderer import render

# What must be set for an attribute to show at all.
NEEDS: dict[str, dict[str, float]] = {
    "glasses_shape": {"eyeglasses": 1},
    "frame_color": {"eyeglasses": 1},
    "beard_shape": {"facial_hair": 0.9},
    "greying": {"age": 0.6},
}
ODD = ("yaw", "tilt", "hair_part", "light_x", "background_slant", "gaze")


def rows(n: int = 3, seed: int = 5, **columns: float) -> np.ndarray:
    """Rows of a plain, calm, frontal kind, with the given columns on top."""
    table = sample(seed, np.arange(n))
    plain = {"yaw": 0.1, "eyeglasses": 0, "facial_hair": 0, "hair_length": 0.5, "age": 0.3}
    for name, value in (plain | columns).items():
        table[:, COLUMN[name]] = value
    return table


def ends(attribute: Attribute, **columns: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures that differ in one attribute alone, from one end of its range to the other."""
    low, high = (
        rows(**(NEEDS.get(attribute.name, {}) | columns | {attribute.name: end}))
        # A hue runs around a circle: its two ends are one colour.
        for end in (attribute.low, 0.5 if attribute.name.endswith("_hue") else attribute.high)
    )
    return render(low, 64), render(high, 64)


def test_a_row_depends_on_seed_and_index_alone() -> None:
    whole = sample(3, np.arange(1000))
    some = np.array([999, 0, 500], np.int64)
    assert np.array_equal(sample(3, some), whole[some])
    assert not np.array_equal(sample(4, some), whole[some])


def test_the_first_rows_of_data_set_0_never_change() -> None:
    expected = [
        [-0.8579117655754089, 0.030483780428767204, -0.9470099210739136, 0.43198132514953613],
        [0.21060848236083984, -0.016445927321910858, -0.5428813099861145, 0.9380879998207092],
    ]
    got = sample(0, np.array([0, 123456789]))[:, :4]
    assert np.allclose(got, np.array(expected), rtol=0, atol=1e-6)


def test_the_pictures_of_data_set_0_never_change() -> None:
    pictures, _ = portraits(0, np.array([4, 10]), 64)
    blocks = pictures.numpy().reshape(2, 3, 4, 16, 4, 16).mean(axis=(1, 3, 5))
    expected = [
        [[187.8, 143.9, 161.3, 202.6], [152.0, 106.7, 87.9, 187.0],
         [138.4, 111.7, 103.5, 151.2], [126.5, 92.3, 91.3, 129.4]],
        [[161.1, 118.8, 135.6, 176.8], [130.9, 117.1, 117.2, 157.9],
         [112.4, 119.3, 132.5, 137.0], [96.4, 100.6, 114.3, 115.3]],
    ]  # fmt: skip
    assert np.abs(blocks - np.array(expected)).max() < 0.5


def test_values_lie_in_their_ranges_and_fill_them() -> None:
    table = sample(0, np.arange(4000))
    for attribute in ATTRIBUTES:
        column = table[:, COLUMN[attribute.name]]
        assert column.min() >= attribute.low
        assert column.max() <= attribute.high
        assert column.max() - column.min() > 0.98 * (attribute.high - attribute.low)
        if attribute.kind != "continuous":
            assert set(column) == set(range(len(attribute.values)))


def test_columns_are_independent_but_for_facial_hair() -> None:
    table = sample(1, np.arange(20000)).astype(np.float64)
    correlation = np.corrcoef(table, rowvar=False)
    tied = COLUMN["gender"], COLUMN["facial_hair"]
    correlation[tied] = correlation[tied[::-1]] = 0.0
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 0.04
    bearded = table[:, COLUMN["facial_hair"]] > 0
    assert table[bearded, COLUMN["gender"]].max() < 0
    assert 0.15 < bearded.mean() < 0.35


def test_named_attributes_are_columns() -> None:
    assert NAMED == ("yaw", "smile", "age", "gender", "eyeglasses")
    assert set(NAMED) <= set(COLUMN)


def test_pictures_do_not_depend_on_their_company_or_on_chunks() -> None:
    indices = np.arange(40)
    whole, labels = portraits(2, indices, 32)
    chunked, _ = portraits(2, indices, 32, chunk=7)
    alone, _ = portraits(2, indices[17:18], 32)
    assert torch.equal(whole, chunked)
    assert torch.equal(whole[17:18], alone)
    assert np.array_equal(labels, sample(2, indices))


def test_pictures_do_not_depend_on_threads() -> None:
    table = sample(2, np.arange(40))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = render(table, 64)
        torch.set_num_threads(2)
        two = render(table, 64)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one, two)


@pytest.mark.parametrize("size", [16, 33, 64, 512])
def test_every_size_is_drawn_in_range(size: int) -> None:
    pictures = render(sample(0, np.arange(2)), size)
    assert pictures.shape == (2, 3, size, size)
    assert pictures.dtype == torch.float32
    assert torch.isfinite(pictures).all()
    assert -1.0 <= float(pictures.min()) < -0.3 < 0.3 < float(pictures.max()) <= 1.0


def test_a_small_picture_is_a_large_one_seen_from_afar() -> None:
    table = sample(0, np.arange(6))
    reduced = torch.nn.functional.avg_pool2d(render(table, 256), 4)
    assert float((render(table, 64) - reduced).abs().mean()) < 0.03


def test_a_table_with_wrong_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        render(np.zeros((2, 3), np.float32), 16)


def test_an_empty_table_gives_no_pictures() -> None:
    assert portraits(0, np.arange(0), 16)[0].shape == (0, 3, 16, 16)


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda a: a.name)
def test_every_attribute_shows_at_64_px(attribute: Attribute) -> None:
    low, high = ends(attribute)
    changed = ((low - high).abs().amax(dim=1) > 0.06).float().mean(dim=(1, 2))
    assert float(changed.mean()) * 64 * 64 > 12
    again, _ = ends(attribute)
    assert torch.equal(low, again)


@pytest.mark.parametrize(
    ("name", "untouched"),
    [
        ("smile", (slice(0, 12), slice(0, 64))),
        ("eyeglasses", (slice(44, 64), slice(0, 64))),
        ("eye_color", (slice(42, 64), slice(0, 64))),
        ("hair_color", (slice(63, 64), slice(30, 34))),
        ("clothing", (slice(0, 40), slice(0, 64))),
        ("clothing_hue", (slice(0, 40), slice(0, 64))),
        ("background_hue", (slice(30, 34), slice(30, 34))),
        ("gender", (slice(0, 4), slice(0, 64))),
        ("age", (slice(0, 64), slice(0, 2))),
        ("yaw", (slice(0, 64), slice(0, 2))),
    ],
)
def test_an_attribute_leaves_the_rest_alone(name: str, untouched: tuple[slice, slice]) -> None:
    low, high = ends(ATTRIBUTES[COLUMN[name]])
    part = (slice(None), slice(None), *untouched)
    assert torch.equal(low[part], high[part])


def test_a_turn_the_other_way_is_the_mirror_image() -> None:
    table = sample(8, np.arange(24))
    mirrored = table.copy()
    for name in ODD:
        mirrored[:, COLUMN[name]] *= -1.0
    picture, mirror = render(table, 64), render(mirrored, 64).flip(3)
    assert float((picture - mirror).abs().mean()) < 0.02
    assert float((picture - picture.flip(3)).abs().mean()) > 0.1


def test_yaw_moves_the_nose_to_the_viewers_right() -> None:
    table = rows(2, yaw=0.0, tilt=0.0, light_x=0.0, background_slant=0.0, hair_length=0.05)
    centre = []
    for yaw in (-0.8, 0.8):
        table[:, COLUMN["yaw"]] = yaw
        bald = render(table, 64)
        table[:, COLUMN["eyeglasses"]] = 1.0
        glasses = (render(table, 64) - bald).abs().sum(dim=(1, 2))
        table[:, COLUMN["eyeglasses"]] = 0.0
        centre.append(float((glasses * torch.arange(64.0)).sum() / glasses.sum()))
    assert centre[0] + 4 < 32 < centre[1] - 4


def test_age_greys_the_hair() -> None:
    young, old = ends(ATTRIBUTES[COLUMN["age"]], hair_color=3, greying=0.5, hair_shape=1)
    colourful = [float((p[:, 0] - p[:, 2])[:, 8:14, 28:36].mean()) for p in (young, old)]
    assert colourful[0] > 0.5
    assert abs(colourful[1]) < 0.15


def test_labels_need_no_torch() -> None:
    code = (
        "import sys, engine.portraits.attributes, engine.portraits.captions,"
        " engine.portraits.edits, engine.portraits.dataset; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same_pictures() -> None:
    table = sample(0, np.arange(16))
    difference = (render(table, 64) - render(table, 64, "cuda").cpu()).abs()
    assert float(difference.mean()) < 1e-3
