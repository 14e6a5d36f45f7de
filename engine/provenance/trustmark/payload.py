"""What this program writes into a TrustMark: the 40-bit id of a ledger's row, and a check of ours.

BCH_5 has 61 bits of data: 40 for the id and 21 for a keyed check, by which a TrustMark of somebody
else is told from one of this program. Its key ships with the program: it keeps chance away, and
forgers not at all.
"""

from __future__ import annotations

import hashlib
import hmac

from engine.provenance.trustmark.packet import BCH_5, Packet

ID_BITS = 40
CHECK_BITS = BCH_5.data - ID_BITS
KEY = b"Latent Atelier TrustMark check, first version"


def packet_of(id: int) -> Packet:
    """The packet that carries an id of 40 bits."""
    return Packet(BCH_5, id << CHECK_BITS | _check(id))


def id_of(packet: Packet) -> int | None:
    """The id in a packet; None where it is not one of this program."""
    id, check = packet.data >> CHECK_BITS, packet.data & (2**CHECK_BITS - 1)
    return id if packet.scheme == BCH_5 and check == _check(id) else None


def _check(id: int) -> int:
    digest = hmac.new(KEY, id.to_bytes(ID_BITS // 8, "big"), hashlib.sha256).digest()
    return int.from_bytes(digest[:3], "big") >> (24 - CHECK_BITS)
