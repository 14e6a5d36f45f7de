"""What a diffusion model is asked for that it cannot do: told from the cards alone, in no time."""

from __future__ import annotations

from engine.controlling import Control
from engine.denoising import (
    Classes,
    Classifier,
    ClassifierFree,
    ClipGuidance,
    Conditioning,
    Denoise,
    DenoiserInfo,
    PerturbedAttention,
    PictureGuidance,
    Texts,
    Upscale,
)
from engine.errors import ModelError, RecipeError
from engine.likening import Likeness, TextDifference
from engine.models.diffusion.control_config import misfit_of
from engine.models.library import ModelLibrary
from engine.recipe import ModelRef


def check_denoise(node: Denoise, library: ModelLibrary, begun: bool = True) -> None:
    """Refuse what the model or its guides cannot do. begun: whether there is a picture to draw
    anew. Raises RecipeError or ModelError."""
    info = library.denoiser(node.model)
    if info.shown and not begun and not info.thinks:
        raise RecipeError(
            f"{info.name} draws a picture anew and was given none.",
            "Begin with a picture, or give one with --from.",
        )
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
    if info.clip:
        library.clip_of(clip_of(info))  # which may be missing
    if info.distilled:
        _check_distilled(node, info)
    for term in node.guidance:
        if isinstance(term, ClassifierFree):
            check_conditioning(term.negative, info)
        elif isinstance(term, Classifier):
            _check_classifier(term, info, library)
        elif isinstance(term, ClipGuidance):
            _check_text(term, info, library)
        elif isinstance(term, Control):
            _check_control(term, info, library)
        elif isinstance(term, Likeness | TextDifference) and info.shown != "like":
            raise RecipeError(
                f"{info.name} draws no variations of a picture.",
                "Choose a model that draws pictures like another, or leave the term out.",
            )
        elif isinstance(term, Likeness | TextDifference) and not begun:
            raise RecipeError(
                f"{info.name} is shown no picture that could go toward another.",
                "Begin with a picture, or leave the term out.",
            )
        elif isinstance(term, PerturbedAttention) and term.scale and not info.usual_pag:
            raise RecipeError(
                f"{info.name} has no self-attention that could be perturbed.",
                "Leave perturbed-attention guidance out.",
            )
        elif isinstance(term, PictureGuidance) and info.shown != "picture":
            raise RecipeError(
                f"{info.name} is shown no picture that guidance could go toward.",
                "Choose a model of edit instructions, or leave the term out.",
            )


def check_control_size(term: Control, width: int, height: int, side: int) -> None:
    """Refuse a picture to follow that is not as large as the model's. Raises RecipeError."""
    if (width, height) != (side, side):
        raise RecipeError(
            f"{term.model.name} follows pictures of {side} x {side} px here, got "
            f"{width} x {height}.",
            "Crop the picture to a square and resize it.",
        )


def check_upscale(node: Upscale, library: ModelLibrary) -> None:
    """Refuse a model that makes pictures. Raises RecipeError or ModelError."""
    info = library.denoiser(node.model)
    if not info.upsamples:
        raise RecipeError(f"{info.name} makes pictures and enlarges none.", "Choose an upsampler.")


def check_conditioning(conditioning: Conditioning, info: DenoiserInfo) -> None:
    """Refuse what the model was never told of. Raises RecipeError."""
    match conditioning:
        case Texts(texts):
            if texts and not info.reads:
                raise no_reader(info.name, texts[0].text)
        case Classes(classes):
            count = len(info.classes)
            wrong = [item.index for item in classes if item.index >= count]
            if wrong:
                known = f"the classes 0 to {count - 1}" if count else "no classes"
                raise RecipeError(
                    f"{info.name} knows {known}, got {wrong[0]}.", "Choose one of these, or none."
                )
        case _:
            raise RecipeError(
                f"{info.name} cannot be told of {conditioning.op!r}.",
                "A newer version of this program may know how.",
            )


def _check_distilled(node: Denoise, info: DenoiserInfo) -> None:
    """Refuse what cannot be said to a network that takes one scale and knows no second text."""
    terms = [term for term in node.guidance if isinstance(term, ClassifierFree)]
    if len(terms) > 1 or any(term.start > 0 or term.end < 1 for term in terms):
        raise RecipeError(
            f"Guidance is distilled into {info.name}: it takes one scale for all steps.",
            "Give one scale from 0 to 1 of the steps.",
        )
    if any(told_of(term.negative) for term in terms):
        raise RecipeError(
            f"Guidance is distilled into {info.name}: it knows no negative text.",
            "Leave the negative text out.",
        )


def told_of(conditioning: Conditioning) -> bool:
    """Whether it says anything."""
    return bool(getattr(conditioning, "weights", ()))


def no_reader(name: str, prompt: str) -> RecipeError:
    """The refusal of a text by a model that reads none."""
    return RecipeError(
        f"{name} reads no texts, got the prompt {prompt[:60]!r}.",
        "Guide it by a text, which a CLIP reads, or choose a class, or a model that reads texts.",
    )


def clip_of(info: DenoiserInfo) -> ModelRef:
    """What a model that reads texts reads them through."""
    return ModelRef(f"the CLIP of {info.name}"[:64], info.clip)


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


def _check_control(term: Control, info: DenoiserInfo, library: ModelLibrary) -> None:
    control = library.control(term.model)
    wrong = misfit_of(control, info.card["family"], info.card["config"], info.name)
    if wrong:
        raise ModelError(
            f"The ControlNet {control.name} does not fit {info.name}: it {wrong}.",
            "Choose a ControlNet that was taught beside that kind of model.",
        )
