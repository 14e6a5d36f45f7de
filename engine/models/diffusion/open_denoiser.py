"""A diffusion model as the denoising loop asks for it. Importing it needs torch.

The U-Net runs through ONNX Runtime where its folder has the graph, which is faster; torch answers
where a gradient is wanted, and is filled with the weights only then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.diffusion.adm import Encoder
from engine.diffusion.unet import PixelUNet
from engine.errors import ModelError
from engine.frame import BackendName
from engine.guides import ClassifierInfo, NoisyClipInfo
from engine.models.card import read_card
from engine.models.diffusion.adm import open_adm_classifier
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.denoisers import UNET, denoiser_config, stored_weights
from engine.models.diffusion.graph import answered, open_graph
from engine.models.diffusion.text_blends import Read, TextBlends, Weights, class_shares
from engine.perception.noisy_classifier import NoisyClassifier, NoisyClassifierConfig
from engine.perception.noisy_clip import NoisyClip, NoisyClipConfig
from engine.perception.noisy_tower import NoisyTower

Tower = TypeVar("Tower", bound=NoisyTower)


class PixelDenoiser(Denoiser):
    """Over a PixelUNet.

    read: of the CLIP of a model that reads texts. Raises ModelError when weights or graph do not
    fit the card.
    """

    def __init__(
        self, info: DenoiserInfo, backend: BackendName | None = None, read: Read | None = None
    ) -> None:
        self.config = denoiser_config(info.card, info.folder)
        graph = info.folder / UNET
        chosen: BackendName = backend or ("onnx" if graph.is_file() else "torch")
        super().__init__(info, self.config.schedule, self.config.prediction, chosen)
        self.shape = 3, info.resolution, info.resolution
        self._texts = None if read is None else TextBlends(read)
        self._tensors = stored_weights(info.folder, info.sha256)
        self._session: Any = None
        if self.backend == "onnx":
            self._session = open_graph(self.info, self._tensors)
        else:
            assert self.net is not None  # what does not fit is told now

    @cached_property
    def net(self) -> PixelUNet:
        """The torch network."""
        return build_unet(self.config.unet, self._tensors, self.info.name)

    def differentiable(self, x: Tensor, t: float, condition: Any) -> Tensor:
        """See Network."""
        out: Tensor = self.net(x, torch.full((len(x),), t), **self._more([condition], len(x)))
        return out

    def _answer(self, x: Tensor, t: float, conditions: Sequence[Weights]) -> Tensor:
        feed = {"x": x, "t": torch.full((len(x),), t)}
        feed |= self._more(conditions, len(x) // len(conditions))
        if self._session is None:
            out: Tensor = self.net(**feed, perturbed=self.perturbation.shares)
            return out
        return answered(self._session, feed, self.perturbation.shares)

    def _more(self, conditions: Sequence[Weights], n: int) -> dict[str, Tensor]:
        if self.config.unet.tokens:
            if self._texts is None:
                raise ModelError(f"{self.info.name} reads texts through a CLIP, and has none here.")
            return {"text": self._texts.of(conditions).repeat_interleave(n, dim=0)}
        rows = self.config.unet.classes
        if not rows:
            return {}
        return {"c": class_shares(conditions, rows).repeat_interleave(n, dim=0)}


def build_unet(config: Any, tensors: Any, name: str) -> PixelUNet:
    """The torch network filled with stored tensors. Raises ModelError when they do not fit."""
    net = PixelUNet(config)
    state = {key: torch.from_numpy(np.array(a, dtype=np.float32)) for key, a in tensors.items()}
    try:
        net.unet.load_state_dict(state)
    except RuntimeError as error:
        words = (str(error).splitlines() or [""])[-1].strip()[:200]
        raise ModelError(
            f"The weights of {name} are not those of such a U-Net: {words}",
            "Install the program again, or train the model again.",
        ) from error
    return net.eval().requires_grad_(False)


def open_classifier(info: ClassifierInfo) -> NoisyClassifier | Encoder:
    """A noise-aware classifier, ready for gradients. Raises ModelError."""
    theirs = read_card(info.folder)["config"].get("adm")
    if theirs is not None:
        return open_adm_classifier(theirs, stored_weights(info.folder, info.sha256), info.name)

    def made(config: Any) -> NoisyClassifier:
        return NoisyClassifier(NoisyClassifierConfig.from_dict(config))

    return _open_tower(info, "classifier", made)


def open_noisy_clip(info: NoisyClipInfo) -> NoisyClip:
    """A picture tower for noisy pictures, ready for gradients. Raises ModelError."""

    def made(config: Any) -> NoisyClip:
        return NoisyClip(NoisyClipConfig.from_dict(config))

    return _open_tower(info, "noise-aware CLIP", made)


def _open_tower(
    info: ClassifierInfo | NoisyClipInfo, words: str, made: Callable[[Any], Tower]
) -> Tower:
    tensors = stored_weights(info.folder, info.sha256)
    try:
        net = made(read_card(info.folder)["config"])
        state = {k: torch.from_numpy(np.array(a, dtype=np.float32)) for k, a in tensors.items()}
        net.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"The {words} {info.name} does not fit its card: {str(error)[:120]}.",
            "Install the program again, or train it again.",
        ) from error
    return net.eval().requires_grad_(False)
