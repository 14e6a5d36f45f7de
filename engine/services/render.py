"""Renders Recipes: image expressions to pixels, with what was rendered last kept at hand."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.denoising import Denoise, Upscale
from engine.errors import BackendError, DirectionError, RecipeError
from engine.frame import BackendName, Frame, ModelInfo, OnStep, RenderSettings
from engine.image.codec import read_picture
from engine.image.pixels import crop, resize
from engine.latent.evaluate import Memo, evaluate, evaluate_styles
from engine.latent.motion import inverse_motion
from engine.models.card import SYNTHESIS
from engine.models.denoisers import UNET
from engine.models.library import ModelLibrary, load_tensors
from engine.models.opened import Model, open_model, open_tensors
from engine.recipe import (
    Crop,
    Generate,
    Image,
    Latent,
    Mix,
    ModelRef,
    Move,
    Photo,
    Recipe,
    Resize,
    Transform,
    Truncate,
    Tuned,
    rendered,
)
from engine.services.diffusion import Diffusion, Place
from engine.store import Store

Pixels = UInt8[np.ndarray, "height width 3"]
ModelKey = tuple[str, BackendName, str]  # digests of weights and delta
Matrix = Float32[np.ndarray, "3 3"]
Owners = Callable[[], Mapping[str, frozenset[str]]]
CACHE_BYTES = 192 * 2**20
MODELS_KEPT = 6
DEFAULT = RenderSettings()


class Renderer:
    """Turns Recipes into Frames. May be called from several threads at once.

    No lock is held while a network runs, so an export and a drag never wait for each other.
    owners: gives, for each known direction, the digests of the models it was found on.
    """

    def __init__(self, library: ModelLibrary, store: Store, owners: Owners) -> None:
        self._library = library
        self._store = store
        self._owners = owners
        self._models: OrderedDict[ModelKey, tuple[Model, Memo]] = OrderedDict()
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self._photos = PixelCache(CACHE_BYTES // 4)
        self._pictures = PixelCache(CACHE_BYTES)
        self.diffusion = Diffusion(Place(library.imported.parent, library.bundled))

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

        At the sizes of the bundled models a full render is quick enough for every step of a drag,
        so a preview is a full render and the Frame says so. Raises ModelError, DirectionError,
        RecipeError, StoreError or ImageError for what the Recipe asks and this installation
        lacks, BackendError when the machine fails, Cancelled.
        """
        if settings.precision != "float32":
            raise BackendError(
                f"The bundled kinds of models render in float32, got {settings.precision}.",
                "Choose float32.",
            )
        started = time.perf_counter()
        backend = self._backend(recipe, settings)
        key = (recipe.image, backend)
        pixels = None if fresh or on_step else self._pictures.get(key)
        if pixels is None:
            rendering = _Rendering(self, backend, cancel, fresh, on_step)
            pixels = np.ascontiguousarray(rendering.pixels(recipe.image))
            pixels.setflags(write=False)
            self._pictures.put(key, pixels)
        elapsed = time.perf_counter() - started
        return Frame(pixels, recipe, settings, backend, "full", elapsed)

    def opened(
        self, info: ModelInfo, backend: BackendName | None = None, delta: str = ""
    ) -> tuple[Model, Memo]:
        """The model and what it mapped last; those asked for last are kept open.

        delta: digest of what is added to the weights, see editing.delta; it runs on torch.
        """
        key = (info.sha256, "torch" if delta else backend or default_backend(info), delta)
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
        self._pictures.clear()
        self._photos.clear()

    def generate(
        self,
        node: Generate,
        backend: BackendName,
        delta: str = "",
        motion: Matrix | None = None,
    ) -> Pixels:
        """The pixels of one Generate.

        delta: of weights that were tuned. motion: of the plane that the picture is made on.
        """
        if node.latent.space == "s":
            pixels: Pixels = self._of_styles(node, delta)
        else:
            model, ws = self._latent(node, backend, delta)
            moved = None if motion is None else model.moved(motion)
            pixels = model.pixels(ws, node.noise, moved, truncation_of(node.latent))[0]
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels

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
        refs = [node.model for node in made]
        wanted = {default_backend(self._library.resolve(ref)) for ref in refs}
        for node in nodes:
            if isinstance(node, Denoise | Upscale):
                folder = self._library.denoiser(node.model).folder
                wanted.add("onnx" if (folder / UNET).is_file() else "torch")
        return "torch" if "torch" in wanted else "onnx"


class _Rendering:
    """One pass over an image expression."""

    def __init__(
        self,
        renderer: Renderer,
        backend: BackendName,
        cancel: CancelToken | None,
        fresh: bool,
        on_step: OnStep | None,
    ) -> None:
        self.renderer = renderer
        self.backend: BackendName = backend
        self.cancel = cancel
        self.fresh = fresh
        self.on_step = on_step

    def pixels(self, node: Image) -> Pixels:
        if self.cancel is not None:
            self.cancel.check()
        match node:
            case Generate():
                return self.renderer.generate(node, self.backend)
            case Tuned(image, delta):
                return self.renderer.generate(image, "torch", delta)
            case Transform(image):
                return self.renderer.generate(image, self.backend, motion=motion_of(node))
            case Denoise():
                return self.renderer.diffusion.denoise(
                    node, self.backend, fresh=self.fresh, on_step=self.on_step, cancel=self.cancel
                )[0]
            case Upscale():
                small, diffusion = self.pixels(node.image), self.renderer.diffusion
                return diffusion.upscale(node, small, self.backend, cancel=self.cancel)
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


def check_directions(node: Generate, info: ModelInfo, owners: Owners) -> None:
    """Refuse directions that are known to belong to other models. Raises DirectionError."""
    moves = [item for item in rendered(node.latent) if isinstance(item, Move)]
    found = owners() if moves else {}
    for move in moves:
        found_on = found.get(move.direction)
        if found_on and info.sha256 not in found_on:
            raise DirectionError(
                f"The direction {move.direction} was found on another model than {info.name}.",
                "Choose a direction found on this model.",
            )


def default_backend(info: ModelInfo) -> BackendName:
    """ONNX where the model folder has graphs: it starts without torch."""
    return "onnx" if (info.folder / SYNTHESIS).is_file() else "torch"


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


def motion_of(node: Transform) -> Matrix:
    """The matrix of a Recipe's transform."""
    return inverse_motion(node.x, node.y, node.rotation)


def truncation_of(latent: Latent) -> float:
    """The truncation in [0, 1] that BigGAN's statistics are chosen by: the base's psi, clipped.

    Where there is a psi for each layer, the largest one.
    """
    while isinstance(latent, Move | Mix):
        latent = latent.base
    if not isinstance(latent, Truncate):
        return 1.0
    psi = max(latent.psi) if isinstance(latent.psi, tuple) else latent.psi
    return min(1.0, max(0.0, psi))
