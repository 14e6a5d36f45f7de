"""The short game: a discriminator that learns beside the lessons and has a say in them."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from engine.training.families.critic import GAMES, LAZY, Critic, penalty_of
from engine.training.families.spec import TrainFamily


class Match:
    """One family's discriminator and its optimiser."""

    def __init__(self, spec: TrainFamily, device: torch.device) -> None:
        config = spec.config
        self.game = GAMES[config.family]
        self.critic = Critic(config.resolution, config.c_dim, self.game.bounded).to(device)
        self.optimiser = torch.optim.Adam(
            self.critic.parameters(), lr=spec.critic_rate, betas=(0.0, 0.99), fused=True
        )
        self.steps = 0

    def against(self, fake: Float[Tensor, "n 3 r r"], c: Int64[Tensor, " n"]) -> Float[Tensor, ""]:
        """The generator's loss; its gradient passes the discriminator by."""
        self.critic.requires_grad_(False)
        loss = self.game.made(self.critic(fake, c))
        self.critic.requires_grad_(True)
        return loss

    def learn(
        self,
        real: Float[Tensor, "n 3 r r"],
        fake: Float[Tensor, "n 3 r r"],
        c: Int64[Tensor, " n"],
    ) -> Float[Tensor, ""]:
        """One step of the discriminator; returns its loss without the penalty."""
        fake = fake.detach()
        loss = self.game.judged(self.critic(real, c), self.critic(fake, c))
        whole = loss
        if self.game.penalty and self.steps % LAZY == 0:
            whole = loss + penalty_of(self.game, self.critic, real, fake, c)
        self.optimiser.zero_grad(set_to_none=True)
        whole.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.steps += 1
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        critic, optimiser = self.critic.state_dict(), self.optimiser.state_dict()
        return {"critic": critic, "optimiser": optimiser, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = int(state["steps"])
