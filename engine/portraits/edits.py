"""Exact before-and-after pairs for edit instructions: one attribute changes, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share, sample
from engine.portraits.captions import CLOTH_NAMES, SKY_NAMES, Dice, hue_name, value, word

Row = Float32[np.ndarray, " columns"]


class EditPair(NamedTuple):
    """Two rows of the label table that differ in the column `attribute` alone."""

    before: Row
    after: Row
    instruction: str
    attribute: str


class _Change(NamedTuple):
    """What to set `attribute` to, and the ways to ask for it."""

    attribute: str
    value: float
    wordings: tuple[str, ...]


def _he_or_she(row: Row) -> dict[str, str]:
    gender = value(row, "gender")
    if gender > 0.3:
        return {"him": "her", "his": "her"}
    return {"him": "him", "his": "his"} if gender < -0.3 else {"him": "them", "his": "their"}


def _between(dice: Dice, low: float, high: float) -> float:
    return low + (high - low) * dice.number()


def _eyeglasses(row: Row, dice: Dice) -> _Change | None:
    if value(row, "eyeglasses") > 0.5:
        asks = ("take the glasses off", "remove {his} glasses", "show {him} without glasses")
        return _Change("eyeglasses", 0.0, asks)
    kind = "sunglasses" if word(row, "glasses_shape") == "sunglasses" else "glasses"
    return _Change(
        "eyeglasses", 1.0, (f"put {kind} on {{him}}", f"add {kind}", f"give {{him}} {kind}")
    )


def _sunglasses(row: Row, dice: Dice) -> _Change | None:
    if value(row, "eyeglasses") < 0.5 or word(row, "glasses_shape") == "sunglasses":
        return None
    return _set(
        "glasses_shape",
        "sunglasses",
        ("swap the glasses for sunglasses", "make {his} glasses sunglasses"),
    )


def _smile(row: Row, dice: Dice) -> _Change | None:
    if value(row, "smile") < 0.1:
        return _Change(
            "smile",
            _between(dice, 0.6, 1.0),
            ("make {him} smile", "add a big smile", "make {him} look happy"),
        )
    return _Change(
        "smile",
        _between(dice, -1.0, -0.6),
        (
            "make {him} frown",
            "make {him} look unhappy",
            "turn the smile into a frown" if value(row, "smile") > 0.3 else "give {him} a frown",
        ),
    )


def _age(row: Row, dice: Dice) -> _Change | None:
    if value(row, "age") < 0.5:
        return _Change(
            "age",
            _between(dice, 0.80, 1.0),
            ("make {him} older", "make {him} old", "age {him} by forty years"),
        )
    return _Change(
        "age",
        _between(dice, 0.0, 0.15),
        ("make {him} younger", "make {him} young again", "take years off {him}"),
    )


def _gender(row: Row, dice: Dice) -> _Change | None:
    if value(row, "facial_hair") > 0.0:
        return None
    if value(row, "gender") < 0.0:
        return _Change(
            "gender",
            _between(dice, 0.6, 1.0),
            ("make {him} look feminine", "turn {him} into a woman"),
        )
    return _Change(
        "gender", _between(dice, -1.0, -0.6), ("make {him} look masculine", "turn {him} into a man")
    )


def _yaw(row: Row, dice: Dice) -> _Change | None:
    yaw = value(row, "yaw")
    if abs(yaw) > 0.5 and dice.number() < 0.5:
        return _Change("yaw", 0.0, ("make {him} face the camera", "turn {his} head to the front"))
    side, sign = ("left", -1.0) if yaw > 0.0 else ("right", 1.0)
    return _Change(
        "yaw",
        sign * _between(dice, 0.5, 0.9),
        (f"turn {{his}} head to the {side}", f"make {{him}} look {side}"),
    )


def _hair_length(row: Row, dice: Dice) -> _Change | None:
    if value(row, "hair_length") < 0.4:
        return _Change(
            "hair_length",
            _between(dice, 0.75, 1.0),
            ("make {his} hair long", "let {his} hair grow", "give {him} long hair"),
        )
    return _Change(
        "hair_length",
        _between(dice, 0.02, 0.18),
        ("cut {his} hair short", "give {him} short hair", "make {his} hair short"),
    )


def _hair_color(row: Row, dice: Dice) -> _Change | None:
    if grey_share(value(row, "age"), value(row, "greying")) > 0.2:
        return None
    target = _other(row, dice, "hair_color")
    return _set(
        "hair_color",
        target,
        (
            f"dye {{his}} hair {target}",
            f"make {{his}} hair {target}",
            f"give {{him}} {target} hair",
        ),
    )


def _hair_shape(row: Row, dice: Dice) -> _Change | None:
    if value(row, "hair_length") < 0.25:
        return None
    target = _other(row, dice, "hair_shape")
    asks = {
        "side-parted": ("part {his} hair at the side",),
        "fringed": ("give {him} a fringe", "cut bangs"),
        "swept-back": ("sweep {his} hair back",),
        "curly": ("make {his} hair curly", "give {him} curls"),
        "in a bun": ("put {his} hair in a bun", "add a bun"),
    }[target]
    return _set("hair_shape", target, asks)


def _facial_hair(row: Row, dice: Dice) -> _Change | None:
    if value(row, "facial_hair") > 0.0:
        return _Change("facial_hair", 0.0, ("shave {him}", "remove {his} facial hair"))
    if value(row, "gender") > -0.2:
        return None
    name = word(row, "beard_shape").removeprefix("full ")
    return _Change(
        "facial_hair", _between(dice, 0.6, 1.0), (f"give {{him}} a {name}", f"add a {name}")
    )


def _clothing(row: Row, dice: Dice) -> _Change | None:
    target = _other(row, dice, "clothing")
    return _set("clothing", target, (f"dress {{him}} in a {target}", f"change to a {target}"))


def _clothing_hue(row: Row, dice: Dice) -> _Change | None:
    return _hue(
        row, dice, "clothing_hue", CLOTH_NAMES, ("make {his} clothes {}", "dress {him} in {}")
    )


def _background_hue(row: Row, dice: Dice) -> _Change | None:
    return _hue(
        row,
        dice,
        "background_hue",
        SKY_NAMES,
        ("make the background {}", "change the background to {}"),
    )


def _light(row: Row, dice: Dice) -> _Change | None:
    side, sign = ("left", -1.0) if value(row, "light_x") > 0.0 else ("right", 1.0)
    return _Change(
        "light_x",
        sign * _between(dice, 0.7, 1.0),
        (f"light {{him}} from the {side}", f"move the light to the {side}"),
    )


def _set(attribute: str, target: str, wordings: tuple[str, ...]) -> _Change:
    index = ATTRIBUTES[COLUMN[attribute]].values.index(target)
    return _Change(attribute, float(index), wordings)


def _other(row: Row, dice: Dice, attribute: str) -> str:
    """A value of a categorical attribute that the row does not have."""
    now = word(row, attribute)
    return dice.pick([v for v in ATTRIBUTES[COLUMN[attribute]].values if v != now])


def _hue(
    row: Row, dice: Dice, attribute: str, names: tuple[str, ...], wordings: tuple[str, ...]
) -> _Change:
    now = value(row, attribute) * len(names)
    far = [i for i in range(len(names)) if 1.0 <= abs(now - i) <= len(names) - 1.0]
    index = far[int(dice.number() * len(far))]
    name = hue_name(index / len(names), names)
    asks = tuple(w.replace("{}", name) for w in wordings)
    return _Change(attribute, index / len(names), asks)


_EDITS: tuple[Callable[[Row, Dice], _Change | None], ...] = (
    _eyeglasses, _smile, _age, _gender, _yaw, _hair_length, _hair_color, _hair_shape,
    _facial_hair, _sunglasses, _clothing, _clothing_hue, _background_hue, _light,
)  # fmt: skip


def edit_pair(seed: int, index: int) -> EditPair:
    """Pair `index` of set `seed`: a portrait, the same after one edit, and the words for it.

    `before` is row `index` of data set `seed`; `after` differs in one column, by an amount that
    is plain to see. Both rows are drawn by `renderer.render`.
    """
    before = sample(seed, np.array([index], np.int64))[0]
    dice = Dice(seed, index, stream=12)
    change = None
    while change is None:
        change = _EDITS[int(dice.number() * len(_EDITS))](before, dice)
    after = before.copy()
    after[COLUMN[change.attribute]] = change.value
    instruction = dice.pick(change.wordings).format(**_he_or_she(before))
    return EditPair(before, after, instruction, change.attribute)
