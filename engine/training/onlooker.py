"""What looks at made pictures beside the drawn ones that they stand for: a network trained on
photographs, which stays as it is, and a rival on what that one sees, which learns along."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.training.paired_rival import PairedRival
from engine.training.perceptual import SIZE, WIDTHS, PerceptualLoss, distance

JUDGED = 3  # feature maps, the coarsest: a head on the finest costs as much as a generator


class Onlooker:
    """perceptual, rivalry: what features and the rival count. size: see PerceptualLoss. rate: of
    the rival's learning. Raises ModelError where the ImageNet weights are not installed."""

    def __init__(
        self,
        device: torch.device,
        perceptual: float,
        rivalry: float = 0.0,
        size: int = SIZE,
        rate: float = 1e-3,
    ) -> None:
        self.perceptual, self.rivalry = perceptual, rivalry
        self.eye = PerceptualLoss(device, size)
        self.rival = PairedRival(WIDTHS[-JUDGED:]).to(device)
        self.optimiser = torch.optim.Adam(self.rival.parameters(), rate, (0.5, 0.99), fused=True)
        self._own: Tensor | None = None  # the rival's loss of the pictures looked at last
        self.seen: dict[str, Tensor] = {}  # of those, for the record

    def unlike(
        self, made: Float[Tensor, "n 3 r r"], drawn: Float[Tensor, "n 3 r r"]
    ) -> Float[Tensor, ""]:
        """How unlike these pairs in [-1, 1] are, for what made them; `learn` when its gradient is
        taken."""
        found, wanted = self.eye.maps(made), self.eye.wanted(drawn)
        far = distance(found, wanted)
        self.seen, loss = {"distance": far.detach()}, self.perceptual * far
        if self.rivalry:
            self.rival.refresh()
            against, self._own = self.rival.losses(found[-JUDGED:], wanted[-JUDGED:])
            self.seen["rival"] = self._own.detach()
            loss = loss + self.rivalry * against
        return loss

    def learn(self) -> None:
        """The rival's step on the pairs looked at last, where there were any since."""
        if self._own is None:
            return
        # What the other side's loss left on the heads would teach them the contrary.
        self.optimiser.zero_grad(set_to_none=True)
        self._own.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._own = None

    def stateful(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        if not self.rivalry:
            return {}
        return {"rival": self.rival, "rival_optimiser": self.optimiser}
