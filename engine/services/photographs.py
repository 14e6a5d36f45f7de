"""Photographs that packages ship, for measuring the invisible mark: two sets, kept apart.

`tuned_on`: those of scikit-image, which were in view while the mark was made. They count for
nothing; they are there for whoever changes the method. `held_out`: others, which were never looked
at for it. What is told of photographs is told of these. None are shipped with the program.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from engine.errors import ModelError
from engine.provenance.fingerprint import Pixels

TUNED_ON = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png",
    "coffee.png", "coins.png", "color.png", "grass.png", "gravel.png", "hubble_deep_field.jpg",
    "ihc.png", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "page.png",
    "retina.jpg", "rocket.jpg", "text.png",
)  # fmt: skip
CUTS = ((0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.7, 0.7), (0.3, 0.3, 1.0, 1.0))
LEAST_PX = 512  # a photograph gives two squares where each keeps so many pixels of its own
DEBIAN = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds")
BACKGROUNDS = Path("/usr/share/backgrounds")


@dataclass(frozen=True)
class Shelf:
    """A package's photographs. place: a Python package, or a folder below BACKGROUNDS.

    Drawings and pure gradients that lie among them are left out.
    """

    kind: Literal["python", "debian"]
    place: str
    licence: str
    names: tuple[str, ...]


HELD_OUT = (
    Shelf("python", "sklearn/datasets/images", "CC BY 2.0", ("china.jpg", "flower.jpg")),
    Shelf("python", "pywt/data", "public domain", ("aero.npz", "ascent.npz")),
    Shelf(
        "debian", "", "CC BY 4.0, CC BY-SA 4.0, CC BY-SA 3.0, CC0",
        (
            "Bridge_by_Sander_Klootwijk.jpg", "Dragonfly_by_Bolly.jpg",
            "Picture_0B_by_freespace.jpg", "Picture_1A_by_freespace.jpg",
            "Wine_by_Jakkub_Mede.jpg", "aitzgorri_by_Aitzol_Berasategi.jpg",
            "analogpattern_by_Peter_Nerlich.jpg", "free_by_Peter_Nerlich.jpg",
            "friends_by_Aitzol_Berasategi.jpg", "greentock_by_Peter_Nerlich.jpg",
            "life_by_Aitzol_Berasategi.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
            "seeding_by_Clements_Engelhardt.jpg", "sunset_by_Aitzol_Berasategi.jpg",
            "Kleiber_by_Lukas_Baubkus.jpg",
        ),
    ),
    Shelf(
        "debian", "mate/nature", "GPL 2 or later",
        (
            "Aqua.jpg", "Blinds.jpg", "Dune.jpg", "FreshFlower.jpg", "Garden.jpg",
            "GreenMeadow.jpg", "LadyBird.jpg", "RainDrops.jpg", "Storm.jpg", "TwoWings.jpg",
            "Wood.jpg", "YellowFlower.jpg",
        ),
    ),
)  # fmt: skip


def tuned_on(side: int) -> Iterator[Pixels]:
    """Each photograph whole, then two cuts of each, as squares. Raises ModelError without them."""
    folder = _package("skimage/data")
    for box in CUTS:
        for name in TUNED_ON:
            picture = _opened(folder / name)
            width, height = picture.size
            short = min(width, height)
            left, top = (width - short) // 2, (height - short) // 2
            x0, y0, x1, y1 = (round(part * short) for part in box)
            yield _square(picture.crop((left + x0, top + y0, left + x1, top + y1)), side)


def held_out(side: int) -> Iterator[Pixels]:
    """Squares that do not overlap, two of each large photograph. Raises ModelError without any.

    The Python packages' come first; Debian's where they are installed.
    """
    for path in held_out_files():
        picture = _opened(path)
        long, short = max(picture.size), min(picture.size)
        count = 2 if min(long // 2, short) >= LEAST_PX else 1
        part = min(long // count, short)
        for number in range(count):
            along, across = (long - count * part) // 2 + number * part, (short - part) // 2
            left, top = (along, across) if picture.width >= picture.height else (across, along)
            yield _square(picture.crop((left, top, left + part, top + part)), side)


def held_out_files() -> Iterator[Path]:
    """The held-out photographs that are here. Raises ModelError without the Python packages'."""
    for shelf in HELD_OUT:
        folder = _package(shelf.place) if shelf.kind == "python" else BACKGROUNDS / shelf.place
        for name in shelf.names:
            if shelf.kind == "python" or (folder / name).is_file():
                yield folder / name


def _package(place: str) -> Path:
    """A folder of an installed package, of which no code is run."""
    name, _, below = place.partition("/")
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ModelError(
            f"The mark is measured on photographs that {name} ships, which is not here.",
            "Install the development extra: pip install -e '.[dev]'",
        )
    return Path(found.submodule_search_locations[0]) / below


def _opened(path: Path) -> Image.Image:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as data:
            return Image.fromarray(data["data"].astype(np.uint8)).convert("RGB")
    with Image.open(path) as image:
        return image.convert("RGB")


def _square(picture: Image.Image, side: int) -> Pixels:
    return np.ascontiguousarray(picture.resize((side, side), Image.Resampling.LANCZOS))
