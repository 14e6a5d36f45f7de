"""Renders Recipes: image expressions to pixels, with what was rendered last kept at hand."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import Effort
from engine.cancel import CancelToken
from engine.errors import BackendError, DirectionError, RecipeError
from engine.frame import BackendName, Frame, ModelInfo, Quality, RenderSettings
from engine.image.codec import read_picture
from engine.image.pixels import crop, resize
from engine.latent.evaluate import Memo, evaluate
from engine.models.library import ModelLibrary
from engine.models.opened import Model, open_model
from engine.recipe import Crop, Generate, Image, Move, Photo, Recipe, Resize, walk
from engine.services.engines import Engines, usual
from engine.services.pace import Pace
from engine.store import Store

Pixels = UInt8[np.ndarray, "height width 3"]
Owners = Callable[[], Mapping[str, frozenset[str]]]
ROUGH_FROM_PX = 256  # smaller models are quick enough for whole pictures in a drag
CACHE_BYTES = 192 * 2**20
DEFAULT = RenderSettings()


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
        self._pace = Pace()
        self._library = library
        self._store = store
        self._owners = owners
        self._models: dict[tuple[str, BackendName], tuple[Model, Memo]] = {}
        self._opening = threading.Lock()
        self._photos = PixelCache(CACHE_BYTES // 4)
        self._pictures = PixelCache(CACHE_BYTES)

    def render(
        self,
        recipe: Recipe,
        settings: RenderSettings = DEFAULT,
        cancel: CancelToken | None = None,
        *,
        fresh: bool = False,
    ) -> Frame:
        """The picture of the Recipe. fresh: renders even what is at hand, as an export must.

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
        pixels = None if fresh else self._pictures.get(key)
        quality: Quality = "full"
        notice = ""
        if pixels is None:
            way = _Rendering(self, backend, cancel, settings.quality == "preview" and not fresh)
            pixels = np.ascontiguousarray(way.pixels(recipe.image))
            pixels.setflags(write=False)
            quality, notice = way.quality, way.notice
            if quality == "full":
                self._pictures.put(key, pixels)
        elapsed = time.perf_counter() - started
        return Frame(pixels, recipe, settings, backend, quality, elapsed, notice)

    def opened(self, info: ModelInfo, backend: BackendName | None = None) -> tuple[Model, Memo]:
        """The model, loaded once for each backend, and what it mapped last."""
        key = (info.sha256, backend or self.engine_of(info))
        found = self._models.get(key)
        if found is None:
            with self._opening:
                found = self._models.get(key) or (open_model(info, key[1]), Memo())
                self._models[key] = found
        return found

    def forget(self) -> None:
        """Drop every picture that is at hand."""
        self._pictures.clear()
        self._photos.clear()

    def engine_of(self, info: ModelInfo) -> BackendName:
        """What renders a model unless it is said otherwise."""
        return usual(info) if self._engines is None else self._engines.of(info).backend

    def generate(
        self, node: Generate, backend: BackendName, hurry: bool, cancel: CancelToken | None
    ) -> tuple[Pixels, bool, str]:
        """The pixels of one Generate, whether they are a preview, and what to tell of it.

        hurry: an early exit will do; its picture is brought to the model's size.
        """
        model, ws = self._latent(node, backend)
        key, full_px = (model.info.sha256, backend), model.info.resolution
        early = self._pace.size(key, model.backend.exits, full_px) if hurry else None
        rough = hurry and model.backend.has_rough and full_px >= ROUGH_FROM_PX
        began = time.perf_counter()
        effort = Effort(early, rough, None if cancel is None else cancel.check)
        pixels = model.pixels(ws, node.noise, effort=effort)[0]
        self._pace.took(key, early or full_px, time.perf_counter() - began)
        if pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        if early is not None:
            pixels = resize(pixels, full_px, full_px, "bicubic")
        return pixels, early is not None or rough, model.backend.notice

    def image(
        self, node: Generate, settings: RenderSettings = DEFAULT
    ) -> Float32[np.ndarray, "1 channels height width"]:
        """What the network makes of one Generate, before it becomes bytes: nominally [-1, 1]."""
        model, ws = self._latent(node, self._backend(Recipe(node), settings))
        return model.image(ws, node.noise)

    def photo(self, node: Photo) -> Pixels:
        """The pixels of a stored photo."""
        found = self._photos.get(node)
        if found is None:
            found = read_picture(self._store.get(node.sha256))
            found.setflags(write=False)
            self._photos.put(node, found)
        return found

    def _latent(
        self, node: Generate, backend: BackendName
    ) -> tuple[Model, Float32[np.ndarray, "1 num_ws w_dim"]]:
        info = self._library.resolve(node.model)
        self._check_directions(node, info)
        model, memo = self.opened(info, backend)
        c = class_vector(node, info)
        return model, evaluate(node.latent, model, self._store.get_array, c, memo)

    def _backend(self, recipe: Recipe, settings: RenderSettings) -> BackendName:
        if settings.backend is not None:
            return settings.backend
        refs = [node.model for node in walk(recipe.image) if isinstance(node, Generate)]
        wanted = {self.engine_of(self._library.resolve(ref)) for ref in refs}
        return next((name for name in ("torch", "native") if name in wanted), "onnx")

    def _check_directions(self, node: Generate, info: ModelInfo) -> None:
        moves = [item for item in walk(node.latent) if isinstance(item, Move)]
        owners = self._owners() if moves else {}
        for move in moves:
            found_on = owners.get(move.direction)
            if found_on and info.sha256 not in found_on:
                raise DirectionError(
                    f"The direction {move.direction} was found on another model than {info.name}.",
                    "Choose a direction found on this model.",
                )


class _Rendering:
    """One pass over an image expression."""

    def __init__(
        self, renderer: Renderer, backend: BackendName, cancel: CancelToken | None, hurry: bool
    ) -> None:
        self.renderer = renderer
        self.hurry = hurry
        self.quality: Quality = "full"
        self.notice = ""
        self.backend: BackendName = backend
        self.cancel = cancel

    def pixels(self, node: Image) -> Pixels:
        if self.cancel is not None:
            self.cancel.check()
        match node:
            case Generate():
                how = (self.backend, self.hurry, self.cancel)
                pixels, preview, notice = self.renderer.generate(node, *how)
                self.quality = "preview" if preview else self.quality
                self.notice = notice or self.notice
                return pixels
            case Photo():
                return self.renderer.photo(node)
            case Crop(image, left, top, width, height):
                return crop(self.pixels(image), left, top, width, height)
            case Resize(image, width, height, filter):
                return resize(self.pixels(image), width, height, filter)
        raise RecipeError(
            f"The image {node.op!r} cannot be rendered here.",
            "A newer version of the program may be able to.",
        )


class PixelCache:
    """Keeps the pictures asked for last, up to a number of bytes; safe in several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[object, Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Pixels | None:
        """The picture, now the most recent one, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: object, pixels: Pixels) -> None:
        """Keep the picture and let the oldest go."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += pixels.nbytes - (0 if old is None else old.nbytes)
            self._kept[key] = pixels
            while self._bytes > self._limit and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


def class_vector(node: Generate, info: ModelInfo) -> Float32[np.ndarray, "1 c_dim"] | None:
    """The weighted classes as one vector, None for a model without classes. RecipeError."""
    if not info.c_dim:
        if node.classes:
            raise RecipeError(
                f"{info.name} knows no classes, got {len(node.classes)}.", "Leave classes empty."
            )
        return None
    c = np.zeros((1, info.c_dim), np.float32)
    for item in node.classes:
        if item.index >= info.c_dim:
            raise RecipeError(
                f"{info.name} knows the classes 0 to {info.c_dim - 1}, got {item.index}.",
                "Choose one of these.",
            )
        c[0, item.index] += np.float32(item.weight)
    return c
