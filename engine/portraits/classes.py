"""The eight classes of portraits that class-conditional models know.

A class is what three attributes of the label table say together; its index is a number of three
bits: feminine, smiling, eyeglasses, the first counting most. Half a smile belongs to no class.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float32, Int64

from engine.portraits.attributes import COLUMN

ATTRIBUTES = ("gender", "smile", "eyeglasses")
THRESHOLDS = (0.0, 0.0, 0.5)  # above: feminine, smiling, with eyeglasses
MARGINS = (0.4, 0.4, 0.0)  # nearer to the threshold than this is neither
_WORDS = (("masculine", "feminine"), ("serious", "smiling"), ("no eyeglasses", "eyeglasses"))

_SAID = (("man", "woman"), ("frowning", "smiling"), ("without glasses", "with glasses"))

CLASSES: tuple[str, ...] = tuple(", ".join(words) for words in product(*_WORDS))
CAPTIONS: tuple[str, ...] = tuple(
    f"a {mood} {who} {glasses}" for who, mood, glasses in product(*_SAID)
)
NO_CLASS = -1


def class_bits(scores: Float32[np.ndarray, "n columns"]) -> Int64[np.ndarray, "n 3"]:
    """Which of the three attributes are present, 0 or 1, from rows in label units."""
    return (_above(scores) > 0).astype(np.int64)


def bits_of_class(index: int) -> Int64[np.ndarray, " 3"]:
    """The three bits of a class."""
    return np.array([index >> 2 & 1, index >> 1 & 1, index & 1])


def class_of(table: Float32[np.ndarray, "n columns"]) -> Int64[np.ndarray, " n"]:
    """The index into CLASSES of each row of the label table, NO_CLASS where it is not clear."""
    clear = (np.abs(_above(table)) >= np.array(MARGINS, np.float32)).all(axis=1)
    index: Int64[np.ndarray, " n"] = class_bits(table) @ np.array([4, 2, 1])
    return np.where(clear, index, NO_CLASS)


def _above(scores: Float32[np.ndarray, "n columns"]) -> Float32[np.ndarray, "n 3"]:
    columns = [COLUMN[name] for name in ATTRIBUTES]
    return scores[:, columns] - np.array(THRESHOLDS, np.float32)
