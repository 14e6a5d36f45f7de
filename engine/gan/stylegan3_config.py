"""The shape of a StyleGAN3 generator, as it stands in a model card. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from engine.errors import ModelError
from engine.gan.stylegan3_plan import Layer, layers_of

MAX_LAYERS = 64
MAX_RESOLUTION = 4096


@dataclass(frozen=True)
class StyleGAN3Config:
    """Sizes of a StyleGAN3 generator; the defaults are those of StyleGAN3-T.

    channels: feature maps of each layer but the last, which makes img_channels. num_critical: how
    many layers at the end are critically sampled. first_cutoff, first_stopband,
    last_stopband_rel: ends of the geometric progression. margin_size: pixels around the picture
    that hide its border. output_scale: times the last layer. conv_kernel, radial: 3 and False
    make the translation equivariant T, 1 and True the rotation equivariant R. filter_size: taps
    at the lower rate. lrelu_upsampling: how much finer the grid of the activation is. conv_clamp:
    limit after each activation, or None.
    """

    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0
    resolution: int = 256
    channels: tuple[int, ...] = field(default=(512,) * 14)
    mapping_layers: int = 2
    img_channels: int = 3
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2.0**2.1
    last_stopband_rel: float = 2.0**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    radial: bool = False
    conv_clamp: float | None = 256.0
    mapping_lr: float = 0.01

    def __post_init__(self) -> None:
        last_cutoff = self.resolution / 2
        facts = {
            f"1 to {MAX_LAYERS} layers": 1 <= len(self.channels) <= MAX_LAYERS,
            "fewer critical layers than layers, but one": 1
            <= self.num_critical
            < len(self.channels),
            f"a resolution of 16 to {MAX_RESOLUTION}": 16 <= self.resolution <= MAX_RESOLUTION,
            "a first cutoff below the last": 0 < self.first_cutoff < last_cutoff,
            "stopbands above their cutoffs": self.first_stopband > self.first_cutoff
            and self.last_stopband_rel > 1,
            "stopbands within the resolution": self.first_stopband <= 2 * last_cutoff
            and self.last_stopband_rel <= 4,
            "a margin of 0 to 256": 0 <= self.margin_size <= 256,
            "an odd kernel of 1 to 7": self.conv_kernel in (1, 3, 5, 7),
            "a filter of 1 to 32 taps": 1 <= self.filter_size <= 32,
            "an up-sampling of 1 to 8": self.lrelu_upsampling in (1, 2, 4, 8),
            "a small output scale": 0 < abs(self.output_scale) < 1e6,
        }
        wrong = [words for words, holds in facts.items() if not holds]
        if wrong:
            raise ModelError(f"A StyleGAN3 generator needs {wrong[0]}.")

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return "stylegan3"

    @property
    def num_layers(self) -> int:
        """Layers but the last, which makes the picture."""
        return len(self.channels)

    @property
    def num_ws(self) -> int:
        """How many w one picture takes: one the input, one each layer, one the last."""
        return len(self.channels) + 2

    @property
    def embed_width(self) -> int:
        """Length of the embedded class."""
        return self.w_dim

    @property
    def hidden_width(self) -> int:
        """Width of the mapping network's hidden layers."""
        return self.w_dim

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, the last one included, in the order they run."""
        return layers_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with num_ws for the reader's sake."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**plain, "channels": list(self.channels), "num_ws": self.num_ws}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StyleGAN3Config:
        """The inverse of `to_dict`. Raises ModelError for unknown or contradicting fields."""
        given = dict(plain)
        num_ws = given.pop("num_ws", None)
        known = {item.name for item in fields(cls)}
        if not set(given) <= known:
            raise ModelError(f"Unknown StyleGAN3 fields: {sorted(set(given) - known)}.")
        if "channels" in given:
            given["channels"] = tuple(int(count) for count in given["channels"])
        config = cls(**given)
        if num_ws is not None and num_ws != config.num_ws:
            raise ModelError(f"A model of these sizes has num_ws {config.num_ws}, got {num_ws}.")
        return config
