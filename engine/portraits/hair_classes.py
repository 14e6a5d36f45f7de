"""The twelve classes of portraits that the bundled BigGAN knows: hair colour and eyeglasses.

Hair is grey where age and the tendency to grey say so, whatever its colour was; so grey is the
sixth colour. A class's index is colour * 2 + eyeglasses. Half-grey hair belongs to no class.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share

COLOURS: tuple[str, ...] = (*ATTRIBUTES[COLUMN["hair_color"]].values, "grey")
CLASSES: tuple[str, ...] = tuple(
    f"{colour} hair, {glasses}"
    for colour in COLOURS
    for glasses in ATTRIBUTES[COLUMN["eyeglasses"]].values
)
GREY = len(COLOURS) - 1
LEAST_GREY, MOST_COLOURED = 0.75, 0.25  # of the hair, in a class that is clear


def class_of(table: Float32[np.ndarray, "n columns"]) -> Int64[np.ndarray, " n"]:
    """The index into CLASSES of each row of the label table, or of a judge's scores."""
    grey = grey_share(table[:, COLUMN["age"]], table[:, COLUMN["greying"]]) > 0.5
    colour = np.where(grey, GREY, table[:, COLUMN["hair_color"]].round()).astype(np.int64)
    glasses = (table[:, COLUMN["eyeglasses"]] > 0.5).astype(np.int64)
    return colour * 2 + glasses


def in_class(
    table: Float32[np.ndarray, "n columns"], classes: Int64[np.ndarray, " n"]
) -> Float32[np.ndarray, "n columns"]:
    """The same portraits, each as one that clearly belongs to its class.

    Colour and eyeglasses are those of the class; age is squeezed into the part of its range
    where hair is grey, or still coloured, so that evenly spread ages stay evenly spread.
    """
    out = table.copy()
    colour, age, greying = classes // 2, COLUMN["age"], COLUMN["greying"]
    out[:, COLUMN["eyeglasses"]] = classes % 2
    own = colour != GREY
    out[own, COLUMN["hair_color"]] = colour[own]
    none = grey_share(np.zeros(len(table)), table[:, greying].astype(np.float64))
    slope = grey_share(1.0, 0.0) - grey_share(0.0, 0.0)  # the share is linear in age
    oldest = np.minimum((MOST_COLOURED - none) / slope, 1.0)
    youngest = (LEAST_GREY - none) / slope
    given = table[:, age]
    out[:, age] = np.where(own, given * oldest, youngest + (1.0 - youngest) * given)
    return out
