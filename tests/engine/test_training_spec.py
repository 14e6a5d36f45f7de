"""The TrainingSpec: strict reading, one canonical form, fields by their paths."""

from __future__ import annotations

import json

import pytest

from engine.course import Course
from engine.errors import RecipeError
from engine.training.presets import PRESETS
from engine.training_spec import (
    Adversarial,
    Denoising,
    Drawn,
    Point,
    TrainingSpec,
    WassersteinPenalty,
    loss_named,
    picture_spec,
    value_at,
    with_value,
)


@pytest.mark.parametrize(
    "spec",
    [
        TrainingSpec(),
        TrainingSpec(Drawn((Point(0.5, -1.0),)), Denoising(), seed=3),
        picture_spec(loss="ebgan"),
        *(preset.spec for preset in PRESETS),
    ],
)
def test_a_spec_survives_its_canonical_form(spec: TrainingSpec) -> None:
    again = TrainingSpec.from_json(spec.canonical)
    assert again == spec
    assert again.sha256 == spec.sha256


def test_a_spec_is_read_strictly() -> None:
    plain = json.loads(TrainingSpec().canonical)
    for field, value, words in (
        ("batch", 3, "batch"),
        ("colour", 1, "colour"),
        ("training", 2, "training"),
        ("data", {"op": "torus"}, "op"),
    ):
        with pytest.raises(RecipeError, match=words):
            TrainingSpec.from_json(json.dumps({**plain, field: value}))
    with pytest.raises(RecipeError, match="no training spec"):
        TrainingSpec.from_json("[")


def test_a_field_is_found_and_replaced_by_its_path() -> None:
    spec = TrainingSpec(method=Adversarial(WassersteinPenalty()))
    changed = with_value(spec, "method.loss.penalty", 3.0)
    assert value_at(changed, "method.loss.penalty") == 3.0
    assert value_at(spec, "method.loss.penalty") == 10.0
    with pytest.raises(RecipeError, match="penalty"):
        with_value(spec, "method.loss.penalty", -1.0)


def test_losses_go_by_their_names() -> None:
    assert loss_named("wgan-gp") == WassersteinPenalty()
    with pytest.raises(RecipeError, match="wgan-gp"):
        loss_named("vgan")


def test_a_course_knows_where_it_left_another() -> None:
    course = Course().branch(40).branch(60)
    assert course.depth == 2
    assert course.parent is not None
    assert (course.at, course.parent.at) == (60, 40)
    assert Course.read(json.loads(json.dumps(course.plain())), "course") == course
