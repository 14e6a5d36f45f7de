"""Diffusion: speed against diffusers' own pipeline, previews, resuming, the window, quality.

Uses the diffusion models of this installation's data folder and of the program.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.denoising import Classes, ClassifierFree, Denoise, DenoiserInfo
from engine.diffusion.denoise import Settings, denoise
from engine.errors import ModelError
from engine.models.bundled import bundled_folder
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.recipe import ClassWeight, ModelRef, Recipe, Seed
from engine.services.evaluate_diffusion import measure_denoiser
from engine.studio import Studio
from tests.benchmarks.diffusion_family import ddim_of, family
from tests.benchmarks.figures import Figure, interleaved_per_s
from tests.benchmarks.parity import parity

STEPS = 25


def measure() -> Iterator[Figure]:
    """Every figure of the suite. Raises ModelError where there is no diffusion model."""
    studio = Studio()
    made = [info for info in studio.denoisers() if not info.upsamples and info.classes]
    if not made:
        raise ModelError("There is no diffusion model here.", "Run: train portraits-ddpm.")
    yield from window(studio)  # before diffusers' pipelines fill this process
    yield from against_diffusers(made[0])
    yield from worker(studio, made[0])
    yield from quality(studio, made[0])
    yield from family(studio)
    yield from parity()


def against_diffusers(info: DenoiserInfo) -> Iterator[Figure]:
    """The same weights and DDIM steps: our loop, and diffusers' DDIMPipeline, in turns."""
    from diffusers.pipelines.ddim.pipeline_ddim import DDIMPipeline

    ours = PixelDenoiser(info)
    theirs = PixelDenoiser(info, "torch")
    c = torch.zeros(1, len(info.classes) + 1)
    c[0, 0] = 1.0
    unet = theirs.net.unet
    unet.forward = partial(unet.forward, class_labels=c)  # DDIMPipeline passes no labels
    pipeline = DDIMPipeline(unet, ddim_of(ours, clip_sample=True))
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
    """The judge on the classes asked for, over guidance scales; saturation at scale 10."""
    judge = bundled_folder() / "portraits-judge"
    scores = measure_denoiser(info, studio.library, judge, False, lambda _: None, CancelToken())
    for scale, seen in scores["classifier_free"].items():
        bar = 85.0 if scale == "3" else None
        yield Figure(
            f"class attributes right, guidance {scale}", 100 * seen["right"], "%", at_least=bar
        )
        yield Figure(f"spread of pixels in a class, guidance {scale}", seen["spread"], "of 255")
    if "classifier" in scores:
        plain, pulled = (scores["classifier"][key] for key in ("unguided_right", "right"))
        yield Figure("class attributes right by chance, unguided", 100 * plain, "%")
        added = 100 * (pulled - plain)
        yield Figure(
            f"classifier guidance of {scores['classifier']['scale']:g} adds",
            added,
            "points",
            at_least=20.0,
        )
    if "clip" in scores:
        added = 100 * (scores["clip"]["right"] - scores["clip"]["unguided_right"])
        yield Figure("guidance by captions adds", added, "points", at_least=15.0)
    found = scores["saturation"]
    yield Figure("saturated values of drawn portraits", 100 * found["drawn"], "%")
    for mode in ("none", "static", "dynamic"):
        off = abs(found[mode] / found["drawn"] - 1)
        bar = 10.0 if mode == "dynamic" else None
        yield Figure(f"away from that at scale 10, {mode}", 100 * off, "%", at_most=bar)
