"""Weights tuned for one picture, kept as a small difference to the model's own.

Pivotal tuning (Roich et al., 2021): around the latent that inversion found, the synthesis network
is tuned until it makes the picture. Only a low-rank difference is learned (Hu et al., 2021,
"LoRA"): W + B A for every convolution, and biases as they are; so the file is small and its
SHA-256 names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn.utils import parametrize

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import parse_safetensors
from engine.editing.generator import Differentiable, schedule
from engine.editing.invert import psnr_db
from engine.editing.perceptual import Looks, difference, to_images
from engine.errors import ModelError

LEFT, RIGHT, WHOLE = ".left", ".right", ".whole"
NEIGHBOURS = 8
Seen = Callable[[int, int, float, Tensor], None]


@dataclass(frozen=True)
class TuneSettings:
    """steps and rate of Adam; rank of each difference; near: weight of leaving other latents'
    pictures as they were, looked at every fourth step."""

    steps: int = 150
    rate: float = 3e-3
    rank: int = 8
    near: float = 5.0
    perceptual: float = 1.0
    pixel: float = 50.0


class LowRank(nn.Module):
    """W -> W + left @ right, shaped as W; at first no difference."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        rank = min(rank, rows, columns)
        source = torch.Generator().manual_seed(rows * 31 + columns)
        start = torch.randn(rank, columns, generator=source) / columns**0.5
        self.left = nn.Parameter(torch.zeros(rows, rank, device=weight.device))
        self.right = nn.Parameter(start.to(weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        """See class."""
        return weight + (self.left @ self.right).view_as(weight)


class Shift(nn.Module):
    """b -> b + whole."""

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.whole = nn.Parameter(torch.zeros_like(bias))

    def forward(self, bias: Tensor) -> Tensor:
        """See class."""
        return bias + self.whole


def tuned_names(synthesis: Any) -> list[tuple[str, str, nn.Module]]:
    """Name, "weight" or "bias", and module of what is tuned: all but the maps that take w."""
    found = []
    for name, module in synthesis.named_modules():
        if name.rpartition(".")[2] in ("affine", "input"):
            continue
        for part in ("weight", "bias"):
            value = getattr(module, part, None)
            if isinstance(value, nn.Parameter) and value.ndim in (1, 2, 4):
                found.append((name, part, module))
    return found


@contextmanager
def tuning(synthesis: Any, rank: int) -> Iterator[dict[str, nn.Module]]:
    """While the block runs, the network has a difference to learn on; then it is as before."""
    parts: dict[str, nn.Module] = {}
    targets = tuned_names(synthesis)
    try:
        for name, part, module in targets:
            value = getattr(module, part)
            added = LowRank(value, rank) if value.ndim > 1 else Shift(value)
            parametrize.register_parametrization(module, part, added)
            parts[f"synthesis.{name}.{part}"] = added
        yield parts
    finally:
        for name, part, module in targets:
            if f"synthesis.{name}.{part}" in parts:
                parametrize.remove_parametrizations(module, part, leave_parametrized=False)


def tune(
    net: Differentiable,
    ws: Float32[np.ndarray, "num_ws w_dim"],
    target: UInt8[np.ndarray, "r r 3"],
    others: Float32[np.ndarray, "n w_dim"],
    looks: Looks,
    settings: TuneSettings,
    cancel: CancelToken,
    seen: Seen,
) -> bytes:
    """Tune the network so that ws makes the target; the delta as a safetensors file.

    net: its module is left as it was, but must not be used meanwhile. others: random w, whose
    pictures between ws and theirs should stay (section 3.3). Raises Cancelled.
    """
    pivot = torch.from_numpy(ws)[None]
    wanted = to_images(target[None])
    around = _between(pivot, others)
    with torch.no_grad():
        looked = looks.features(wanted)
        before = net.images(around)
    with tuning(net.module.synthesis, settings.rank) as parts:
        learned = [p for part in parts.values() for p in part.parameters()]
        optimiser = torch.optim.Adam(learned, lr=settings.rate)
        for step in range(settings.steps):
            cancel.check()
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * schedule(step, settings.steps)
            image = net.images(pivot)
            pixel = (image - wanted).square().mean()
            loss = settings.pixel * pixel
            loss = loss + settings.perceptual * difference(looks.features(image), looked).sum()
            if settings.near and step % 4 == 0:
                at = step // 4 % len(around)
                now = net.images(around[at : at + 1])
                loss = loss + settings.near * (now - before[at : at + 1]).square().mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            seen(step + 1, settings.steps, psnr_db(float(pixel.detach())), image.detach())
        return _file(parts)


def _between(
    pivot: Tensor, others: Float32[np.ndarray, "n w_dim"], share: float = 0.7
) -> Float[Tensor, "n num_ws w_dim"]:
    """Latents between the pivot and random ones."""
    far = torch.from_numpy(np.array(others[:NEIGHBOURS]))[:, None]
    return pivot + share * (far - pivot)


def _file(parts: Mapping[str, nn.Module]) -> bytes:
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    for name, part in parts.items():
        for key, value in part.named_parameters():
            arrays[f"{name}.{key}"] = value.detach().cpu().numpy().astype(np.float16)
    return bytes(save(arrays))


def with_delta(
    tensors: Mapping[str, Float[np.ndarray, "*_"]], data: bytes
) -> dict[str, Float32[np.ndarray, "*_"]]:
    """The model's tensors with a delta added. Raises ModelError for one of another model."""
    delta = parse_safetensors(data, "The tuned weights")
    out = {name: np.asarray(value, np.float32) for name, value in tensors.items()}
    for key, value in delta.items():
        name, _, kind = key.rpartition(".")
        fits = name in out and f".{kind}" in (LEFT, RIGHT, WHOLE)
        if not fits:
            raise ModelError(
                f"The tuned weights change {key[:60]!r}, which this model does not have.",
                "Use the model that they were tuned from.",
            )
        if f".{kind}" == WHOLE:
            out[name] = _added(out[name], value.astype(np.float32), name)
        elif f".{kind}" == LEFT:
            right = delta.get(name + RIGHT)
            if right is None or value.shape[1:] != right.shape[:1]:
                raise ModelError(f"The tuned weights of {name[:60]!r} are not whole.")
            step = value.astype(np.float32) @ right.astype(np.float32)
            out[name] = _added(out[name], step, name)
    return out


def _added(own: np.ndarray, step: np.ndarray, name: str) -> np.ndarray:
    if own.size != step.size or own.shape[0] != step.shape[0]:
        raise ModelError(
            f"The tuned weights of {name[:60]!r} have {step.size} values, the model {own.size}.",
            "Use the model that they were tuned from.",
        )
    return np.asarray(own + step.reshape(own.shape), np.float32)
