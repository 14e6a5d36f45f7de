"""The shape of a StyleGAN2 generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from engine.errors import ModelError

Architecture = Literal["skip", "resnet", "orig"]
ARCHITECTURES = ("skip", "resnet", "orig")


@dataclass(frozen=True)
class StyleGAN2Config:
    """Sizes of a StyleGAN2 generator.

    channels: feature maps at each resolution from 4 up to `resolution`, powers of two.
    conv_clamp: limit of the absolute value after each activation, or None for no limit.
    architecture: how the resolutions meet (Karras et al., 2020, figure 7): "skip" sums what each
    adds to the picture, "resnet" sums features, "orig" passes features on alone. noise: whether
    the layers take noise. filter_taps: length of the resampling filter's sides. embed_features
    and layer_features: widths inside the mapping network, None for w_dim. mapping_lr: the
    learning rate multiplier that the mapping network's weights were stored with.
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
    architecture: Architecture = "skip"
    noise: bool = True
    filter_taps: int = 4
    embed_features: int | None = None
    layer_features: int | None = None
    mapping_lr: float = 0.01

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ModelError(
                f"A StyleGAN2 architecture is one of {', '.join(ARCHITECTURES)}, "
                f"got {str(self.architecture)[:40]!r}."
            )
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
    def family(self) -> str:
        """The name of this family in cards."""
        return "stylegan2"

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the full resolution."""
        return tuple(1 << k for k in range(2, self.resolution.bit_length()))

    @property
    def num_ws(self) -> int:
        """How many w one picture takes: one a convolution and one for the last toRGB."""
        return 2 * (self.resolution.bit_length() - 1) - 2

    @property
    def exits(self) -> tuple[int, ...]:
        """Resolutions below a quarter whose picture an exported graph also gives: previews."""
        if self.architecture != "skip":
            return ()
        return tuple(size for size in (32, 64, 128) if size * 4 <= self.resolution)

    @property
    def embed_width(self) -> int:
        """Length of the embedded class."""
        return self.w_dim if self.embed_features is None else self.embed_features

    @property
    def hidden_width(self) -> int:
        """Width of the mapping network's hidden layers."""
        return self.w_dim if self.layer_features is None else self.layer_features

    def paints(self, resolution: int) -> bool:
        """Whether the block of this resolution has a toRGB."""
        return self.architecture == "skip" or resolution == self.resolution

    def has_shortcut(self, resolution: int) -> bool:
        """Whether the block of this resolution adds its input to its output."""
        return self.architecture == "resnet" and resolution > 4

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
            "num_ws": self.num_ws,
        }
        rare = {item.name: item.default for item in fields(self) if item.name not in plain}
        plain |= {n: getattr(self, n) for n, usual in rare.items() if getattr(self, n) != usual}
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StyleGAN2Config:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        given = dict(plain)
        num_ws = given.pop("num_ws", None)
        known = {item.name for item in fields(cls)}
        if not set(given) <= known:
            raise ModelError(f"Unknown StyleGAN2 fields: {sorted(set(given) - known)}.")
        if "channels" in given:
            given["channels"] = {int(r): int(n) for r, n in given["channels"].items()}
        config = cls(**given)
        if num_ws is not None and num_ws != config.num_ws:
            raise ModelError(f"A model of these sizes has num_ws {config.num_ws}, got {num_ws}.")
        return config
