"""Words for portraits: many phrasings, each naming some of what is truly there."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share, uniform

CLOTH_NAMES = ("red", "orange", "yellow", "green", "teal", "blue", "indigo", "purple", "pink")
SKY_NAMES = ("coral", "golden", "lime", "mint", "turquoise", "blue", "violet", "pink")
# The plain words that people say for these, too.
SKY_ALSO = {
    "coral": ("red",), "golden": ("yellow", "orange"), "lime": ("green",), "mint": ("green",),
    "turquoise": ("teal",), "violet": ("purple",),
}  # fmt: skip

_OPENINGS = (
    "a portrait of {}", "a picture of {}", "an illustrated avatar of {}", "a drawing of {}", "{}",
    "a rendered portrait of {}", "a character portrait showing {}", "the face of {}",
)  # fmt: skip

_PLACES = ("against", "on", "in front of", "with")


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


Row = Float32[np.ndarray, " columns"]
Phrases = tuple[str, ...]  # every way to say one thing; "" leaves it unsaid


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def _nouns(row: Row) -> Phrases:
    gender = value(row, "gender")
    plain = ("person", "character", "face")
    if gender > 0.3:
        return ("woman", "woman", "woman", "woman", "lady", *plain)
    return ("man", "man", "man", "man", "gentleman", *plain) if gender < -0.3 else plain


def _adjectives(row: Row) -> Phrases:
    age, smile = value(row, "age"), value(row, "smile")
    found: Phrases = ("",)
    if age < 0.25:
        found = ("young ", "youthful ")
    elif age > 0.75:
        found = ("old ", "elderly ")
    elif 0.45 < age < 0.6:
        found = ("middle-aged ", "")
    if smile > 0.2:
        found += ("smiling ", "happy ", "") if smile > 0.5 else ("smiling ", "")
    elif smile < -0.35:
        found += ("frowning ", "sad ", "")
    return found


def _subject(row: Row) -> Phrases:
    """Whom the picture shows."""
    nouns = _nouns(row)
    return tuple(
        f"{_article(adjective + noun)} {adjective}{noun}"
        for adjective in _adjectives(row)
        for noun in nouns
    )


def _hair(row: Row) -> Phrases:
    length, colour, shape = (
        value(row, "hair_length"),
        hair_colour_name(row),
        word(row, "hair_shape"),
    )
    if length < 0.1:
        return (f"with cropped {colour} hair", f"with very short {colour} hair")
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
    return (styles.get(shape, ()) if length > 0.2 else ()) + plain


def _expression(row: Row) -> Phrases:
    smile = value(row, "smile")
    if smile > 0.5:
        return ("smiling broadly", "with a big smile", "grinning", "laughing happily")
    if smile > 0.2:
        return ("smiling", "with a slight smile", "looking pleased")
    if smile < -0.35:
        return ("frowning", "looking unhappy", "with a frown", "in a bad mood")
    if abs(smile) < 0.12:
        return ("with a calm expression", "looking calm")
    return ("",)


def _glasses(row: Row) -> Phrases:
    if value(row, "eyeglasses") < 0.5:
        return ("", "", "without glasses", "who wears no glasses")
    colour, shape = word(row, "frame_color"), word(row, "glasses_shape")
    if shape == "sunglasses":
        return ("wearing sunglasses", "with sunglasses", f"wearing {colour} sunglasses")
    return (
        "wearing glasses", "with eyeglasses", "with glasses", "with spectacles",
        f"wearing {colour} glasses", f"wearing {shape} glasses", f"with {shape} {colour} glasses",
    )  # fmt: skip


def _pose(row: Row) -> Phrases:
    yaw = value(row, "yaw")
    if abs(yaw) < 0.15:
        return ("facing the camera", "seen from the front")
    side = "right" if yaw > 0 else "left"
    if abs(yaw) > 0.3:
        return (
            f"turned to the {side}", f"facing {side}", f"with the head turned {side}",
            f"looking to the {side}",
        )  # fmt: skip
    return ("",)


def _beard(row: Row) -> Phrases:
    if value(row, "facial_hair") < 0.2:
        return ("",)
    shape = word(row, "beard_shape")
    return ("with a beard", "bearded") if shape == "full beard" else (f"with a {shape}",)


def _skin(row: Row) -> Phrases:
    tone = value(row, "skin_tone")
    if tone < 0.3:
        return ("with light skin", "with pale skin")
    return ("with dark skin", "with deep brown skin") if tone > 0.75 else ("",)


def _clothing(row: Row) -> Phrases:
    colour = hue_name(value(row, "clothing_hue"), CLOTH_NAMES)
    garment = word(row, "clothing")
    dressed = f"{colour} {garment}".strip()
    worn = f"{_article(dressed)} {dressed}"
    plain = f"dressed in {colour}" if colour else f"wearing {worn}"
    return (f"wearing {worn}", f"in {worn}", plain)


def _background(row: Row) -> Phrases:
    colour = hue_name(value(row, "background_hue"), SKY_NAMES)
    if not colour:
        return ("",)
    said = (f"{_article(name)} {name} background" for name in (colour, *SKY_ALSO.get(colour, ())))
    return tuple(f"{place} {what}" for what in said for place in _PLACES)


# Whom a sentence names, and its clauses; and the attributes that each may tell of.
_PARTS = {
    _subject: ("gender", "age", "smile"),
    _hair: ("hair_length", "hair_color", "hair_shape", "greying"),
    _glasses: ("eyeglasses", "glasses_shape", "frame_color"),
    _expression: ("smile",),
    _beard: ("facial_hair", "beard_shape"),
    _pose: ("yaw",),
    _skin: ("skin_tone",),
    _clothing: ("clothing", "clothing_hue"),
    _background: ("background_hue",),
}
_CLAUSES = tuple(_PARTS)[1:]


@dataclass(frozen=True)
class Said:
    """A sentence about a portrait, and the phrases that it was made of: whom it names first, then
    one for each clause, "" for what it leaves unsaid."""

    text: str
    phrases: Phrases

    @property
    def about(self) -> frozenset[str]:
        """The attributes that it may tell of, by what it has."""
        pairs = zip(self.phrases, _PARTS.values(), strict=True)
        return frozenset(name for said, names in pairs if said for name in names)

    def fits(self, phrases: Sequence[frozenset[str]]) -> bool:
        """Whether every phrase could have been said of another portrait, whose `phrases_of` these
        are: then the sentence is as true of that one."""
        pairs = zip(self.phrases, phrases, strict=True)
        return all(not said or said in ways for said, ways in pairs)


def phrases_of(row: Row) -> tuple[frozenset[str], ...]:
    """All that can be said of a portrait: its subjects, then the phrases of each clause."""
    return tuple(frozenset(ways(row)) for ways in _PARTS)


def say(row: Row, seed: int, whole: bool = False) -> Said:
    """One true sentence about a portrait.

    row: one row of the label table. seed: which of the many phrasings, and how much it says; all
    there is to say where `whole`. Every word holds for the row; what is left out is unsaid, not
    denied.
    """
    key = zlib.crc32(np.asarray(row, "<f4").tobytes())
    dice = Dice(seed, key, stream=11)
    subject = dice.pick(_subject(row))
    wanted = 1 + int(dice.number() * 4)
    ranks = [(dice.number(), i) for i in range(len(_CLAUSES))]
    chosen = {i for _, i in sorted(ranks)[: len(ranks) if whole else wanted]}
    clauses = [
        _phrase(ways(row), dice, whole) if i in chosen else "" for i, ways in enumerate(_CLAUSES)
    ]
    told = [clause for clause in clauses if clause]
    if dice.number() < 0.2:
        text = ", ".join([subject.split(" ", 1)[1], *told])
    else:
        text = dice.pick(_OPENINGS).format(subject)
        if told:
            text += " " + ", ".join(told)
    return Said(text, (subject, *clauses))


def _phrase(ways: Phrases, dice: Dice, whole: bool) -> str:
    """One of the ways; where all is told, "" only when there is no other."""
    return dice.pick(tuple(way for way in ways if way) or ways if whole else ways)


def caption(row: Row, seed: int) -> str:
    """The words of `say`: some of what is there, one of many phrasings."""
    return say(row, seed).text
