"""Measures the diffusion models on Portraits: what the judge sees of the classes asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.denoising import ClassifierInfo, DenoiserInfo, NoisyClipInfo
from engine.diffusion import guidance
from engine.diffusion.denoise import Hooks, Settings, denoise
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.open_denoiser import PixelDenoiser, Weights, open_classifier
from engine.perception.reader import Reader, open_reader
from engine.portraits.classes import NO_CLASS, bits_of_class, class_bits, class_of
from engine.portraits.dataset import portraits
from engine.services.diffuse import to_pixels
from engine.wishes import ClipInfo

Terms = Sequence[guidance.Term]
SAMPLES, SAMPLES_QUICK = 504, 64  # as many of each of the eight classes
SCALES, SCALES_QUICK = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0), (1.0, 2.0, 3.0, 6.0)
STEPS = 25
CLASSIFIER_SCALE = 4.0
SATURATED_SCALE = 10.0
REAL_SEED = 3  # the data set of drawn pictures; nothing was trained on it
LEVELS = (0, 250, 500, 750)  # timesteps that a noise-aware classifier is asked at


@dataclass(frozen=True)
class Seen:
    """What the judge sees of pictures of all classes, in shares of 1.

    right: of the three attributes of each. all_right: of pictures with all three. spread: mean
    standard deviation of a pixel within a class, of 255.
    """

    right: float
    all_right: float
    spread: float


class Trials:
    """Pictures of a class-conditional model under any guidance, always from the same noises."""

    def __init__(
        self, info: DenoiserInfo, judge: Reader, samples: int, cancel: CancelToken
    ) -> None:
        self.info, self.judge, self.cancel = info, judge, cancel
        self.network = PixelDenoiser(info)
        self.each = max(1, samples // len(info.classes))

    def pictures(
        self, terms: Terms, condition: Weights, label: int, settings: Settings | None = None
    ) -> UInt8[np.ndarray, "n 3 size size"]:
        """As many of a class as there are of each; the label is the noises' seed."""
        rng = torch.Generator().manual_seed(label)
        noise = torch.randn(self.each, *self.network.shape, generator=rng)
        hooks = Hooks(cancel=self.cancel)
        x = denoise(self.network, noise, condition, terms, settings or Settings(steps=STEPS), hooks)
        return np.stack([to_pixels(one[None]).transpose(2, 0, 1) for one in x])

    def seen(self, terms: Callable[[int], Terms], conditional: bool) -> Seen:
        """The judge on every class. terms: of a class's guidance."""
        right, whole, spread = [], [], []
        for label in range(len(self.info.classes)):
            condition: Weights = ((label, 1.0),) if conditional else ()
            made = self.pictures(terms(label), condition, label)
            hits = class_bits(self.judge.scores(made)) == bits_of_class(label)
            right.append(hits.mean())
            whole.append(hits.all(axis=1).mean())
            spread.append(made.astype(np.float32).std(0).mean())
        means = (float(np.mean(values)) for values in (right, whole, spread))
        return Seen(*(round(value, 4) for value in means))

    def classifier_free(self, scale: float) -> Seen:
        """Under classifier-free guidance; 0 is no condition at all, 1 the condition alone."""
        return self.seen(
            lambda label: [guidance.classifier_free(((label, 1.0),), (), scale)], conditional=True
        )

    def saturation(self, mode: Any) -> float:
        """Mean difference of the largest and the least channel at a high scale, of 255."""
        label = len(self.info.classes) - 2
        term = guidance.classifier_free(((label, 1.0),), (), SATURATED_SCALE)
        settings = Settings(steps=STEPS, threshold=mode)
        return saturation(self.pictures([term], ((label, 1.0),), label, settings))


def saturation(pictures: UInt8[np.ndarray, "n 3 size size"]) -> float:
    """Mean difference of the largest and the least channel, of 255."""
    values = pictures.astype(np.float32)
    return float((values.max(1) - values.min(1)).mean())


def measure_denoiser(
    info: DenoiserInfo,
    guides: Sequence[ClassifierInfo],
    eyes: Sequence[tuple[ClipInfo, NoisyClipInfo]],
    judge_folder: Path,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Classes by the judge over guidance scales, what classifier guidance adds, saturation.

    guides, eyes: the noise-aware classifiers and CLIPs that there are. Raises
    ModelError for an upsampler.
    """
    if info.upsamples or not info.classes:
        raise ModelError(f"Nothing is measured of {info.name}: it makes no pictures of classes.")
    samples = SAMPLES if full else SAMPLES_QUICK
    trials = Trials(info, open_reader(judge_folder), samples, cancel)
    scores: dict[str, Any] = {"samples": trials.each * len(info.classes), "steps": STEPS}
    told = _telling(progress, len(SCALES) + 4)
    curve = {}
    for scale in SCALES if full else SCALES_QUICK:
        curve[f"{scale:g}"] = vars(trials.classifier_free(scale))
        next(told)
    scores["classifier_free"] = curve
    guide = next((g for g in guides if g.resolution == info.resolution), None)
    if guide is not None:
        net = open_classifier(guide)
        plain = trials.seen(lambda label: [], conditional=False)
        next(told)
        pulled = trials.seen(
            lambda label: [
                guidance.classifier(guide.name, net.log_probabilities, label, CLASSIFIER_SCALE)
            ],
            conditional=False,
        )
        next(told)
        scores["classifier"] = {
            "guide": guide.sha256,
            "scale": CLASSIFIER_SCALE,
            "right": pulled.right,
            "unguided_right": plain.right,
        }
    for clip, tower in eyes:
        if tower.resolution == info.resolution:
            from engine.services.evaluate_text_guidance import text_guidance

            unguided = trials.seen(lambda label: [], conditional=False)
            found = text_guidance(trials, clip, tower)
            scores["clip"] = {**found, "unguided_right": unguided.right}
            next(told)
    drawn = portraits(REAL_SEED, np.arange(256), 2 * info.resolution)[0]
    small = torch.nn.functional.avg_pool2d(drawn.float(), 2).round().to(torch.uint8).numpy()
    scores["saturation"] = {
        "scale": SATURATED_SCALE,
        "drawn": round(saturation(small), 2),
        "static": round(trials.saturation("static"), 2),
        "dynamic": round(trials.saturation("dynamic"), 2),
    }
    return scores


def measure_classifier(
    info: ClassifierInfo, schedule: Any, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """The share of right answers on drawn pictures that it never saw, by timestep of their noise.

    schedule: of the diffusion model that it guides; see diffusion.schedule.Schedule.
    """
    count = 2000 if full else 400
    drawn, table = portraits(REAL_SEED, np.arange(count), 2 * info.resolution)
    labels = class_of(np.asarray(table))
    clear = np.flatnonzero(labels != NO_CLASS)
    x0 = torch.nn.functional.avg_pool2d(drawn[clear].float(), 2) / 127.5 - 1
    wanted = torch.from_numpy(np.stack([bits_of_class(int(k)) for k in labels[clear]]))
    net, rng, right = open_classifier(info), torch.Generator().manual_seed(0), {}
    for t in LEVELS:
        cancel.check()
        noise = torch.randn(x0.shape, generator=rng)
        x = float(schedule.alphas[t]) * x0 + float(schedule.sigmas[t]) * noise
        with torch.inference_mode():
            answers = net(x, torch.full((len(x),), float(t))) > 0
        right[str(t)] = round(float((answers == wanted.bool()).float().mean()), 4)
        progress(Progress("asking the classifier", (LEVELS.index(t) + 1) / len(LEVELS)))
    return {
        "answers_right_at_timestep": right,
        "real": {"set": "portraits", "seed": REAL_SEED, "count": len(clear)},
    }


def _telling(progress: OnProgress, steps: int) -> Iterator[None]:
    for done in range(1, steps + 100):
        progress(Progress("pictures for the judge", min(1.0, done / steps)))
        yield
