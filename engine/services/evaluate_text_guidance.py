"""Measures guidance by texts: does the judge see what the text says, and do noisy eyes see it?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.denoising import NoisyClipInfo
from engine.diffusion import guidance
from engine.frame import OnProgress, Progress
from engine.models.open_denoiser import open_noisy_clip
from engine.perception.clip.open import open_clip
from engine.portraits.classes import CAPTIONS
from engine.portraits.dataset import portraits
from engine.services.evaluate_clip import truer
from engine.services.evaluate_diffusion import LEVELS, REAL_SEED, Trials
from engine.wishes import ClipInfo

SCALE = 1.0


def text_guidance(trials: Trials, clip_info: ClipInfo, eyes: NoisyClipInfo) -> dict[str, Any]:
    """The attributes that the judge sees right when the caption of a class is all that guides: by
    noise-aware eyes, and by the CLIP's own through the U-Net."""
    clip, tower = open_clip(clip_info.folder), open_noisy_clip(eyes)
    texts = clip.scale * clip.embed_texts(CAPTIONS)

    def noisy(label: int) -> list[guidance.Term]:
        return [guidance.clip("noisy", tower.embed_noisy, texts[label], SCALE)]

    seen = trials.seen(noisy, conditional=False)
    return {"clip": clip_info.sha256, "eyes": eyes.sha256, "scale": SCALE, "right": seen.right,
            "all_right": seen.all_right, "spread": seen.spread}  # fmt: skip


def measure_noisy_clip(
    info: NoisyClipInfo,
    clip_info: ClipInfo,
    schedule: Any,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """For pairs of texts, the share of drawn pictures for which the true one is the nearer, by
    timestep of their noise. schedule: of the diffusion model; see diffusion.schedule.Schedule."""
    count = 2000 if full else 400
    drawn, table = portraits(REAL_SEED, np.arange(count), 2 * info.resolution)
    x0 = torch.nn.functional.avg_pool2d(drawn.float(), 2) / 127.5 - 1
    clip, net = open_clip(clip_info.folder), open_noisy_clip(info)
    rng, found = torch.Generator().manual_seed(0), {}
    for t in LEVELS:
        cancel.check()
        noise = torch.randn(x0.shape, generator=rng)
        x = float(schedule.alphas[t]) * x0 + float(schedule.sigmas[t]) * noise
        with torch.no_grad():
            seen = net.embed_noisy(x, float(t)).numpy()
        found[str(t)] = truer(clip, seen, np.asarray(table))
        progress(Progress("asking the noisy eyes", (LEVELS.index(t) + 1) / len(LEVELS)))
    return {
        "pairs_right_at_timestep": found,
        "real": {"set": "portraits", "seed": REAL_SEED, "count": count},
    }
