"""Renders Recipes: image expressions to pixels, with what was rendered last kept at hand."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import Effort
from engine.cancel import CancelToken
from engine.denoising import Denoise, Redraw, Upscale
from engine.errors import BackendError
from engine.frame import BackendName, Frame, ModelInfo, OnStep, Quality, RenderSettings
from engine.image.codec import read_picture
from engine.image.pixels import resize
from engine.latent.evaluate import Memo, evaluate, evaluate_styles
from engine.models.diffusion.denoisers import UNET
from engine.models.library import ModelLibrary, load_tensors
from engine.models.opened import Model, open_model, open_tensors
from engine.perturbing import Perturb
from engine.recipe import (
    Generate,
    ModelRef,
    Photo,
    Recipe,
    Transform,
    Tuned,
    rendered,
)
from engine.services.attacks import Attacks
from engine.services.check_denoise import check_denoise, check_upscale
from engine.services.diffusion import Diffusion, Place
from engine.services.engines import Engines, usual
from engine.services.pixel_cache import PixelCache
from engine.services.preview_pace import PreviewPace
from engine.services.rendering import Pixels, Rendering
from engine.services.wanted import (
    Matrix,
    Owners,
    check_directions,
    class_vector,
    motion_of,
    truncation_of,
)
from engine.store import Store

ModelKey = tuple[str, BackendName, str]  # digests of weights and delta
ROUGH_FROM_PX = 256  # smaller models are quick enough for whole pictures in a drag
CACHE_BYTES = 192 * 2**20
MODELS_KEPT = 6
DEFAULT = RenderSettings()


class Generated(NamedTuple):
    """The pixels of a Generate, whether they are a preview, and what to tell of it."""

    pixels: Pixels
    preview: bool = False
    notice: str = ""


class Renderer:
    """Turns Recipes into Frames. May be called from several threads at once.

    No lock is held while a network runs, so an export and a drag never wait for each other.
    owners: gives, for each known direction, the digests of the models it was found on. engines:
    says what renders each model; None for the usual one.
    """

    def __init__(
        self, library: ModelLibrary, store: Store, owners: Owners, engines: Engines | None = None
    ) -> None:
        self._engines = engines
        self._pace = PreviewPace()
        self._library = library
        self._store = store
        self._owners = owners
        self._models: OrderedDict[ModelKey, tuple[Model, Memo]] = OrderedDict()
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self._photos = PixelCache(CACHE_BYTES // 4)
        self.pictures = PixelCache(CACHE_BYTES)
        place = Place(library.imported.parent, library.bundled)
        self.diffusion = Diffusion(place)
        self.attacks = Attacks(place, library)

    def render(
        self,
        recipe: Recipe,
        settings: RenderSettings = DEFAULT,
        cancel: CancelToken | None = None,
        *,
        fresh: bool = False,
        on_step: OnStep | None = None,
    ) -> Frame:
        """The picture of the Recipe. fresh: renders even what is at hand, as an export must.
        on_step: hears of every denoising step, from another thread.

        A preview of a large model is of lower precision where that is quicker, and leaves the
        network early, to be brought to the full size, as long as the whole is not quick enough for
        every step of a drag; the Frame says whether it is one. cancel: asked between the layers of
        a network. Raises ModelError, DirectionError, RecipeError, StoreError or ImageError for what
        the Recipe asks and this installation lacks, BackendError when the machine fails, Cancelled.
        """
        if settings.precision != "float32":
            raise BackendError(
                f"The bundled kinds of models render in float32, got {settings.precision}.",
                "Choose float32.",
            )
        started = time.perf_counter()
        backend = self._backend(recipe, settings)
        key = (recipe.image, backend)
        pixels = None if fresh or on_step else self.pictures.get(key)
        quality: Quality = "full"
        notice = how = ""
        if pixels is None:
            hurry = settings.quality == "preview" and not fresh
            way = Rendering(self, backend, cancel, fresh, on_step, hurry)
            pixels = np.ascontiguousarray(way.pixels(recipe.image))
            pixels.setflags(write=False)
            quality, notice, how = way.quality, way.notice, way.how
            if quality == "full":
                self.pictures.put(key, pixels)
        elapsed = time.perf_counter() - started
        return Frame(pixels, recipe, settings, backend, quality, elapsed, notice, how)

    def opened(
        self, info: ModelInfo, backend: BackendName | None = None, delta: str = ""
    ) -> tuple[Model, Memo]:
        """The model and what it mapped last; those asked for last are kept open.

        delta: digest of what is added to the weights, see editing.delta; it runs on torch.
        """
        key = (info.sha256, "torch" if delta else backend or self.engine_of(info), delta)
        found = self._at_hand(key)
        if found is None:
            with self._opening:  # one at a time; who renders with another model does not wait
                found = self._at_hand(key) or (self._open(info, key[1], delta), Memo())
                with self._lock:
                    self._models[key] = found
                    while len(self._models) > MODELS_KEPT:
                        self._models.popitem(last=False)
        return found

    def _at_hand(self, key: ModelKey) -> tuple[Model, Memo] | None:
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
            return self._models.get(key)

    def _open(self, info: ModelInfo, backend: BackendName, delta: str) -> Model:
        if not delta:
            return open_model(info, backend)
        from engine.editing.delta import with_delta

        return open_tensors(info, with_delta(load_tensors(info), self._store.get(delta)), backend)

    def model_info(self, ref: ModelRef) -> ModelInfo:
        """What is known of a Recipe's model. Raises ModelError where it is not here."""
        return self._library.resolve(ref)

    def resolution(self, ref: ModelRef) -> int:
        """The side of what a model makes, in pixels. Raises ModelError where it is not here."""
        return self._library.resolve(ref).resolution

    def forget(self) -> None:
        """Drop every picture that is at hand."""
        self.pictures.clear()
        self._photos.clear()

    def engine_of(self, info: ModelInfo) -> BackendName:
        """What renders a model unless it is said otherwise."""
        return usual(info) if self._engines is None else self._engines.of(info).backend

    def generate(
        self,
        node: Generate,
        backend: BackendName,
        *,
        delta: str = "",
        motion: Matrix | None = None,
        hurry: bool = False,
        cancel: CancelToken | None = None,
    ) -> Generated:
        """One Generate. delta: of weights that were tuned. motion: of the plane that the picture
        is made on. hurry: an early exit will do; its picture is brought to the model's size.
        """
        if node.latent.space == "s":
            return Generated(_in_colour(self._of_styles(node, delta)))
        model, ws = self._latent(node, backend, delta)
        key, full_px = (model.info.sha256, backend), model.info.resolution
        early = self._pace.size(key, model.backend.exits, full_px) if hurry else None
        rough = hurry and model.backend.has_rough and full_px >= ROUGH_FROM_PX
        moved = None if motion is None else model.moved(motion)
        began = time.perf_counter()
        effort = Effort(early, rough, None if cancel is None else cancel.check)
        pixels = model.pixels(ws, node.noise, moved, truncation_of(node.latent), effort)[0]
        self._pace.took(key, early or full_px, time.perf_counter() - began)
        pixels = _in_colour(pixels)
        if early is not None:
            pixels = resize(pixels, full_px, full_px, "bicubic")
        return Generated(pixels, early is not None or rough, model.backend.notice)

    def _of_styles(self, node: Generate, delta: str) -> Pixels:
        info = self._library.resolve(node.model)
        check_directions(node, info, self._owners)
        model, memo = self.opened(info, "torch", delta)
        c = class_vector(node, info)
        styles = evaluate_styles(node.latent, model, self._store.get_array, c, memo)
        pixels: Pixels = model.pixels_of_styles(styles, node.noise)[0]
        return pixels

    def image(
        self, node: Generate | Transform, settings: RenderSettings = DEFAULT
    ) -> Float32[np.ndarray, "1 channels height width"]:
        """What the network makes of one picture, before it becomes bytes: nominally [-1, 1]."""
        made = node.image if isinstance(node, Transform) else node
        model, ws = self._latent(made, self._backend(Recipe(node), settings))
        moved = model.moved(motion_of(node)) if isinstance(node, Transform) else None
        return model.image(ws, made.noise, moved, truncation_of(made.latent))

    def photo(self, node: Photo) -> Pixels:
        """The pixels of a stored photo."""
        found = self._photos.get(node)
        if found is None:
            found = read_picture(self._store.get(node.sha256))
            found.setflags(write=False)
            self._photos.put(node, found)
        return found

    def _latent(
        self, node: Generate, backend: BackendName, delta: str = ""
    ) -> tuple[Model, Float32[np.ndarray, "1 num_ws w_dim"]]:
        info = self._library.resolve(node.model)
        check_directions(node, info, self._owners)
        model, memo = self.opened(info, backend, delta)
        c = class_vector(node, info)
        return model, evaluate(node.latent, model, self._store.get_array, c, memo, model.average(c))

    def _backend(self, recipe: Recipe, settings: RenderSettings) -> BackendName:
        nodes = list(rendered(recipe.image))
        made = [node for node in nodes if isinstance(node, Generate)]
        styled = any(node.latent.space == "s" for node in made)
        if styled or any(isinstance(node, Tuned) for node in nodes):
            return "torch"  # no graph takes styles or other weights
        if settings.backend is not None:
            return settings.backend
        wanted = {self.engine_of(self._library.resolve(node.model)) for node in made}
        for node in nodes:
            if isinstance(node, Perturb) and not made:
                wanted.add("torch")  # of what is rendered here, the network's gradients alone
            elif isinstance(node, Denoise | Upscale):
                folder = self._library.denoiser(node.model).folder
                wanted.add("onnx" if (folder / UNET).is_file() else "torch")
        return next((name for name in ("torch", "native") if name in wanted), "onnx")

    def refuse(self, node: Denoise | Redraw | Upscale) -> None:
        """What the model cannot do is told at once, not after its process has started."""
        made = node.made if isinstance(node, Redraw) else node
        if self._library.has(made.model):
            if isinstance(made, Denoise):
                check_denoise(made, self._library, begun=isinstance(node, Redraw))
            else:
                check_upscale(made, self._library)


def _in_colour(pixels: UInt8[np.ndarray, "height width channels"]) -> Pixels:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
