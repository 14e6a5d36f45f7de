"""What a latent model predicts, found by asking it. Importing it needs torch.

At the last timestep next to nothing but noise is left in its input: one that predicts epsilon
answers with about what it is given, and one that predicts v with about a picture.
"""

from __future__ import annotations

from typing import Any

import torch

from engine.diffusion.latent_parts import UNet2DConditionModel, built
from engine.diffusion.schedule import Prediction
from engine.models.diffusion.housing import Housing, counted
from engine.models.diffusion.latent_config import TEXT, UNET, LatentConfig
from engine.models.diffusion.memory_plan import Needs
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.text_encoders import Encoder
from engine.perception.clip.config import TextSizes
from engine.perception.clip.text_tower import TextTower
from engine.perception.clip.tokenizer import Tokenizer
from engine.perception.fitting import Tensors

SIDE = 16  # of the codes that are tried: an answer within a second
ALIKE = 0.5  # correlation of answer and input


@torch.no_grad()
def tried_prediction(
    config: LatentConfig, tensors: Tensors, tokenizer: Tokenizer, where: str
) -> Prediction:
    """Epsilon or v. Raises ModelError for weights that do not fit, or find no room."""
    assert isinstance(config.text, TextSizes)
    with torch.device("meta"):
        tower = TextTower(config.text)
    nets = {TEXT: tower, UNET: built(UNet2DConditionModel, config.unet, named(where, UNET))}
    needs = Needs({part: counted(net) for part, net in nets.items()}, side=0, stored=0)
    made = Housing.of(needs, where).filled_all(nets, tensors, where)
    encoder = Encoder(made[TEXT], tokenizer, config.text.max_position_embeddings, config.pad)
    net: Any = made[UNET]
    x = torch.randn(2, config.channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    text, last = encoder.read([""]).expand(2, -1, -1), config.schedule.steps - 1
    out = net(x, last, encoder_hidden_states=text, return_dict=False)[0]
    both = torch.stack([x.flatten(), out.flatten()])
    return "epsilon" if float(torch.corrcoef(both)[0, 1]) > ALIKE else "v"
