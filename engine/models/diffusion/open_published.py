"""The published diffusion models by the family of their cards. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.denoising import DenoiserInfo
from engine.frame import BackendName
from engine.models.diffusion.adm import AdmDenoiser, check_adm
from engine.models.diffusion.adm_config import ADM
from engine.models.diffusion.control import check_control
from engine.models.diffusion.control_config import CONTROL
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.denoisers import CLASSIFIER
from engine.models.diffusion.glide import GlideDenoiser, check_glide
from engine.models.diffusion.glide_config import GLIDE
from engine.models.diffusion.imagen_config import IMAGEN
from engine.models.diffusion.imagen_denoiser import ImagenDenoiser, check_imagen
from engine.models.diffusion.kandinsky import KandinskyDenoiser, check_kandinsky
from engine.models.diffusion.kandinsky_config import KANDINSKY
from engine.models.diffusion.latent_config import LATENT
from engine.models.diffusion.latent_denoiser import LatentDenoiser, check_parts
from engine.models.diffusion.textless_config import TEXTLESS
from engine.models.diffusion.textless_denoiser import TextlessDenoiser, check_textless
from engine.models.diffusion.unclip_config import UNCLIP, UNCLIP_LIKE
from engine.models.diffusion.unclip_denoiser import (
    UnclipDenoiser,
    UnclipLikeDenoiser,
    check_unclip,
    check_unclip_like,
)
from engine.models.published.pipeline_parts import Pipeline

_OPENED: Mapping[str, Callable[[DenoiserInfo], Denoiser]] = {
    LATENT: LatentDenoiser,
    TEXTLESS: TextlessDenoiser,
    UNCLIP: UnclipDenoiser,
    UNCLIP_LIKE: UnclipLikeDenoiser,
    ADM: AdmDenoiser,
    IMAGEN: ImagenDenoiser,
    GLIDE: GlideDenoiser,
    KANDINSKY: KandinskyDenoiser,
}
_CHECKED: Mapping[str, Callable[[Any, Any, str], None]] = {
    LATENT: check_parts,
    TEXTLESS: check_textless,
    CONTROL: check_control,
    UNCLIP: check_unclip,
    UNCLIP_LIKE: check_unclip_like,
    ADM: check_adm,
    IMAGEN: check_imagen,
    GLIDE: check_glide,
    KANDINSKY: check_kandinsky,
    CLASSIFIER: lambda card, tensors, where: check_adm(card.adm, tensors, where),
}


def check_weights(found: Pipeline, where: str) -> None:
    """Hold all weights against the networks of their settings. Raises ModelError."""
    _CHECKED[found.family](found.config, found.tensors, where)


def is_published(info: DenoiserInfo) -> bool:
    """Whether a model came in as a published pipeline."""
    return info.card["family"] in _OPENED


def open_published(
    info: DenoiserInfo, beside: int = 0, backend: BackendName | None = None
) -> Denoiser:
    """Such a model, ready for the loop, in the memory that there is. beside: numbers of the
    ControlNets that will help it. backend: for one that has a graph. Raises ModelError."""
    if info.card["family"] == LATENT:
        return LatentDenoiser(info, beside, backend)
    return _OPENED[info.card["family"]](info)
