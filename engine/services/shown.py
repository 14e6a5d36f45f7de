"""The picture that an editing model is shown beside the noise. Runs in the worker process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from engine.denoising import Classes, ClassifierFree, Conditioning, Denoise, PictureGuidance
from engine.diffusion import guidance
from engine.models.adm import AdmDenoiser
from engine.models.condition import Told
from engine.models.denoiser import Denoiser
from engine.models.glide import GlideDenoiser
from engine.models.imagen_denoiser import ImagenDenoiser
from engine.models.latent_denoiser import LOW_NOISE, LatentDenoiser
from engine.models.text_blends import Weights

Pixels = UInt8[np.ndarray, "height width 3"]


@torch.no_grad()
def show(
    network: Denoiser,
    image: Float[Tensor, "1 3 height width"],
    inside: Bool[np.ndarray, "height width"] | None,
    seed: int = 0,
) -> None:
    """Let a model see the picture in the run that comes; nothing for a model that sees none.

    image: in [-1, 1]. inside: where it is drawn anew, None for everywhere. An inpainting model sees
    that mask and the codes of what stays, grey elsewhere (Rombach et al., 2022); one that follows
    instructions sees the picture's codes, not scaled (Brooks et al., 2023); an upscaler sees the
    small picture with a little noise; eyes look at it for a model that draws another one like it.
    seed: of noise in what is shown.
    """
    if isinstance(network, AdmDenoiser):
        network.shown = image
    elif isinstance(network, GlideDenoiser) and network.info.shown:
        kept = None if inside is None else torch.from_numpy(~inside).to(image.dtype)[None, None]
        network.show(image, kept)
    elif isinstance(network, ImagenDenoiser) and network.info.shown:
        network.show(image, seed)
    if not isinstance(network, LatentDenoiser) or not network.info.shown:
        return
    if network.info.shown == "picture":
        network.shown = network.decoder.plain_codes(image)
        return
    if network.info.shown == "small":
        low = network.config.low
        assert low is not None
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
        alpha, sigma = float(low.alphas[LOW_NOISE]), float(low.sigmas[LOW_NOISE])
        network.shown = alpha * image + sigma * noise
        return
    if network.eyes is not None:
        rng = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, network.eyes.config.projection, generator=rng)
        network.shown = network.eyes.seen(image, noise)
        return
    mask = torch.ones_like(image[:, :1])
    if inside is not None:
        mask = torch.from_numpy(inside).to(image.dtype)[None, None]
    scale = network.config.scale
    left = network.codes(image * (1 - mask))
    network.shown = torch.cat([mask[:, :, ::scale, ::scale], left], dim=1)


def picture_term(
    term: PictureGuidance, node: Denoise, told: Callable[[Conditioning], Weights]
) -> guidance.Term:
    """Toward the shown picture and away from none, under the negative text (Brooks et al., 2023,
    equation 3, the second scale)."""
    texts = (item.negative for item in node.guidance if isinstance(item, ClassifierFree))
    away = told(next(texts, Classes()))
    return guidance.classifier_free(
        Told(away), Told(away, picture=False), term.scale, (term.start, term.end)
    )
