"""The shape of a progressively grown generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.gan.config_fields import (
    check_derived,
    check_plan,
    check_resolution,
    check_sizes,
    known_fields,
    read_plan,
    resolutions_up_to,
)

TITLE = "ProGAN"
DERIVED = {"num_ws"}


@dataclass(frozen=True)
class ProGANConfig:
    """Sizes of a ProGAN generator (Karras et al., 2018).

    channels: feature maps at each resolution from 4 up to `resolution`, powers of two.
    """

    z_dim: int = 128
    resolution: int = 64
    channels: Mapping[int, int] = field(
        default_factory=lambda: {4: 128, 8: 128, 16: 128, 32: 64, 64: 32}
    )
    img_channels: int = 3

    def __post_init__(self) -> None:
        check_resolution(TITLE, self.resolution)
        check_sizes(TITLE, z_dim=self.z_dim, img_channels=self.img_channels)
        check_plan(TITLE, self.resolutions, self.channels)

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return "progan"

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the full resolution, in pixels; each has its own picture."""
        return resolutions_up_to(self.resolution)

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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with num_ws for the reader's sake."""
        return {
            "z_dim": self.z_dim,
            "resolution": self.resolution,
            "channels": {str(r): self.channels[r] for r in self.resolutions},
            "img_channels": self.img_channels,
            "num_ws": self.num_ws,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ProGANConfig:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        given = known_fields(cls, plain, TITLE, DERIVED)
        if "channels" in given:
            given["channels"] = read_plan(TITLE, given["channels"])
        config = cls(**given)
        check_derived(config, plain, TITLE, DERIVED)
        return config
