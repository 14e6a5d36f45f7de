"""How a mark stands in a C2PA soft binding: what `value` says, by its algorithm.

Ours is base64 of the id's bytes. TrustMark's is the text that Adobe's example writes: the scheme's
number, a star, and the bits of the data.
"""

from __future__ import annotations

import base64
import binascii

from engine.frame import Mark
from engine.provenance.trustmark.packet import from_text
from engine.provenance.trustmark.payload import ID_BITS, id_of, packet_of
from engine.provenance.trustmark.picture import VARIANTS

TRUSTMARKS = frozenset(variant.algorithm for variant in VARIANTS)


def told(mark: Mark) -> str:
    """The value that a manifest states of a mark."""
    if mark.algorithm in TRUSTMARKS:
        return packet_of(int.from_bytes(mark.value, "big")).text
    return base64.b64encode(mark.value).decode("ascii")


def read(algorithm: str, value: str) -> bytes | None:
    """The bytes of the id that a manifest states; None where it states no id of this program."""
    if algorithm in TRUSTMARKS:
        packet = from_text(value)
        id = None if packet is None else id_of(packet)
        return None if id is None else id.to_bytes(ID_BITS // 8, "big")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
