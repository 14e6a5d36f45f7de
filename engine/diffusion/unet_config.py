"""The sizes of the bundled kind of U-Net, without torch; see unet.py for what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

GROUPS = 8
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of a U-Net.

    resolution: of the pictures it was trained for, in px. channels: one width a level, each half
    the size of the one above. classes: how many, 0 for none. upsamples: it also takes a picture
    of half the size, and the level of noise that was added to that one (Ho et al., 2021). tokens:
    of a text that it reads by cross-attention, text_width numbers each; 0 for none. inside:
    numbers of a pixel, or of a place of the codes that it makes instead of pictures. beside: of a
    place of what a model of texts is shown beside the noise; looks: of what it is told of a picture
    as a whole. 0 for neither. whole: it is told the text as a whole, too, beside the time.
    """

    resolution: int = 32
    patch: int = 2
    channels: tuple[int, ...] = (32, 64, 128)
    layers: int = 1
    classes: int = 0
    upsamples: bool = False
    tokens: int = 0
    text_width: int = 0
    inside: int = 3
    beside: int = 0
    looks: int = 0
    whole: bool = False

    @property
    def residuals(self) -> tuple[Shape, ...]:
        """Of what a ControlNet adds: all levels on the way down, in the order of diffusers'
        U-Nets, and the middle."""
        side = self.resolution // self.patch
        shapes = [(self.channels[0], side, side)]
        for level, width in enumerate(self.channels):
            shapes += [(width, side, side)] * self.layers
            if level < len(self.channels) - 1:
                side //= 2
                shapes.append((width, side, side))
        return (*shapes, shapes[-1])

    @property
    def attends(self) -> bool:
        """Whether its places see each other, at all levels but the finest."""
        return len(self.channels) > 1 and not self.upsamples

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "channels": list(self.channels)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> UNetConfig:
        """From plain values. Raises TypeError or ValueError for what is none."""
        known = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        config = cls(**{**known, "channels": tuple(known.get("channels", ()))})
        sizes = (config.resolution, config.patch, config.layers, *config.channels)
        fits = all(type(size) is int and 0 < size <= 4096 for size in sizes)
        depth = len(config.channels)
        if not fits or not 1 <= depth <= 8 or any(size % GROUPS for size in config.channels):
            raise ValueError(f"these are no sizes of a U-Net: {sizes}")
        if type(config.classes) is not int or not 0 <= config.classes < 65536:
            raise ValueError(f"classes must be a whole number, got {config.classes!r}")
        texts = (config.tokens, config.text_width)
        if not all(type(size) is int and 0 <= size <= 4096 for size in texts):
            raise ValueError(f"these are no sizes of a text: {texts}")
        if type(config.inside) is not int or not 0 < config.inside <= 64:
            raise ValueError(f"a place has {config.inside!r} numbers")
        shown = (config.beside, config.looks)
        if not all(type(size) is int and 0 <= size <= 8192 for size in shown):
            raise ValueError(f"these are no sizes of what is shown: {shown}")
        if any(shown) and not all(texts):
            raise ValueError("a U-Net that reads no texts is shown no pictures")
        if type(config.whole) is not bool or (config.whole and not all(texts)):
            raise ValueError("a U-Net that reads no texts is told none as a whole")
        if all(texts) != any(texts) or (all(texts) and (config.classes or config.upsamples)):
            raise ValueError("a U-Net that reads texts reads nothing else")
        if config.resolution % (config.patch << (depth - 1)):
            raise ValueError(f"{config.resolution} px cannot be halved {depth - 1} times")
        return config
