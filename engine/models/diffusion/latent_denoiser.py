"""A latent diffusion model as the denoising loop asks for it. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import torch
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.transformers.prior_transformer import PriorTransformer
from jaxtyping import Float
from torch import Tensor, nn

from engine.denoising import DenoiserInfo
from engine.diffusion.attention import Perturbation, finest
from engine.diffusion.latent_parts import (
    AutoencoderKL,
    UNet2DConditionModel,
    VQModel,
    built,
)
from engine.frame import BackendName
from engine.models.diffusion.condition import Condition, Told, as_told
from engine.models.diffusion.control import Helper, summed
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoiser import CodeDenoiser
from engine.models.diffusion.denoisers import UNET as GRAPH
from engine.models.diffusion.eyes import Eyes
from engine.models.diffusion.eyes_config import EYES
from engine.models.diffusion.latent_config import TEXT, TEXT_2, UNET, VAE, LatentConfig
from engine.models.diffusion.looks import noised
from engine.models.diffusion.part_settings import named
from engine.models.diffusion.parts import check_all
from engine.models.diffusion.prior_config import PRIOR
from engine.models.diffusion.quick_unet import QuickUNet
from engine.models.diffusion.text_blends import TextBlends
from engine.models.diffusion.text_encoders import Encoder, TwinEncoder
from engine.models.diffusion.tiny_decoder import TINY, TinyDecoder
from engine.models.diffusion.unclip_stages import Prior
from engine.perception.bert import BertTower
from engine.perception.bert_sizes import BertSizes
from engine.perception.clip.text_tower import PooledTower, TextTower
from engine.perception.clip.tokenizer import read_tokenizer
from engine.perception.fitting import Tensors
from engine.perception.wordpiece import read_wordpiece

CODERS: Mapping[str, type[nn.Module]] = {"AutoencoderKL": AutoencoderKL, "VQModel": VQModel}
BEAUTIFUL, UGLY = 6.0, 2.5  # of 10, as refiners are told
LOW_NOISE = 20  # the timestep of the noise in the small picture that an upscaler sees


def check_parts(config: LatentConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    check_all(_networks(config, where), tensors, where)


class LatentDenoiser(CodeDenoiser):
    """Codes are denoised, told of texts and their shares; () is no text.

    An inpainting model sees its mask and the codes of what stays, grey elsewhere (Rombach et al.,
    2022); one that follows instructions sees the picture's codes, not scaled (Brooks et al., 2023);
    an upscaler sees the small picture with a little noise; eyes look at it for a model that draws
    another one like it. beside: numbers of the ControlNets that will help it. backend:
    "torch" leaves the folder's graph alone, which runs the U-Net quicker where no gradient is
    wanted and nothing helps it. Raises ModelError when weights or settings do not fit.
    """

    def __init__(
        self, info: DenoiserInfo, beside: int = 0, backend: BackendName | None = None
    ) -> None:
        self.config = LatentConfig.from_dict(info.card["config"], info.name)
        super().__init__(info, self.config.schedule, self.config.prediction, "torch")
        self.shape = self.config.channels, self.config.side, self.config.side
        parts = self.opened(_networks(self.config, info.name), beside)
        self.unet = parts[UNET]
        self.perturbation = Perturbation.of(self.unet, _attending(self.config, info.folder))
        self.decoder = Decoder(parts[VAE], self.config.channels, self.tile, parts.get(TINY))
        self.eyes: Eyes | None = parts.get(EYES)
        self.encoder, self.twins = _encoders(self.config, parts, info.folder)
        self.prior = None if self.config.prior is None else Prior(parts[PRIOR], self.config.prior)
        self.thoughts = TextBlends(self._thought)
        self._helpers: tuple[Helper, ...] = ()
        self._quick: QuickUNet | None = None
        plain = self.housing is not None and self.housing.plan.plain
        if plain and backend != "torch" and (info.folder / GRAPH).is_file():
            self._quick = QuickUNet(info, self.unet.state_dict())
            self.backend, self.digest = "onnx", f"{info.sha256}/onnx"
        reader = self.twins or self.encoder
        assert reader is not None
        self.texts = TextBlends(reader.read, self.config.zeros)

    def helped(self, helper: Helper) -> LatentDenoiser:
        """The same model, and the same weights, with a ControlNet more beside it."""
        found = copy(self)
        found._helpers = (*self._helpers, helper)
        return found

    @property
    def says(self) -> int:
        """See Denoiser."""
        return 0 if self.config.eyes is None else self.config.eyes.projection

    def _look(self, image: Tensor, inside: Tensor | None, seed: int) -> Tensor | None:
        kind = self.config.shown
        if kind == "picture":
            return self.decoder.plain_codes(image)
        if kind == "small":
            assert self.config.low is not None
            return noised(image, self.config.low, LOW_NOISE, seed)
        if kind == "like":
            assert self.eyes is not None
            rng = torch.Generator().manual_seed(seed)
            noise = torch.randn(1, self.eyes.config.projection, generator=rng)
            return self.eyes.seen(image, noise)
        if kind == "masked":
            mask = torch.ones_like(image[:, :1]) if inside is None else inside
            scale, left = self.config.scale, self.codes(image * (1 - mask))
            return torch.cat([mask[:, :, ::scale, ::scale], left], dim=1)
        return None

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Condition]) -> Tensor:
        told, each = as_told(conditions), len(x) // len(conditions)
        text = self.texts.of([one.weights for one in told]).repeat_interleave(each, dim=0)
        more: dict[str, Any] = {}
        if self.twins is not None:
            text, whole = self.twins.parts(text)
            sizes = torch.stack([self._sizes(one) for one in told]).repeat_interleave(each, dim=0)
            more["added_cond_kwargs"] = {"text_embeds": whole, "time_ids": sizes}
        if self.config.eyes is not None:
            more["class_labels"] = self._beside(told).repeat_interleave(each, dim=0)
        elif self.config.low is not None:
            more["class_labels"] = torch.full((len(x),), LOW_NOISE)
        times = torch.full((len(x),), t)
        beside = None
        if self.config.shown not in ("", "like"):
            beside = self._beside(told).repeat_interleave(each, dim=0)
        quick = None if torch.is_grad_enabled() else self._quick
        if quick is not None and quick.suits(self._helpers):
            looks = more.get("class_labels")
            ways = self.perturbation.shares, self._bare
            return quick.answer(x, times, text, self._helpers, *ways, beside=beside, looks=looks)
        if self._helpers:
            answers = [helper.answer(x, times, text, more) for helper in self._helpers]
            more |= summed(answers, self._bare)
        if self.config.distilled:
            scales = torch.tensor([one.guidance for one in told]).repeat_interleave(each)
            more["timestep_cond"] = guidance_embedding(scales, self.config.distilled)
        x = x if beside is None else torch.cat([x, beside], dim=1)
        out: Tensor = self.unet(x, times, encoder_hidden_states=text, return_dict=False, **more)[0]
        return out

    def _sizes(self, told: Told) -> Float[Tensor, " ids"]:
        """Sizes and crop, and to a refiner how beautiful the picture is (Podell et al., 2023)."""
        side = float(self.info.resolution)
        last = (UGLY if told.away else BEAUTIFUL,) if self.config.scored else (side, side)
        return torch.tensor([side, side, 0.0, 0.0, *last])

    def _thought(self, texts: Sequence[str]) -> Float[Tensor, "n looks"]:
        """What the U-Net would be told of a picture of each text (Ramesh et al., 2022)."""
        assert self.prior is not None
        assert self.eyes is not None
        assert self.encoder is not None
        found = []
        for text in texts:
            both = [text, ""]
            tower = self.encoder.tower
            assert isinstance(tower, PooledTower)
            tokens, whole = tower.read(self.encoder.ids(both))
            said = self.prior.think(whole, tokens, self.encoder.kept(both))
            found.append(self.eyes.told(said))
        return torch.cat(found)

    def _beside(self, told: Sequence[Told]) -> Float[Tensor, "conditions ..."]:
        if self.prior is not None and self._shown is None:
            # Of no text nothing is thought: it is like nothing.
            seen = self.thoughts.of([one.weights for one in told])
            named = torch.tensor([float(bool(one.weights) and not one.away) for one in told])
            return seen * named[:, None]
        away = self.config.shown == "like"  # what is moved away from is like nothing
        shares = (one.picture and not (away and one.away) for one in told)
        return torch.cat([self.shown * float(share) for share in shares])


def guidance_embedding(scales: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Guidance scales, of which 1 is none, as a network takes them (Luo et al., 2023, as timesteps
    of 1000 (scale - 1))."""
    found: Tensor = get_timestep_embedding(1000 * (scales - 1), width, downscale_freq_shift=1)
    return found


def _attending(config: LatentConfig, folder: Path) -> str:
    """Where self-attention can be perturbed: as its graph is, or else in the middle, as diffusers
    does."""
    if (folder / GRAPH).is_file():
        return finest(len(config.unet["block_out_channels"]))
    return "mid_block"


def _encoders(
    config: LatentConfig, parts: Mapping[str, Any], folder: Path
) -> tuple[Encoder | None, TwinEncoder | None]:
    """What reads the texts, and both readers side by side where there is a second one."""
    bert = isinstance(config.text, BertSizes)
    tokenizer = read_wordpiece(folder) if bert else read_tokenizer(folder)
    first = None
    if config.text is not None:
        context = config.text.max_position_embeddings
        first = Encoder(parts[TEXT], tokenizer, context, config.pad)
    if config.second is None:
        return first, None
    context, pad = config.second.text.max_position_embeddings, config.second.pad
    return first, TwinEncoder(first, Encoder(parts[TEXT_2], tokenizer, context, pad), config)


def _networks(config: LatentConfig, where: str) -> dict[str, nn.Module]:
    """The networks by the prefix of their weights, without memory. Raises ModelError."""
    unet = built(UNet2DConditionModel, config.unet, named(where, UNET))
    nets: dict[str, nn.Module] = {
        UNET: unet,
        VAE: built(CODERS[config.decodes], config.vae, named(where, VAE)),
    }
    if config.prior is not None:
        nets[PRIOR] = built(PriorTransformer, config.prior.prior, named(where, PRIOR))
    with torch.device("meta"):
        if isinstance(config.text, BertSizes):
            nets[TEXT] = BertTower(config.text)
        elif config.text is not None:
            prior = config.prior
            nets[TEXT] = (
                TextTower(config.text) if prior is None else PooledTower(config.text, prior.width)
            )
        if config.eyes is not None:
            nets[EYES] = Eyes(config.eyes)
        if config.tiny:
            nets[TINY] = TinyDecoder(config.channels, config.scale)
        if config.second is not None:
            nets[TEXT_2] = PooledTower(config.second.text, config.second.projection)
    return nets
