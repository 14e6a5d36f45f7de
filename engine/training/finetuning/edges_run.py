"""Lessons for a ControlNet that follows edges (Zhang et al., 2023): a copy of the half of a U-Net
that leads to its middle learns to read them; the U-Net itself stays as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from jaxtyping import Float
from torch import Tensor, nn

from engine.diffusion.unet import PixelUNet, reading_settings
from engine.diffusion.unet_config import UNetConfig
from engine.image.edges import canny
from engine.portraits.classes import CAPTIONS
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.finetuning.begin import copied, unet_of
from engine.training.latent_run import LatentRun

LOW, HIGH = (50.0, 200.0), (150.0, 400.0)  # slopes of edges: a window's usual ones are among them
READS = (16, 32, 64)  # channels of what reads the edges, each half the size of the one before
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

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.unet: Any = ControlNetModel(**control_settings(config))
        # Out of sight of the optimiser and of what is kept.
        self._base = (PixelUNet(config).eval().requires_grad_(False),)

    @property
    def base(self) -> Any:
        """The U-Net that it helps."""
        return self._base[0].unet

    def forward(
        self,
        x: Float[Tensor, "n c s s"],
        t: Float[Tensor, " n"],
        text: Float[Tensor, "n tokens width"],
        edges: Float[Tensor, "n 3 r r"],
    ) -> Float[Tensor, "n c s s"]:
        """edges: in [0, 1], of the size of the pictures."""
        downs, middle = self.unet(x, t, text, edges, return_dict=False)
        found: Tensor = self.base(
            x, t, text, down_block_additional_residuals=downs,
            mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        return found


class EdgesRun(LatentRun):
    """Over portraits, their captions, and their edges at ever other thresholds."""

    def network(self, spec: TrainDiffusion) -> nn.Module:
        """See DiffusionRun."""
        return Controlled(spec.unet)

    def begin(self, start: Path) -> None:
        """See LatentRun; the copy begins as what it is a copy of."""
        taught = unet_of(start)
        for network in (self.net, self.average):
            assert isinstance(network, Controlled)
            network.base.load_state_dict(taught)
            network.base.to(self.alphas.device)
            copied(network.unet, taught)

    def examples(self) -> tuple[Tensor, Conditions]:
        """Codes, captions and edges."""
        index = self.rows()
        chance = torch.rand(2, generator=self.rng).tolist()
        low, high = (a + (b - a) * share for (a, b), share in zip((LOW, HIGH), chance, strict=True))
        told = self.read(self.captions(index))
        return self.clean(index), {**told, "edges": self.edges(index, low, max(low, high))}

    def asked(self) -> tuple[Conditions, ...]:
        """The captions of the classes along the edges of the first pictures."""
        edges = {"edges": self.edges(torch.arange(SHOWN) % len(self.codes), 100.0, 200.0)}
        texts = [CAPTIONS[at % len(CAPTIONS)] for at in range(SHOWN)]
        return {**self.read(texts), **edges}, {**self.read([""] * SHOWN), **edges}

    def edges(self, index: Tensor, low: float, high: float) -> Float[Tensor, "n 3 r r"]:
        """Of these pictures, white on black."""
        found = [
            canny(np.ascontiguousarray(self.pictures[row].transpose(1, 2, 0)), low, high)
            for row in index.tolist()
        ]
        return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 255
