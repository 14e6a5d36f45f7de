"""What the layers of a generator answer while it makes one picture. Runs in the worker process."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.torch_backend import TorchBackend
from engine.errors import ModelError, RecipeError
from engine.frame import Activations, BackendName, Layer, RenderSettings
from engine.models.library import ModelLibrary
from engine.recipe import Crop, Generate, Image, Recipe, Resize, Transform
from engine.services.models import direction_owners
from engine.services.render import Renderer
from engine.store import Store

if TYPE_CHECKING:
    import torch

TORCH: BackendName = "torch"
SHEET_PX = 1024  # about the side of the whole sheet
TILE_PX = (8, 256)
FEW = 4  # channels: those of pictures
GAP = 1
GROUND = 32  # the grey between the tiles


def activations(home: Path, recipe: bytes, layer: str | None) -> Activations:
    """The maps of one layer as a sheet of grey tiles.

    home: the data folder. recipe: as JSON; its outermost generator is looked into. layer: by name,
    the one in the middle when None or unknown to this model. Raises RecipeError for a picture that
    no generator made, and what rendering raises.
    """
    made = made_by(Recipe.from_json(recipe).image)
    renderer = _renderer(home, _state_of_disk(home))
    node = made.image if isinstance(made, Transform) else made
    model, _ = renderer.opened(renderer.model_info(node.model), TORCH)
    backend = model.backend
    assert isinstance(backend, TorchBackend)
    with Listening(backend.generator.synthesis) as heard:
        renderer.image(made, RenderSettings(backend=TORCH))
    if not heard.maps:
        raise ModelError(f"{model.info.name} has no layers that can be looked into.")
    names = list(heard.maps)
    rich = [name for name in names if len(heard.maps[name]) > FEW] or names
    name = layer if layer in heard.maps else rich[len(rich) // 2]
    columns, tile_px, pixels = sheet(heard.maps[name])
    layers = tuple(Layer(key, *maps.shape) for key, maps in heard.maps.items())
    return Activations(layers, layers[names.index(name)], columns, tile_px, pixels)


def made_by(image: Image) -> Generate | Transform:
    """The generated picture inside crops and resizes. Raises RecipeError."""
    while isinstance(image, Crop | Resize):
        image = image.image
    if not isinstance(image, Generate | Transform):
        raise RecipeError(
            f"Only a generator has layers to look into, got {image.op!r}.",
            "Choose a picture that a generator made.",
        )
    return image


class Listening:
    """Keeps what every module of a network answers in the shape of maps, in the order they run.

    maps: name to float32 [channels, height, width] of the first picture.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.maps: dict[str, Float32[np.ndarray, "channels height width"]] = {}
        self._network = network
        self._hooks: list[Any] = []

    def __enter__(self) -> Listening:
        for name, module in self._network.named_modules():
            if name:
                self._hooks.append(module.register_forward_hook(self._hear(name)))
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _hear(self, name: str) -> Any:
        def hear(module: torch.nn.Module, given: object, answer: Any) -> None:
            if getattr(answer, "ndim", 0) == 4:
                self.maps[name] = answer[0].float().cpu().numpy()

        return hear


def sheet(
    maps: Float32[np.ndarray, "channels height width"],
) -> tuple[int, int, UInt8[np.ndarray, "h w 3"]]:
    """Columns, the side of a tile, and the sheet: each channel from its least to its largest."""
    channels = len(maps)
    columns = math.ceil(math.sqrt(channels))
    rows = math.ceil(channels / columns)
    tile = min(max(SHEET_PX // columns, TILE_PX[0]), TILE_PX[1])
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    grey = np.where(span > 0, (maps - low) / np.where(span > 0, span, 1), 0.5) * 255
    tiles = _scaled(grey.astype(np.float32), tile)
    step = tile + GAP
    out = np.full((rows * step - GAP, columns * step - GAP), GROUND, np.uint8)
    for index, picture in enumerate(tiles):
        top, left = (index // columns) * step, (index % columns) * step
        out[top : top + tile, left : left + tile] = picture
    return columns, tile, np.repeat(out[:, :, None], 3, axis=2)


def _scaled(
    maps: Float32[np.ndarray, "channels height width"], side: int
) -> UInt8[np.ndarray, "channels side side"]:
    """Larger by repeating pixels, smaller by averaging them."""
    import torch
    import torch.nn.functional as F

    size, there = (side, side), torch.from_numpy(np.ascontiguousarray(maps))[None]
    larger = side >= max(maps.shape[1:])
    scaled = F.interpolate(there, size, mode="nearest" if larger else "area")
    pixels: UInt8[np.ndarray, "channels side side"] = scaled[0].round().to(torch.uint8).numpy()
    return pixels


@lru_cache(maxsize=1)
def _renderer(home: Path, state: float) -> Renderer:
    """The worker's own renderer; made anew when models were imported since."""
    library = ModelLibrary(home)
    store = Store(home / "store", library.store_folders())
    return Renderer(library, store, lambda: direction_owners(library))


def _state_of_disk(home: Path) -> float:
    models = home / "models"
    return models.stat().st_mtime if models.is_dir() else 0.0
