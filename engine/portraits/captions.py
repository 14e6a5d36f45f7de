"""Words for portraits: many phrasings, each naming some of what is truly there."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share, uniform

CLOTH_NAMES = ("red", "orange", "yellow", "green", "teal", "blue", "indigo", "purple", "pink")
SKY_NAMES = ("coral", "golden", "lime", "mint", "turquoise", "blue", "violet", "pink")

_OPENINGS = (
    "a portrait of {}", "a picture of {}", "an illustrated avatar of {}", "a drawing of {}", "{}",
    "a rendered portrait of {}", "a character portrait showing {}", "the face of {}",
)  # fmt: skip


class Dice:
    """Repeatable choices for one caption; each throw is a function of (seed, key, count)."""

    def __init__(self, seed: int, key: int, stream: int) -> None:
        self._numbers = iter(uniform(seed, np.array([key], np.int64), 64, stream)[0].tolist())

    def number(self) -> float:
        """A number in [0, 1)."""
        return float(next(self._numbers))

    def pick(self, options: Sequence[str]) -> str:
        """One of the options."""
        return options[int(self.number() * len(options))]


def value(row: Float32[np.ndarray, " columns"], name: str) -> float:
    """The number of one attribute in a row of the label table."""
    return float(row[COLUMN[name]])


def word(row: Float32[np.ndarray, " columns"], name: str) -> str:
    """The name of the value that a categorical attribute has in a row."""
    return ATTRIBUTES[COLUMN[name]].values[round(value(row, name))]


def hue_name(hue: float, names: Sequence[str]) -> str:
    """The colour's name where the hue is near a named one, else ""."""
    place = (hue % 1.0) * len(names)
    nearest = round(place)
    return names[nearest % len(names)] if abs(place - nearest) < 0.34 else ""


def hair_colour_name(row: Float32[np.ndarray, " columns"]) -> str:
    """ "grey" where most of the hair is, "greying" where some is, else the colour."""
    grey = grey_share(value(row, "age"), value(row, "greying"))
    if grey > 0.75:
        return "grey"
    return "greying" if grey > 0.3 else word(row, "hair_color")


def _subject(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    gender, age = value(row, "gender"), value(row, "age")
    noun = dice.pick(("person", "character"))
    if gender > 0.3:
        noun = dice.pick(("woman", "woman", "lady"))
    elif gender < -0.3:
        noun = dice.pick(("man", "man", "gentleman"))
    adjectives: tuple[str, ...] = ("",)
    if age < 0.25:
        adjectives = ("young ", "youthful ")
    elif age > 0.75:
        adjectives = ("old ", "elderly ")
    elif 0.45 < age < 0.6:
        adjectives = ("middle-aged ", "")
    phrase = dice.pick(adjectives) + noun
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _hair(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    length, colour, shape = (
        value(row, "hair_length"),
        hair_colour_name(row),
        word(row, "hair_shape"),
    )
    if length < 0.1:
        return dice.pick((f"with cropped {colour} hair", f"with very short {colour} hair"))
    size = "short " if length < 0.25 else "long " if length > 0.6 else ""
    styles = {
        "curly": (f"with {size}curly {colour} hair", f"with {size}{colour} curls"),
        "fringed": (
            f"with {size}{colour} hair and a fringe",
            f"with bangs and {size}{colour} hair",
        ),
        "in a bun": (f"with {size}{colour} hair and a bun on top", f"with {colour} hair in a bun"),
        "swept-back": (f"with {size}{colour} hair swept back",),
    }
    plain = (f"with {size}{colour} hair",)
    # Very short hair hardly shows its style.
    return dice.pick((styles.get(shape, ()) if length > 0.2 else ()) + plain)


def _expression(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    smile = value(row, "smile")
    if smile > 0.5:
        return dice.pick(("smiling broadly", "with a big smile", "grinning", "laughing happily"))
    if smile > 0.2:
        return dice.pick(("smiling", "with a slight smile", "looking pleased"))
    if smile < -0.35:
        return dice.pick(("frowning", "looking unhappy", "with a frown", "in a bad mood"))
    if abs(smile) < 0.12:
        return dice.pick(("with a calm expression", "looking calm"))
    return ""


def _glasses(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    if value(row, "eyeglasses") < 0.5:
        return dice.pick(("", "", "without glasses"))
    colour, shape = word(row, "frame_color"), word(row, "glasses_shape")
    if shape == "sunglasses":
        return dice.pick(("wearing sunglasses", f"wearing {colour} sunglasses"))
    return dice.pick((
        "wearing glasses", "with eyeglasses", f"wearing {colour} glasses",
        f"wearing {shape} glasses", f"with {shape} {colour} glasses",
    ))  # fmt: skip


def _pose(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    yaw = value(row, "yaw")
    if abs(yaw) < 0.15:
        return dice.pick(("facing the camera", "seen from the front"))
    side = "right" if yaw > 0 else "left"
    if abs(yaw) > 0.3:
        return dice.pick(
            (f"turned to the {side}", f"facing {side}", f"with the head turned {side}")
        )
    return ""


def _beard(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    if value(row, "facial_hair") < 0.2:
        return ""
    shape = word(row, "beard_shape")
    return dice.pick(("with a beard", "bearded") if shape == "full beard" else (f"with a {shape}",))


def _skin(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    tone = value(row, "skin_tone")
    if tone < 0.3:
        return dice.pick(("with light skin", "with pale skin"))
    return dice.pick(("with dark skin", "with deep brown skin")) if tone > 0.75 else ""


def _clothing(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    colour = hue_name(value(row, "clothing_hue"), CLOTH_NAMES)
    garment = word(row, "clothing")
    dressed = f"{colour} {garment}".strip()
    article = "an" if dressed[0] in "aeiou" else "a"
    plain = f"dressed in {colour}" if colour else f"wearing {article} {dressed}"
    return dice.pick((f"wearing {article} {dressed}", f"in {article} {dressed}", plain))


def _background(row: Float32[np.ndarray, " columns"], dice: Dice) -> str:
    colour = hue_name(value(row, "background_hue"), SKY_NAMES)
    if not colour:
        return ""
    return dice.pick((f"against a {colour} background", f"on a {colour} background"))


_CLAUSES = (_hair, _glasses, _expression, _beard, _pose, _skin, _clothing, _background)


def caption(row: Float32[np.ndarray, " columns"], seed: int) -> str:
    """One true sentence about a portrait.

    row: one row of the label table. seed: which of the many phrasings, and how much it says.
    Every word holds for the row; what is left out is unsaid, not denied.
    """
    key = zlib.crc32(np.asarray(row, "<f4").tobytes())
    dice = Dice(seed, key, stream=11)
    subject = _subject(row, dice)
    wanted = 1 + int(dice.number() * 4)
    ranks = [(dice.number(), i) for i in range(len(_CLAUSES))]
    chosen = sorted(i for _, i in sorted(ranks)[:wanted])
    clauses = [c for c in (_CLAUSES[i](row, dice) for i in chosen) if c]
    if dice.number() < 0.2:
        bare = subject.split(" ", 1)[1]
        return ", ".join([bare, *clauses])
    text = dice.pick(_OPENINGS).format(subject)
    if clauses:
        text += " " + clauses[0]
        text += "".join(", " + c for c in clauses[1:])
    return text
