"""Sample sheets of a diffusion model in training: the same noise each time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engine.diffusion.enlarge import completed
from engine.diffusion.schedule import to_eps, to_x0
from engine.diffusion.unet import PixelUNet
from engine.training.checkpoint import write_whole
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.sheet import grid

COLUMNS = 8
STEPS = 20
SHOWN = 2 * COLUMNS
SCALES = (1.0, 3.0)
Conditions = dict[str, Tensor]  # of a PixelUNet's forward
Predict = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def write_sheet(
    spec: TrainDiffusion,
    net: PixelUNet,
    images: int,
    pictures: np.ndarray,
    asked: tuple[Conditions, ...],
    shown: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """What was asked for side by side at guidance 1 (two rows) and 3 (two rows), or enlarged
    pictures. asked: what SHOWN pictures are told and what stands for no condition, or neither.
    shown: makes pictures of codes, which have no bounds."""
    rng = torch.Generator().manual_seed(0)
    if spec.unet.upsamples:
        real = torch.from_numpy(np.array(pictures[:COLUMNS])).float() / 127.5 - 1
        low = F.avg_pool2d(real, 2)
        rows = [_enlarged(spec, net, low, level, rng) for level in (0.0, 50.0)]
        plain = F.interpolate(low, scale_factor=2, mode="bicubic").clamp(-1, 1)
        picture = torch.cat([plain, *rows, real])
    else:
        shape = (SHOWN, spec.unet.inside, spec.unet.resolution, spec.unet.resolution)
        noise = torch.randn(shape, generator=rng)
        if not asked:
            picture = _ddim(spec, noise, net)
        else:
            wanted, nothing = asked
            picture = torch.cat(
                [_ddim(spec, noise, _guided(net, wanted, nothing, s)) for s in SCALES]
            )
    if shown is not None:
        picture = shown(picture)
    pixels = (picture * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    sheet = grid(pixels.permute(0, 2, 3, 1).cpu().numpy(), COLUMNS)
    sheet = sheet.repeat(3, axis=0).repeat(3, axis=1)
    path = spec.work / "sheets" / f"{images:08d}.png"
    write_whole(path, lambda temporary: Image.fromarray(sheet).save(temporary, format="PNG"))


def _guided(net: PixelUNet, wanted: Conditions, nothing: Conditions, scale: float) -> Predict:
    both = {name: torch.cat([wanted[name], nothing[name]]) for name in wanted}

    def guided(x: Tensor, t: Tensor) -> Tensor:
        out, free = net(torch.cat([x, x]), torch.cat([t, t]), **both).chunk(2)
        mixed: Tensor = free + scale * (out - free)
        return mixed

    return guided


def _enlarged(
    spec: TrainDiffusion, net: PixelUNet, low: Tensor, level: float, rng: torch.Generator
) -> Tensor:
    schedule = spec.schedule
    a, s = schedule.alphas[int(level)], schedule.sigmas[int(level)]
    noisy = a * low + s * torch.randn(low.shape, generator=rng) if level else low
    at = torch.full((len(low),), level)
    noise = torch.randn((len(low), 3, 2 * low.shape[2], 2 * low.shape[3]), generator=rng)
    noisy = noisy.float()
    made = _ddim(spec, noise, lambda x, t: net(x, t, low=noisy, level=at))
    return completed(made, noisy / a).clamp(-1, 1)


def _ddim(spec: TrainDiffusion, x: Tensor, predict: Predict) -> Tensor:
    """DDIM with eta 0, pictures clipped; enough to see how training goes."""
    schedule = spec.schedule
    device = x.device
    places = np.linspace(len(schedule.alphas) - 1, 0, STEPS).round().astype(int)
    for i, place in enumerate(places):
        a, s = schedule.alphas[place], schedule.sigmas[place]
        out = predict(x, torch.full((len(x),), float(place), device=device))
        x0: Tensor = to_x0(spec.prediction, out, x, a, s)
        if spec.autoencoder is None and not spec.unet.upsamples:
            x0 = x0.clamp(-1, 1)
        if i + 1 == len(places):
            return x0
        after = places[i + 1]
        x = schedule.alphas[after] * x0 + schedule.sigmas[after] * to_eps(x0, x, a, s)
    return x
