"""From rows of the label table to the numbers and colours that the drawing uses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.portraits.attributes import ATTRIBUTES, COLUMN, grey_share
from engine.portraits.shapes import Vector

SKIN = ("ffe3cd", "f8cfae", "e8b48c", "c98f66", "9c6542", "6d432c")
HAIR = ("221c22", "5a3825", "8a4a26", "b8461c", "e3b457")
HAIR_GREY = "c2c5cf"
HEAD_SIZE = 1.07  # units of the picture in one unit of the head
# Walked around in a circle by the hue columns; neighbours pass smoothly into each other.
CLOTH = ("d9534f", "e8863a", "e9b93f", "6fa85a", "2f9c8f", "3f86c9", "4a58a8", "9a5aa8", "d4638f")
SKY = ("ffd9c7", "ffe6b8", "e6f0bf", "c3ecd6", "bfe8f2", "c3d6fb", "dccdf8", "f7cde4")
GROUND = ("ee8f7c", "efb765", "9fc06a", "55b598", "4ea3c4", "6a83d8", "9a78cf", "d877a8")
EYES = ("6b3f1d", "8a7330", "3f8a4d", "2f78c4", "71879a")
FRAMES = ("1c1b22", "6e3c1c", "c4213a", "2350b8", "d9a336")


def rgb(colours: Sequence[str], device: torch.device | str) -> Tensor:
    """Hexadecimal sRGB colours as [k, 3] in [0, 1]."""
    values = [[int(c[i : i + 2], 16) / 255.0 for i in (0, 2, 4)] for c in colours]
    return torch.tensor(values, device=device)


def around(hue: Tensor, circle: Sequence[str]) -> Tensor:
    """Colours [n, 3, 1] at places [n, 1] in [0, 1] around a closed circle of colours."""
    stops = rgb(circle, hue.device)
    place = (hue % 1.0) * len(circle)
    low = place.long() % len(circle)
    part = (place - place.floor()).unsqueeze(2)
    after = (low + 1) % len(circle)
    return torch.lerp(stops[low[:, 0]].unsqueeze(2), stops[after[:, 0]].unsqueeze(2), part)


class Traits:
    """The parameters of n portraits; every number is [n, 1], every colour [n, 3, 1]."""

    def __init__(self, table: Tensor) -> None:
        self.table = table
        self.device = table.device
        self.n = table.shape[0]
        self._colours()
        self._pose()

    def __getitem__(self, name: str) -> Tensor:
        column = COLUMN[name]
        return self.table[:, column : column + 1]

    def is_value(self, name: str, value: str) -> Tensor:
        """1 where a categorical attribute has this value, else 0: [n, 1]."""
        index = ATTRIBUTES[COLUMN[name]].values.index(value)
        return (self[name].round() == index).to(self.table.dtype)

    def by_value(self, name: str, numbers: Sequence[float]) -> Tensor:
        """One number for each value of a categorical attribute: [n, 1]."""
        table = torch.tensor(numbers, device=self.device)
        return table[self[name].round().long().clamp(0, len(numbers) - 1)]

    def _palette(self, name: str, colours: Sequence[str]) -> Tensor:
        index = self[name][:, 0].round().long().clamp(0, len(colours) - 1)
        return rgb(colours, self.device)[index].unsqueeze(2)

    def _colours(self) -> None:
        stops = rgb(SKIN, self.device)
        place = (self["skin_tone"] * (len(SKIN) - 1)).clamp(0.0, len(SKIN) - 1.001)
        low = place.long()
        part = (place - low).unsqueeze(2)
        self.skin = torch.lerp(
            stops[low[:, 0]].unsqueeze(2), stops[low[:, 0] + 1].unsqueeze(2), part
        )
        age = self["age"]
        self.grey = grey_share(age, self["greying"]).clamp(0.0, 1.0)
        grey = rgb([HAIR_GREY], self.device).unsqueeze(2)
        self.hair = torch.lerp(self._palette("hair_color", HAIR), grey, self.grey.unsqueeze(2))
        self.eye = self._palette("eye_color", EYES)
        self.frame = self._palette("frame_color", FRAMES)
        feminine = (0.5 + 0.5 * self["gender"]).unsqueeze(2)
        rose = rgb(["c2304a"], self.device).unsqueeze(2)
        natural = self.skin * torch.tensor([0.86, 0.62, 0.60], device=self.device)[:, None]
        self.lips = torch.lerp(natural, rose, 0.04 + 0.84 * feminine**1.5)
        tone = self["clothing_tone"].unsqueeze(2)
        self.cloth = around(self["clothing_hue"], CLOTH) * (0.55 + 0.50 * tone)
        self.cloth_second = 0.80 + 0.17 * around(self["clothing_hue"] + 0.15, CLOTH)
        tone = self["background_tone"].unsqueeze(2)
        self.sky = around(self["background_hue"], SKY) * (0.80 + 0.20 * tone)
        self.ground = around(self["background_hue"], GROUND) * (0.62 + 0.40 * tone)

    def _pose(self) -> None:
        yaw = self["yaw"] * math.radians(50.0)
        pitch = self["pitch"] * math.radians(18.0)
        tilt = self["tilt"] * math.radians(-7.0)
        sy, cy, sp, cp = yaw.sin(), yaw.cos(), pitch.sin(), pitch.cos()
        st, ct = tilt.sin(), tilt.cos()
        # Columns of world = Rz(tilt) Ry(yaw) Rx(-pitch): the head's axes in the picture.
        x, y, z = (cy, 0.0 * cy, -sy), (-sy * sp, cp, -cy * sp), (sy * cp, sp, cy * cp)
        self.axes = tuple((ct * a[0] - st * a[1], st * a[0] + ct * a[1], a[2]) for a in (x, y, z))
        self.centre = (0.09 * sy - 0.5 * st, 0.04 + 0.05 * sp)
        light = (0.75 * self["light_x"], 0.15 + 0.6 * self["light_y"], 0.0 * cy + 0.75)
        self.light = _unit(light)
        self.rim = _unit((-0.9 * self["light_x"], 0.0 * cy + 0.45, 0.0 * cy - 0.55))

    def to_head(self, world: Vector) -> Vector:
        """Turn directions from the picture's frame into the head's."""
        x, y, z = (a[0] * world[0] + a[1] * world[1] + a[2] * world[2] for a in self.axes)
        return x, y, z

    def to_picture(self, point: tuple[Tensor | float, Tensor | float, Tensor | float]) -> Vector:
        """Where a point of the head's frame stands in the picture: x, y and depth."""
        x, y, z = (
            self.axes[0][i] * point[0] + self.axes[1][i] * point[1] + self.axes[2][i] * point[2]
            for i in range(3)
        )
        return HEAD_SIZE * x + self.centre[0], HEAD_SIZE * y + self.centre[1], z


def _unit(v: Vector) -> Vector:
    inverse = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).rsqrt()
    return v[0] * inverse, v[1] * inverse, v[2] * inverse
