"""Lessons before the game: the generator is shown the pictures that its z's stand for.

Two cores see some ten thousand pictures in a sitting, where a GAN that starts from nothing needs
millions. But every drawn picture comes from independent numbers, and normal scores of those
numbers, turned at random into z_dim dimensions, are distributed exactly as z is. So the generator
can be taught by regression first (distillation; the losses are those of Dosovitskiy and Brox,
2016: pixels and features), and learns by the adversarial game what regression leaves soft; a
lesson after each step of the game keeps what was taught.
The rotation is thrown away afterwards: nothing else in the program knows which way is which.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.special import ndtri
from torch import Tensor

from engine.portraits.attributes import NUMBERS, uniform
from engine.training.ema import ema_keep, ema_update
from engine.training.feature_rival import FeatureRival
from engine.training.options import TrainStyleGAN2
from engine.training.stylegan2_game import StyleGAN2Game, sum_of

EDGES = 0.5
FEATURES = 0.15
FINAL_RATE = 0.15
MAPPING_SPEED = 5.0  # it has had its own lesson, see `teach_mapping`


class Lessons:
    """Regression of the game's generator to drawn pictures, one batch a step."""

    def __init__(
        self,
        spec: TrainStyleGAN2,
        game: StyleGAN2Game,
        pictures: UInt8[np.ndarray, "n 3 r r"],
        guide: FeatureRival | None,
    ) -> None:
        self.spec, self.game, self.pictures, self.guide = spec, game, pictures, guide
        self.scores, self.turn = normal_scores(spec, len(pictures))
        mapping, synthesis = game.generator.mapping, game.generator.synthesis
        self.optimiser = torch.optim.Adam(
            [
                {"params": list(synthesis.parameters()), "speed": 1.0},
                {"params": list(mapping.parameters()), "speed": MAPPING_SPEED},
            ],
            lr=spec.taught_rate,
            betas=(0.9, 0.99),
            fused=True,
        )

    def step(self, until: int | None = None) -> dict[str, Tensor]:
        """Teach one batch; returns the loss.

        until: how many images the run will have seen when these lessons end, and the rate of
        learning with them; None for a lesson between two steps of the game.
        """
        game, batch = self.game, self.spec.taught_batch
        picked = torch.randint(0, len(self.pictures), (batch,))
        real = torch.from_numpy(self.pictures[picked.numpy()]).float() / 127.5 - 1.0
        spare = torch.randn(batch, self.turn.shape[0] - self.scores.shape[1])
        z = torch.cat([self.scores[picked], spare], dim=1) @ self.turn
        w = game.generator.mapping.w(z)
        game.generator.mapping.track(w)
        weights = list(game.generator.synthesis.parameters())
        silent = [None] * len(game.generator.synthesis.noise_layers())

        def work(part: slice) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            own = w[part].detach().requires_grad_(True)
            ws = own.unsqueeze(1).expand(-1, game.generator.config.num_ws, -1)
            fake = game.generator.synthesis.with_noises(ws, silent)
            loss = self._distance(fake, real[part]) * (len(own) / batch)
            return loss.detach(), torch.autograd.grad(loss, [own, *weights], allow_unused=True)

        done = game.shards.map(work, batch, self.spec.resolution)
        self.optimiser.zero_grad(set_to_none=True)
        of_w = torch.cat([shard[1][0] for shard in done if shard[1][0] is not None])
        torch.autograd.backward([w], [of_w])
        game.take(weights, [shard[1][1:] for shard in done])
        self._set_rate(until)
        self.optimiser.step()
        if until is not None:
            game.images += batch
        keep = ema_keep(batch, game.images, self.spec.ema_images, self.spec.ema_rampup)
        ema_update(game.average, game.generator, keep)
        return {"taught": sum_of([shard[0] for shard in done])}

    def state(self) -> dict[str, Any]:
        """What a resumed run needs besides the game's state."""
        return {"lessons": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        if "lessons" in state:
            self.optimiser.load_state_dict(state["lessons"])

    def _distance(
        self, fake: Float[Tensor, "n 3 r r"], real: Float[Tensor, "n 3 r r"]
    ) -> Float[Tensor, ""]:
        miss = fake - real
        across, down = miss.diff(dim=3), miss.diff(dim=2)
        loss = miss.abs().mean() + EDGES * (across.abs().mean() + down.abs().mean())
        if self.guide is not None:
            with torch.no_grad():
                wanted = self.guide.features(real)
            for got, want in zip(self.guide.features(fake), wanted, strict=True):
                loss = loss + FEATURES * (got - want).abs().mean() / want.mean()
        return loss

    def _set_rate(self, until: int | None) -> None:
        """Full speed for two thirds of the lessons, then down in a straight line."""
        left = 0.0 if until is None else max(0.0, 1.0 - self.game.images / until)
        rate = self.spec.taught_rate * min(1.0, max(FINAL_RATE, 3.0 * left))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["speed"]


def normal_scores(
    spec: TrainStyleGAN2, count: int
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "z_dim z_dim"]]:
    """Each picture's drawn numbers as independent normal ones, and a random rotation."""
    drawn = uniform(spec.data_seed, np.arange(count, dtype=np.int64), NUMBERS)
    scores = ndtri(np.clip(drawn, 1e-6, 1.0 - 1e-6)).astype(np.float32)
    own = torch.Generator().manual_seed(spec.seed)
    turn, _ = torch.linalg.qr(torch.randn(spec.z_dim, spec.z_dim, generator=own))
    return torch.from_numpy(scores), turn
