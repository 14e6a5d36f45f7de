"""What a portrait is made of: the columns of the label table, and how they are drawn.

One row of the table determines one picture completely. Row i of data set s depends on (s, i)
alone, through a counter hash, so that any part of the set can be made anywhere, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Float64, Int64

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Attribute:
    """One column of the label table.

    name: snake_case, the column's name in code and files.
    kind: "continuous" in [low, high]; "binary" 0 or 1; "categorical" an index into `values`.
    label: the words people read.
    """

    name: str
    kind: Literal["continuous", "binary", "categorical"]
    low: float
    high: float
    values: tuple[str, ...]
    label: str


def _signed(name: str, label: str) -> Attribute:
    return Attribute(name, "continuous", -1.0, 1.0, (), label)


def _amount(name: str, label: str) -> Attribute:
    return Attribute(name, "continuous", 0.0, 1.0, (), label)


def _choice(name: str, label: str, *values: str) -> Attribute:
    return Attribute(name, "categorical", 0.0, float(len(values) - 1), values, label)


ATTRIBUTES: tuple[Attribute, ...] = (
    _signed("yaw", "Turn"),  # -1: 50 degrees to the viewer's left; +1: to the viewer's right
    _signed("pitch", "Nod"),  # -1: 18 degrees down; +1: 18 degrees up
    _signed("smile", "Smile"),  # -1 frown; 0 calm; +1 open smile with teeth
    _amount("age", "Age"),  # 0 youngster; 1 very old (wrinkles, grey hair, sagging cheeks)
    _signed("gender", "Gender presentation"),  # -1 masculine; +1 feminine
    Attribute("eyeglasses", "binary", 0.0, 1.0, ("no eyeglasses", "eyeglasses"), "Eyeglasses"),
    _choice("glasses_shape", "Glasses shape", "round", "square", "aviator", "sunglasses"),
    _choice("frame_color", "Frame colour", "black", "tortoiseshell", "red", "blue", "golden"),
    _amount("hair_length", "Hair length"),  # 0 cropped; 0.5 to the jaw; 1 below the shoulders
    _choice(
        "hair_shape", "Hair style", "side-parted", "fringed", "swept-back", "curly", "in a bun"
    ),
    _choice("hair_color", "Hair colour", "black", "brown", "chestnut", "red", "blond"),
    _amount("hair_volume", "Hair volume"),  # 0 flat; 1 full
    _signed("hair_part", "Parting"),  # side of the parting, -1 viewer's left
    _amount("greying", "Tendency to grey"),  # 0 greys late in life; 1 greys early
    _amount("skin_tone", "Skin tone"),  # 0 palest; 1 deepest
    _amount("facial_hair", "Facial hair"),  # 0 none; 1 thick
    _choice("beard_shape", "Beard shape", "full beard", "moustache", "goatee"),
    _choice("eye_color", "Eye colour", "brown", "hazel", "green", "blue", "grey"),
    _amount("eye_size", "Eye size"),
    _signed("gaze", "Gaze"),  # -1 looks to the viewer's left of the lens; +1 to the right
    _amount("brow_weight", "Eyebrows"),  # 0 fine; 1 heavy
    _amount("nose_size", "Nose size"),
    _amount("lip_fullness", "Lips"),
    _amount("face_width", "Face width"),
    _signed("tilt", "Tilt"),  # +1: the head leans 7 degrees to the viewer's right
    _choice(
        "clothing", "Clothing", "round-necked shirt", "V-neck", "shirt with a collar",
        "turtleneck", "striped shirt",
    ),
    _amount("clothing_hue", "Clothing hue"),  # a circle: 0 and 1 are one colour
    _amount("clothing_tone", "Clothing brightness"),
    _amount("background_hue", "Background hue"),  # a circle: 0 and 1 are one colour
    _amount("background_tone", "Background brightness"),
    _signed("background_slant", "Background slant"),  # gradient runs towards this side
    _signed("light_x", "Light from the side"),  # -1 viewer's left; +1 viewer's right
    _amount("light_y", "Light from above"),  # 0 level with the face; 1 high
)  # fmt: skip

NUMBERS = len(ATTRIBUTES) + 1  # independent numbers behind one row: one a column, one for beards

COLUMN: dict[str, int] = {attribute.name: i for i, attribute in enumerate(ATTRIBUTES)}

# Where 0 and 1 are one colour.
CIRCLES: tuple[str, ...] = ("clothing_hue", "background_hue")

# The attributes that get named sliders.
NAMED: tuple[str, ...] = ("yaw", "smile", "age", "gender", "eyeglasses")


Real = TypeVar("Real", float, "Tensor", "npt.NDArray[Any]")


def grey_share(age: Real, greying: Real) -> Real:
    """How grey the hair is: 0 or less not at all, 1 or more wholly."""
    return (age - (0.75 - 0.35 * greying)) / 0.28


def _splitmix64(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele, Lea, Flood, 2014), one word a value."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(
    seed: int, indices: Int64[np.ndarray, " n"], columns: int, stream: int = 0
) -> Float64[np.ndarray, "n {columns}"]:
    """Independent numbers in [0, 1), each a function of (seed, stream, index, column) alone."""
    key = _splitmix64(np.array([seed % 2**64], np.uint64))
    key = _splitmix64(key ^ np.uint64(stream))
    row = _splitmix64(key ^ np.asarray(indices, np.int64).astype(np.uint64))
    column = _splitmix64(np.arange(columns, dtype=np.uint64))
    bits = _splitmix64(row[:, None] ^ column[None, :])
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _plain(attribute: Attribute, u: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    if attribute.kind == "continuous":
        return attribute.low + (attribute.high - attribute.low) * u
    choices = 2 if attribute.kind == "binary" else len(attribute.values)
    floor: npt.NDArray[np.float64] = np.floor(u * choices)
    return floor


def sample(seed: int, indices: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n columns"]:
    """The rows `indices` of data set `seed`: the label table, one column an attribute.

    All columns are independent, but for facial hair, which occurs on the masculine side only.
    Some show only together with others: the two of the eyeglasses where there are eyeglasses,
    the beard's shape where there is facial hair, the hair's style where it is not cropped.
    """
    return table_of(uniform(seed, indices, NUMBERS))


def table_of(u: Float64[np.ndarray, "n numbers"]) -> Float32[np.ndarray, "n columns"]:
    """The rows of the label table that independent numbers in [0, 1) stand for, NUMBERS a row."""
    table = np.stack([_plain(a, u[:, i]) for i, a in enumerate(ATTRIBUTES)], axis=1)

    def bend(name: str, power: float) -> None:
        """Power above 1 gathers values around 0, below 1 pushes them to the ends."""
        column = table[:, COLUMN[name]]
        table[:, COLUMN[name]] = np.sign(column) * np.abs(column) ** power

    bend("yaw", 1.2)
    bend("pitch", 1.4)
    bend("tilt", 1.3)
    bend("gender", 0.8)
    bearded = (table[:, COLUMN["gender"]] < -0.1) & (u[:, len(ATTRIBUTES)] < 0.5)
    hair = COLUMN["facial_hair"]
    table[:, hair] = np.where(bearded, 0.25 + 0.75 * table[:, hair], 0.0)
    return table.astype(np.float32)
