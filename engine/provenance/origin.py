"""What a Recipe says of a picture's origin: its models, its photos, its IPTC kind of source."""

from __future__ import annotations

from typing import Literal

from engine.perturbing import Network, Perturb
from engine.recipe import Crop, ModelRef, Photo, Recipe, Resize, Straighten, rendered, walk

SourceType = Literal[
    "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicallyEnhanced"
]

Shaping = Literal["c2pa.cropped", "c2pa.orientation", "c2pa.resized"]


def models_of(recipe: Recipe) -> tuple[ModelRef, ...]:
    """Every model that takes part, each once, outermost first."""
    return tuple(dict.fromkeys(x for x in walk(recipe.image) if isinstance(x, ModelRef)))


def photos_of(recipe: Recipe) -> tuple[str, ...]:
    """SHA-256 of every picture from outside, each once, outermost first."""
    return tuple(dict.fromkeys(x.sha256 for x in walk(recipe.image) if isinstance(x, Photo)))


def shaping_of(recipe: Recipe) -> tuple[Shaping, ...]:
    """The crops, turns and resizes as C2PA actions, in the order in which they are done."""
    steps: list[Shaping] = []
    for node in rendered(recipe.image):
        if isinstance(node, Resize):
            steps.append("c2pa.resized")
        elif isinstance(node, Crop | Straighten):
            steps.append("c2pa.cropped")
            if isinstance(node, Straighten) and node.rotation:
                steps.append("c2pa.orientation")
    return tuple(reversed(steps))


def source_type(recipe: Recipe) -> SourceType | None:
    """IPTC's kind of source; None where no model takes part: a photo merely cut or resized.

    An attack generates nothing: a photo that was attacked is altered by an algorithm.
    """
    nodes = list(walk(recipe.image))
    victims = {node.model for node in nodes if isinstance(node, Network)}
    if set(models_of(recipe)) - victims:
        photos = photos_of(recipe)
        return "compositeWithTrainedAlgorithmicMedia" if photos else "trainedAlgorithmicMedia"
    attacked = any(isinstance(node, Perturb) for node in nodes)
    return "algorithmicallyEnhanced" if attacked else None
