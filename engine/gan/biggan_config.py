"""The shape of a BigGAN or BigGAN-deep generator, as a model card has it. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from engine.errors import ModelError
from engine.gan.config_fields import (
    check_derived,
    check_flags,
    check_resolution,
    check_sizes,
    known_fields,
)

TITLE = "BigGAN"
DERIVED = {"resolution", "num_ws", "w_dim", "img_channels"}
MAX_BLOCKS = 64
# The multiple of channel_width that the first features have.
FIRST_WIDTH = 16
PUBLISHED = {
    "z_dim": "z_dim",
    "class_embed_dim": "class_dim",
    "num_classes": "c_dim",
    "channel_width": "channel_width",
    "attention_layer_position": "attention",
    "eps": "eps",
    "n_stats": "n_stats",
}


class Block(NamedTuple):
    """One residual block: whether it doubles the size, and its widths in and out as multiples of
    channel_width."""

    up: bool
    width_in: int
    width_out: int


@dataclass(frozen=True)
class BigGANConfig:
    """Sizes of a BigGAN or BigGAN-deep generator (Brock et al., 2019, appendix B).

    class_dim: length of a class's embedding. blocks: from 4x4 pixels up. attention: how many
    blocks come before the self-attention. n_stats: for how many truncation values, evenly from 0
    to 1, the batch statistics are stored; 1 where there is one set for all. eps: added to their
    variances. deep: BigGAN-deep, or else BigGAN, which cuts z into chunks.
    """

    z_dim: int
    class_dim: int
    c_dim: int
    channel_width: int
    blocks: tuple[Block, ...]
    attention: int
    eps: float = 1e-4
    n_stats: int = 51
    deep: bool = True

    def __post_init__(self) -> None:
        check_sizes(
            TITLE,
            z_dim=self.z_dim,
            class_dim=self.class_dim,
            c_dim=self.c_dim,
            channel_width=self.channel_width,
            n_stats=self.n_stats,
        )
        if not isinstance(self.eps, int | float) or not 0 < self.eps < 1:
            raise ModelError(f"{TITLE}: eps must lie in (0, 1), got {str(self.eps)[:40]}.")
        if self.channel_width < 3:
            raise ModelError(f"{TITLE}: channel_width must be 3 or more, got {self.channel_width}.")
        check_flags(TITLE, deep=self.deep)
        self._check_blocks()
        if not self.deep and self.z_dim % self.num_ws:
            raise ModelError(
                f"{TITLE}: z of {self.z_dim} values cannot be cut into {self.num_ws} chunks."
            )
        check_resolution(TITLE, self.resolution)
        inside = type(self.attention) is int and 0 <= self.attention < len(self.blocks)
        if not inside:
            raise ModelError(
                f"{TITLE}: attention must lie in [0, {len(self.blocks) - 1}], "
                f"got {str(self.attention)[:40]}."
            )

    def _check_blocks(self) -> None:
        if not isinstance(self.blocks, tuple) or not 1 <= len(self.blocks) <= MAX_BLOCKS:
            raise ModelError(f"{TITLE}: blocks must be a list of 1 to {MAX_BLOCKS}.")
        width = FIRST_WIDTH
        for index, block in enumerate(self.blocks):
            check_flags(TITLE, **{f"blocks[{index}].up": block.up})
            check_sizes(TITLE, **{f"blocks[{index}] out": block.width_out})
            if block.width_in != width or block.width_out > width:
                raise ModelError(
                    f"{TITLE}: block {index} must take {width} times channel_width and make no "
                    f"more, got {block.width_in} to {block.width_out}."
                )
            width = block.width_out
        if width != 1:
            raise ModelError(f"{TITLE}: the last block must end at width 1, got {width}.")

    @property
    def family(self) -> str:
        """The name of this family in cards."""
        return "biggan"

    @property
    def resolution(self) -> int:
        """Height and width of the picture in pixels."""
        return 4 << sum(bool(block.up) for block in self.blocks)

    @property
    def w_dim(self) -> int:
        """Length of the conditioning: z and the class's embedding."""
        return self.z_dim + self.class_dim

    @property
    def num_ws(self) -> int:
        """One conditioning for the first features and one a block."""
        return 1 + len(self.blocks)

    @property
    def chunk(self) -> int:
        """Length of the part of z that the first features and each block take in BigGAN."""
        return self.z_dim // self.num_ws

    @property
    def first_cond(self) -> int:
        """Length of what conditions the first features."""
        return self.w_dim if self.deep else self.chunk

    @property
    def block_cond(self) -> int:
        """Length of what conditions a block."""
        return self.w_dim if self.deep else self.chunk + self.class_dim

    @property
    def rgb_width(self) -> int:
        """Channels of the last convolution, of which the first three are the picture."""
        return self.channel_width if self.deep else 3

    @property
    def img_channels(self) -> int:
        """Always colour."""
        return 3

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with what follows from them for the reader's sake."""
        return {
            "z_dim": self.z_dim,
            "class_dim": self.class_dim,
            "c_dim": self.c_dim,
            "channel_width": self.channel_width,
            "blocks": [list(block) for block in self.blocks],
            "attention": self.attention,
            "eps": self.eps,
            "n_stats": self.n_stats,
            "deep": self.deep,
            "resolution": self.resolution,
            "num_ws": self.num_ws,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> BigGANConfig:
        """The inverse of `to_dict`. Raises ModelError for unknown, missing or contradicting
        fields."""
        given = known_fields(cls, plain, TITLE, DERIVED)
        given["blocks"] = _read_blocks(given.get("blocks"))
        try:
            config = cls(**given)
        except TypeError as error:
            raise ModelError(f"A {TITLE} config lacks fields: {str(error)[-80:]}.") from error
        check_derived(config, plain, TITLE, DERIVED)
        return config

    @classmethod
    def from_published(cls, plain: Mapping[str, Any]) -> BigGANConfig:
        """The config of a published `config.json`. Raises ModelError where it makes no sense."""
        given = {ours: plain[theirs] for theirs, ours in PUBLISHED.items() if theirs in plain}
        if "output_dim" in plain:
            given["resolution"] = plain["output_dim"]
        return cls.from_dict(given | {"blocks": plain.get("layers")})


def _read_blocks(given: Any) -> tuple[Block, ...]:
    try:
        return tuple(Block(*block) for block in given)
    except TypeError as error:
        raise ModelError(
            f"{TITLE}: every block must be [up, width in, width out], got {str(given)[:60]}."
        ) from error


def statistics_at(truncation: float, n_stats: int) -> Float32[np.ndarray, " n_stats"]:
    """How much each stored row of batch statistics counts at a truncation in [0, 1].

    Where the truncation lies at the share s from one row to the next, the published networks give
    the earlier row the weight s and the later one 1 - s; so does this, else pictures between the
    stored values would not be theirs. At a stored value one row counts alone. Raises ModelError
    for a truncation outside.
    """
    if not 0.0 <= truncation <= 1.0:
        raise ModelError(
            f"BigGAN's truncation must lie in [0, 1], got {truncation}.",
            "Move the truncation slider back.",
        )
    rows = np.zeros(n_stats, np.float32)
    if n_stats == 1:
        rows[0] = 1.0
        return rows
    share, first = math.modf(truncation / (1.0 / (n_stats - 1)))
    row = int(first)
    if share == 0.0:
        rows[row] = 1.0
    else:
        rows[row], rows[row + 1] = share, 1.0 - share
    return rows
