"""What the window knows of the model in use."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.frame import Anatomy, DirectionInfo, ModelInfo
from engine.recipe import ClassWeight, ModelRef

START_SEED = 37
START_PSI = 0.7
Key = tuple[str, tuple[int, ...] | None]


@dataclass(frozen=True)
class Kit:
    """A model, its reference for Recipes and its directions in their fixed order."""

    info: ModelInfo
    ref: ModelRef
    directions: tuple[DirectionInfo, ...]
    anatomy: Anatomy = field(default_factory=Anatomy)

    @property
    def order(self) -> tuple[Key, ...]:
        """The fixed order of the sliders."""
        return tuple((d.sha256, d.layers) for d in self.directions)

    @property
    def start_classes(self) -> tuple[ClassWeight, ...]:
        """The classes that a conditional model begins with: its first one."""
        return (ClassWeight(0),) if self.anatomy.classes else ()

    @property
    def start_seed(self) -> int:
        """The seed that a first start shows: the card's, where it names one."""
        seed = self.info.card.get("start_seed", START_SEED)
        return seed if isinstance(seed, int) and 0 <= seed < 2**32 else START_SEED


def bands(num_ws: int) -> dict[str, tuple[int, ...]]:
    """Coarse, middle and fine layers: up to 8, 32 and beyond pixels (Karras et al., 2018)."""
    layers = tuple(range(num_ws))
    return {"coarse": layers[:4], "middle": layers[4:8], "fine": layers[8:]}
