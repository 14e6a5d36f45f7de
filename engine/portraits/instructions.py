"""Edits of portraits with the words that ask for them: rows of the label table that differ in what
was asked for and in nothing else, so that the pictures drawn of them are true counterfactuals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from engine.portraits.attributes import ATTRIBUTES, COLUMN
from engine.portraits.captions import (
    CLOTH_NAMES,
    SKY_ALSO,
    SKY_NAMES,
    Dice,
    Row,
    hair_colour_name,
    hue_name,
    value,
)

STREAM = 12  # of the counter hash; captions use 11
HAIR = ATTRIBUTES[COLUMN["hair_color"]].values


@dataclass(frozen=True)
class Edit:
    """One thing that may be asked for.

    name: the attribute that changes, and to: what it becomes. phrases: ways to ask; {them} and
    {their} stand for the person. suits: whether asking it of a row means a change that is seen.
    also: what else must change with it.
    """

    name: str
    to: float
    phrases: tuple[str, ...]
    suits: Callable[[Row], bool]
    also: tuple[tuple[str, float], ...] = ()

    def of(self, row: Row) -> Row:
        """The row as it was asked for."""
        changed = row.copy()
        for name, to in self.changes.items():
            changed[COLUMN[name]] = to
        return changed

    @property
    def changes(self) -> dict[str, float]:
        """What each attribute that changes becomes."""
        return {self.name: self.to, **dict(self.also)}

    def words(self, row: Row, dice: Dice) -> str:
        """One way to ask it of the person in the row."""
        gender = value(row, "gender")
        who = ("her", "her") if gender > 0.3 else ("him", "his") if gender < -0.3 else None
        them, their = who or ("them", "their")
        return dice.pick(self.phrases).format(them=them, their=their)


def _moved(name: str, to: float, least: float) -> Callable[[Row], bool]:
    return lambda row: abs(value(row, name) - to) >= least


def _coloured(row: Row) -> bool:
    return hair_colour_name(row) not in ("grey", "greying")


def _hair(index: int) -> Callable[[Row], bool]:
    return lambda row: _coloured(row) and round(value(row, "hair_color")) != index


def _hue(name: str, names: Sequence[str], index: int) -> Callable[[Row], bool]:
    return lambda row: hue_name(value(row, name), names) != names[index]


EDITS: tuple[Edit, ...] = (
    Edit("eyeglasses", 1.0,
         ("add glasses", "put on glasses", "give {them} glasses", "make {them} wear glasses",
          "wearing glasses", "with eyeglasses"),
         lambda row: value(row, "eyeglasses") < 0.5),
    Edit("eyeglasses", 0.0,
         ("remove the glasses", "take off {their} glasses", "without glasses", "no glasses"),
         lambda row: value(row, "eyeglasses") > 0.5),
    Edit("smile", 0.8, ("make {them} smile", "smiling", "add a big smile", "make {them} happy"),
         _moved("smile", 0.8, 0.5)),
    Edit("smile", -0.7, ("make {them} frown", "frowning", "add a frown", "make {them} sad"),
         _moved("smile", -0.7, 0.5)),
    Edit("age", 0.9, ("make {them} old", "make {them} elderly", "age {them}", "as an old person"),
         _moved("age", 0.9, 0.3)),
    Edit("age", 0.1,
         ("make {them} young", "make {them} youthful", "as a young person", "make {them} younger"),
         _moved("age", 0.1, 0.3)),
    Edit("gender", 0.8,
         ("turn {them} into a woman", "make {them} a woman", "as a woman", "make it a lady"),
         lambda row: value(row, "gender") < 0, (("facial_hair", 0.0),)),
    Edit("gender", -0.8,
         ("turn {them} into a man", "make {them} a man", "as a man", "make it a gentleman"),
         lambda row: value(row, "gender") > 0),
    Edit("yaw", 0.55,
         ("turn the head to the right", "make {them} look to the right", "facing right"),
         _moved("yaw", 0.55, 0.4)),
    Edit("yaw", -0.55,
         ("turn the head to the left", "make {them} look to the left", "facing left"),
         _moved("yaw", -0.55, 0.4)),
    Edit("hair_length", 0.85, ("make the hair long", "give {them} long hair", "with long hair"),
         _moved("hair_length", 0.85, 0.35)),
    Edit("hair_length", 0.15, ("make the hair short", "give {them} short hair", "with short hair"),
         _moved("hair_length", 0.15, 0.35)),
    Edit("facial_hair", 0.85, ("add a beard", "give {them} a beard", "with a beard"),
         lambda row: value(row, "gender") < -0.2 and value(row, "facial_hair") < 0.2),
    Edit("facial_hair", 0.0, ("remove the beard", "shave {them}", "without a beard"),
         lambda row: value(row, "facial_hair") > 0.4),
    *(Edit("hair_color", float(index),
           (f"make the hair {colour}", f"give {{them}} {colour} hair", f"with {colour} hair"),
           _hair(index))
      for index, colour in enumerate(HAIR)),
    *(Edit("background_hue", index / len(SKY_NAMES),
           tuple(ask.format(name) for name in (colour, *SKY_ALSO.get(colour, ()))
                 for ask in ("make the background {}", "change the background to {}",
                             "{} background")),
           _hue("background_hue", SKY_NAMES, index))
      for index, colour in enumerate(SKY_NAMES)),
    *(Edit("clothing_hue", index / len(CLOTH_NAMES),
           (f"make the clothes {colour}", f"dressed in {colour}",
            f"change {{their}} clothes to {colour}"),
           _hue("clothing_hue", CLOTH_NAMES, index))
      for index, colour in enumerate(CLOTH_NAMES)),
)  # fmt: skip


def edit_of(row: Row, seed: int, key: int) -> Edit:
    """One of the edits that suit a row; attributes are as likely as each other. A function of seed,
    key and row."""
    dice = Dice(seed, key, STREAM)
    fit = [edit for edit in EDITS if edit.suits(row)]
    name = dice.pick(sorted({edit.name for edit in fit}))
    of_name = [edit for edit in fit if edit.name == name]
    return of_name[int(dice.number() * len(of_name))]


def edited(
    table: Float32[np.ndarray, "n columns"], seed: int, keys: Int64[np.ndarray, " n"]
) -> tuple[Float32[np.ndarray, "n columns"], list[Edit]]:
    """Each row after one edit, and the edits."""
    edits = [edit_of(row, seed, int(key)) for row, key in zip(table, keys, strict=True)]
    return np.stack([edit.of(row) for edit, row in zip(edits, table, strict=True)]), edits
