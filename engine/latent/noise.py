"""The per-layer noise of StyleGAN, made on the CPU, ready to be added to the feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float32

from engine.errors import RecipeError
from engine.recipe import Noise

T = TypeVar("T")
Map = Float32[np.ndarray, "_ 1 _ _"]


def layer_noise(
    shapes: Sequence[Sequence[int]],
    consts: Sequence[Float32[np.ndarray, "*_"]],
    noise: Noise,
    batch: int,
    gains: Sequence[float] | None = None,
) -> list[Map]:
    """One noise map for each noisy layer, [1, 1, R, R] or [batch, 1, R, R], already scaled.

    shapes: of the maps, the last two numbers are height and width. consts: the model's own unit
    noise, [R, R] or [1, 1, R, R]. gains: the learned noise_strength of each layer times every
    gain that applies to it; None means 1. Every map is noise * gain * the Recipe's strength.

    mode "const" takes the model's own maps, one for the whole batch. "none" gives zeros. "random"
    draws from RandomState(seed), picture after picture and within it layer after layer, whatever
    the modes of the others, so that the first picture of a batch is the one that batch 1 gives.
    Raises RecipeError when what is said for each layer does not fit the number of layers.
    """
    scales = _scales(noise, gains, len(shapes))
    modes = _of_each(noise.mode, "mode", len(shapes))
    sizes = [(int(shape[-2]), int(shape[-1])) for shape in shapes]
    drawn = _drawn(sizes, noise.seed, batch) if "random" in modes else []
    made = []
    for layer, (mode, size) in enumerate(zip(modes, sizes, strict=True)):
        if mode == "none":
            made.append(np.zeros((1, 1, *size), np.float32))
            continue
        own = np.asarray(consts[layer], np.float32).reshape(1, 1, *size)
        made.append((drawn[layer] if mode == "random" else own) * np.float32(scales[layer]))
    return made


def check_layers(noise: Noise, layers: int) -> None:
    """Refuse what is said for each layer where the model has another number. RecipeError."""
    _of_each(noise.mode, "mode", layers)
    _of_each(noise.strength, "strength", layers)


def _drawn(sizes: Sequence[tuple[int, int]], seed: int, batch: int) -> list[Map]:
    source = np.random.RandomState(seed)
    pictures = [[source.randn(1, *size).astype(np.float32) for size in sizes] for _ in range(batch)]
    return [np.stack(layer) for layer in zip(*pictures, strict=True)]


def _scales(noise: Noise, gains: Sequence[float] | None, layers: int) -> list[float]:
    strengths = _of_each(noise.strength, "strength", layers)
    learned = [1.0] * layers if gains is None else [float(gain) for gain in gains]
    return [s * g for s, g in zip(strengths, learned, strict=True)]


def _of_each(value: T | tuple[T, ...], name: str, layers: int) -> tuple[T, ...]:
    """What a Recipe says once or layer by layer, as one value a layer."""
    values = value if isinstance(value, tuple) else (value,) * layers
    if len(values) != layers:
        raise RecipeError(
            f"noise.{name} has {len(values)} values, but the model has {layers} noisy layers.",
            f"Give one {name}, or {layers} of them.",
        )
    return values
