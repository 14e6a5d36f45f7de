"""What a generator has, and whether a Recipe asks for no more; without loading any weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.denoising import Denoise, Upscale
from engine.errors import ModelError
from engine.frame import Anatomy, ModelInfo
from engine.latent.evaluate import evaluate
from engine.latent.noise import check_layers
from engine.models.card import config_of
from engine.models.families import family_of
from engine.models.library import ModelLibrary
from engine.perturbing import Perturb, Universal
from engine.recipe import Generate, Photo, Recipe, Transform, walk
from engine.services.check_denoise import check_denoise, check_upscale
from engine.services.victims import check_perturb
from engine.services.wanted import Owners, check_directions, class_vector
from engine.store import Store

NAME_CHARACTERS = 80


def anatomy_of(info: ModelInfo) -> Anatomy:
    """What the card tells. Classes that it does not name are called by their numbers."""
    config = config_of(info.card, info.folder)
    family = family_of(config)
    named = info.card.get("classes")
    names = named if isinstance(named, list) and len(named) == info.c_dim else []
    classes = tuple(
        name[:NAME_CHARACTERS] if isinstance(name, str) and name else f"Class {index}"
        for index, name in enumerate(names or [None] * info.c_dim)
    )
    noisy = tuple(size for _, size in family.noisy_layers(config))
    return Anatomy(family.TITLE, noisy, family.TRANSFORM is not None, classes)


def check_recipe(recipe: Recipe, library: ModelLibrary, store: Store, owners: Owners) -> None:
    """Refuse what rendering would refuse, in a few milliseconds.

    owners: gives, for each known direction, the digests of the models it was found on. Pictures of
    models that are not here are not looked into. Raises DirectionError, ModelError, RecipeError
    or StoreError.
    """
    for node in walk(recipe.image):
        if isinstance(node, Photo):
            store.get(node.sha256)
        elif isinstance(node, Universal):
            store.get(node.pattern)
        elif isinstance(node, Perturb):
            check_perturb(library, node)
        elif isinstance(node, Denoise) and library.has(node.model):
            check_denoise(node, library)
        elif isinstance(node, Upscale) and library.has(node.model):
            check_upscale(node, library)
        elif isinstance(node, Generate) and library.has(node.model):
            _check_generate(node, library.resolve(node.model), store, owners)
        elif isinstance(node, Transform) and library.has(node.image.model):
            info = library.resolve(node.image.model)
            if not anatomy_of(info).movable:
                raise ModelError(
                    f"The pictures of {info.name} cannot be moved.", "Leave the transform out."
                )


def _check_generate(node: Generate, info: ModelInfo, store: Store, owners: Owners) -> None:
    check_directions(node, info, owners)
    check_layers(node.noise, len(anatomy_of(info).noisy))
    space = _Empty(info.z_dim, info.w_dim, info.num_ws)
    evaluate(node.latent, space, store.get_array, class_vector(node, info))


@dataclass(frozen=True)
class _Empty:
    """A latent space of the right sizes that maps everything to zero: evaluating in it runs every
    check that a render runs, and no network."""

    z_dim: int
    w_dim: int
    num_ws: int

    @property
    def w_avg(self) -> Float32[np.ndarray, " w_dim"]:
        return np.zeros(self.w_dim, np.float32)

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n num_ws w_dim"]:
        return np.zeros((len(z), self.num_ws, self.w_dim), np.float32)
