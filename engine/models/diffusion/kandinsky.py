"""A Kandinsky 2.2 as the denoising loop asks for it: the loop draws codes from what the prior
thought of. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from jaxtyping import Float
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.latent_parts import UNet2DConditionModel, VQModel, built
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoiser import CodeDenoiser
from engine.models.diffusion.eyes import PictureTower
from engine.models.diffusion.kandinsky_config import EYES, MOVQ, PRIOR, TEXT, UNET, KandinskyConfig
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.text_blends import TextBlends, Weights
from engine.models.diffusion.text_encoders import Encoder
from engine.models.diffusion.unclip_stages import Prior
from engine.perception.clip.config import ClipConfig
from engine.perception.clip.text_tower import PooledTower
from engine.perception.clip.tokenizer import read_tokenizer
from engine.perception.fitting import Tensors


def check_kandinsky(config: KandinskyConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class Movq(Decoder):
    """An autoencoder whose decoder is shown the codes at every size (Zheng et al., 2022); they are
    taken as they are, neither scaled nor brought to the nearest of a book."""

    def __init__(self, vae: VQModel, channels: int, tile: int = 0) -> None:
        super().__init__(vae, channels, tile)
        self.scaling, self.shift = 1.0, 0.0

    def decoded(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """See Decoder."""
        vae: Any = self.vae
        found: Tensor = vae.decode(codes, force_not_quantize=True, return_dict=False)[0]
        return found


class KandinskyDenoiser(CodeDenoiser):
    """Codes are denoised, told of texts and their shares; () is no text: a black picture's place.

    Blends of texts are blends of what the prior thought of each. Raises ModelError when weights or
    settings do not fit.
    """

    def __init__(self, info: DenoiserInfo) -> None:
        self.config = config = KandinskyConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, config.drawing, "epsilon", "torch")
        self.shape = config.channels, config.side, config.side
        parts = self.opened(_networks(config, info.name))
        self.unet, self.tower, self.eyes = parts[UNET], parts[TEXT], parts[EYES]
        self.decoder = Movq(parts[MOVQ], config.channels, self.tile)
        self.prior = Prior(parts[PRIOR], config)
        context = config.text.max_position_embeddings
        self.encoder = Encoder(self.tower, read_tokenizer(info.folder), context, config.pad)
        self.texts = TextBlends(self.read)

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n width"]:
        """What a CLIP would say of a picture of each text; of no text, what it says of none."""
        return torch.cat([self._thought(text) for text in texts])

    def _thought(self, text: str) -> Float[Tensor, "1 width"]:
        if not text.strip():
            nothing: Tensor = self.eyes.nothing()
            return nothing
        both = [text, ""]
        tokens, whole = self.tower.read(self.encoder.ids(both))
        return self.prior.think(whole, tokens, self.encoder.kept(both))

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        image = self.texts.of(conditions).repeat_interleave(len(x) // len(conditions), dim=0)
        out: Tensor = self.unet(
            x, torch.full((len(x),), t), encoder_hidden_states=None,
            added_cond_kwargs={"image_embeds": image}, return_dict=False,
        )[0]  # fmt: skip
        return out


def _networks(config: KandinskyConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    found: dict[str, nn.Module] = {
        PRIOR: built(PriorTransformer, config.prior, named(where, PRIOR)),
        UNET: built(UNet2DConditionModel, config.unet, named(where, UNET)),
        MOVQ: built(VQModel, config.movq, named(where, MOVQ)),
    }
    with torch.device("meta"):
        found[TEXT] = PooledTower(config.text, config.width)
        found[EYES] = PictureTower(config.eyes, config.width, ClipConfig.mean, ClipConfig.std)
    return found
