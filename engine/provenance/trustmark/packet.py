"""The 100 bits of a TrustMark: data, check bits and four bits that name the scheme.

The layout is the published one (adobe/trustmark, "Data schema"): data, then the check bits of a BCH
code over the data filled up to whole bytes with zeros, then the number of the scheme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from engine.provenance.trustmark.bch import bch

BITS = 100
VERSION_BITS = 4
MOST_CHANCE = 1e-4
"""A word that so many pictures without a mark would give is not taken for one."""


@dataclass(frozen=True)
class Scheme:
    """How the bits are shared out. data: how many are free; errors: how many may be wrong."""

    name: str
    version: int
    data: int
    errors: int

    @property
    def filling(self) -> int:
        """Zero bits after the data, up to whole bytes; they are checked and not carried."""
        return -self.data % 8

    @property
    def checks(self) -> int:
        """How many check bits are carried."""
        return bch(self.errors).checks

    def chance(self, wrong: int) -> float:
        """How often bits thrown by chance lie within `wrong` of some word of the scheme."""
        length = self.data + self.checks
        near = sum(math.comb(length, n) for n in range(wrong + 1))
        return near / (1 << (self.checks + VERSION_BITS))


SUPER = Scheme("BCH_SUPER", 0, 40, 8)
BCH_5 = Scheme("BCH_5", 1, 61, 5)
BCH_4 = Scheme("BCH_4", 2, 68, 4)
BCH_3 = Scheme("BCH_3", 3, 75, 3)
SCHEMES = (SUPER, BCH_5, BCH_4, BCH_3)


@dataclass(frozen=True)
class Packet:
    """What 100 bits carry. data: as a whole number, the first bit highest. wrong: bits mended."""

    scheme: Scheme
    data: int
    wrong: int = 0

    @property
    def text(self) -> str:
        """As Adobe's example writes it into a soft binding: scheme, a star, the data's bits."""
        return f"{self.scheme.version}*{self.data:0{self.scheme.data}b}"

    @property
    def is_clear(self) -> bool:
        """Whether chance hardly gives such bits."""
        return self.scheme.chance(self.wrong) <= MOST_CHANCE


def packed(packet: Packet) -> Float32[np.ndarray, " 100"]:
    """The bits, 0 or 1, in the order in which the encoder takes them."""
    scheme = packet.scheme
    checks = bch(scheme.errors).encode(packet.data << scheme.filling)
    word = (packet.data << scheme.checks | checks) << VERSION_BITS | scheme.version
    return np.array([word >> place & 1 for place in range(BITS - 1, -1, -1)], np.float32)


def unpacked(bits: Bool[np.ndarray, " 100"]) -> Packet | None:
    """What bits carry, some of which may be wrong; None where they are near no word."""
    word = int("".join("1" if bit else "0" for bit in bits), 2)
    version = word & (2**VERSION_BITS - 1)
    scheme = next((one for one in SCHEMES if one.version == version), None)
    if scheme is None:
        return None
    carried = word >> VERSION_BITS
    data, checks = carried >> scheme.checks, carried & (2**scheme.checks - 1)
    whole = data << (scheme.filling + scheme.checks) | checks
    found = bch(scheme.errors).correct(whole, scheme.data + scheme.filling + scheme.checks)
    if found is None:
        return None
    right, wrong = found
    filled = right >> scheme.checks
    if filled & (2**scheme.filling - 1):  # the filling is not carried, so it cannot be wrong
        return None
    return Packet(scheme, filled >> scheme.filling, wrong)


def from_text(text: str) -> Packet | None:
    """A packet as a soft binding states it; None for anything else."""
    version, star, bits = text.partition("*")
    scheme = next((one for one in SCHEMES if str(one.version) == version), None)
    if scheme is None or not star or len(bits) != scheme.data or set(bits) - {"0", "1"}:
        return None
    return Packet(scheme, int(bits, 2))
