"""What the layers of a generator answer while it makes one picture. Runs in the worker process."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.torch_backend import TorchBackend
from engine.errors import ModelError, RecipeError
from engine.frame import Activations, BackendName, Layer, RenderSettings
from engine.recipe import Crop, Generate, Image, Recipe, Resize, Transform
from engine.services.workroom import workroom

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
    node = made.image if isinstance(made, Transform) else made
    renderer = workroom(home).renderer
    model, _ = renderer.opened(renderer.model_info(node.model), TORCH)
    backend = model.backend
    assert isinstance(backend, TorchBackend)
    network = backend.generator.synthesis

    def listen(wanted: str | None) -> Listening:
        with backend.by_modules(), Listening(network, wanted) as heard:
            renderer.image(made, RenderSettings(backend=TORCH))
        return heard

    heard = listen(layer)
    if not heard.layers:
        raise ModelError(f"{model.info.name} has no layers that can be looked into.")
    if heard.maps is None:
        rich = [name for name, item in heard.layers.items() if item.channels > FEW]
        layer = (rich or list(heard.layers))[len(rich) // 2]
        heard = listen(layer)
    assert heard.maps is not None
    columns, tile_px, pixels = sheet(heard.maps)
    return Activations(
        tuple(heard.layers.values()), heard.layers[str(layer)], columns, tile_px, pixels
    )


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
    """Notes which modules of a network answer in the shape of maps, and keeps what one answers.

    layers: by name, in the order they run. maps: of the wanted one for the first picture, None
    where it did not run. The maps of all would fill the memory at large sizes.
    """

    def __init__(self, network: torch.nn.Module, wanted: str | None) -> None:
        self.layers: dict[str, Layer] = {}
        self.maps: Float32[np.ndarray, "channels height width"] | None = None
        self._network, self._wanted = network, wanted
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
            if getattr(answer, "ndim", 0) != 4:
                return
            self.layers[name] = Layer(name, *map(int, answer.shape[1:]))
            if name == self._wanted:  # a copy, since later layers may work in place
                self.maps = np.array(answer[0].float().cpu().numpy())

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
