"""Diffusion: speed against diffusers' own pipeline, previews, resuming, the window, quality.

Uses the diffusion models of this installation's data folder and of the program.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from engine.denoising import Classes, ClassifierFree, Denoise, DenoiserInfo
from engine.diffusion import guidance
from engine.diffusion.denoise import Settings, denoise
from engine.errors import ModelError
from engine.models.library import bundled_folder
from engine.models.open_denoiser import PixelDenoiser, open_classifier
from engine.perception.reader import open_reader
from engine.portraits.classes import bits_of_class, class_bits
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed
from engine.services.diffuse import to_pixels
from engine.studio import Studio
from tests.benchmarks.figures import Figure, interleaved_per_s

STEPS = 25
SAMPLES = 64
SCALES = (1.0, 2.0, 3.0, 6.0)


def measure() -> Iterator[Figure]:
    """Every figure of the suite. Raises ModelError where there is no diffusion model."""
    studio = Studio()
    made = [info for info in studio.denoisers() if not info.upsamples and info.classes]
    if not made:
        raise ModelError("There is no diffusion model here.", "Run: train portraits-ddpm.")
    yield from against_diffusers(made[0])
    yield from worker(studio, made[0])
    yield from window(studio)
    yield from quality(studio, made[0])


def against_diffusers(info: DenoiserInfo) -> Iterator[Figure]:
    """The same weights and DDIM steps: our loop, and diffusers' DDIMPipeline, in turns."""
    from diffusers.pipelines.ddim.pipeline_ddim import DDIMPipeline
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    ours = PixelDenoiser(info)
    theirs = PixelDenoiser(info, "torch")
    c = torch.zeros(1, len(info.classes) + 1)
    c[0, 0] = 1.0
    unet = theirs.net.unet
    unet.forward = partial(unet.forward, class_labels=c)  # DDIMPipeline passes no labels
    scheduler = DDIMScheduler(
        trained_betas=ours.schedule.betas.tolist(),
        clip_sample=True,
        prediction_type={"v": "v_prediction", "x0": "sample"}.get(ours.prediction, "epsilon"),
        timestep_spacing="trailing",
    )
    pipeline = DDIMPipeline(unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    settings = Settings("ddim", STEPS)
    noise = torch.randn(1, *ours.shape, generator=torch.Generator().manual_seed(0))

    def run_ours() -> object:
        return denoise(ours, noise, ((0, 1.0),), settings=settings)

    def run_theirs() -> object:
        rng = torch.Generator().manual_seed(0)
        return pipeline(1, rng, 0.0, STEPS, output_type="np", use_clipped_model_output=True)

    fast, slow, ratio = interleaved_per_s(run_ours, run_theirs, rounds=5, calls=2)
    yield Figure("ms a step, this loop", 1000 / fast / STEPS, "ms")
    yield Figure("ms a step, diffusers' DDIMPipeline", 1000 / slow / STEPS, "ms")
    yield Figure("this loop to DDIMPipeline", ratio, "ratio", at_least=1.4)


def worker(studio: Studio, info: DenoiserInfo) -> Iterator[Figure]:
    """Through the worker process, warm: the first preview, a whole picture, one that resumes."""
    ref = ModelRef(info.name, info.sha256)

    def picture(seed: int, late: float = 1.0) -> Denoise:
        terms = (ClassifierFree(3.0), ClassifierFree(late, start=0.8))
        return Denoise(ref, Seed(seed), Classes((ClassWeight(6),)), terms, steps=STEPS)

    studio.render(Recipe(picture(0)))
    first, whole, late = [], [], []
    for seed in range(1, 8):
        heard: list[float] = []
        began = time.perf_counter()
        studio.render(
            Recipe(picture(seed)), on_step=lambda _, h=heard: h.append(time.perf_counter())
        )
        whole.append(time.perf_counter() - began)
        first.append(heard[0] - began)
        began = time.perf_counter()
        studio.render(Recipe(picture(seed, 2.0)))
        late.append(time.perf_counter() - began)
    yield Figure("first preview, warm", 1000 * float(np.median(first)), "ms")
    yield Figure(f"a guided picture of {STEPS} steps", 1000 * float(np.median(whole)), "ms")
    yield Figure("the same with its last fifth changed", 1000 * float(np.median(late)), "ms")
    saved = 1 - float(np.median(late)) / float(np.median(whole))
    yield Figure("saved by resuming", 100 * saved, "%")


def window(studio: Studio) -> Iterator[Figure]:
    """The event loop while the Diffuse page starts the worker and makes its first picture."""
    from tests.benchmarks.hand import Hand

    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        home = Path(folder)
        if (studio.home / "models").is_dir():
            shutil.copytree(studio.home / "models", home / "models")
        with Hand(home) as hand:
            hand.gap.start()
            hand.desk.window.actions_by_name["page_diffuse"].trigger()
            hand.until(lambda: hand.desk.diffuse.state is not None)
            hand.until(hand.desk.at_rest)
            hand.desk.diffuse.set_field("steps", 50)
            hand.desk.diffuse.end_gesture()
            hand.until(hand.desk.at_rest)
            gap = hand.gap.stop()
    yield Figure("longest event-loop gap, diffusion", gap, "ms", at_most=100)


def quality(studio: Studio, info: DenoiserInfo) -> Iterator[Figure]:
    """The judge on the classes asked for, over guidance scales; colour at scale 10."""
    network = PixelDenoiser(info)
    judge = open_reader(bundled_folder() / "portraits-judge")
    found = [k for k in studio.classifiers() if k.resolution == info.resolution]

    def made(terms: object, condition: object, label: int, mode: str = "static") -> np.ndarray:
        count = SAMPLES // len(info.classes)
        rng = torch.Generator().manual_seed(label)
        noise = torch.randn(count, *network.shape, generator=rng)
        settings = replace(Settings(steps=STEPS), threshold=mode)  # type: ignore[arg-type]
        x = denoise(network, noise, condition, terms, settings)  # type: ignore[arg-type]
        return np.stack([to_pixels(one[None]).transpose(2, 0, 1) for one in x])

    def accuracy(terms_of: object, conditional: bool) -> tuple[float, float]:
        right, spread = [], []
        for label in range(len(info.classes)):
            condition = ((label, 1.0),) if conditional else ()
            pictures = made(terms_of(label), condition, label)  # type: ignore[operator]
            bits = class_bits(judge.scores(pictures))
            right.append((bits == bits_of_class(label)).mean())
            spread.append(pictures.astype(np.float32).std(0).mean())
        return 100 * float(np.mean(right)), float(np.mean(spread))

    for scale in SCALES:
        share, spread = accuracy(
            lambda k, s=scale: [guidance.classifier_free(((k, 1.0),), (), s)], True
        )
        bar = 85.0 if scale == 3.0 else None
        yield Figure(f"class attributes right, guidance {scale:g}", share, "%", at_least=bar)
        yield Figure(f"spread of pixels in a class, guidance {scale:g}", spread, "of 255")
    if found:
        net = open_classifier(found[0])
        plain, _ = accuracy(lambda k: [], False)
        pulled, _ = accuracy(
            lambda k: [guidance.classifier("bench", net.log_probabilities, k, 4.0)], False
        )
        yield Figure("class attributes right by chance, unguided", plain, "%")
        yield Figure("classifier guidance of 4 adds", pulled - plain, "points", at_least=20.0)
    for mode in ("static", "dynamic"):
        term = [guidance.classifier_free(((6, 1.0),), (), 10.0)]
        pictures = made(term, ((6, 1.0),), 6, mode).astype(np.float32)
        saturation = (pictures.max(1) - pictures.min(1)).mean()
        yield Figure(f"mean saturation at scale 10, {mode}", float(saturation), "of 255")
