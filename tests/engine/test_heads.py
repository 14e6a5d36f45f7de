"""The turned head that a ControlNet follows: its colours say where on the head a pixel lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.controlling import Pose
from engine.errors import RecipeError
from engine.image.heads import REACH, head_pose
from engine.portraits.attributes import COLUMN, sample
from engine.portraits.traits import Traits
from engine.recipe import Recipe, Resize
from engine.studio import Studio

TIP = (0.0, -0.145, 0.655)  # of the nose, in the head's frame


@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (-0.5, 0.7, 0.5)])
def test_the_nose_is_where_that_of_a_portrait_is(pose: tuple[float, float, float]) -> None:
    table = sample(1, np.arange(1))
    for name, value in zip(("yaw", "pitch", "tilt"), pose, strict=True):
        table[:, COLUMN[name]] = value
    x, y, _ = Traits(torch.from_numpy(table)).to_picture(TIP)
    side = 256
    column, row = ((float(x) + 1) / 2 * side, (1 - float(y)) / 2 * side)
    colours = head_pose(side, *pose)[round(row - 0.5), round(column - 0.5)]
    found = (colours / 255 - 0.5) * REACH
    np.testing.assert_allclose(found, TIP, atol=0.06)


def test_a_head_is_a_mirror_of_itself_when_turned_the_other_way() -> None:
    right, left = head_pose(64, 0.6, 0.0, 0.0), head_pose(64, -0.6, 0.0, 0.0)
    mirrored = left[:, ::-1].astype(int)
    inside = mirrored.any(axis=2)
    mirrored[inside, 0] = 255 - mirrored[inside, 0]
    assert np.abs(right.astype(int) - mirrored).max() <= 1
    assert 0.2 < (right.any(axis=2)).mean() < 0.6


def test_a_pose_is_a_picture_of_its_own(tmp_path: Path) -> None:
    studio, image = Studio(tmp_path), Pose(48, 0.5, -0.2, 0.1)
    recipe = Recipe(Resize(image, 96, 96))
    assert Recipe.from_json(recipe.canonical) == recipe
    assert studio.render(recipe).pixels.shape == (96, 96, 3)
    np.testing.assert_array_equal(
        studio.render(Recipe(image)).pixels, head_pose(48, 0.5, -0.2, 0.1)
    )
    with pytest.raises(RecipeError):
        Recipe.from_json(recipe.canonical.replace(b"0.5", b"1.5"))
