"""The U-Nets of the bundled pixel models, on patches of pixels: diffusers' UNet2DModel, for most.

A patch of 2 x 2 pixels becomes one place of 12 channels, so that a 32 px picture costs what a
16 px one would (Luhman and Luhman, 2022). Noise on the pixels stays noise on the patches. Classes
are weights over the rows of the class table, so that a blend of classes is as good as a class;
the table's last row stands for no class. All levels but the finest attend, so that one eye knows
of the other. A model that reads texts has cross-attention there, too (Rombach et al., 2022), and is
diffusers' UNet2DConditionModel; it may be told the text as a whole, too, beside the time (Saharia
et al., 2022a, section 2.3), as what holds for the whole picture reaches all places so. One that
enlarges pictures is an Efficient U-Net, and makes what enlarge.py says.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from engine.diffusion.attention import Perturbation, finest
from engine.diffusion.efficient_unet import EfficientUNet
from engine.diffusion.residuals import parted
from engine.diffusion.unet_config import GROUPS, UNetConfig

HEADS = 4  # of a model of texts
HEAD = 16  # channels of one, elsewhere


class ClassTable(nn.Module):
    """Weights over classes to an embedding; the same tensor as nn.Embedding's."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, width))

    def forward(self, weights: Float[Tensor, "n rows"]) -> Float[Tensor, "n width"]:
        return weights @ self.weight


class PixelUNet(nn.Module):
    """x_t, t and what conditions it to the network's prediction, all in pixels."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        inside = config.inside * config.patch**2
        if config.upsamples:
            self.unet: nn.Module = EfficientUNet(config, inside + config.inside, inside)
        else:
            self.unet = _reading(config) if config.tokens else _plain(config)
        if config.classes:
            self.unet.class_embedding = ClassTable(config.classes + 1, 4 * config.channels[0])
        # The last layer begins at zero: the first prediction is the mean, not a guess.
        for values in self.unet.get_submodule("conv_out").parameters():
            nn.init.zeros_(values)
        self.perturbation = Perturbation.of(self.unet, finest(len(config.channels)))

    def forward(
        self,
        x: Float[Tensor, "n 3 r r"],
        t: Float[Tensor, " n"],
        c: Float[Tensor, "n rows"] | None = None,
        low: Float[Tensor, "n 3 half half"] | None = None,
        level: Float[Tensor, " n"] | None = None,
        text: Float[Tensor, "n tokens width"] | None = None,
        beside: Float[Tensor, "n beside places places"] | None = None,
        looks: Float[Tensor, "n looks"] | None = None,
        helped: Float[Tensor, "n numbers"] | None = None,
        perturbed: Float[Tensor, " n"] | None = None,
    ) -> Float[Tensor, "n 3 r r"]:
        """t: timesteps from 0. c: weights over classes, the last for none. low: the picture to be
        enlarged, as float32 [-1, 1] with noise of timestep `level` in it. text: what a CLIP's text
        tower makes of each token. beside, looks: what a model of texts is shown of a picture.
        helped: what ControlNets add to such a model, see residuals.joined. perturbed: 1 for
        pictures whose places see nothing but themselves, see attention.py."""
        patches = F.pixel_unshuffle(x, self.config.patch)
        if low is not None:
            patches = torch.cat([patches, low], dim=1)
        if beside is not None:
            patches = torch.cat([patches, beside], dim=1)
        if self.config.upsamples:
            return F.pixel_shuffle(self.unet(patches, t, level), self.config.patch)
        with self.perturbation.told(None if perturbed is None else perturbed > 0):
            if text is None:
                out = self.unet(patches, t, class_labels=c, return_dict=False)[0]
            else:
                added = {} if helped is None else self._added(helped)
                out = self.unet(patches, t, text, looks, return_dict=False, **added)[0]
        return F.pixel_shuffle(out, self.config.patch)

    def _added(self, helped: Tensor) -> dict[str, Any]:
        downs, middle = parted(helped, self.config.residuals)
        return {
            "down_block_additional_residuals": downs,
            "mid_block_additional_residual": middle,
        }


def _plain(config: UNetConfig) -> nn.Module:
    """For a model of nothing or of classes."""
    inside, below = config.inside * config.patch**2, len(config.channels) - 1
    made: nn.Module = UNet2DModel(
        sample_size=config.resolution // config.patch,
        in_channels=inside,
        out_channels=inside,
        layers_per_block=config.layers,
        block_out_channels=config.channels,
        down_block_types=("DownBlock2D", *("AttnDownBlock2D",) * below),
        up_block_types=(*("AttnUpBlock2D",) * below, "UpBlock2D"),
        norm_num_groups=GROUPS,
        attention_head_dim=HEAD,
        num_class_embeds=config.classes + 1 if config.classes else None,
    )
    return made


def _reading(config: UNetConfig) -> nn.Module:
    """For a model of texts."""
    made: nn.Module = UNet2DConditionModel(**reading_settings(config))
    return made


def reading_settings(config: UNetConfig) -> dict[str, Any]:
    """The settings of diffusers' class for a model of texts."""
    places, below = config.inside * config.patch**2, len(config.channels) - 1
    told = {
        "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": config.looks,
    }
    whole = {"addition_embed_type": "text", "addition_embed_type_num_heads": HEADS}
    return {
        "sample_size": config.resolution // config.patch,
        "in_channels": places + config.beside,
        "out_channels": places,
        "layers_per_block": config.layers,
        "block_out_channels": list(config.channels),
        "down_block_types": ["DownBlock2D", *["CrossAttnDownBlock2D"] * below],
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "up_block_types": [*["CrossAttnUpBlock2D"] * below, "UpBlock2D"],
        "norm_num_groups": GROUPS,
        "attention_head_dim": HEADS,
        "cross_attention_dim": config.text_width,
        **(told if config.looks else {}),
        **(whole if config.whole else {}),
    }
