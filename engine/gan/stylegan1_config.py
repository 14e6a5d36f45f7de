"""The shape of a StyleGAN (2019) generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ModelError
from engine.gan.config_fields import (
    check_derived,
    check_flags,
    check_plan,
    check_resolution,
    check_sizes,
    known_fields,
    read_plan,
    resolutions_up_to,
)

TITLE = "StyleGAN"
DERIVED = {"num_ws"}


@dataclass(frozen=True)
class StyleGAN1Config:
    """Sizes of a StyleGAN generator (Karras et al., 2019).

    channels: feature maps at each resolution from 4 up to `resolution`, powers of two.
    hidden_dim: width of the mapping network's hidden layers, None for w_dim. mapping_lr: the
    learning rate multiplier that the mapping network's weights were stored with. growing: whether
    every resolution has a toRGB, or the last alone.
    """

    z_dim: int = 128
    w_dim: int = 128
    c_dim: int = 0
    resolution: int = 64
    channels: Mapping[int, int] = field(
        default_factory=lambda: {4: 128, 8: 128, 16: 128, 32: 64, 64: 32}
    )
    mapping_layers: int = 8
    img_channels: int = 3
    hidden_dim: int | None = None
    mapping_lr: float = 0.01
    growing: bool = True

    def __post_init__(self) -> None:
        check_resolution(TITLE, self.resolution)
        check_sizes(
            TITLE,
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            mapping_layers=self.mapping_layers,
            img_channels=self.img_channels,
            hidden_dim=self.hidden_width,
        )
        if self.c_dim != 0:
            check_sizes(TITLE, c_dim=self.c_dim)
        check_flags(TITLE, growing=self.growing)
        usual = isinstance(self.mapping_lr, int | float) and 0 < self.mapping_lr < 1e6
        if not usual or isinstance(self.mapping_lr, bool):
            raise ModelError(
                f"{TITLE}: mapping_lr must be a positive number, got {str(self.mapping_lr)[:40]}."
            )
        check_plan(TITLE, self.resolutions, self.channels)

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return "stylegan1"

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the full resolution, in pixels."""
        return resolutions_up_to(self.resolution)

    @property
    def hidden_width(self) -> int:
        """Width of the mapping network's hidden layers."""
        return self.w_dim if self.hidden_dim is None else self.hidden_dim

    @property
    def num_ws(self) -> int:
        """How many w one picture takes: two a resolution."""
        return 2 * len(self.resolutions)

    def paints(self, resolution: int) -> bool:
        """Whether the block of this resolution has a toRGB."""
        return self.growing or resolution == self.resolution

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with num_ws for the reader's sake; rare fields only where they differ
        from their defaults."""
        plain: dict[str, Any] = {
            "z_dim": self.z_dim,
            "w_dim": self.w_dim,
            "c_dim": self.c_dim,
            "resolution": self.resolution,
            "channels": {str(r): self.channels[r] for r in self.resolutions},
            "mapping_layers": self.mapping_layers,
            "img_channels": self.img_channels,
            "growing": self.growing,
            "num_ws": self.num_ws,
        }
        if self.hidden_dim is not None:
            plain["hidden_dim"] = self.hidden_dim
        if self.mapping_lr != 0.01:
            plain["mapping_lr"] = self.mapping_lr
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StyleGAN1Config:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        given = known_fields(cls, plain, TITLE, DERIVED)
        if "channels" in given:
            given["channels"] = read_plan(TITLE, given["channels"])
        config = cls(**given)
        check_derived(config, plain, TITLE, DERIVED)
        return config
