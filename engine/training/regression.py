"""Trains a network that reads attributes off portraits, and writes its model folder."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.models import folder as folders
from engine.perception.columns import Column, Columns
from engine.perception.reader import FAMILY, build, stored_tensors, to_input
from engine.portraits.attributes import ATTRIBUTES, NAMED, sample
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.hardware import keep_freed_memory

SIZE = 64
# Some attributes can be seen only where another is present.
GIVEN = {"glasses_shape": "eyeglasses", "frame_color": "eyeglasses", "beard_shape": "facial_hair"}
# The attributes with sliders weigh more than those that only help to hold a face constant.
EMPHASIS = 3.0
Distort = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class RegressionSpec:
    """One training run of a reading network.

    network: "attributes" or "judge". data_seed: the data set; rows 0 to portraits - 1 train it.
    minutes: the schedule ends by then, in this sitting; None runs all epochs.
    """

    name: str
    title: str
    network: str
    data_seed: int
    seed: int
    distort: Distort = field(repr=False)
    portraits: int = 20_000
    epochs: int = 6
    batch: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    minutes: float | None = None
    cache: Path | None = None


def portrait_columns() -> Columns:
    """The label table of Portraits, as a reading network answers it."""
    return Columns(
        tuple(
            Column(a.name, a.kind, a.low, a.high, a.values, GIVEN.get(a.name)) for a in ATTRIBUTES
        )
    )


def train(
    spec: RegressionSpec,
    folder: Path,
    on_progress: OnProgress,
    cancel: CancelToken,
    source: Source | None = None,
) -> Path:
    """Train from scratch and write `folder` (weights and a card without scores).

    Raises TrainingError when the picture cache cannot be written, Cancelled when stopped; then
    the folder is left as it was.
    """
    keep_freed_memory()
    pictures = drawn_pictures(
        source or portraits_source(),
        spec.cache or default_folder(),
        seed=spec.data_seed,
        count=spec.portraits,
        size=SIZE,
        cancel=cancel,
        on_drawn=lambda done, count: on_progress(Progress("Drawing portraits", done / count)),
    )
    labels = torch.from_numpy(sample(spec.data_seed, np.arange(spec.portraits)))
    columns = portrait_columns()
    torch.manual_seed(spec.seed)
    network = build(spec.network, columns)
    started = time.monotonic()
    seen = _fit(spec, network, columns, np.asarray(pictures), labels, on_progress, cancel)
    trained = {"images": seen, "seconds": round(time.monotonic() - started), "machine": machine()}
    write_folder(spec, folder, columns, network, trained)
    return folder


def _fit(
    spec: RegressionSpec,
    network: nn.Module,
    columns: Columns,
    pictures: np.ndarray,
    labels: Tensor,
    on_progress: OnProgress,
    cancel: CancelToken,
) -> int:
    """AdamW under one cycle of the learning rate; returns how many images were seen."""
    rng = torch.Generator().manual_seed(spec.seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), spec.learning_rate, (0.9, 0.98), weight_decay=spec.weight_decay
    )
    steps_an_epoch = len(pictures) // spec.batch
    total, step, loss_mean = steps_an_epoch * spec.epochs, 0, 0.0
    started = told = time.monotonic()
    order = torch.empty(0, dtype=torch.long)
    weights = torch.tensor([EMPHASIS if name in NAMED else 1.0 for name in columns.names])
    network.train()
    while (done := _share_done(spec, step / total, started)) < 1.0:
        cancel.check()
        at = step % steps_an_epoch * spec.batch
        if at == 0:
            order = torch.randperm(len(pictures), generator=rng)
        rows = order[at : at + spec.batch]
        for group in optimizer.param_groups:
            group["lr"] = spec.learning_rate * one_cycle(done)
        x = spec.distort(to_input(torch.from_numpy(pictures[rows.numpy()])), rng)
        loss = columns.loss(network(x), labels[rows], weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        loss_mean += (loss.item() - loss_mean) * max(0.01, 1 / step)
        if (now := time.monotonic()) - told > 5:
            told = now
            left_s = (now - started) * (1 - done) / max(done, 1e-6)
            words = f"{step * spec.batch} images, loss {loss_mean:.3f}"
            on_progress(Progress(words, done, left_s))
    return step * spec.batch


def _share_done(spec: RegressionSpec, share: float, started: float) -> float:
    if spec.minutes is None:
        return share
    return max(share, (time.monotonic() - started) / (60 * spec.minutes))


def one_cycle(done: float) -> float:
    """The learning rate's factor: up over the first 8 %, then down by a cosine to 0."""
    if done < 0.08:
        return 0.05 + 0.95 * done / 0.08
    return 0.5 * (1 + math.cos(math.pi * (done - 0.08) / 0.92))


def write_folder(
    spec: RegressionSpec,
    folder: Path,
    columns: Columns,
    network: nn.Module,
    trained: dict[str, Any],
) -> None:
    """Write weights and a card that holds no scores yet; `evaluate` measures them."""
    folders.write_folder(
        folder,
        FAMILY,
        {"network": spec.network, "size": SIZE, "columns": columns.plain()},
        stored_tensors(network),
        {
            "name": spec.name,
            "title": spec.title,
            "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
            "command": f"python main.py train {spec.name}",
            "seed": spec.seed,
            "trained": trained,
            "scores": {},
            "licence": "Apache-2.0",
        },
        replace=True,
    )


def machine() -> str:
    """What trained here, in words that name no host."""
    return f"{torch.get_num_threads()} CPU threads, {platform.machine()}, torch {torch.__version__}"
