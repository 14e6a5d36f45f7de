"""Which published pipelines are read here, by the names that diffusers gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint
from engine.models.diffusion.part_settings import refuse
from engine.models.published.dit import read_dit
from engine.models.published.imagen import read_imagen, read_imagen_second
from engine.models.published.kandinsky import read_kandinsky
from engine.models.published.pipeline_parts import INDEX, Pipeline
from engine.models.published.stable_diffusion import (
    read_inpainting,
    read_instructions,
    read_latent_texts,
    read_sdxl,
    read_sdxl_inpainting,
    read_stable_diffusion,
    read_upscaler,
    read_variations,
)
from engine.models.published.unclip import read_unclip, read_unclip_like
from engine.models.published.unconditional import read_latent, read_pixels

READERS: Mapping[str, Callable[[Path, RawCheckpoint], Pipeline]] = {
    "DDPMPipeline": read_pixels,
    "DDIMPipeline": read_pixels,
    "LDMPipeline": read_latent,
    "DiTPipeline": read_dit,
    "LDMTextToImagePipeline": read_latent_texts,
    "StableDiffusionPipeline": read_stable_diffusion,
    "StableDiffusionImg2ImgPipeline": read_stable_diffusion,
    "LatentConsistencyModelPipeline": read_stable_diffusion,
    "LatentConsistencyModelImg2ImgPipeline": read_stable_diffusion,
    "StableDiffusionControlNetPipeline": read_stable_diffusion,
    "StableDiffusionInpaintPipeline": read_inpainting,
    "StableDiffusionInstructPix2PixPipeline": read_instructions,
    "StableDiffusionUpscalePipeline": read_upscaler,
    "StableUnCLIPImg2ImgPipeline": read_variations,
    "UnCLIPPipeline": read_unclip,
    "UnCLIPImageVariationPipeline": read_unclip_like,
    "KandinskyV22Pipeline": read_kandinsky,
    "KandinskyV22Img2ImgPipeline": read_kandinsky,
    "KandinskyV22CombinedPipeline": read_kandinsky,
    "KandinskyV22Img2ImgCombinedPipeline": read_kandinsky,
    "IFPipeline": read_imagen,
    "IFImg2ImgPipeline": read_imagen,
    "IFSuperResolutionPipeline": read_imagen_second,
    "StableDiffusionXLPipeline": read_sdxl,
    "StableDiffusionXLImg2ImgPipeline": read_sdxl,
    "StableDiffusionXLControlNetPipeline": read_sdxl,
    "StableDiffusionXLInpaintPipeline": read_sdxl_inpainting,
}


def read_pipeline(path: Path, raw: RawCheckpoint) -> Pipeline:
    """What a pipeline's folder is. Raises ModelError, CheckpointError or Refusal for a part that
    is missing or of another kind."""
    kind = str(read_json(path / INDEX).get("_class_name"))
    if kind not in READERS:
        refuse(path.name, f"its pipeline is {kind[:60]!r}")
    return READERS[kind](path, raw)
