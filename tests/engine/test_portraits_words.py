"""Captions and edit instructions: true, varied, repeatable."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import torch

from engine.portraits.attributes import ATTRIBUTES, COLUMN, sample
from engine.portraits.captions import CLOTH_NAMES, SKY_ALSO, SKY_NAMES, caption, value, word
from engine.portraits.edits import edit_pair
from engine.portraits.renderer import render

# A word in a caption, and what must hold for the row if it is there.
CLAIMS = {
    r"\b(woman|lady)\b": lambda r: value(r, "gender") > 0.25,
    r"\b(man|gentleman)\b": lambda r: value(r, "gender") < -0.25,
    r"\b(young|youthful)\b": lambda r: value(r, "age") < 0.3,
    r"\b(old|elderly)\b": lambda r: value(r, "age") > 0.7,
    r"\bwithout glasses\b": lambda r: value(r, "eyeglasses") == 0,
    r"(wearing|with)( \w+){0,2} (eye|sun)?glasses": lambda r: value(r, "eyeglasses") == 1,
    r"\bsunglasses\b": lambda r: word(r, "glasses_shape") == "sunglasses",
    r"\b(smil|grin|laugh|pleased)": lambda r: value(r, "smile") > 0.15,
    r"\b(frown|unhappy|bad mood)": lambda r: value(r, "smile") < -0.3,
    r"\bcalm\b": lambda r: abs(value(r, "smile")) < 0.15,
    r"(turned|facing)( to the)? left": lambda r: value(r, "yaw") < -0.25,
    r"(turned|facing)( to the)? right": lambda r: value(r, "yaw") > 0.25,
    r"(facing the camera|from the front)": lambda r: abs(value(r, "yaw")) < 0.2,
    r"\b(beard|bearded|moustache|goatee)\b": lambda r: value(r, "facial_hair") > 0.2,
    r"\blong\b.*\b(hair|curls)\b": lambda r: value(r, "hair_length") > 0.5,
    r"\b(cropped|very short)\b": lambda r: value(r, "hair_length") < 0.15,
    r"\bgrey (hair|curls)": lambda r: value(r, "age") > 0.5,
    r"\bcurl": lambda r: word(r, "hair_shape") == "curly",
    r"\b(light|pale) skin": lambda r: value(r, "skin_tone") < 0.35,
    r"\b(dark|brown) skin": lambda r: value(r, "skin_tone") > 0.7,
    r"\bturtleneck\b": lambda r: word(r, "clothing") == "turtleneck",
}


def test_captions_say_only_what_is_true() -> None:
    table = sample(3, np.arange(1500))
    used = Counter[str]()
    for i, row in enumerate(table):
        text = caption(row, i)
        for pattern, holds in CLAIMS.items():
            if re.search(pattern, text) and not (
                pattern.startswith("(wearing|with)") and "without" in text
            ):
                used[pattern] += 1
                assert holds(row), (text, pattern)
    assert set(used) == set(CLAIMS)


def test_captions_name_colours_that_are_drawn() -> None:
    table = sample(4, np.arange(800))
    for i, row in enumerate(table):
        background = re.search(r"(\w+) background", caption(row, i))
        if background:
            meant = [n for n in SKY_NAMES if background[1] in (n, *SKY_ALSO.get(n, ()))]
            places = [SKY_NAMES.index(name) / len(SKY_NAMES) for name in meant]
            apart = [abs(value(row, "background_hue") - place) for place in places]
            assert min(min(far, 1.0 - far) for far in apart) < 0.05


def test_one_portrait_has_many_captions_and_each_is_repeatable() -> None:
    row = sample(0, np.array([12]))[0]
    texts = [caption(row, seed) for seed in range(200)]
    assert len(set(texts)) > 120
    assert texts == [caption(row.copy(), seed) for seed in range(200)]


def test_captions_read_as_english() -> None:
    for i, row in enumerate(sample(6, np.arange(500))):
        text = caption(row, i)
        assert text == text.strip()
        assert not re.search(r"  |,,|\{|\}|\ba [aeiou]|\ban [^aeiou]", text), text


def test_an_edit_changes_one_column_and_the_picture() -> None:
    pairs = [edit_pair(0, i) for i in range(300)]
    for pair in pairs:
        changed = np.flatnonzero(pair.before != pair.after)
        assert [ATTRIBUTES[i].name for i in changed] == [pair.attribute]
        attribute = ATTRIBUTES[COLUMN[pair.attribute]]
        assert attribute.low <= value(pair.after, pair.attribute) <= attribute.high
        assert "{" not in pair.instruction
    before = render(np.stack([p.before for p in pairs[:60]]), 48)
    after = render(np.stack([p.after for p in pairs[:60]]), 48)
    moved = ((before - after).abs().amax(dim=1) > 0.05).sum(dim=(1, 2))
    assert int(torch.as_tensor(moved).min()) > 3


def test_edits_cover_many_attributes_and_are_repeatable() -> None:
    kinds = Counter(edit_pair(2, i).attribute for i in range(600))
    assert len(kinds) == 14
    assert min(kinds.values()) > 5
    one, two = edit_pair(2, 77), edit_pair(2, 77)
    assert one.instruction == two.instruction
    assert np.array_equal(one.after, two.after)
    assert np.array_equal(one.before, sample(2, np.array([77]))[0])


def test_instructions_mean_what_they_do() -> None:
    for i in range(600):
        pair = edit_pair(9, i)
        before, after = (value(r, pair.attribute) for r in (pair.before, pair.after))
        text = pair.instruction
        if "older" in text or "big smile" in text or "long" in text:
            assert after > before
        if "younger" in text or "frown" in text or "short" in text.split():
            assert after < before
        if "off" in text.split() and pair.attribute == "eyeglasses":
            assert (before, after) == (1.0, 0.0)
        if pair.attribute == "clothing_hue":
            named = CLOTH_NAMES[round(after * len(CLOTH_NAMES))]
            assert named in text
        if re.search(r"\bher\b", text):
            assert value(pair.before, "gender") > 0
        if re.search(r"\bhim\b", text):
            assert value(pair.before, "gender") < 0
