"""Measures guidance by texts: does the judge see what the text says, and do noisy eyes see it?"""

from __future__ import annotations

from typing import Any

import torch

from engine.cancel import CancelToken
from engine.diffusion import guidance
from engine.frame import OnProgress
from engine.guides import NoisyClipInfo
from engine.models.diffusion.open_denoiser import open_noisy_clip
from engine.perception.clip.open import open_clip
from engine.portraits.classes import CAPTIONS
from engine.services.diffusion_trials import Trials
from engine.services.evaluate_clip import truer
from engine.services.noisy_portraits import REAL_SEED, at_levels, drawn
from engine.wishes import ClipInfo

SCALE = 1.0


def text_guidance(trials: Trials, clip_info: ClipInfo, eyes: NoisyClipInfo) -> dict[str, Any]:
    """The attributes that the judge sees right when the caption of a class is all that guides,
    by noise-aware eyes."""
    clip, tower = open_clip(clip_info.folder), open_noisy_clip(eyes)
    texts = clip.scale * clip.embed_texts(CAPTIONS)

    def noisy(label: int) -> list[guidance.Term]:
        return [guidance.clip("noisy", tower.embed_noisy, texts[label], SCALE)]

    seen = trials.guided(noisy)
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
    x0, table = drawn(2000 if full else 400, info.resolution)
    clip, net, found = open_clip(clip_info.folder), open_noisy_clip(info), {}
    for t, x in at_levels(x0, schedule, progress, cancel):
        with torch.no_grad():
            seen = net.embed_noisy(x, float(t)).numpy()
        found[str(t)] = truer(clip, seen, table)
    return {
        "pairs_right_at_timestep": found,
        "real": {"set": "portraits", "seed": REAL_SEED, "count": len(x0)},
    }
