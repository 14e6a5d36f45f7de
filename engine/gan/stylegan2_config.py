"""The shape of a StyleGAN2 generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ModelError


@dataclass(frozen=True)
class StyleGAN2Config:
    """Sizes of a StyleGAN2 generator.

    channels: feature maps at each resolution from 4 up to `resolution`, powers of two.
    conv_clamp: limit of the absolute value after each activation, or None for no limit.
    """

    z_dim: int = 128
    w_dim: int = 128
    c_dim: int = 0
    resolution: int = 64
    channels: Mapping[int, int] = field(
        default_factory=lambda: {4: 128, 8: 128, 16: 128, 32: 64, 64: 32}
    )
    mapping_layers: int = 4
    img_channels: int = 3
    conv_clamp: float | None = None

    def __post_init__(self) -> None:
        if self.resolution < 4 or self.resolution & (self.resolution - 1):
            raise ModelError(
                "A StyleGAN2 resolution must be a power of two of 4 or more, "
                f"got {self.resolution}."
            )
        missing = [r for r in self.resolutions if r not in self.channels]
        if missing:
            raise ModelError(
                f"The channel plan lacks the resolutions {missing}, got {sorted(self.channels)}."
            )

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the full resolution."""
        return tuple(1 << k for k in range(2, self.resolution.bit_length()))

    @property
    def num_ws(self) -> int:
        """How many w one picture takes: one a convolution and one for the last toRGB."""
        return 2 * (self.resolution.bit_length() - 1) - 2

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with num_ws for the reader's sake."""
        plain: dict[str, Any] = {
            "z_dim": self.z_dim,
            "w_dim": self.w_dim,
            "c_dim": self.c_dim,
            "resolution": self.resolution,
            "channels": {str(r): self.channels[r] for r in self.resolutions},
            "mapping_layers": self.mapping_layers,
            "img_channels": self.img_channels,
            "num_ws": self.num_ws,
        }
        if self.conv_clamp is not None:
            plain["conv_clamp"] = self.conv_clamp
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StyleGAN2Config:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        fields = dict(plain)
        num_ws = fields.pop("num_ws", None)
        known = set(cls.__dataclass_fields__)
        if not set(fields) <= known:
            raise ModelError(f"Unknown StyleGAN2 fields: {sorted(set(fields) - known)}.")
        if "channels" in fields:
            fields["channels"] = {int(r): int(n) for r, n in fields["channels"].items()}
        config = cls(**fields)
        if num_ws is not None and num_ws != config.num_ws:
            raise ModelError(f"A model of these sizes has num_ws {config.num_ws}, got {num_ws}.")
        return config
