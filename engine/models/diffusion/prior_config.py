"""What cards say of a model with a prior, which thinks of a picture for each text (unCLIP; Ramesh
et al., 2022). No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from engine.diffusion.schedule import Schedule
from engine.models.diffusion.part_settings import Settings, check_settings
from engine.perception.clip.config import TextSizes

PRIOR = "prior."  # before the names of its tensors


@dataclass(frozen=True, kw_only=True)
class ReadingConfig:
    """text: sizes of the encoder; pad: see LatentConfig. SETTINGS, SCHEDULES: the fields that hold
    settings, and noise."""

    text: TextSizes
    pad: int | None = None
    SETTINGS: ClassVar[tuple[str, ...]] = ()
    SCHEDULES: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain: dict[str, Any] = {name: dict(getattr(self, name)) for name in self.SETTINGS}
        plain |= {name: getattr(self, name).to_dict() for name in self.SCHEDULES}
        return {**plain, "text": asdict(self.text), "pad": self.pad}

    @classmethod
    def told(cls, plain: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The fields but the sizes of towers. Raises LookupError, TypeError, ValueError or
        ModelError."""
        found: dict[str, Any] = {name: plain[name] for name in cls.SETTINGS}
        for settings in found.values():
            check_settings(dict(settings), where)
        found |= {name: Schedule(**plain[name]) for name in cls.SCHEDULES}
        return found | {"pad": plain.get("pad")}


@dataclass(frozen=True, kw_only=True)
class PriorConfig(ReadingConfig):
    """prior: settings. thinking: the noise of the prior. bound: of what it says."""

    prior: Settings
    thinking: Schedule
    bound: float = 5.0
    SETTINGS: ClassVar[tuple[str, ...]] = ("prior",)
    SCHEDULES: ClassVar[tuple[str, ...]] = ("thinking",)

    @property
    def width(self) -> int:
        """Numbers of what a CLIP says of a picture, or of a whole text."""
        return int(self.prior["embedding_dim"])

    @property
    def reads(self) -> dict[str, tuple[Any, Any]]:
        """What encoder and prior say of texts, see `agree`."""
        context = self.text.max_position_embeddings
        return {
            "the width of its tokens": (self.text.hidden_size, self.width),
            "the tokens of its prior": (self.prior.get("num_embeddings", 77), context),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**super().to_dict(), "bound": self.bound}

    @classmethod
    def told(cls, plain: Mapping[str, Any], where: str) -> dict[str, Any]:
        """See ReadingConfig."""
        return super().told(plain, where) | {"bound": float(plain.get("bound", 5.0))}
