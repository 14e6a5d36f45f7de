"""Where the networks of an opened model live, as its plan says. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import nn

from engine.diffusion.card import Card
from engine.diffusion.latent_parts import filled
from engine.models.diffusion.eyes_config import EYES
from engine.models.diffusion.latent_config import TEXT, TEXT_2, UNET
from engine.models.diffusion.memory_plan import DECODING, Needs, Plan, Room, plan_for
from engine.models.diffusion.part_settings import named, part_called
from engine.models.diffusion.room import room_now
from engine.models.diffusion.unclip_config import BRIDGE
from engine.perception.fitting import Tensors

# Parts that are asked once a picture, and whose numbers may outgrow float16: theirs are not halved
# while they compute.
READING = frozenset((TEXT, TEXT_2, EYES, BRIDGE))
KINDS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Housing:
    """What was needed, what there was, and what follows. card: None where none is used."""

    needs: Needs
    room: Room
    plan: Plan
    card: Card | None

    @classmethod
    def of(cls, needs: Needs, where: str) -> Housing:
        """A place for such a model on this machine. Raises ModelError where there is none."""
        room = room_now()
        plan = plan_for(needs, room, where)
        card = Card(torch.device("cuda"), plan.apart) if plan.device == "cuda" else None
        return cls(needs, room, plan, card)

    def suits(self, beside: int, where: str) -> bool:
        """Whether ControlNets of so many weights have their place here, too, or the model should
        be opened again with them. Raises ModelError where neither would help."""
        if beside <= self.needs.beside:
            return True
        wider = plan_for(replace(self.needs, beside=beside), self.room, where)
        return wider.way == self.plan.way

    def filled(self, net: Net, tensors: Tensors, where: str, part: str = UNET) -> Net:
        """A network without memory, given its weights and its place. part: whose place it shares.
        Raises ModelError."""
        half = None if part in DECODING else KINDS[self.plan.weights]
        on_card = self.card is not None and part not in READING
        made = filled(net, tensors, where, half, wide=not on_card)
        if self.card is None:
            return made
        return self.card.placed(made, part, half if on_card else None)

    def filled_all(
        self, networks: Mapping[str, nn.Module], tensors: Tensors, where: str
    ) -> dict[str, Any]:
        """All networks of a model, by prefix. Raises ModelError."""
        return {
            prefix: self.filled(net, part_called(tensors, prefix), named(where, prefix), prefix)
            for prefix, net in networks.items()
        }


def counted(net: nn.Module) -> int:
    """The numbers that a network's weights are."""
    return sum(value.numel() for value in net.state_dict().values())


def needs_of(
    networks: Mapping[str, nn.Module], tensors: Tensors, side: int, beside: int = 0
) -> Needs:
    """What a model of these networks needs. side: of its pictures, in px."""
    parts = {prefix: counted(net) for prefix, net in networks.items()}
    return Needs(parts, side, sum(array.nbytes for array in tensors.values()), beside)
