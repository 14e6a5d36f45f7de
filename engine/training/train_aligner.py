"""Trains the network that finds how a portrait lies: drawn heads, turned, moved and scaled.

Half of the portraits are drawn with more around them than their frame; the rest end at it and lie
on another ground. One in seven views holds no whole head, so that the network learns to say so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import affine_grid, binary_cross_entropy_with_logits, grid_sample

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.models.folder import write_folder
from engine.perception.aligner import CORNERS, FAMILY, SIZE, network
from engine.perception.reader import open_reader, stored_tensors, to_input
from engine.training.cache import default_folder, drawn_pictures
from engine.training.distort import roughen
from engine.training.hardware import choose_hardware
from engine.training.lessons import lessons
from engine.training.regression import machine, one_cycle

NAME = "portraits-aligner"
DRAWN_PX = 96
EXTENT = 1.6
TURN_DEGREES = 32.0
EMPTY = 0.15


@dataclass(frozen=True)
class AlignerSpec:
    """One run. portraits: rows 0 to portraits - 1 of the data set train it. eyes: the folder of
    the attribute network that it begins with, None for none."""

    eyes: Path | None = None
    portraits: int = 10_000
    steps: int = 1100
    batch: int = 32
    rate: float = 1.5e-3
    data_seed: int = 12
    seed: int = 0
    minutes: float | None = None
    cache: Path | None = None


def wide_portraits(seed: int, indices: np.ndarray, size: int) -> tuple[Tensor, np.ndarray]:
    """Portraits with what lies around them; as `portraits.dataset.portraits`."""
    from engine.portraits.attributes import sample
    from engine.portraits.renderer import render

    table = sample(seed, indices)
    drawn = render(table, size, extent=EXTENT).mul_(127.5).add_(127.5)
    return drawn.round_().clamp_(0, 255).to(torch.uint8), table


def train_aligner(
    spec: AlignerSpec, folder: Path, progress: OnProgress, cancel: CancelToken
) -> Path:
    """Train from scratch and write `folder`. Raises TrainingError, Cancelled."""
    pictures = drawn_pictures(
        wide_portraits, (spec.cache or default_folder()) / "wide", seed=spec.data_seed,
        count=spec.portraits, size=DRAWN_PX, cancel=cancel,
        on_drawn=lambda done, count: progress(Progress("Drawing portraits", done / count)),
    )  # fmt: skip
    torch.manual_seed(spec.seed)
    net = network()
    if spec.eyes is not None:
        seen = open_reader(spec.eyes).network.state_dict()
        net.load_state_dict(
            {k: v for k, v in seen.items() if not k.startswith("out.")}, strict=False
        )
    began = time.monotonic()
    steps = _fit(spec, net, pictures, progress, cancel)
    facts = {"steps": steps, "batch": spec.batch, "seconds": round(time.monotonic() - began)}
    write_folder(
        folder, FAMILY, {"size": SIZE}, stored_tensors(net),
        {
            "name": NAME,
            "title": "Portraits aligner",
            "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
            "command": f"python main.py train {NAME}",
            "seed": spec.seed,
            "trained": {**facts, "machine": machine()},
            "scores": {},
            "licence": "Apache-2.0",
        },
        replace=True,
    )  # fmt: skip
    return folder


def _fit(
    spec: AlignerSpec,
    net: nn.Module,
    pictures: np.ndarray,
    progress: OnProgress,
    cancel: CancelToken,
) -> int:
    rng = torch.Generator().manual_seed(spec.seed)
    optimiser = torch.optim.AdamW(net.parameters(), spec.rate, (0.9, 0.98), weight_decay=0.02)
    hardware = choose_hardware("cpu")
    mean, step = 0.0, 0
    batches = _batches(spec, pictures, rng)

    def words() -> str:
        return f"step {step}, corners {mean * SIZE / 2:.2f} px of 64 off in one look"

    net.train()
    for step, done in lessons(spec.steps, spec.minutes, progress, cancel, words):
        views, lies, there = next(batches)
        for group in optimiser.param_groups:
            group["lr"] = spec.rate * one_cycle(done)
        with hardware.casting():
            out = net(views)
        loss, apart = loss_of(out.float(), lies, there)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        mean += (apart - mean) * max(0.01, 1 / (step + 1))
    cancel.check()
    return step + 1


def loss_of(
    out: Float[Tensor, "n 6"], lies: Float[Tensor, "n 4"], there: Float[Tensor, " n"]
) -> tuple[Tensor, float]:
    """Laplace's likelihood of the corners' distance in half-widths of the frame, and whether a
    head is there; the mean distance beside it."""
    unit = torch.tensor(CORNERS)
    a, b, x, y = ((out[:, i] - lies[:, i])[:, None] for i in range(4))
    dx, dy = a * unit[:, 0] - b * unit[:, 1] + x, b * unit[:, 0] + a * unit[:, 1] + y
    size = lies[:, :2].norm(dim=1)
    apart = (dx.square() + dy.square() + 1e-6).sqrt().mean(1) / size
    spread = out[:, 4].clamp(-5.0, 3.0)
    likely = apart * torch.exp(-spread) + spread
    count = there.sum().clamp(min=1)
    # The plain distance keeps teaching views that the likelihood has given up.
    fit = ((likely + 2.0 * apart) * there).sum() / count
    seen = binary_cross_entropy_with_logits(out[:, 5], there)
    return fit + seen, float((apart.detach() * there).sum() / count)


def _batches(
    spec: AlignerSpec, pictures: np.ndarray, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Views, how the frame lies in each (a, b, x, y), and whether a head is there."""
    while True:
        rows = torch.randint(len(pictures), (spec.batch,), generator=rng).sort().values
        wide = torch.from_numpy(pictures[rows.numpy()]).float() / 127.5 - 1.0
        lies = random_lies(spec.batch, rng)
        views = views_of(wide, lies, rng)
        there = (torch.rand(spec.batch, generator=rng) >= EMPTY).float()
        views = torch.where(there[:, None, None, None] > 0, views, emptied(views, wide, rng))
        yield roughen(views, rng), lies, there


def random_lies(n: int, rng: torch.Generator) -> Float[Tensor, "n 4"]:
    """How frames lie in views; half of them about as they lie when a look is repeated."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=rng) * (high - low) + low

    near = torch.rand(n, generator=rng) < 0.5
    turn = torch.deg2rad(uniform(-1, 1) * torch.where(near, 12.0, TURN_DEGREES))
    size = torch.exp(torch.where(near, uniform(-0.5, 0.0), uniform(-0.9, 0.3)))
    reach = torch.where(near, 0.15, 0.45)
    return torch.stack(
        [
            size * torch.cos(turn),
            size * torch.sin(turn),
            uniform(-1, 1) * reach,
            uniform(-1, 1) * reach,
        ],
        1,
    )


def views_of(
    wide: Float[Tensor, "n 3 h h"], lies: Float[Tensor, "n 4"], rng: torch.Generator
) -> Float[Tensor, "n 3 64 64"]:
    """The views in which frames lie so; beyond a drawing it goes on, or another ground lies."""
    n = len(wide)
    a, b, x, y = lies.unbind(1)
    scale = a.square() + b.square()
    # From the view to the frame: the inverse of the similarity; then to the wide drawing.
    ia, ib = a / scale, -b / scale
    ix, iy = -(ia * x - ib * y), -(ib * x + ia * y)
    theta = torch.stack([torch.stack([ia, -ib, ix], 1), torch.stack([ib, ia, iy], 1)], 1)
    grid = affine_grid(theta, [n, 3, SIZE, SIZE], align_corners=False)  # in half-widths
    far = grid.abs().amax(3)
    seen = grid_sample(wide, grid / EXTENT, padding_mode="border", align_corners=False)
    ends = torch.rand(n, generator=rng) < 0.5
    edge = torch.where(ends, 1.0, EXTENT)[:, None, None]
    ground = grounds(n, rng)
    held = grid.clamp(-0.99, 0.99)
    stretched = grid_sample(wide, held / EXTENT, align_corners=False)
    kept = torch.rand(n, generator=rng) < 0.5
    beyond = torch.where(kept[:, None, None, None], stretched, ground)
    plain = torch.rand(n, generator=rng) < 0.5  # else the last pixels go on
    covers = (far > edge) & (ends | plain)[:, None, None]
    return torch.where(covers[:, None], beyond, seen)


def grounds(n: int, rng: torch.Generator) -> Float[Tensor, "n 3 64 64"]:
    """One colour, or clouds of several."""
    colour = torch.rand(n, 3, 1, 1, generator=rng) * 2 - 1
    coarse = int(torch.randint(2, 12, (1,), generator=rng))
    cloud = torch.randn(n, 3, coarse, coarse, generator=rng)
    cloud = nn.functional.interpolate(cloud, (SIZE, SIZE), mode="bilinear")
    amount = torch.rand(n, 1, 1, 1, generator=rng).sub(0.4).clamp(min=0.0)
    return (colour + cloud * amount).clamp(-1, 1)


def emptied(
    views: Float[Tensor, "n 3 64 64"], wide: Tensor, rng: torch.Generator
) -> Float[Tensor, "n 3 64 64"]:
    """Views without a head: grounds, a head in pieces, a corner of a drawing."""
    n = len(views)
    pieces = views.unfold(2, 16, 16).unfold(3, 16, 16)  # [n 3 4 4 16 16]
    order = torch.randperm(16, generator=rng)
    mixed = pieces.reshape(n, 3, 16, 16, 16)[:, :, order].reshape(n, 3, 4, 4, 16, 16)
    mixed = mixed.permute(0, 1, 2, 4, 3, 5).reshape(n, 3, SIZE, SIZE)
    corner = to_input(wide[:, :, :30, :30] * 127.5 + 127.5)
    kind = torch.randint(3, (n, 1, 1, 1), generator=rng)
    return torch.where(kind == 0, grounds(n, rng), torch.where(kind == 1, mixed, corner))
