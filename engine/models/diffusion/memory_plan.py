"""How a diffusion model is run in the memory that there is. It decides, and others do: no torch.

Attention is never cut into slices: all networks here attend through torch's scaled dot products,
which keep no matrix of all places by all places anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import ModelError
from engine.models.diffusion.kandinsky_config import MOVQ
from engine.models.diffusion.latent_config import UNET, VAE

Weights = Literal["float32", "bfloat16", "float16"]
BYTES: Mapping[Weights, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
DECODING = frozenset((VAE, MOVQ))  # parts that stay float32: in float16 published ones overflow
STEP_BYTES = 2  # for each weight of the network at work: what it leaves on the way
DECODED_BYTES = 12 * 128 * 4  # for each pixel that is decoded at once, at the usual 128 channels
TILES = (0, 512, 256)  # px; 0 for the whole picture at once
SMALL = 100_000_000  # weights in all: with fewer the processor is quick enough, and exact
GIB = 2**30


@dataclass(frozen=True)
class Room:
    """Bytes that are free: in the machine's memory, and on its graphics card (0 for none)."""

    ram: int
    card: int = 0


@dataclass(frozen=True)
class Needs:
    """parts: numbers of weights by the prefix of each network. side: of its pictures, in px.
    stored: bytes of its file, which is read whole. beside: numbers of the ControlNets that work
    with its U-Net."""

    parts: Mapping[str, int]
    side: int
    stored: int
    beside: int = 0


@dataclass(frozen=True)
class Plan:
    """A way to run a model. weights: how they are held; computing stays float32 on the processor.
    tile: side of what is decoded at once, in px; 0 for all. apart: one network at a time is on the
    card. ram, card: bytes that this takes."""

    device: Literal["cpu", "cuda"]
    weights: Weights
    tile: int
    apart: bool
    ram: int
    card: int

    @property
    def way(self) -> tuple[str, str, int, bool]:
        """All but the bytes."""
        return self.device, self.weights, self.tile, self.apart

    @property
    def plain(self) -> bool:
        """Whether its pictures are those of a machine with room for all."""
        return self.way == ("cpu", "float32", 0, False)

    @property
    def how(self) -> str:
        """The plan in words, without the bytes."""
        where = "the processor" if self.device == "cpu" else "the graphics card"
        said = [f"{self.weights} weights on {where}"]
        if self.apart:
            said.append("one part at a time")
        if self.tile:
            said.append(f"decoded in tiles of {self.tile} px")
        return ", ".join(said)

    @property
    def words(self) -> str:
        """The plan in one line."""
        said = [self.how]
        said.append(f"about {_amount(self.ram)} of memory")
        if self.card:
            said.append(f"{_amount(self.card)} of the card")
        return ", ".join(said)


def plan_for(needs: Needs, room: Room, where: str) -> Plan:
    """The first plan that fits: the graphics card before the processor, all before parts, float32
    before half of it, whole pictures before tiles. Raises ModelError where none does."""
    for plan in _plans(needs):
        if plan.ram <= room.ram and plan.card <= room.card:
            return plan
    least = least_plan(needs)
    together = " with its ControlNets" if needs.beside else ""
    raise ModelError(
        f"{where}{together} needs about {_amount(least.ram)} of memory to run; "
        f"{_amount(room.ram)} are free here.",
        "Close other programs, take a smaller model, or another machine.",
    )


def least_plan(needs: Needs) -> Plan:
    """The one on the processor that takes the least memory."""
    *_, last = _plans(needs)
    return last


def _plans(needs: Needs) -> Iterator[Plan]:
    """Every way, best first; the last one on the processor takes the least."""
    decodes = any(part in DECODING for part in needs.parts)
    tiles = [tile for tile in TILES if not tile or (decodes and tile < needs.side)]
    small = sum(needs.parts.values()) < SMALL
    for apart in () if small else (False, True):
        for tile in tiles:
            sizes, work = _held(needs, "float16"), _work(needs, tile)
            each = [sizes[part] + work[part] for part in sizes]
            card = max(each) if apart else sum(sizes.values()) + max(work.values())
            ram = sum(sizes.values()) + needs.stored
            yield Plan("cuda", "float16", tile, apart, ram, card)
    weights: Weights
    for weights in ("float32", "bfloat16"):
        for tile in tiles:
            held = sum(_held(needs, weights).values())
            most = max(needs.stored, *_work(needs, tile).values())  # never both at once
            yield Plan("cpu", weights, tile, False, held + most, 0)


def _held(needs: Needs, weights: Weights) -> dict[str, int]:
    """Bytes of each part."""
    found = {
        part: count * BYTES["float32" if part in DECODING else weights]
        for part, count in needs.parts.items()
    }
    if needs.beside:
        found[UNET] = found.get(UNET, 0) + needs.beside * BYTES[weights]
    return found


def _work(needs: Needs, tile: int) -> dict[str, int]:
    """Bytes that each part takes while it works."""
    decoded = (tile or needs.side) ** 2 * DECODED_BYTES
    found = {
        part: decoded if part in DECODING else count * STEP_BYTES
        for part, count in needs.parts.items()
    }
    if needs.beside:
        found[UNET] = found.get(UNET, 0) + needs.beside * STEP_BYTES
    return found


def _amount(size: int) -> str:
    """Bytes in the unit that says something."""
    size = max(size, 0)
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size >> 20} MiB"
