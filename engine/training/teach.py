"""Lessons before the game: the generator is shown the pictures that its z's stand for.

Two cores see some ten thousand pictures in a sitting, where a GAN that starts from nothing needs
millions. But every drawn picture comes from independent numbers, and normal scores of those
numbers, turned at random into z_dim dimensions, are distributed exactly as z is. So the generator
can be taught by regression first (distillation; the losses are those of Dosovitskiy and Brox,
2016: pixels, features, and a rival for what regression leaves soft, see `paired_rival`). A lesson
after each step of the game keeps what was taught. z is used on the sphere of radius
sqrt(z_dim), since the mapping network normalises it and could not tell lengths apart.
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
from engine.training.muon import Muon
from engine.training.options import TrainStyleGAN2
from engine.training.paired_rival import PairedRival
from engine.training.perceptual import WIDTHS, PerceptualLoss, distance
from engine.training.stylegan2_game import Gradients, StyleGAN2Game, sum_of

EDGES = 0.5
FINAL_RATE = 0.05
MAPPING_SPEED = 5.0  # it has had its own lesson, see `teach_mapping`


class Lessons:
    """Regression of the game's generator to drawn pictures, one batch a step."""

    def __init__(
        self,
        spec: TrainStyleGAN2,
        game: StyleGAN2Game,
        pictures: UInt8[np.ndarray, "n 3 r r"],
        eye: PerceptualLoss | None,
    ) -> None:
        self.spec, self.game, self.pictures, self.eye = spec, game, pictures, eye
        self.scores, self.turn = normal_scores(spec, len(pictures))
        mapping, synthesis = game.generator.mapping, game.generator.synthesis
        matrices: list[Tensor] = []
        rest: list[Tensor] = []
        for name, weight in synthesis.named_parameters():
            multiplies = weight.ndim in (2, 4) and ".torgb.weight" not in name
            (matrices if multiplies else rest).append(weight)
        slow, fast = spec.taught_rate, spec.taught_matrix_rate
        self.optimisers: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Adam(
                [
                    {"params": rest, "full": slow},
                    {"params": list(mapping.parameters()), "full": slow * MAPPING_SPEED},
                ],
                lr=slow,
                betas=(0.9, 0.99),
                fused=True,
            ),
            Muon([{"params": matrices, "full": fast}], lr=fast),
        )
        self.rival: PairedRival | None = None
        if eye is not None and spec.rivalry:
            self.rival = PairedRival(WIDTHS).to(game.hardware.device)
            self.optimisers += (
                torch.optim.Adam(
                    [{"params": list(self.rival.parameters()), "full": spec.rival_rate}],
                    lr=spec.rival_rate,
                    betas=(0.5, 0.99),
                    fused=True,
                ),
            )

    def step(self, until: int | None = None) -> dict[str, Tensor]:
        """Teach one batch; returns the loss.

        until: how many images the run will have seen when these lessons end, and the rate of
        learning with them; None for a lesson between two steps of the game.
        """
        game, batch = self.game, self.spec.taught_batch
        device = game.hardware.device
        picked = torch.randint(0, len(self.pictures), (batch,))
        real = torch.from_numpy(self.pictures[picked.numpy()]).to(device).float() / 127.5 - 1.0
        z = on_sphere(self.scores[picked], self.turn).to(device)
        w = game.generator.mapping.w(z)
        game.generator.mapping.track(w)
        weights = list(game.generator.synthesis.parameters())
        heads = [] if self.rival is None else list(self.rival.parameters())
        silent = [None] * len(game.generator.synthesis.noise_layers())
        if self.rival is not None:
            self.rival.refresh()

        def work(part: slice) -> tuple[dict[str, Tensor], Gradients, Gradients]:
            own = w[part].detach().requires_grad_(True)
            share = len(own) / batch
            ws = own.unsqueeze(1).expand(-1, game.generator.config.num_ws, -1)
            with game.hardware.casting():
                fake = game.generator.synthesis.with_noises(ws, silent)
                told, loss, of_rival = self._losses(fake, real[part])
            mine = torch.autograd.grad(
                loss * share, [own, *weights], allow_unused=True, retain_graph=bool(heads)
            )
            others = torch.autograd.grad(of_rival * share, heads) if heads else ()
            return {name: value.detach() * share for name, value in told.items()}, mine, others

        done = game.shards.map(work, batch, self.spec.resolution)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        of_w = torch.cat([shard[1][0] for shard in done if shard[1][0] is not None])
        torch.autograd.backward([w], [of_w])
        game.take(weights, [shard[1][1:] for shard in done])
        if heads:
            game.take(heads, [shard[2] for shard in done])
        self._set_rate(until)
        for optimiser in self.optimisers:
            optimiser.step()
        if until is not None:
            game.images += batch
        keep = ema_keep(batch, game.images, self.spec.ema_images, self.spec.ema_rampup)
        ema_update(game.average, game.generator, keep)
        return {name: sum_of([shard[0][name] for shard in done]) for name in done[0][0]}

    def state(self) -> dict[str, Any]:
        """What a resumed run needs besides the game's state."""
        kept: dict[str, Any] = {"lessons": [each.state_dict() for each in self.optimisers]}
        return kept if self.rival is None else kept | {"rival": self.rival.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        if "lessons" in state:
            for optimiser, kept in zip(self.optimisers, state["lessons"], strict=True):
                optimiser.load_state_dict(kept)
        if self.rival is not None and "rival" in state:
            self.rival.load_state_dict(state["rival"])

    def _losses(
        self, fake: Float[Tensor, "n 3 r r"], real: Float[Tensor, "n 3 r r"]
    ) -> tuple[dict[str, Tensor], Float[Tensor, ""], Float[Tensor, ""]]:
        """What is told of the lesson, the generator's loss, and the rival's."""
        miss = fake - real
        across, down = miss.diff(dim=3), miss.diff(dim=2)
        loss = miss.abs().mean() + EDGES * (across.abs().mean() + down.abs().mean())
        if self.eye is None:
            return {"taught": loss}, loss, loss.new_zeros(())
        made, drawn = self.eye.maps(fake), self.eye.wanted(real)
        loss = loss + self.spec.perceptual * distance(made, drawn)
        if self.rival is None:
            return {"taught": loss}, loss, loss.new_zeros(())
        against, own = self.rival.losses(made, drawn)
        return {"taught": loss, "rival": own}, loss + self.spec.rivalry * against, own

    def _set_rate(self, until: int | None) -> None:
        """Full speed for two thirds of the lessons, then down in a straight line."""
        left = 0.0 if until is None else max(0.0, 1.0 - self.game.images / until)
        share = min(1.0, max(FINAL_RATE, 3.0 * left))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * share


def normal_scores(
    spec: TrainStyleGAN2, count: int
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "z_dim z_dim"]]:
    """Each picture's drawn numbers as independent normal ones, and a random rotation."""
    drawn = uniform(spec.data_seed, np.arange(count, dtype=np.int64), NUMBERS)
    scores = ndtri(np.clip(drawn, 1e-6, 1.0 - 1e-6)).astype(np.float32)
    own = torch.Generator().manual_seed(spec.seed)
    turn, _ = torch.linalg.qr(torch.randn(spec.z_dim, spec.z_dim, generator=own))
    return torch.from_numpy(scores), turn


def on_sphere(
    scores: Float[Tensor, "n k"], turn: Float[Tensor, "z_dim z_dim"]
) -> Float[Tensor, "n z_dim"]:
    """z of length sqrt(z_dim) behind which stand these scores; what they leave free is random."""
    count, known = scores.shape
    free = torch.nn.functional.normalize(torch.randn(count, len(turn) - known), dim=1)
    length = (len(turn) - scores.square().sum(dim=1, keepdim=True)).clamp(min=0.5).sqrt()
    return torch.cat([scores, free * length], dim=1) @ turn
