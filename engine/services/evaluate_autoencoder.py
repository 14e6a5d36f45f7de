"""Measures an autoencoder: how drawn portraits come back out of their codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.editing.invert import psnr_db
from engine.frame import OnProgress, Progress
from engine.models.diffusion.autoencoder import open_autoencoder
from engine.services.picture_quality import REAL_SEED, Nearness

COUNT, COUNT_QUICK = 1000, 160
DRAWN = 500  # that they are compared with, as pictures of other models are


def measure_autoencoder(
    folder: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """PSNR in dB, and how near what comes back is to other portraits, beside what went in: no
    model of its codes comes nearer. Raises ModelError, Cancelled."""
    coder, side = open_autoencoder(folder)
    near = Nearness(side, DRAWN, progress, cancel)
    drawn = near.others(COUNT if full else COUNT_QUICK)
    again, found = np.empty_like(drawn), []
    for i, pixels in enumerate(drawn):
        cancel.check()
        x = torch.from_numpy(pixels[None].astype(np.float32) / 127.5 - 1)
        with torch.no_grad():
            y = coder.pixels(coder.codes(x))
        again[i] = (y[0] * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
        far = (again[i].astype(np.float64) - pixels) / 127.5
        found.append(psnr_db(float(np.square(far).mean())))
        progress(Progress("encoding drawn pictures", (i + 1) / len(drawn)))
    return {
        "psnr_db": round(float(np.mean(found)), 2),
        **near.of(again),
        "as_drawn": near.of(drawn),
        "real": {"set": "portraits", "seed": REAL_SEED, "count": len(drawn), "drawn": near.count},
    }
