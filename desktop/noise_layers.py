"""The noise of single layers, and the one form that a Recipe holds it in."""

from __future__ import annotations

from dataclasses import replace

from engine.recipe import Noise, NoiseMode

MODES: tuple[NoiseMode, ...] = ("const", "random", "none")


def modes_of(noise: Noise, layers: int) -> tuple[NoiseMode, ...]:
    """The mode of each layer."""
    return noise.mode if isinstance(noise.mode, tuple) else (noise.mode,) * layers


def strengths_of(noise: Noise, layers: int) -> tuple[float, ...]:
    """The strength of each layer."""
    return noise.strength if isinstance(noise.strength, tuple) else (noise.strength,) * layers


def with_mode(noise: Noise, layers: int, layer: int, mode: NoiseMode) -> Noise:
    """Another mode for one layer."""
    modes = modes_of(noise, layers)
    changed = (*modes[:layer], mode, *modes[layer + 1 :])
    return replace(noise, mode=changed[0] if len(set(changed)) == 1 else changed)


def with_strength(noise: Noise, layers: int, layer: int, strength: float) -> Noise:
    """Another strength for one layer."""
    strengths = strengths_of(noise, layers)
    changed = (*strengths[:layer], strength, *strengths[layer + 1 :])
    return replace(noise, strength=changed[0] if len(set(changed)) == 1 else changed)


def fits(noise: Noise, layers: int) -> bool:
    """Whether what is said for each layer is said for as many as there are."""
    each = (value for value in (noise.mode, noise.strength) if isinstance(value, tuple))
    return all(len(value) == layers for value in each)
