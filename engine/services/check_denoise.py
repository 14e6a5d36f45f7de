"""What a diffusion model is asked for that it cannot do: told from the cards alone, in no time."""

from __future__ import annotations

from engine.denoising import (
    Classes,
    Classifier,
    ClassifierFree,
    ClipGuidance,
    Conditioning,
    Denoise,
    DenoiserInfo,
    Upscale,
)
from engine.errors import ModelError, RecipeError
from engine.models.library import ModelLibrary


def check_denoise(node: Denoise, library: ModelLibrary) -> None:
    """Refuse what the model or its guides cannot do. Raises RecipeError or ModelError."""
    info = library.denoiser(node.model)
    if info.upsamples:
        raise RecipeError(
            f"{info.name} enlarges pictures and makes none from noise.",
            "Choose a model that makes pictures.",
        )
    if node.sampler == "lcm" and not info.lcm:
        raise RecipeError(
            f"The sampler LCM needs a model distilled for it, and {info.name} is not.",
            "Choose another sampler, such as dpmpp_2m.",
        )
    check_conditioning(node.conditioning, info)
    for term in node.guidance:
        if isinstance(term, ClassifierFree):
            check_conditioning(term.negative, info)
        elif isinstance(term, Classifier):
            _check_classifier(term, info, library)
        elif isinstance(term, ClipGuidance):
            _check_text(term, info, library)


def check_upscale(node: Upscale, library: ModelLibrary) -> None:
    """Refuse a model that makes pictures. Raises RecipeError or ModelError."""
    info = library.denoiser(node.model)
    if not info.upsamples:
        raise RecipeError(f"{info.name} makes pictures and enlarges none.", "Choose an upsampler.")


def check_conditioning(conditioning: Conditioning, info: DenoiserInfo) -> None:
    """Refuse what the model was never told of. Raises RecipeError."""
    if not isinstance(conditioning, Classes):
        raise RecipeError(
            f"{info.name} knows classes only, got {conditioning.op!r}.",
            "Choose a class, or a model that reads texts.",
        )
    count = len(info.classes)
    wrong = [item.index for item in conditioning.weights if item.index >= count]
    if wrong:
        known = f"the classes 0 to {count - 1}" if count else "no classes"
        raise RecipeError(
            f"{info.name} knows {known}, got {wrong[0]}.", "Choose one of these, or none."
        )


def _check_classifier(term: Classifier, info: DenoiserInfo, library: ModelLibrary) -> None:
    judge = library.classifier(term.model)
    if judge.resolution != info.resolution:
        raise ModelError(
            f"The classifier {judge.name} reads pictures of {judge.resolution} px, but "
            f"{info.name} makes {info.resolution} px.",
            "Choose a classifier of that size.",
        )
    if term.index >= len(judge.classes):
        raise RecipeError(
            f"{judge.name} knows the classes 0 to {len(judge.classes) - 1}, got {term.index}.",
            "Choose one of these.",
        )


def _check_text(term: ClipGuidance, info: DenoiserInfo, library: ModelLibrary) -> None:
    clip = library.clip_of(term.model)
    if term.eyes is None:
        return
    eyes = library.noisy_clip(term.eyes)
    if eyes.resolution != info.resolution or eyes.clip != clip.sha256:
        raise ModelError(
            f"{eyes.name} reads noisy pictures of {eyes.resolution} px for the CLIP "
            f"{eyes.clip[:12]}, not {info.resolution} px for {clip.name}.",
            "Choose one that goes with both, or none: then the gradient goes through the U-Net.",
        )
