"""Every hyperparameter of a training is a control of the Train page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

from desktop.train_controls import DATA, GAME, LOSS, NETWORKS, SAMPLING, applies
from desktop.train_state import DATA as DATA_KINDS
from desktop.train_state import TrainState
from engine.course import Sampling
from engine.denoising import SamplerName
from engine.schema import Struct
from engine.training_spec import LOSSES, Drawn, TrainingSpec

CONTROLS = {control.path for table in (DATA, LOSS, GAME, NETWORKS, SAMPLING) for control in table}
# What other parts of the page are for: what is drawn, the folder, the switch that makes pictures
# grow, and the class, the place and the way of the samples.
ELSEWHERE = {
    "data.points",
    "data.folder",
    "method.grows",
    "sampling.label",
    "sampling.place",
    "sampling.forward",
}


def paths(value: Struct, before: str = "") -> Iterator[str]:
    """The dotted path of every number and choice in a value."""
    for one in fields(value):  # type: ignore[arg-type]
        inner: Any = getattr(value, one.name)
        path = f"{before}{one.name}"
        if isinstance(inner, Struct):
            yield from paths(inner, f"{path}.")
        else:
            yield path


def states() -> Iterator[TrainState]:
    """One of each kind of data, of loss and of method."""
    first = TrainState()
    for op in DATA_KINDS:
        yield first.with_field("data", DATA_KINDS[op][1])
    for name in LOSSES:
        yield first.with_loss(name)
    yield first.with_method("denoising")
    yield first.with_method("pictures")
    yield first.with_method("pictures").with_growth(True)


def test_every_number_of_a_spec_is_a_control() -> None:
    for state in states():
        assert isinstance(state.spec, TrainingSpec)
        lacking = set(paths(state.spec)) - CONTROLS - ELSEWHERE
        assert not lacking
    assert set(paths(Sampling(), "sampling.")) - CONTROLS == ELSEWHERE & set(
        paths(Sampling(), "sampling.")
    )
    assert any(isinstance(kind, Drawn) for _, kind in DATA_KINDS.values())


def test_every_control_is_there_for_something() -> None:
    shown = {path for state in states() for path in CONTROLS if applies(state, path)}
    shown |= {"sampling.guidance", "sampling.classifier"}  # once a class is asked for
    assert shown == CONTROLS


def test_every_sampler_is_offered_but_that_of_distilled_models() -> None:
    menu = next(control for control in SAMPLING if control.path == "sampling.sampler")
    assert {key for key, _ in menu.choices} == set(get_args(SamplerName)) - {"lcm"}  # type: ignore[union-attr]
