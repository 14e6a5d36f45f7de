"""Lessons for ControlNets (Zhang et al., 2023): a copy of the half of a U-Net that leads to its
middle learns to read edges, or how a head is turned; the U-Net itself stays as it is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.diffusion.unet import reading_settings
from engine.diffusion.unet_config import UNetConfig
from engine.image.edges import canny
from engine.image.heads import head_pose
from engine.models.card import read_card
from engine.models.diffusion.control_config import CONTROL
from engine.perception.clip.text_tower import TextTower
from engine.portraits.captions import Row, value
from engine.portraits.classes import CAPTIONS
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.finetuning.begin import START, begin, begin_reading, copied, unet_of
from engine.training.latent_run import LatentRun
from engine.training.noised_run import OnProgress
from engine.training.reading_unet import ReadingUNet

LOW, HIGH = (50.0, 200.0), (150.0, 400.0)  # slopes of edges: a window's usual ones are among them
READS = (16, 32, 64)  # channels of what reads the picture, each half the size of the one before
SHARED = (
    "in_channels", "down_block_types", "mid_block_type", "block_out_channels", "layers_per_block",
    "norm_num_groups", "attention_head_dim", "cross_attention_dim",
)  # fmt: skip


def control_settings(unet: UNetConfig) -> dict[str, Any]:
    """The settings of diffusers' class for a ControlNet beside such a U-Net."""
    whole = reading_settings(unet)
    shared = {name: whole[name] for name in SHARED}
    return {**shared, "conditioning_embedding_out_channels": list(READS)}


class Controlled(nn.Module):
    """A U-Net with a ControlNet beside it, of which the latter alone is taught. It bears the name
    of what is kept."""

    def __init__(self, config: UNetConfig, tower: TextTower) -> None:
        super().__init__()
        self.unet: Any = ControlNetModel(**control_settings(config))
        # Out of sight of the optimiser and of what is kept.
        self._base = (ReadingUNet(config, tower).eval().requires_grad_(False),)

    @property
    def base(self) -> ReadingUNet:
        """What it helps."""
        return self._base[0]

    def forward(
        self,
        x: Float[Tensor, "n c s s"],
        t: Float[Tensor, " n"],
        ids: Int64[Tensor, "n tokens"],
        followed: Float[Tensor, "n 3 r r"],
    ) -> Float[Tensor, "n c s s"]:
        """followed: in [0, 1], of the size of the pictures."""
        text = self.base.tower.states(ids)
        downs, middle = self.unet(x, t, text, followed, return_dict=False)
        found: Tensor = self.base.unet(
            x, t, text, down_block_additional_residuals=downs,
            mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        return found


class ControlRun(LatentRun):
    """Over portraits, their captions, and a picture of each that is followed."""

    def network(self, spec: TrainDiffusion) -> nn.Module:
        """See DiffusionRun."""
        return Controlled(spec.unet, self.tower())

    def begin(self, start: Path) -> None:
        """See DiffusionRun; the copy begins as what it is a copy of. A ControlNet to begin with
        goes on beside the model that lies beside it."""
        again = read_card(start)["family"] == CONTROL
        beside = start.parent / START if again else start
        taught = unet_of(beside)
        for network in (self.net, self.average):
            assert isinstance(network, Controlled)
            network.base.unet.load_state_dict(taught)
            begin_reading(network.base.tower, beside)
            network.base.to(self.alphas.device)
            if again:
                begin(network.unet, start)
            else:
                copied(network.unet, taught)

    def teach_previews(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """The model that it stands beside has them."""

    def examples(self) -> tuple[Tensor, Conditions]:
        """Codes, captions and what is followed."""
        index = self.rows()
        chance = torch.rand(2, generator=self.rng).tolist()
        told = self.read(self.captions(index))
        return self.clean(index), {**told, "followed": self.followed(index, chance)}

    def asked(self) -> tuple[Conditions, ...]:
        """The captions of the classes with what is followed of the first pictures."""
        index = torch.arange(SHOWN) % len(self.codes)
        followed = {"followed": self.followed(index, (0.5, 0.5))}
        texts = [CAPTIONS[at % len(CAPTIONS)] for at in range(SHOWN)]
        return {**self.read(texts), **followed}, {**self.read([""] * SHOWN), **followed}

    @abstractmethod
    def followed(self, index: Tensor, chance: Sequence[float]) -> Float[Tensor, "n 3 r r"]:
        """What is to be followed of these pictures, in [0, 1]. chance: two numbers in [0, 1)."""


class EdgesRun(ControlRun):
    """Edges at ever other thresholds, white on black."""

    def followed(self, index: Tensor, chance: Sequence[float]) -> Float[Tensor, "n 3 r r"]:
        """See ControlRun."""
        low, high = (a + (b - a) * share for (a, b), share in zip((LOW, HIGH), chance, strict=True))
        return _stacked([
            canny(np.ascontiguousarray(self.pictures[row].transpose(1, 2, 0)), low, max(low, high))
            for row in index.tolist()
        ])  # fmt: skip


class PoseRun(ControlRun):
    """How heads are turned, see `image.heads`."""

    def followed(self, index: Tensor, chance: Sequence[float]) -> Float[Tensor, "n 3 r r"]:
        """See ControlRun."""
        side = self.spec.drawn_px
        return _stacked([head_pose(side, *pose_of(self.table[row])) for row in index.tolist()])


def pose_of(row: Row) -> tuple[float, float, float]:
    """Yaw, pitch and tilt of a row of the label table."""
    return value(row, "yaw"), value(row, "pitch"), value(row, "tilt")


def _stacked(pictures: Sequence[np.ndarray]) -> Float[Tensor, "n 3 r r"]:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
