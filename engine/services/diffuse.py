"""Runs diffusion images: called in the worker process, which keeps models and trajectories.

`denoise_image` and `upscale_image` are pure functions of their arguments; what they remember only
makes them quicker.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.cancel import CancelToken
from engine.controlling import Control, controls_of
from engine.denoising import (
    Classes,
    Classifier,
    ClassifierFree,
    ClipGuidance,
    Conditioning,
    Denoise,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
    Texts,
    Upscale,
)
from engine.diffusion import guidance
from engine.diffusion.denoise import Hooks, Settings, Start, Step, denoise
from engine.diffusion.noise import noise_of
from engine.diffusion.trajectory import Trajectories
from engine.errors import RecipeError
from engine.frame import BackendName, DenoisingStep
from engine.image.discs import inside_discs
from engine.likening import Likeness, TextDifference
from engine.models.diffusion.condition import Condition, Told
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.open_denoiser import PixelDenoiser, open_classifier, open_noisy_clip
from engine.models.diffusion.open_published import is_published, open_published
from engine.models.diffusion.text_blends import Weights
from engine.models.diffusion.upsampler import Upsampler
from engine.perception.clip.model import Clip
from engine.perception.noisy_clip import NoisyClip
from engine.recipe import ModelRef
from engine.services.check_denoise import check_denoise, check_upscale, clip_of
from engine.services.clips import opened_clip
from engine.services.controls import Controls
from engine.services.diffusion import Denoised, Place, Source, discs_of
from engine.services.installation import Installation
from engine.services.likeness_terms import likeness_terms
from engine.services.picture_term import picture_term

Pixels = UInt8[np.ndarray, "height width 3"]


class Workshop(Installation):
    """What one place's runs share."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.home, place.bundled)
        self.networks: dict[tuple[str, BackendName | None], Denoiser] = {}
        self.classifiers: dict[str, Any] = {}
        self.towers: dict[str, Any] = {}
        self.controls = Controls(lambda: self.library)
        self.memory = Trajectories()
        self._coded: tuple[tuple[str, str], Tensor] | None = None

    def know(self, *refs: ModelRef) -> None:
        """Look again for models that may have come since."""
        if not all(map(self.library.has, refs)):
            self.refresh()

    def network(self, ref: ModelRef, backend: BackendName | None, beside: int = 0) -> Denoiser:
        """A diffusion model, opened once, and again where ControlNets of so many weights beside it
        leave less room. Raises ModelError."""
        key = (ref.sha256, backend)
        if key not in self.networks or not self.networks[key].suits(beside):
            self.know(ref)
            info = self.library.denoiser(ref)
            if is_published(info):
                self._let_go_of_published()
                self.networks[key] = open_published(info, beside, backend)
            elif info.upsamples:
                self.networks[key] = Upsampler(info, backend)
            else:
                read = self.clip(clip_of(info)).read_texts if info.clip else None
                self.networks[key] = PixelDenoiser(info, backend, read)
        return self.networks[key]

    @torch.no_grad()
    def codes_of(self, network: Denoiser, pixels: Pixels, name: str) -> Tensor:
        """The picture as the network's own; the last one is kept, while what is done to it
        changes."""
        key = (network.digest, name)
        if self._coded is None or self._coded[0] != key:
            self._coded = (key, network.codes(to_tensor(pixels)))
        return self._coded[1]

    def _let_go_of_published(self) -> None:
        """One of them fills gigabytes: only the last one stays open."""
        self.networks = {k: net for k, net in self.networks.items() if not is_published(net.info)}
        self.controls.let_go()
        gc.collect()  # a card and its networks know each other

    def classifier(self, ref: ModelRef) -> Any:
        """A noise-aware classifier, opened once. Raises ModelError."""
        if ref.sha256 not in self.classifiers:
            self.know(ref)
            self.classifiers[ref.sha256] = open_classifier(self.library.classifier(ref))
        return self.classifiers[ref.sha256]

    def clip(self, ref: ModelRef) -> Clip:
        """A CLIP. Raises ModelError."""
        self.know(ref)
        return opened_clip(self.library.clip_of(ref))

    def tower(self, ref: ModelRef) -> NoisyClip:
        """A picture tower for noisy pictures, opened once. Raises ModelError."""
        if ref.sha256 not in self.towers:
            self.know(ref)
            self.towers[ref.sha256] = open_noisy_clip(self.library.noisy_clip(ref))
        found: NoisyClip = self.towers[ref.sha256]
        return found


@lru_cache(maxsize=4)
def workshop(place: Place) -> Workshop:
    """The workshop of a place; it lives as long as the process."""
    return Workshop(place)


def prepared() -> None:
    """Nothing more: what pictures need is imported where this can be called."""


def denoise_image(
    place: Place,
    node: Denoise,
    backend: BackendName | None,
    fresh: bool = False,
    frame: Callable[[DenoisingStep], None] | None = None,
    cancel: CancelToken | None = None,
    source: Source | None = None,
    controls: tuple[Pixels, ...] = (),
    likenesses: tuple[Pixels, ...] = (),
) -> Denoised:
    """The picture that a Recipe's node describes.

    source: a picture that is drawn anew. controls, likenesses: one for each of controls_of and of
    likenesses_of. fresh: begins at the first step even when states of an earlier run are at hand,
    as an export must. frame: hears of every step. Raises ModelError, RecipeError, StoreError,
    Cancelled.
    """
    shop = workshop(place)
    shop.know(node.model, *(term.model for term in controls_of(node)))
    check_denoise(node, shop.library, begun=source is not None)
    network = shop.network(node.model, backend, shop.controls.numbers(node))
    network.forget()
    condition, left = _condition(node, network.info)
    terms = [
        picture_term(term, node, told) if isinstance(term, PictureGuidance)
        else _term(term, condition, shop, network)
        for term in left
        if not isinstance(term, Control | Likeness | TextDifference)
    ]  # fmt: skip
    terms += shop.controls.terms(node, condition, controls, network.housing)
    terms += likeness_terms(node, likenesses, network, shop.clip)
    settings = Settings(
        node.sampler, node.steps, node.spacing, node.eta,
        node.threshold, node.percentile, node.rescale, node.noise_seed,
    )  # fmt: skip
    noise = noise_of(node.noise, network.shape, shop.store.get_array)
    trail, hooks = _listening(network, frame, cancel)
    memory = Trajectories() if fresh else shop.memory
    start = None if source is None else _start(shop, network, source, node.noise_seed)
    noise_key = repr(node.noise)
    if start is not None and network.info.shown and start.strength == 1:
        # It sees the picture anyway: nothing but noise is left to begin with.
        noise_key, start = f"{noise_key}:{start.key}", None
    made = denoise(network, noise, condition, terms, settings, hooks, memory, noise_key, start)
    with torch.no_grad():
        pixels = to_pixels(network.pixels(made))
    if source is not None and source.only:
        inside = inside_discs(discs_of(source.only), len(pixels))
        pixels = np.where(inside[:, :, None], pixels, source.pixels)
    return Denoised(pixels, np.stack(trail), network.how)


def upscale_image(
    place: Place,
    node: Upscale,
    pixels: Pixels,
    backend: BackendName | None,
    frame: Callable[[DenoisingStep], None] | None = None,
    cancel: CancelToken | None = None,
) -> Pixels:
    """The pixels at twice their size. Raises ModelError, RecipeError, Cancelled."""
    shop = workshop(place)
    network = shop.network(node.model, backend)
    check_upscale(node, shop.library)
    assert isinstance(network, Upsampler)
    height, width = pixels.shape[:2]
    step = 2 ** (len(network.config.unet.channels) - 1)
    if height % step or width % step or height * width > 1_048_576:
        raise RecipeError(
            f"{network.info.name} enlarges pictures whose sides are multiples of {step} and at "
            f"most 1024 px, got {width} x {height}.",
            "Resize or crop the picture first.",
        )
    noise = noise_of(node.noise, (3, 2 * height, 2 * width), shop.store.get_array)
    settings = Settings(node.sampler, node.steps, node.spacing, seed=node.noise_seed)
    _, hooks = _listening(network, frame, cancel)
    return to_pixels(network.enlarged(to_tensor(pixels), noise, settings, hooks, node.level))


def _start(shop: Workshop, network: Denoiser, source: Source, seed: int) -> Start:
    """The picture as the network's own. seed: of noise in what is shown. Raises RecipeError for
    one of another size."""
    pixels = source.pixels
    side, (height, width) = network.info.begins_px, pixels.shape[:2]
    if (height, width) != (side, side):
        raise RecipeError(
            f"{network.info.name} draws pictures of {side} x {side} px anew, got "
            f"{width} x {height}.",
            "Crop the picture to a square and resize it.",
        )
    name = hashlib.sha256(pixels.tobytes()).hexdigest()
    if network.info.shown == "small":
        if source.strength < 1 or source.only:
            raise RecipeError(
                f"{network.info.name} enlarges a whole picture, beginning with noise alone.",
                "Set the strength to 1, and paint no mask.",
            )
        network.show(to_tensor(pixels), None, seed)
        return Start(torch.zeros(()), 1.0, name)
    x0 = shop.codes_of(network, pixels, name)
    network.show(to_tensor(pixels), _mask(source, side) if source.only else None, seed)
    if not source.only:
        return Start(x0, source.strength, name)
    if network.info.shown == "masked":
        return Start(x0, source.strength, f"{name}:{source.only}")
    only = _mask(source, x0.shape[-1]).bool()
    return Start(x0, source.strength, f"{name}:{source.only}", only)


def _mask(source: Source, side: int) -> Float[Tensor, "1 1 side side"]:
    """1 where the picture is drawn anew."""
    return torch.from_numpy(inside_discs(discs_of(source.only), side)).float()[None, None]


def to_tensor(pixels: Pixels) -> Float[Tensor, "1 3 height width"]:
    """Bytes to one picture in [-1, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]


def to_pixels(x0: Tensor) -> Pixels:
    """One picture in [-1, 1] to bytes."""
    scaled = (x0[0] * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(1, 2, 0).numpy())


def _listening(
    network: Denoiser,
    frame: Callable[[DenoisingStep], None] | None,
    cancel: CancelToken | None,
) -> tuple[list[Pixels], Hooks]:
    trail: list[Pixels] = []

    def heard(step: Step) -> None:
        trail.append(to_pixels(network.preview(step.x0)))
        if frame is not None:
            frame(DenoisingStep(step.index, step.count, trail[-1]))

    return trail, Hooks(on_step=heard, cancel=cancel or CancelToken())


def told(conditioning: Conditioning) -> Weights:
    """Classes or texts as the network takes them; what it does not know was refused before."""
    if isinstance(conditioning, Texts):
        return tuple((item.text, item.weight) for item in conditioning.weights)
    assert isinstance(conditioning, Classes)
    return tuple((item.index, item.weight) for item in conditioning.weights)


def _condition(node: Denoise, info: DenoiserInfo) -> tuple[Condition, list[Guidance]]:
    """What the network is told, and the terms that remain: a model with guidance distilled into it
    takes the scale itself."""
    weights = told(node.conditioning)
    if not info.distilled:
        return weights, list(node.guidance)
    left = [term for term in node.guidance if not isinstance(term, ClassifierFree)]
    scales = [term.scale for term in node.guidance if isinstance(term, ClassifierFree)]
    return Told(weights, scales[0] if scales else 1.0), left


def _term(term: Guidance, condition: Condition, shop: Workshop, network: Denoiser) -> guidance.Term:
    interval = (term.start, term.end)
    match term:
        case ClassifierFree(scale, negative):
            weights = told(negative)
            knows = network.info.scored or network.info.shown == "like"
            away = Told(weights, away=True) if knows else weights
            return guidance.classifier_free(condition, away, scale, interval)
        case PerturbedAttention(scale):
            return guidance.perturbed_attention(condition, scale, interval)
        case Classifier(ref, index, scale):
            judge = shop.classifier(ref)
            return guidance.classifier(ref.sha256, judge.log_probabilities, index, scale, interval)
        case ClipGuidance():
            return _text_term(term, shop, network)
    raise RecipeError(
        f"The guidance {term.op!r} is not known here.", "A newer version may be able to."
    )


def _text_term(term: ClipGuidance, shop: Workshop, network: Denoiser) -> guidance.Term:
    clip = shop.clip(term.model)
    texts = [term.text, term.away] if term.away.strip() else [term.text]
    vectors = clip.embed_texts(texts)
    wanted = clip.scale * (vectors[0] - vectors[1] if len(vectors) > 1 else vectors[0])
    interval = (term.start, term.end)
    name = f"{term.model.sha256}:{term.text}:{term.away}"
    if term.eyes is None:
        return guidance.clip(
            name, lambda x, t: clip.embed_images(network.pixels(x)), wanted, term.scale, interval,
            through_network=True,
        )  # fmt: skip
    tower = shop.tower(term.eyes)
    key = f"{term.eyes.sha256}:{name}"
    return guidance.clip(key, tower.embed_noisy, wanted, term.scale, interval)
