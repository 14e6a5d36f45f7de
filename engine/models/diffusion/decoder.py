"""The autoencoder of a latent diffusion model: codes to pixels and back. Needs torch."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vq_model import VQModel
from jaxtyping import Float
from torch import Tensor

from engine.diffusion.tiles import tiled
from engine.models.diffusion.part_settings import halvings
from engine.models.diffusion.tiny_decoder import TinyDecoder

PROBES, PROBE_SIDE = 16, 8  # codes that the preview is fitted to, and their size


class Decoder:
    """channels: numbers at each place of a code. tile: the side in px of what goes through it at
    once; 0 for whole pictures. tiny: what makes previews; without it they are a matrix's."""

    def __init__(
        self,
        vae: AutoencoderKL | VQModel,
        channels: int,
        tile: int = 0,
        tiny: TinyDecoder | None = None,
    ) -> None:
        self.vae, self.channels, self.tile, self.tiny = vae, channels, tile, tiny
        told: Any = vae.config  # the class's own values where the file says nothing
        self.scaling = told.scaling_factor or 1.0
        self.shift = getattr(told, "shift_factor", None) or 0.0
        self.enlarges = halvings(told)

    def pixels(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """The pictures that codes stand for, nominally in [-1, 1]; with a gradient."""
        if not self.tile:
            return self.decoded(codes)
        side = max(self.tile // self.enlarges, 1)
        return tiled(self.decoded, codes, side, Fraction(self.enlarges))

    def decoded(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 r r"]:
        """As pixels, in one piece."""
        plain = codes / self.scaling + self.shift
        found: Tensor = self.vae.decode(plain, return_dict=False)[0]
        return found

    def codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """The codes of pictures in [-1, 1]: the middle of what the encoder says."""
        return (self.plain_codes(pixels) - self.shift) * self.scaling

    def plain_codes(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        """The same as the encoder puts them out, before they are brought to the spread of noise."""
        if not self.tile:
            return self._encoded(pixels)
        return tiled(self._encoded, pixels, self.tile, Fraction(1, self.enlarges))

    def _encoded(self, pixels: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n c s s"]:
        told: Any = self.vae.encode(pixels)
        found: Tensor = told.latents if isinstance(self.vae, VQModel) else told.latent_dist.mode()
        return found.to(pixels)  # a card keeps what lies in such an answer

    @torch.no_grad()
    def preview(self, codes: Float[Tensor, "n c s s"]) -> Float[Tensor, "n 3 h w"]:
        """About what they stand for, in no time: by the tiny decoder, or at their own size by a
        matrix on each place."""
        if self.tiny is not None:
            made: Tensor = self.tiny(codes)
            return made
        weights, bias = self._matrix
        return torch.einsum("nchw,cd->ndhw", codes, weights) + bias[:, None, None]

    @cached_property
    def _matrix(self) -> tuple[Tensor, Tensor]:
        """From codes to colours, by least squares over what random ones are decoded to."""
        rng = torch.Generator().manual_seed(0)
        # One colour each: noise at every place would be decoded to a texture.
        flat = torch.randn(PROBES, self.channels, 1, 1, generator=rng)
        codes = flat.expand(-1, -1, PROBE_SIDE, PROBE_SIDE)
        with torch.no_grad():
            seen = self.pixels(codes.contiguous()).mean((2, 3))
        inside = torch.cat([flat[:, :, 0, 0], torch.ones(PROBES, 1)], dim=1)
        found = torch.linalg.lstsq(inside, seen).solution
        return found[:-1], found[-1]
