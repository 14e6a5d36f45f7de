"""Pictures of a diffusion model under any guidance, as the judge sees them.

Asked for are the eight classes: by their numbers, or by their captions where the model reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.denoising import DenoiserInfo, Upscale
from engine.diffusion import guidance
from engine.diffusion.denoise import Hooks, Settings, denoise
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.models.diffusion.text_blends import Read, Weights
from engine.models.diffusion.upsampler import Upsampler
from engine.perception.reader import Reader
from engine.portraits.classes import CAPTIONS, bits_of_class, class_bits
from engine.services.diffuse import to_pixels, to_tensor

Terms = Sequence[guidance.Term]
STEPS = 25
SATURATED_SCALE = 10.0
END = 1  # of 255; nearer to black or white than this is saturated


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
    """Pictures of a model under any guidance, always from the same noises.

    judge: None where nothing is judged. read: of the CLIP of a model that reads texts through one.
    """

    def __init__(
        self,
        info: DenoiserInfo,
        judge: Reader | None,
        samples: int,
        cancel: CancelToken,
        read: Read | None = None,
    ) -> None:
        self.judge, self.cancel = judge, cancel
        self.network: Denoiser = (
            LatentDenoiser(info) if info.latent else PixelDenoiser(info, read=read)
        )
        names: Sequence[int | str] = CAPTIONS if info.reads else range(len(info.classes))
        self.asked: tuple[Weights, ...] = tuple(((name, 1.0),) for name in names)
        self.each = max(1, samples // len(self.asked))

    def pictures(
        self, terms: Terms, condition: Weights, label: int, settings: Settings | None = None
    ) -> UInt8[np.ndarray, "n 3 size size"]:
        """As many of a class as there are of each; the label is the noises' seed."""
        rng = torch.Generator().manual_seed(label)
        noise = torch.randn(self.each, *self.network.shape, generator=rng)
        hooks = Hooks(cancel=self.cancel)
        x = denoise(self.network, noise, condition, terms, settings or Settings(steps=STEPS), hooks)
        with torch.no_grad():
            shown = [self.network.pixels(one[None]) for one in x]
        return np.stack([to_pixels(one).transpose(2, 0, 1) for one in shown])

    def faces(self, scale: float, pag: float = 0.0) -> UInt8[np.ndarray, "n 3 size size"]:
        """As many of all classes, class by class, under classifier-free guidance; 0 is no
        condition at all, 1 the condition alone. pag: of guidance by perturbed attention."""
        made = []
        for label, wanted in enumerate(self.asked):
            free = guidance.classifier_free(wanted, (), scale)
            perturbed = guidance.perturbed_attention(wanted, pag)
            made.append(self.pictures([free, perturbed], wanted, label))
        return np.concatenate(made)

    def guided(self, terms: Callable[[int], Terms]) -> Seen:
        """The judge on every class where guidance alone knows of it. terms: of a class."""
        return self.judged(np.concatenate([
            self.pictures(terms(label), (), label) for label in range(len(self.asked))
        ]))  # fmt: skip

    def judged(self, faces: UInt8[np.ndarray, "n 3 size size"]) -> Seen:
        """The judge on as many of all classes, class by class."""
        assert self.judge is not None
        right, whole, spread = [], [], []
        for label, made in enumerate(np.split(faces, len(self.asked))):
            hits = class_bits(self.judge.scores(made)) == bits_of_class(label)
            right.append(hits.mean())
            whole.append(hits.all(axis=1).mean())
            spread.append(made.astype(np.float32).std(0).mean())
        means = (float(np.mean(values)) for values in (right, whole, spread))
        return Seen(*(round(value, 4) for value in means))

    def unguided(self) -> Seen:
        """Without a condition and without guidance."""
        return self.guided(lambda label: [])

    def saturation(self, mode: Any) -> float:
        """See `saturation`; of pictures of all classes at a high scale."""
        settings, made = Settings(steps=STEPS, threshold=mode), []
        for label, wanted in enumerate(self.asked):
            term = guidance.classifier_free(wanted, (), SATURATED_SCALE)
            made.append(self.pictures([term], wanted, label, settings))
        return saturation(np.concatenate(made))


def enlarged(
    info: DenoiserInfo, images: UInt8[np.ndarray, "n 3 s s"], cancel: CancelToken
) -> UInt8[np.ndarray, "n 3 size size"]:
    """By an upsampler as it is used, each from noise of its own, without noise in the small one."""
    network, made = Upsampler(info), []
    settings = Settings(Upscale.sampler, Upscale.steps, Upscale.spacing)
    for index, image in enumerate(images):
        rng = torch.Generator().manual_seed(index)
        noise = torch.randn(1, 3, *(2 * side for side in image.shape[1:]), generator=rng)
        small = to_tensor(image.transpose(1, 2, 0))
        x = network.enlarged(small, noise, settings, Hooks(cancel=cancel))
        made.append(to_pixels(x).transpose(2, 0, 1))
    return np.stack(made)


def saturation(pictures: UInt8[np.ndarray, "n 3 size size"]) -> float:
    """The share of values at the ends of their range, where shades run together: what dynamic
    thresholding is for (Saharia et al., 2022, section 2.3)."""
    return float(((pictures <= END) | (pictures >= 255 - END)).mean())
