"""One search for directions: what it is given, and what it reads off random pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.directions.measure import draw_faces
from engine.directions.sampling import pictures, read_traits, to_ws
from engine.errors import DirectionError
from engine.frame import ModelInfo, OnProgress, Progress
from engine.models.opened import Model
from engine.perception.reader import Reader
from engine.services.workroom import Workroom
from engine.wishes import DirectionWish

SEED = 11


@dataclass(frozen=True)
class Search:
    """One search: where, on what, for what."""

    room: Workroom
    info: ModelInfo
    wish: DirectionWish
    progress: OnProgress
    cancel: CancelToken

    @property
    def model(self) -> Model:
        """The model on its quickest backend."""
        return self.room.model(self.info)

    def reader(self) -> Reader:
        """The network that reads attributes. Raises DirectionError where there is none."""
        found = self.room.reader(self.info)
        if found is None:
            raise DirectionError(
                f"No network here reads attributes off the pictures of {self.info.name}.",
                "Mark pictures yourself, or use sefa or ganspace.",
            )
        return found


def traits_of(
    search: Search, model: Model, reader: Reader
) -> tuple[Float32[np.ndarray, "n z_dim"], Float32[np.ndarray, "n w_dim"], dict[str, np.ndarray]]:
    """Random latents, and what the network reads off their pictures, by trait."""
    count = search.wish.samples
    first = pictures(model, draw_faces(model, 1, SEED).ws)
    known = dict.fromkeys(read_traits(reader, first).names, np.zeros(1))
    for wanted in (search.wish.attribute, *search.wish.hold):
        trait(known, wanted)  # before thousands of pictures are looked at
    z = np.random.RandomState(SEED).randn(count, search.info.z_dim).astype(np.float32)
    w = model.map(z)[:, 0]
    parts = []
    for start in range(0, count, 200):
        ws = to_ws(w[start : start + 200], search.info.num_ws)
        traits = read_traits(reader, pictures(model, ws, cancel=search.cancel), search.cancel)
        parts.append(traits.values)
        search.progress(Progress("looking at random pictures", (start + len(ws)) / count))
    values = np.concatenate(parts)
    return z, w, {name: values[:, i] for i, name in enumerate(traits.names)}


def trait(traits: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The values of a trait. Raises DirectionError for one that is not read."""
    if name not in traits:
        raise DirectionError(
            f"The attribute network does not read {name[:40]!r}.", f"It reads {', '.join(traits)}."
        )
    return traits[name]
