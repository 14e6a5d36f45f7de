"""The models of codes against diffusers' own pipelines on the same weights, and how well each does
what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.diffusion import guidance
from engine.diffusion.denoise import Settings, denoise
from engine.models.bundled import bundled_folder
from engine.models.card import read_card
from engine.models.diffusion.condition import Told
from engine.models.diffusion.control import Helper, control_numbers, open_control
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.services.evaluate import diffusion_scores
from engine.studio import Studio
from tests.benchmarks.figures import Figure, interleaved_per_s

STEPS, SCALE, PICTURE_SCALE = 25, 3.0, 1.5
ASKED = Told((("a smiling woman with glasses", 1.0),))
TEXT = guidance.classifier_free(ASKED, Told(()), SCALE)
FAST, SAME = 1.4, 1e-3
# What is told of the scores of a card: its key, words, and the bar.
TOLD: Mapping[str, Sequence[tuple[str, str, float | None]]] = {
    "portraits-instruct": (
        ("changed", "named attribute changed", 80.0),
        ("others_kept", "others within 15 %", None),
    ),
    "portraits-variations": (
        ("kept", "attributes kept by variations", 75.0),
        ("one_way", "blends that go one way", 80.0),
        ("asked", "right through the prior", None),
    ),
    "portraits-edges": (
        ("f1_with", "F1 of edges within a pixel", 60.0),
        ("f1_without", "the same without it", None),
        ("f1_exact_guided", "F1 of edges to the pixel, guided", None),
        ("f1_exact_with", "the same unguided", None),
        ("f1_exact_with_twice", "the same where it counts twice", None),
        ("f1_exact_without", "the same without it", None),
    ),
    "portraits-pose": (
        ("pose_off_with", "pose missed, of its range", None),
        ("pose_off_guided", "the same guided", None),
        ("pose_off_without", "the same without it", None),
    ),
}


def family(studio: Studio) -> Iterator[Figure]:
    """Every figure of the bundled models of codes."""
    models = {info.shown: info for info in studio.denoisers() if info.latent and info.bundled}
    for shown, against in (("", texts), ("picture", instructions), ("masked", holes)):
        if shown in models:
            yield from against(models[shown])
    for control in studio.library.controls():
        if control.bundled and control.follows == "edges":
            yield from edges(models[""], control)
    for name, told in TOLD.items():
        if (bundled_folder() / name).is_dir():
            card = read_card(bundled_folder() / name)
            scores = diffusion_scores(card, bundled_folder(), False, lambda _: None, CancelToken())
            for key, words, bar in told:
                yield Figure(f"{name}: {words}", 100 * scores[key], "%", at_least=bar)


def texts(info: DenoiserInfo) -> Iterator[Figure]:
    """Guided by a text: StableDiffusionPipeline."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )

    theirs = LatentDenoiser(info, backend="torch")
    yield from _side_by_side(
        info.name, LatentDenoiser(info), [TEXT], _pipeline(StableDiffusionPipeline, theirs),
        _asked(theirs),
    )  # fmt: skip


def instructions(info: DenoiserInfo) -> Iterator[Figure]:
    """Guided by a text and a picture: StableDiffusionInstructPix2PixPipeline."""
    from diffusers.pipelines.stable_diffusion import (
        pipeline_stable_diffusion_instruct_pix2pix as published,
    )

    ours, theirs = LatentDenoiser(info), LatentDenoiser(info, backend="torch")
    image = _picture(info.resolution)
    ours.show(image)
    alone, nothing = Told(()), Told((), picture=False)
    terms = [
        guidance.classifier_free(ASKED, alone, SCALE),
        guidance.classifier_free(alone, nothing, PICTURE_SCALE),
    ]
    pipeline = _pipeline(published.StableDiffusionInstructPix2PixPipeline, theirs)
    more = {"image": image / 2 + 0.5, "image_guidance_scale": PICTURE_SCALE}
    yield from _side_by_side(info.name, ours, terms, pipeline, {**_asked(theirs), **more})


def holes(info: DenoiserInfo) -> Iterator[Figure]:
    """A hole, and what is around it: StableDiffusionInpaintPipeline."""
    from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_inpaint as published

    ours, theirs = LatentDenoiser(info), LatentDenoiser(info, backend="torch")
    image, side = _picture(info.resolution), info.resolution
    mask = torch.zeros(1, 1, side, side)
    mask[:, :, side // 2 :] = 1
    ours.show(image, mask)
    with torch.no_grad():
        left, codes = ours.codes(image * (1 - mask)), ours.codes(image)
    more = {
        "image": codes, "mask_image": mask, "masked_image_latents": left, "height": side,
        "width": side, "strength": 1.0,
    }  # fmt: skip
    pipeline = _pipeline(published.StableDiffusionInpaintPipeline, theirs)
    yield from _side_by_side(info.name, ours, [TEXT], pipeline, {**_asked(theirs), **more})


def edges(base: DenoiserInfo, control: ControlInfo) -> Iterator[Figure]:
    """With a ControlNet: StableDiffusionControlNetPipeline."""
    from diffusers.pipelines.controlnet import pipeline_controlnet as published

    numbers, image = control_numbers(control), _picture(base.resolution) / 2 + 0.5
    ours, theirs = LatentDenoiser(base, numbers), LatentDenoiser(base, numbers, "torch")
    assert ours.housing is not None
    opened = open_control(control, ours.housing)
    pipeline = _pipeline(published.StableDiffusionControlNetPipeline, theirs, controlnet=opened.net)
    helped = ours.helped(Helper(opened, image, 1.0))
    yield from _side_by_side(
        control.name, helped, [TEXT], pipeline, {**_asked(theirs), "image": image}
    )


def _side_by_side(
    name: str, ours: LatentDenoiser, terms: Sequence[Any], pipeline: Any, asked: dict[str, Any]
) -> Iterator[Figure]:
    noise = torch.randn(1, *ours.shape, generator=torch.Generator().manual_seed(0))
    settings = Settings("ddim", STEPS, threshold="none")

    def run_ours() -> np.ndarray:
        made = denoise(ours, noise, ASKED, terms, settings)
        with torch.no_grad():
            return np.asarray(ours.pixels(made)[0].permute(1, 2, 0) / 2 + 0.5).clip(0, 1)

    def run_theirs() -> np.ndarray:
        return np.asarray(pipeline(**asked, latents=noise.clone()).images[0])

    yield Figure(
        f"{name}: apart from diffusers'", float(np.abs(run_ours() - run_theirs()).max()), "of 1",
        at_most=SAME,
    )  # fmt: skip
    fast, slow, ratio = interleaved_per_s(run_ours, run_theirs, rounds=5, calls=2)
    yield Figure(f"{name}: ms a step, this loop", 1000 / fast / STEPS, "ms")
    yield Figure(f"{name}: ms a step, diffusers' pipeline", 1000 / slow / STEPS, "ms")
    yield Figure(f"{name}: this loop to diffusers'", ratio, "ratio", at_least=FAST)


def ddim_of(network: Denoiser, **more: Any) -> Any:
    """diffusers' DDIM as this loop steps."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    return DDIMScheduler(
        trained_betas=network.schedule.betas.tolist(),
        prediction_type={"v": "v_prediction", "x0": "sample"}.get(network.prediction, "epsilon"),
        timestep_spacing="trailing",
        **more,
    )


def _pipeline(kind: Any, theirs: LatentDenoiser, **more: Any) -> Any:
    """A pipeline of diffusers around the networks of a model."""
    # An offset of 1 is asked for by the pipelines; this spacing has none.
    scheduler = ddim_of(theirs, clip_sample=False, steps_offset=1)
    made = kind(
        vae=theirs.decoder.vae, text_encoder=None, tokenizer=None, unet=theirs.unet,
        scheduler=scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False, **more,
    )  # fmt: skip
    made.set_progress_bar_config(disable=True)
    return made


def _asked(theirs: LatentDenoiser) -> dict[str, Any]:
    """What every such pipeline is asked for."""
    said, nothing = theirs.texts.of([ASKED.weights, ()])
    return {
        "prompt_embeds": said[None], "negative_prompt_embeds": nothing[None],
        "num_inference_steps": STEPS, "guidance_scale": SCALE, "output_type": "np",
    }  # fmt: skip


def _picture(side: int) -> Float[Tensor, "1 3 side side"]:
    """A drawn portrait, in [-1, 1]."""
    from engine.portraits.dataset import portraits

    return portraits(3, np.arange(1), side)[0].float() / 127.5 - 1
