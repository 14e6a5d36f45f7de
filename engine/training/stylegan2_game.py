"""One training step of StyleGAN2: the two networks, their optimisers and their average."""

from __future__ import annotations

import copy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter

from engine.gan.discriminator import GROUP, Discriminator
from engine.gan.stylegan2 import Generator
from engine.training.augment import AdaptiveStrength, apply_changes, draw_changes
from engine.training.ema import ema_keep, ema_update
from engine.training.energy import EnergyJudge
from engine.training.feature_rival import FeatureRival
from engine.training.hardware import Hardware
from engine.training.losses import clip_weights, gradient_penalty, r1_penalty, repelling
from engine.training.options import TrainStyleGAN2
from engine.training.rules import (
    clip_limit,
    discriminator_loss,
    generator_loss,
    judges_by_energy,
    penalty_weight,
    repelling_weight,
    wants_r1,
)
from engine.training.shards import Shards, add_gradients

CALM = 0.1  # of its strength is left to the noise after the game
Gradients = tuple[Tensor | None, ...]


class StyleGAN2Game:
    """Generator against discriminator.

    Path-length regularisation is left out on purpose: it needs a second backward pass through
    the generator, smooths what shows above 256 px most, and buys nothing at the sizes that a
    CPU trains, where mixing and the moving average keep w well-behaved.
    """

    def __init__(
        self, spec: TrainStyleGAN2, hardware: Hardware, guide: FeatureRival | None = None
    ) -> None:
        self.spec = spec
        self.hardware = hardware
        torch.manual_seed(spec.seed)
        config = spec.config()
        self.generator = Generator(config).to(hardware.device)
        self.discriminator = _judge(spec, config.img_channels).to(hardware.device)
        for network in (self.generator, self.discriminator):
            for weight in network.parameters():
                if weight.ndim == 4:
                    weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        slower = spec.taught_slowdown if spec.taught else 1.0
        self.generator_optimiser = self._adam(self.generator, 1.0, slower)
        # Lazy regularisation counts as one step more in r1_every (Karras et al., 2020, app. B).
        ratio = spec.r1_every / (spec.r1_every + 1.0)
        self.discriminator_optimiser = self._adam(self.discriminator, ratio)
        self.guide = guide
        if guide is not None:
            guide.to(hardware.device)
            self.guide_optimiser = torch.optim.Adam(
                guide.heads.parameters(), lr=spec.guide_rate, betas=(0.0, 0.99), fused=True
            )
        self.strength = AdaptiveStrength(spec.ada_target, spec.ada_images)
        self.shards = Shards(hardware.device)
        self.images = 0
        self.played = 0  # of these, in the game itself
        self.steps = 0
        self.calm = False

    def step(
        self, real: Float[Tensor, "n 3 r r"], resolution: int, top_gain: float
    ) -> dict[str, Tensor]:
        """Train both networks on one batch of real pictures; returns the losses."""
        if self.guide is not None:
            self.guide.refresh()
        if not self.learning:
            fake, loss_g = self._made(resolution, top_gain), torch.zeros(())
        else:
            fake, loss_g = self._train_generator(resolution, top_gain)
        losses = self._train_discriminator(real, fake, resolution, top_gain)
        self.images += real.shape[0]
        self.played += real.shape[0]
        self.steps += 1
        keep = ema_keep(self.spec.batch, self.images, self.spec.ema_images, self.spec.ema_rampup)
        ema_update(self.average, self.generator, keep)
        return {"loss_g": loss_g, **losses}

    @property
    def learning(self) -> bool:
        """Whether the generator plays yet: a rival that knows nothing would spoil the lessons."""
        return not self.spec.taught or self.images >= self.spec.taught + self.spec.head_start

    @torch.no_grad()
    def calm_noise(self) -> None:
        """Turn the noise of every layer down, once, for good."""
        if not self.calm:
            for network in (self.generator, self.average):
                for layer in network.synthesis.noise_layers():
                    layer.noise_strength.mul_(CALM)
            self.calm = True

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to go on exactly as it would have."""
        state = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            "strength": self.strength.state(),
            "images": self.images,
            "played": self.played,
            "calm": self.calm,
            "steps": self.steps,
            "random": torch.get_rng_state(),
        }
        if self.guide is not None:
            state["guide"] = self.guide.heads.state_dict()
            state["guide_optimiser"] = self.guide_optimiser.state_dict()
        if self.hardware.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.hardware.device)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])
        self.strength.restore(state["strength"])
        if self.guide is not None and "guide" in state:  # a run may take a guide on later
            self.guide.heads.load_state_dict(state["guide"])
            self.guide_optimiser.load_state_dict(state["guide_optimiser"])
        self.images, self.steps = state["images"], state["steps"]
        self.played, self.calm = state["played"], state["calm"]
        torch.set_rng_state(state["random"].cpu())
        if "random_cuda" in state and self.hardware.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu(), self.hardware.device)

    def _adam(
        self, network: torch.nn.Module, ratio: float, slower: float = 1.0
    ) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(),
            lr=self.spec.learning_rate * ratio * slower,
            betas=(0.0, 0.99**ratio),
            eps=1e-8,
            fused=True,
        )

    def _ws(self, batch: int) -> Float[Tensor, "n num_ws w_dim"]:
        """Styles of new pictures; some take their finer layers from a second z."""
        device, num_ws = self.hardware.device, self.generator.config.num_ws
        mapping = self.generator.mapping
        w = mapping.w(torch.randn(2 * batch, self.spec.z_dim).to(device))
        mapping.track(w)
        first, second = w.chunk(2)
        crossover = torch.randint(1, num_ws, (batch,))
        crossover[torch.rand(batch) >= self.spec.mixing] = num_ws
        own = torch.arange(num_ws)[None] < crossover[:, None]
        return torch.where(own.to(device)[:, :, None], first[:, None], second[:, None])

    @torch.no_grad()
    def _made(self, resolution: int, top_gain: float) -> Tensor:
        """Pictures to practise on."""
        ws = self._ws(self.spec.batch)
        made: Tensor = self.generator.synthesis(ws, "random", resolution, top_gain)
        return made

    def _train_generator(self, resolution: int, top_gain: float) -> tuple[Tensor, Tensor]:
        batch, synthesis, judge = self.spec.batch, self.generator.synthesis, self.discriminator
        device = self.hardware.device
        judge.requires_grad_(False)
        ws = self._ws(batch)
        layers = synthesis.noise_layers(resolution)
        raw = [torch.randn(batch, 1, layer.resolution, layer.resolution) for layer in layers]
        changes = draw_changes(batch, resolution, self.strength.p, device)
        weights = list(synthesis.parameters())

        def work(part: slice) -> tuple[Tensor, Tensor, tuple[Tensor | None, ...]]:
            own = ws[part].detach().requires_grad_(True)
            with self.hardware.casting():
                noises = [
                    noise[part].to(device) * layer.noise_strength
                    for noise, layer in zip(raw, layers, strict=True)
                ]
                fake = synthesis.with_noises(own, noises, resolution, top_gain)
                seen = apply_changes(fake, None if changes is None else changes.part(part))
                logits = judge(seen, top_gain)
            told = generator_loss(self.spec.loss, logits) * (own.shape[0] / batch)
            loss = told + self._apart(fake) * (own.shape[0] / batch)
            if self.guide is not None:
                hint = self.guide.generator_loss(fake) * (own.shape[0] / batch)
                loss = loss + self.spec.guide_weight * hint
            gradients = torch.autograd.grad(loss, [own, *weights], allow_unused=True)
            return fake.detach(), told.detach(), gradients

        done = self.shards.map(work, batch, resolution)
        self.generator_optimiser.zero_grad(set_to_none=True)
        of_ws = torch.cat([shard[2][0] for shard in done if shard[2][0] is not None])
        torch.autograd.backward([ws], [of_ws])
        self.take(weights, [shard[2][1:] for shard in done])
        self.generator_optimiser.step()
        judge.requires_grad_(True)
        return torch.cat([shard[0] for shard in done]), sum_of([shard[1] for shard in done])

    def _apart(self, fake: Tensor) -> Tensor:
        """The pulling-away term of EBGAN; 0 for every other loss."""
        weight = repelling_weight(self.spec.loss)
        if not weight or not isinstance(self.discriminator, EnergyJudge):
            return torch.zeros((), device=fake.device)
        return weight * repelling(self.discriminator.codes(fake))

    def _train_discriminator(
        self, real: Tensor, fake: Tensor, resolution: int, top_gain: float
    ) -> dict[str, Tensor]:
        # The generator's batch serves again: making another one would cost a tenth of a step.
        count, p, device = real.shape[0], self.strength.p, self.hardware.device
        real = apply_changes(real, draw_changes(count, resolution, p, device))
        fake = apply_changes(fake, draw_changes(count, resolution, p, device))
        gap = penalty_weight(self.spec.loss) > 0
        between = (torch.rand(count) if gap else torch.zeros(count)).to(device)
        weights = list(self.discriminator.parameters())

        def work(part: slice) -> tuple[Tensor, Tensor, tuple[Tensor | None, ...]]:
            with self.hardware.casting():
                logits = self.discriminator(torch.cat([real[part], fake[part]]), top_gain)
            of_real, of_fake = logits.chunk(2)
            loss = discriminator_loss(self.spec.loss, of_real, of_fake)
            if weight := penalty_weight(self.spec.loss):
                seen = (real[part].float(), fake[part].float(), between[part])
                loss = loss + weight * gradient_penalty(
                    lambda x: self.discriminator(x, top_gain), *seen
                )
            loss = loss * (of_real.shape[0] / count)
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
            return loss.detach(), torch.stack([of_real.detach(), of_fake.detach()]), gradients

        done = self.shards.map(work, count, resolution)
        self._descend(weights, [shard[2] for shard in done])
        limit = clip_limit(self.spec.loss)
        if limit is not None:
            clip_weights(weights, limit)
        of_real, of_fake = torch.cat([shard[1] for shard in done], dim=1)
        if wants_r1(self.spec.loss):  # of others the sign tells nothing
            self.strength.observe(of_real)
        losses = {
            "loss_d": sum_of([shard[0] for shard in done]),
            "real": of_real.mean(),
            "fake": of_fake.mean(),
        }
        if self.guide is not None:
            losses["guide"] = self._train_guide(self.guide, real, fake, resolution)
        if wants_r1(self.spec.loss) and self.steps % self.spec.r1_every == 0:
            losses["r1"] = self._regularise(real, resolution, top_gain)
        return losses

    def _train_guide(
        self, guide: FeatureRival, real: Tensor, fake: Tensor, resolution: int
    ) -> Tensor:
        weights = list(guide.heads.parameters())

        def work(part: slice) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            loss = guide.rival_loss(real[part], fake[part]) * (real[part].shape[0] / real.shape[0])
            return loss.detach(), torch.autograd.grad(loss, weights)

        done = self.shards.map(work, real.shape[0], resolution)
        self.guide_optimiser.zero_grad(set_to_none=True)
        self.take(weights, [shard[1] for shard in done])
        self.guide_optimiser.step()
        return sum_of([shard[0] for shard in done])

    def _regularise(self, real: Tensor, resolution: int, top_gain: float) -> Tensor:
        """Lazy R1 on half the batch, at the discriminator's own input.

        Taken after augmentation, since bilinear sampling has no second derivative here.
        """
        count = max(GROUP, real.shape[0] // 2)
        weight = self.spec.gamma(resolution) * 0.5 * self.spec.r1_every
        weights = list(self.discriminator.parameters())

        def work(part: slice) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            seen = real[:count][part]
            penalty = r1_penalty(lambda x: self.discriminator(x, top_gain), seen)
            penalty = penalty * (seen.shape[0] / count)
            gradients = torch.autograd.grad(penalty * weight, weights, allow_unused=True)
            return penalty.detach(), gradients

        done = self.shards.map(work, count, resolution)
        self._descend(weights, [shard[1] for shard in done])
        return sum_of([shard[0] for shard in done])

    def _descend(self, weights: list[Parameter], shards: list[Gradients]) -> None:
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        self.take(weights, shards)
        self.discriminator_optimiser.step()

    @staticmethod
    def take(weights: list[Parameter], shards: list[Gradients]) -> None:
        """Give each weight the sum of its gradients, laid out in memory as the weight is.

        The fused Adam walks both as flat memory and would pair the wrong numbers otherwise.
        """
        for weight, gradient in zip(weights, add_gradients(shards), strict=True):
            if gradient is not None and gradient.stride() != weight.stride():
                gradient = torch.empty_like(weight).copy_(gradient)
            weight.grad = gradient


def _judge(spec: TrainStyleGAN2, img_channels: int) -> Discriminator | EnergyJudge:
    if judges_by_energy(spec.loss):
        return EnergyJudge(max(8, spec.channel_max // 4))
    return Discriminator(spec.resolution, spec.discriminator_channels(), img_channels=img_channels)


def sum_of(values: list[Tensor]) -> Tensor:
    """The sum of numbers held in tensors."""
    return torch.stack(values).sum()
