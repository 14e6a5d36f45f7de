"""Lessons in drawing like another picture: the U-Net is told what a CLIP says of it (the decoder of
unCLIP; Ramesh et al., 2022), and now and then nothing. A prior is taught before them, which thinks
of that picture for a text.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.eyes import Eyes
from engine.models.diffusion.eyes_config import EyesConfig
from engine.perception.clip.config import ClipConfig
from engine.perception.clip.open import open_clip
from engine.training.checkpoint import save_weights
from engine.training.codes import CODED
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.finetuning.prior_lesson import teach_prior
from engine.training.latent_run import LatentRun
from engine.training.noised_run import OnProgress

NOISING = Schedule("cosine")  # of what the CLIP says, as published with Stable unCLIP
LOOKING = "eyes.safetensors"  # the eyes, beside the checkpoint
THINKS = "prior.safetensors"  # likewise
UNTOLD = 0.1  # share of lessons that are told nothing of the picture


class LikeRun(LatentRun):
    """What the CLIP says of each picture is asked once."""

    learns_to_read = False  # in the CLIP's own space texts and pictures meet

    def prepare(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """Ask the CLIP, and teach the prior."""
        spec = self.spec
        assert spec.teacher is not None
        self.eyes = opened_eyes(spec.teacher)
        with torch.no_grad():
            every, starts = torch.arange(len(self.codes)), range(0, len(self.codes), CODED)
            parts = (self.portraits(every[start : start + CODED]) for start in starts)
            self.said = torch.cat([self.eyes.said(part) for part in parts])
        self.eyes.mean.data = self.said.mean(0, keepdim=True)
        self.eyes.std.data = self.said.std(0, keepdim=True)
        save_weights(spec.work / LOOKING, self.eyes, {})
        if not (spec.work / THINKS).is_file():
            made = teach_prior(
                self.clip, self.eyes, self.said, self.captions, spec.seed, on_progress, cancel
            )
            save_weights(spec.work / THINKS, made, {})

    def examples(self) -> tuple[Tensor, Conditions]:
        """Codes, captions, and what is told of the pictures."""
        index = self.rows()
        untold = torch.rand(len(index), generator=self.rng) < UNTOLD
        looks = self.looks(index) * (~untold)[:, None]
        return self.clean(index), {**self.read(self.captions(index)), "looks": looks}

    def asked(self) -> tuple[Conditions, ...]:
        """Like the first pictures, without words, and like nothing."""
        looks = self.looks(torch.arange(SHOWN) % len(self.codes))
        silent = self.read([""] * SHOWN)
        return {**silent, "looks": looks}, {**silent, "looks": torch.zeros_like(looks)}

    def looks(self, index: Tensor) -> Float[Tensor, "n looks"]:
        """What the U-Net is told of these pictures."""
        return self.eyes.told(self.said[index])


def opened_eyes(teacher: Path) -> Eyes:
    """The picture tower of the CLIP that teaches, with its weights. Raises ModelError."""
    network = open_clip(teacher).network
    eyes = Eyes(eyes_config(network.config))
    eyes.vision_model.load_state_dict(network.vision_model.state_dict())
    eyes.visual_projection.load_state_dict(network.visual_projection.state_dict())
    return eyes.eval().requires_grad_(False)


def eyes_config(clip: ClipConfig) -> EyesConfig:
    """Of the eyes of a model that this CLIP teaches."""
    return EyesConfig(clip.vision, clip.projection_dim, NOISING, clip.mean, clip.std, clip.tower)
