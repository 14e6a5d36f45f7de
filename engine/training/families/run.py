"""One run of lessons: a generator, its average, its optimisers, and what they have seen."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.gan.style_generator import StyleMapping
from engine.models.families import family_of
from engine.training.checkpoint import load_state, save_state, save_weights
from engine.training.ema import ema_keep, ema_update
from engine.training.families.mapping_lesson import told
from engine.training.families.match import Match
from engine.training.families.painting import paint, parts_of, settle, watch
from engine.training.families.renorm import renormalise
from engine.training.families.spec import TrainFamily
from engine.training.hardware import choose_hardware
from engine.training.muon import Muon
from engine.training.onlooker import Onlooker
from engine.training.progress import trim_lines
from engine.training.teach_mapping import teach_mapping

EDGES = 0.5
EYE_SIZE = 64  # pictures of 32 px are looked at twice their size
FINAL_RATE = 0.02
WEIGHTS = "generator.safetensors"
CHECKPOINT = "checkpoint.pt"
MATCH = "match"


class FamilyRun:
    """Regression of a generator to drawn pictures, with a rival; one batch a step.

    pictures: of the rows 0, 1, ... of the data set. Raises TrainingError where the work folder
    holds another run.
    """

    def __init__(self, spec: TrainFamily, pictures: UInt8[np.ndarray, "n 3 r r"]) -> None:
        self.spec, self.pictures = spec, pictures
        self.hardware = choose_hardware(spec.device)
        self.device = self.hardware.device
        torch.manual_seed(spec.seed)
        self.codes = spec.codes()
        rows = np.arange(len(pictures), dtype=np.int64)
        self.z = torch.from_numpy(self.codes.z(spec.data_seed, rows))
        self.c = torch.from_numpy(self.codes.c(spec.data_seed, rows))
        self.generator: nn.Module = family_of(spec.config).new_generator(spec.config)
        renormalise(self.generator)
        self.generator.to(self.device).train()
        for weight in self.generator.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        watch(self.generator)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.optimisers = self._optimisers()
        self.onlooker: Onlooker | None = None
        if any(part.features for part in spec.parts):
            self.onlooker = Onlooker(
                self.device, spec.perceptual, spec.rivalry, EYE_SIZE, spec.rival_rate
            )
        self.match = Match(spec, self.device) if any(part.game for part in spec.parts) else None
        self.images, self.seconds_before = 0, 0.0
        self.since = time.monotonic()

    @property
    def seconds(self) -> float:
        """Training time of all sittings together."""
        return self.seconds_before + time.monotonic() - self.since

    def step(self) -> dict[str, Tensor]:
        """Teach one batch; returns the losses."""
        spec = self.spec
        found = spec.part_at(self.images)
        assert found is not None
        part, gain = found
        rows = torch.randint(0, len(self.pictures), (spec.batch,))
        real = self._real(rows, part.resolution, gain)
        z, c = self.z[rows].to(self.device), self.c[rows].to(self.device)
        with self.hardware.casting():
            fake = paint(self.generator, z, c, part.resolution, gain).float()
            pixels = self._pixels(fake, real)
            losses, loss = {"pixels": pixels.detach()}, pixels
            if part.features and self.onlooker is not None:
                loss = loss + self.onlooker.unlike(fake, real)
                losses |= self.onlooker.seen
            match = self.match if part.game else None
            if match is not None:
                loss = loss + part.game * match.against(fake, c)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.onlooker is not None:
            self.onlooker.learn()
        if match is not None:
            losses["critic"] = match.learn(real, fake, c)
        self._lay_out()
        self._set_rate()
        for optimiser in self.optimisers:
            optimiser.step()
        self.images += spec.batch
        ema_update(
            self.average, self.generator, ema_keep(spec.batch, self.images, spec.ema_images, 0.05)
        )
        return losses

    def prepare(self, cancel: CancelToken, on_step: Callable[[int, int], None]) -> None:
        """Teach the mapping network, once in a run. Raises Cancelled when the user stops it."""
        steps, (_, _, mapping) = self.spec.taught_mapping, parts_of(self.generator)
        if self.images or not steps:
            return

        def tell(step: int, miss: float) -> None:
            cancel.check()
            on_step(step, steps)

        assert isinstance(mapping, StyleMapping)
        labels = partial(told, self.codes)
        teach_mapping(mapping, labels, steps, seed=self.spec.seed, on_step=tell)
        self.average.load_state_dict(self.generator.state_dict())

    def restore(self) -> None:
        """Go on where a checkpoint stands, where there is one. Raises TrainingError."""
        path = self.spec.work / CHECKPOINT
        if path.exists():
            state = load_state(path)
            try:
                for name, part in self._stateful():
                    if name != MATCH or name in state:  # a run may take a game on later
                        part.load_state_dict(state[name])
                torch.set_rng_state(state["random"])
                self.images, self.seconds_before = int(state["images"]), float(state["seconds"])
            except (KeyError, RuntimeError, ValueError, TypeError) as error:
                raise TrainingError(
                    f"The run in {self.spec.work.name} has other sizes than those asked for.",
                    "Give another --work folder.",
                ) from error
        trim_lines(self.spec.work / "metrics.jsonl", self.images)

    def keep(self) -> None:
        """Write the checkpoint."""
        state = {"images": self.images, "seconds": self.seconds, "random": torch.get_rng_state()}
        parts = {name: part.state_dict() for name, part in self._stateful()}
        save_state(self.spec.work / CHECKPOINT, state | parts)

    def ship(self) -> None:
        """Write the average's weights, with statistics of their own, as they are shipped."""
        made = copy.deepcopy(self.average)
        settle(made)
        config = json.dumps(self.spec.config.to_dict(), sort_keys=True)
        facts = {"images": str(self.images), "seconds": str(round(self.seconds))}
        save_weights(self.spec.work / WEIGHTS, made, {"config": config, **facts})

    def _stateful(self) -> list[tuple[str, Any]]:
        named: list[tuple[str, Any]] = [("generator", self.generator), ("average", self.average)]
        named += [(f"optimiser{i}", found) for i, found in enumerate(self.optimisers)]
        if self.onlooker is not None:
            named += self.onlooker.stateful().items()
        return named if self.match is None else [*named, (MATCH, self.match)]

    def _real(self, rows: Tensor, resolution: int, gain: float) -> Float[Tensor, "n 3 r r"]:
        """Drawn pictures at the size of the part, the newest layers' share faded in as theirs."""
        real = torch.from_numpy(self.pictures[rows.numpy()]).to(self.device).float() / 127.5 - 1.0
        factor = real.shape[2] // resolution
        if factor > 1:
            real = F.avg_pool2d(real, factor)
        if gain < 1.0:
            coarse = F.interpolate(F.avg_pool2d(real, 2), scale_factor=2.0, mode="nearest")
            real = torch.lerp(coarse, real, gain)
        return real

    def _pixels(
        self, fake: Float[Tensor, "n 3 r r"], real: Float[Tensor, "n 3 r r"]
    ) -> Float[Tensor, ""]:
        miss = fake - real
        across, down = miss.diff(dim=3), miss.diff(dim=2)
        return miss.abs().mean() + EDGES * (across.abs().mean() + down.abs().mean())

    def _optimisers(self) -> tuple[torch.optim.Optimizer, ...]:
        """Muon for the convolutions, Adam for everything else."""
        spec = self.spec
        _, synthesis, mapping = parts_of(self.generator)
        matrices: list[Tensor] = []
        rest: list[Tensor] = []
        for name, weight in synthesis.named_parameters():
            paints = "rgb" in name or weight.shape[0] <= 3
            (matrices if weight.ndim == 4 and not paints else rest).append(weight)
        fast = spec.rate * spec.mapping_speed
        groups: list[dict[str, Any]] = [{"params": rest, "full": spec.rate}]
        if list(mapping.parameters()):
            groups.append({"params": list(mapping.parameters()), "full": fast})
        adam = torch.optim.Adam(groups, lr=spec.rate, betas=(0.9, 0.99), fused=True)
        muon = Muon([{"params": matrices, "full": spec.matrix_rate}], lr=spec.matrix_rate)
        return adam, muon

    def _lay_out(self) -> None:
        """Gradients in the memory order of their weights: the fused Adam walks both flat."""
        for weight in self.generator.parameters():
            if weight.grad is not None and weight.grad.stride() != weight.stride():
                weight.grad = torch.empty_like(weight).copy_(weight.grad)

    def _set_rate(self) -> None:
        """Up in the first hundredth, full speed for half of the lessons, then down in a line."""
        left = 1.0 - self.images / self.spec.total
        share = min(1.0, 100.0 * (1.0 - left) + 0.1, max(FINAL_RATE, 2.0 * left))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * share
