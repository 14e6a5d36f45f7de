"""What a Generate asks of its model, in the form that the model takes, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32

from engine.errors import DirectionError, RecipeError
from engine.frame import ModelInfo
from engine.latent.motion import inverse_motion
from engine.recipe import (
    Generate,
    Image,
    Latent,
    Mix,
    Move,
    Recipe,
    Resize,
    Transform,
    Truncate,
    Tuned,
    rendered,
)

Matrix = Float32[np.ndarray, "3 3"]
Owners = Callable[[], Mapping[str, frozenset[str]]]


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


def generated(recipe: Recipe, styled: bool = False) -> tuple[Generate, str]:
    """The Generate that a search works on, and its delta, "" for none.

    styled: whether a latent in the space of styles will do. Raises RecipeError where there is none.
    """
    image: Image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    delta = ""
    if isinstance(image, Tuned):
        delta, image = image.delta, image.image
    if not isinstance(image, Generate):
        raise RecipeError(
            f"This edits pictures that a generator makes of a latent, got {image.op!r}.",
            "Take back what moves the whole picture, or open a generated one.",
        )
    if image.latent.space == "s" and not styled:
        raise RecipeError(
            "This edits pictures that a generator makes from z or w.",
            "Take back the sliders of style channels first.",
        )
    return image, delta


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
