"""Trains an encoder of the bundled generator: pictures to ws in one pass.

Half of a batch is generated, so that the right latent is known; half is drawn, where only the
picture tells: the loss goes through the generator, which stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.editing.encoder import FAMILY, EncoderNetwork, sized
from engine.editing.generator import Differentiable, differentiable
from engine.editing.invert import psnr_db, spread
from engine.frame import OnProgress, Progress
from engine.models.folder import write_folder
from engine.models.opened import Model
from engine.recipe import Noise
from engine.training.cache import default_folder, drawn_pictures, portraits_source
from engine.training.checkpoint import load_state, save_state
from engine.training.hardware import keep_freed_memory
from engine.training.lessons import lessons
from engine.training.regression import machine, one_cycle

NAME = "portraits-encoder"
TITLE = "Portraits encoder"
STATE = "encoder.pt"


@dataclass(frozen=True)
class EncoderSpec:
    """One run. steps: batches in all. mixed: share of generated pictures whose layers come from
    two w. latent: weight of the known latent's squared error, in deviations; pixel: of pixels.
    drawn: how many drawn portraits are looked at, 0 for none."""

    work: Path
    steps: int = 12_000
    batch: int = 16
    rate: float = 1e-3
    latent: float = 0.2
    pixel: float = 10.0
    mixed: float = 0.5
    drawn: int = 20_000
    data_seed: int = 0
    seed: int = 0
    minutes: float | None = None


def train_encoder(
    spec: EncoderSpec, model: Model, folder: Path, progress: OnProgress, cancel: CancelToken
) -> Path:
    """Train, or go on with the run in `spec.work`, and write `folder`.

    model: the generator on torch. When stopped, what was learnt so far is written and kept for
    going on. Raises TrainingError where files cannot be read or written.
    """
    spec.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(spec.seed)
    keep_freed_memory()
    net = differentiable(model, Noise())
    around = spread(sample_w(model, 8000, 3))
    network = EncoderNetwork(net.num_ws, net.w_dim)
    for name in ("mean", "colour", "whiten"):
        getattr(network, name).copy_(getattr(around, name))
    optimiser = torch.optim.AdamW(network.parameters(), spec.rate, (0.9, 0.98), weight_decay=0.01)
    step = _restore(spec, model.info.sha256, network, optimiser)
    drawn = _drawn(spec, model.info.resolution, progress, cancel)
    batches = _batches(spec, net, network, drawn, step)
    first, mean = step, 0.0

    def words() -> str:
        return f"step {step}, {psnr_db(mean):.1f} dB in one pass"

    def keep() -> None:
        _save(spec, model.info.sha256, network, optimiser, step)

    for _, done in lessons(spec.steps, spec.minutes, progress, cancel, words, keep, first):
        for group in optimiser.param_groups:
            group["lr"] = spec.rate * one_cycle(done)
        batch = next(batches)
        with net.casting():
            loss, far = _loss(spec, net, network, *batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean += (far - mean) * max(0.01, 1 / (step - first))
    keep()
    facts = {"steps": step, "batch": spec.batch, "machine": machine()}
    return write_encoder(folder, network, model, spec, facts)


def _drawn(
    spec: EncoderSpec, size: int, progress: OnProgress, cancel: CancelToken
) -> np.ndarray | None:
    if not spec.drawn:
        return None
    return np.asarray(
        drawn_pictures(
            portraits_source(), default_folder(), seed=spec.data_seed, count=spec.drawn,
            size=size, cancel=cancel,
            on_drawn=lambda done, count: progress(Progress("Drawing portraits", done / count)),
        )
    )  # fmt: skip


def _batches(
    spec: EncoderSpec,
    net: Differentiable,
    network: EncoderNetwork,
    drawn: np.ndarray | None,
    step: int,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Pictures, and the deviations of those that were generated; generated and drawn in turns."""
    source = np.random.RandomState((spec.seed * 7919 + step) % 2**32)
    while True:
        v = torch.from_numpy(source.randn(spec.batch, 1, net.w_dim).astype(np.float32))
        other = torch.from_numpy(source.randn(spec.batch, 1, net.w_dim).astype(np.float32))
        v = (v * 0.9).repeat(1, net.num_ws, 1)
        for i in np.flatnonzero(source.rand(spec.batch) < spec.mixed):
            v[i, source.randint(1, net.num_ws + 1) :] = 0.9 * other[i]
        with torch.no_grad():
            made = net.images(network.spread.ws(v))
        yield made, v  # outside the block: it would hold for whoever takes the batch
        if drawn is not None:
            rows = np.sort(source.randint(0, len(drawn), spec.batch))
            yield torch.from_numpy(drawn[rows]).float() / 127.5 - 1.0, None


def _loss(
    spec: EncoderSpec,
    net: Differentiable,
    network: EncoderNetwork,
    images: Tensor,
    known: Tensor | None,
) -> tuple[Tensor, float]:
    """The loss, and the mean squared difference of the pictures."""
    v = network(sized(images))
    pixel = (net.images(network.spread.ws(v)) - images).square().mean()
    loss = spec.pixel * pixel + 1e-3 * v.square().mean()
    if known is not None:
        loss = loss + spec.latent * (v - known).square().mean()
    return loss, float(pixel.detach())


def _save(
    spec: EncoderSpec, generator: str, network: EncoderNetwork, optimiser: Any, step: int
) -> None:
    state = {
        "generator": generator,
        "step": step,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    save_state(spec.work / STATE, state)


def _restore(spec: EncoderSpec, generator: str, network: EncoderNetwork, optimiser: Any) -> int:
    """Go on with the run in the work folder; one of another generator's is begun anew."""
    path = spec.work / STATE
    if not path.is_file():
        return 0
    state = load_state(path)
    if state.get("generator") != generator:
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def write_encoder(
    folder: Path, network: EncoderNetwork, model: Model, spec: EncoderSpec, trained: dict[str, Any]
) -> Path:
    """Write weights and a card that names the generator; `evaluate` measures it."""
    tensors = {k: v.detach().numpy().astype(np.float16) for k, v in network.state_dict().items()}
    config = {
        "num_ws": network.num_ws,
        "w_dim": network.w_dim,
        "generator": model.info.sha256,
    }
    facts = {
        "name": NAME,
        "title": TITLE,
        "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.drawn]},
        "command": f"python main.py train {NAME}",
        "seed": spec.seed,
        "trained": trained,
        "scores": {},
        "licence": "Apache-2.0",
    }
    write_folder(folder, FAMILY, config, tensors, facts, replace=True)
    return folder
