"""The families of generators that this version knows, by the names that cards give them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.models import stylegan2_layout, stylegan3_layout
from engine.models.family import Config, Family, Tensors, check_tensors
from engine.models.layouts import biggan, dcgan, onnx, progan, stylegan1

_ALL: tuple[Family, ...] = (
    stylegan2_layout,
    stylegan3_layout,
    stylegan1,
    progan,
    dcgan,
    biggan,
    onnx,
)
FAMILIES: Mapping[str, Family] = {family.NAME: family for family in _ALL}


def family_of(config: Config) -> Family:
    """The family that a config belongs to."""
    return FAMILIES[config.family]


def check_fits(config: Config, tensors: Tensors, where: str) -> None:
    """Refuse tensors that are not those of such a generator. Raises CheckpointError."""
    family = family_of(config)
    check_tensors(family.shapes_of(config), tensors, where, family.TITLE)


def known(tensors: Tensors) -> Family | None:
    """The family whose own names these are, None where there is none."""
    return next((family for family in FAMILIES.values() if family.recognises(tensors)), None)
