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
from engine.services.noisy_portraits import REAL_SEED
from engine.services.picture_quality import drawn_faces, features_of, nearness

COUNT, COUNT_QUICK = 1000, 160
OTHERS = 500  # drawn portraits that pictures are compared with, as those of other models are


def measure_autoencoder(
    folder: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """PSNR in dB, and how near what comes back is to other portraits, beside what went in: no
    model of its codes comes nearer. Raises ModelError, Cancelled."""
    coder, side = open_autoencoder(folder)
    faces = drawn_faces(side, OTHERS + (COUNT if full else COUNT_QUICK), progress, cancel)
    others, drawn = faces[:OTHERS], faces[OTHERS:]
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
    real, before, after = (
        features_of(images, "features", progress, cancel) for images in (others, drawn, again)
    )
    return {
        "psnr_db": round(float(np.mean(found)), 2),
        **nearness(real, after),
        "as_drawn": nearness(real, before),
        "real": {"set": "portraits", "seed": REAL_SEED, "count": len(drawn), "drawn": OTHERS},
    }
