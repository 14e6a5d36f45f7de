"""What a card says of a network of guided diffusion (Dhariwal and Nichol, 2021). No torch here.

Its published files hold tensors and no settings. Sizes follow from the shapes; what shapes cannot
tell follows from the side of the pictures, as the published commands have it: all attend at 32, 16
and 8 px.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.errors import ModelError
from engine.models.diffusion.part_settings import COLOURS

ADM = "guided-diffusion"
ATTENDS_PX, HEAD, FEW_HEADS = 32, 64, 4
TIMES = 4  # that an upsampler enlarges
GROUPS = 32
MARKS = ("input_blocks.0.0.weight", "time_embed.0.weight", "out.0.weight")  # all have these
Kind = Literal["maker", "upsampler", "inpainter", "classifier"]
SEES: Mapping[int, Kind] = {3: "maker", 6: "upsampler", 7: "inpainter"}  # channels


@dataclass(frozen=True)
class AdmConfig:
    """kind: what it is. width: of the time's first embedding. channels: of each level. blocks: in
    a level. attends: which levels do. side: of its pictures, in px. classes: how many; of a maker
    0 is none. outputs: of its last layer. scales: the time scales and shifts. moves: halved and
    doubled within residual blocks."""

    kind: Kind
    width: int
    channels: tuple[int, ...]
    blocks: int
    attends: tuple[bool, ...]
    side: int
    classes: int
    outputs: int
    scales: bool = True
    moves: bool = True

    @property
    def small(self) -> bool:
        """Whether it begins a cascade."""
        return self.kind in ("maker", "inpainter") and self.side == 64

    @property
    def sees(self) -> int:
        """Channels of what it is given."""
        return next((channels for channels, kind in SEES.items() if kind == self.kind), 3)

    @property
    def schedule(self) -> Schedule:
        """Of its training."""
        learned = self.outputs == 2 * COLOURS
        return Schedule(
            "cosine" if self.small else "linear",
            variance="learned_range" if learned else "fixed_small",
        )

    @property
    def heads(self) -> int:
        """How many heads there are at each attention; 0 for one for each 64 channels."""
        few = {"maker": 128, "upsampler": 256}
        return FEW_HEADS if few.get(self.kind) == self.side else 0

    @property
    def apart(self) -> bool:
        """Whether queries, keys and values stand apart, and not head by head."""
        return self.small

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "channels": list(self.channels), "attends": list(self.attends)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> AdmConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            told = {**plain, "channels": tuple(plain["channels"]),
                    "attends": tuple(map(bool, plain["attends"]))}  # fmt: skip
            config = cls(**told)
        except (KeyError, TypeError, ValueError) as error:
            raise odd_adm(where, f"its settings are incomplete: {str(error)[:120]}") from error
        numbers = (config.width, *config.channels, config.blocks, config.side, config.outputs)
        sound = all(type(n) is int and 0 < n <= 8192 for n in numbers)
        levels = 1 <= len(config.channels) == len(config.attends) <= 10
        odd = [c for c in config.channels if c % GROUPS]
        if not sound or not levels or odd or not 0 <= config.classes < 65536:
            raise odd_adm(where, f"it has the sizes {str(numbers)[:80]}")
        if config.kind not in get_args(Kind) or config.blocks > 16:
            raise odd_adm(where, f"it is {str(config.kind)[:20]!r} of {config.blocks} blocks")
        return config


def is_adm(names: frozenset[str]) -> bool:
    """Whether a file with these tensors is one of these."""
    return names.issuperset(MARKS)


def adm_config(tensors: Mapping[str, np.ndarray], where: str) -> AdmConfig:
    """What the shapes say. Raises ModelError for what is missing or no such network."""
    try:
        return AdmConfig.from_dict(_inferred(tensors), where)
    except (KeyError, IndexError, ValueError) as error:
        raise odd_adm(where, f"it lacks {str(error)[:120]}") from error


def _inferred(tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    downs, ups = (_count(tensors, side) for side in ("input_blocks", "output_blocks"))
    pools = "out.2.positional_embedding" in tensors
    attending = [f"input_blocks.{i}.1.qkv.weight" in tensors for i in range(downs)]
    blocks = attending[::-1].index(False) if pools else _first_up(tensors, ups)
    levels = downs // (blocks + 1)
    firsts = [1 + level * (blocks + 1) for level in range(levels)]
    channels = [len(tensors[f"input_blocks.{i}.0.out_layers.3.weight"]) for i in firsts]
    attends = [attending[i] for i in firsts]
    sees = tensors["input_blocks.0.0.weight"].shape[1]
    time = tensors["input_blocks.1.0.emb_layers.1.weight"]
    labels = tensors.get("label_emb.weight")
    last = tensors["out.2.c_proj.weight" if pools else "out.2.weight"]
    side = ATTENDS_PX << attends.index(True)
    if pools:
        places = tensors["out.2.positional_embedding"].shape[1] - 1
        side = round(places**0.5) << (levels - 1)
    return {
        "kind": "classifier" if pools else SEES[sees],
        "width": tensors["time_embed.0.weight"].shape[1], "channels": channels,
        "blocks": blocks, "attends": attends, "side": side, "outputs": len(last),
        "classes": len(last) if pools else (0 if labels is None else len(labels)),
        "scales": len(time) == 2 * channels[0],
        "moves": f"input_blocks.{blocks + 1}.0.op.weight" not in tensors,
    }  # fmt: skip


def _count(tensors: Mapping[str, np.ndarray], row: str) -> int:
    found = {int(m[1]) for name in tensors if (m := re.match(rf"{row}\.(\d+)\.", name))}
    if found != set(range(len(found))):
        raise KeyError(f"{row}.{min(set(range(len(found))) - found)}")
    return len(found)


def _first_up(tensors: Mapping[str, np.ndarray], ups: int) -> int:
    """The first block on the way up whose end doubles: there are as many in a level before it."""
    for index in range(ups):
        for place in (1, 2):
            start = f"output_blocks.{index}.{place}."
            if f"{start}in_layers.0.weight" in tensors or f"{start}conv.weight" in tensors:
                return index
    raise KeyError("output_blocks.1.1.in_layers.0.weight")


def adm_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = AdmConfig.from_dict(card["config"], folder.name)
    small = config.kind == "upsampler"
    return DenoiserInfo.of_card(
        folder, card, bundled, config.side, classes=tuple(map(str, range(config.classes))),
        shown="small" if small else "", source_px=config.side // TIMES if small else 0,
        free=not config.classes,
    )  # fmt: skip


def odd_adm(where: str, words: str) -> ModelError:
    """The refusal of a network that is not read here."""
    return ModelError(
        f"{where} is no network of guided diffusion that is read here: {words}.",
        "Give a file as its makers published it: a diffusion model, an upsampler or a classifier.",
    )
