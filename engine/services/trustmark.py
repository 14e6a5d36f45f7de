"""TrustMark in exports and verifications, where the user has its networks."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.device import physical_cores
from engine.errors import AtelierError, UsageError
from engine.frame import Mark, MarkFound
from engine.image.pixels import psnr
from engine.provenance.soft_binding import TRUSTMARKS
from engine.provenance.trustmark.packet import Packet, packed, unpacked
from engine.provenance.trustmark.payload import ID_BITS, id_of, packet_of
from engine.provenance.trustmark.picture import Decoder, Encoder, Pixels, Variant, added, read
from engine.services.marking import LEAST_SIDE_PX
from engine.services.trustmark_folder import folder_of
from engine.services.trustmark_networks import Pair, look_at, opened, variants_in
from engine.services.trustmark_trial import FILE, check_pair

STRENGTHS = (1.0, 1.25, 1.5)
"""The published strength, then more, until the mark reads back."""
LEAST_PSNR = 37.0  # dB
TURNS = (0, 1, 2, 3)  # quarter turns that a picture is tried in, as the published program can


@dataclass(frozen=True)
class TrustMark:
    """One variant, opened."""

    pair: Pair
    encode: Encoder
    decode: Decoder

    @property
    def variant(self) -> Variant:
        """Which one."""
        return self.pair.variant

    def mark(self, pixels: Pixels, id: int) -> tuple[Pixels, Mark] | None:
        """The picture with the id in it and what to state of it; None where it does not read back.

        As `marking.mark`: written, read back, and written more strongly until that gives the id.
        """
        if min(pixels.shape[:2]) < LEAST_SIDE_PX:
            return None
        for strength in STRENGTHS:
            made = self._added(pixels, id, strength)
            ratio = psnr(made, pixels)
            if ratio < LEAST_PSNR:
                return None
            found = self._packet(made)
            if found is not None and id_of(found) == id:
                parameters: dict[str, Any] = {"strength": strength, "psnr_db": round(ratio, 2)}
                value = id.to_bytes(ID_BITS // 8, "big")
                return made, Mark(
                    self.variant.algorithm, value, {**parameters, **self.pair.digests}
                )
        return None

    def mark_again(self, pixels: Pixels, stated: Mark) -> Pixels | None:
        """The same mark in the same pixels once more; None where other networks wrote it."""
        known = {key: stated.parameters.get(key) for key in self.pair.digests}
        strength = stated.parameters.get("strength")
        same = stated.algorithm == self.variant.algorithm and known == self.pair.digests
        if not same or strength not in STRENGTHS or len(stated.value) != ID_BITS // 8:
            return None
        return self._added(pixels, int.from_bytes(stated.value, "big"), float(strength))

    def read(self, pixels: Pixels) -> MarkFound | None:
        """The TrustMark in a picture; its id is None where this program did not write it.

        Bits thrown by chance read as a foreign one for one picture of some 5,000, all turns counted
        (`packet.MOST_CHANCE`), and as one of this program for one of 2^21 times as many.
        """
        foreign: MarkFound | None = None
        for turn in TURNS:
            packet = self._packet(np.ascontiguousarray(np.rot90(pixels, turn)))
            if packet is None:
                continue
            id = id_of(packet)
            sure = round(1 - packet.wrong / (packet.scheme.errors + 1), 3)
            found = MarkFound(id, sure, self.variant.algorithm, packet.text)
            if id is not None:
                return found
            if packet.is_clear and foreign is None:
                foreign = found
        return foreign

    def _added(self, pixels: Pixels, id: int, strength: float) -> Pixels:
        return added(pixels, packed(packet_of(id)), self.encode, self.variant, strength)

    def _packet(self, pixels: Pixels) -> Packet | None:
        return unpacked(read(pixels, self.decode, self.variant, self.pair.reads_px) > 0)


class TrustMarks:
    """The variants in a folder; opened at their first use, and kept. For several threads at once.

    home: the data folder, where is kept which networks passed their self test.
    """

    def __init__(self, home: Path) -> None:
        self.folder = folder_of(home)
        self._known = home / FILE
        self._lock = threading.Lock()
        self._open: dict[str, TrustMark] = {}
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Why networks that are there are not used, in words; known once they were asked for."""
        return tuple(self._problems.values())

    def writer(self) -> TrustMark:
        """What marks exports: the first variant. Raises UsageError where there is none."""
        present = variants_in(self.folder)
        if not present:
            raise UsageError(
                f"TrustMark needs its networks, but there are none in {self.folder}.",
                "Put Adobe's encoder_Q.onnx and decoder_Q.onnx there, or use the usual mark.",
            )
        return self._opened(present[0])

    def read(self, pixels: Pixels) -> MarkFound | None:
        """The TrustMark in a picture; one of ours before one of others. Never raises."""
        foreign: MarkFound | None = None
        for variant in variants_in(self.folder):
            try:
                found = self._opened(variant).read(pixels)
            except AtelierError as error:
                self._problems[variant.letter] = f"TrustMark {variant.letter}: {error.what}"
                continue
            if found is not None and found.id is not None:
                return found
            foreign = foreign or found
        return foreign

    def mark_again(self, pixels: Pixels, stated: Mark) -> Pixels | None:
        """As TrustMark.mark_again, by the variant that the mark states."""
        if stated.algorithm not in TRUSTMARKS:
            return None
        for variant in variants_in(self.folder):
            if variant.algorithm == stated.algorithm:
                try:
                    return self._opened(variant).mark_again(pixels, stated)
                except AtelierError:
                    return None
        return None

    def _opened(self, variant: Variant) -> TrustMark:
        with self._lock:
            if variant.letter not in self._open:
                pair = look_at(self.folder, variant)
                check_pair(pair, self._known)
                self._open[variant.letter] = TrustMark(pair, *opened(pair, physical_cores()))
            return self._open[variant.letter]


def why_none(pixels: Pixels) -> str:
    """Why `TrustMark.mark` gave none, for whoever exports."""
    short = min(pixels.shape[:2])
    reason = (
        f"A picture of {short} px takes no TrustMark that lasts"
        if short < LEAST_SIDE_PX
        else f"No TrustMark reads back from this picture within {LEAST_PSNR:.0f} dB"
    )
    return f"{reason}: a copy without its credentials is found by its looks alone."
