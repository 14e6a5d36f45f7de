"""The shape of a DCGAN generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import ModelError
from engine.gan.config_fields import (
    check_derived,
    check_flags,
    check_resolution,
    check_sizes,
    known_fields,
)

TITLE = "DCGAN"
DERIVED = {"resolution", "num_ws"}
MOST_EXTRA = 64


class Hidden(NamedTuple):
    """A hidden layer: a transposed 4x4 convolution where it enlarges, else a plain 3x3 one."""

    fan_in: int
    width: int
    enlarges: bool


@dataclass(frozen=True)
class DCGANConfig:
    """Sizes of a DCGAN generator (Radford et al., 2015).

    channels: feature maps after each hidden transposed convolution, the first at 4x4 pixels and
    each further one at twice the size; the last layer doubles once more and makes the picture.
    bias: whether the hidden convolutions have a bias; rgb_bias: whether the last one has.
    extra: how many plain convolutions of 3x3, each with batch norm and ReLU, follow each of the
    hidden transposed ones (the extra layers of Arjovsky et al., 2017); () for none.
    """

    z_dim: int = 100
    channels: tuple[int, ...] = (512, 256, 128, 64)
    img_channels: int = 3
    bias: bool = False
    rgb_bias: bool = False
    extra: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.channels, tuple) or not self.channels:
            raise ModelError(
                "The channel plan of a DCGAN model must be a list of one size or more, "
                f"got {str(self.channels)[:40]}."
            )
        check_sizes(TITLE, z_dim=self.z_dim, img_channels=self.img_channels)
        check_sizes(TITLE, **{f"channels[{i}]": n for i, n in enumerate(self.channels)})
        counted = isinstance(self.extra, tuple) and all(
            type(count) is int and 0 <= count <= MOST_EXTRA for count in self.extra
        )
        if not counted or len(self.extra) not in (0, len(self.channels)):
            raise ModelError(
                f"The extra layers of a DCGAN model must be {len(self.channels)} numbers from 0 to "
                f"{MOST_EXTRA}, or none, got {str(self.extra)[:40]}."
            )
        check_flags(TITLE, bias=self.bias, rgb_bias=self.rgb_bias)
        check_resolution(TITLE, self.resolution)

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return "dcgan"

    @property
    def resolution(self) -> int:
        """Height and width of the picture in pixels."""
        return 4 << len(self.channels)

    @property
    def w_dim(self) -> int:
        """Length of w, which is z."""
        return self.z_dim

    @property
    def c_dim(self) -> int:
        """It knows no classes."""
        return 0

    @property
    def num_ws(self) -> int:
        """One w a picture."""
        return 1

    def hidden(self) -> Iterator[Hidden]:
        """The hidden layers from z on."""
        fan_in = self.z_dim
        for width, extra in zip(
            self.channels, self.extra or (0,) * len(self.channels), strict=True
        ):
            yield Hidden(fan_in, width, True)
            yield from [Hidden(width, width, False)] * extra
            fan_in = width

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with resolution and num_ws for the reader's sake."""
        return {
            "z_dim": self.z_dim,
            "channels": list(self.channels),
            "img_channels": self.img_channels,
            "bias": self.bias,
            "rgb_bias": self.rgb_bias,
            "extra": list(self.extra),
            "resolution": self.resolution,
            "num_ws": self.num_ws,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> DCGANConfig:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        given = known_fields(cls, plain, TITLE, DERIVED)
        for name in ("channels", "extra"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        config = cls(**given)
        check_derived(config, plain, TITLE, DERIVED)
        return config
