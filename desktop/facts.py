"""Frozen values that controllers hand to views, and views to controllers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtGui import QImage

from desktop.display import Shown
from desktop.state import Lattice
from engine.frame import ClassifierInfo, DenoiserInfo, ExportOptions, Verdict
from engine.recipe import Recipe

MATRIX_SIZE = 4
Cell = tuple[int, int]


@dataclass(frozen=True)
class LatticeView:
    """What the pad shows. lattice is None for a latent that lies between no four seeds."""

    lattice: Lattice | None
    tiles: Mapping[Cell, QImage]


@dataclass(frozen=True)
class MatrixState:
    """The sources of the mixing matrix, the layers that are mixed, and how far."""

    bases: tuple[int, ...]
    styles: tuple[int, ...]
    layers: tuple[int, ...]
    amount: float = 1.0


@dataclass(frozen=True)
class MatrixView:
    """What the mixing panel shows: the pictures that are ready, and the cell in use."""

    state: MatrixState
    band: str
    pictures: Mapping[Cell, QImage]
    tips: Mapping[Cell, str]
    chosen: Cell | None


@dataclass(frozen=True)
class Visit:
    """A picture that was settled on, and the words for how it came about."""

    recipe: Recipe
    label: str
    created: str


@dataclass(frozen=True)
class HistoryState:
    """Oldest first. Favourites are told by Recipe, so that one picture is one favourite."""

    visits: tuple[Visit, ...] = ()
    favourites: tuple[Visit, ...] = ()


@dataclass(frozen=True)
class HistoryView:
    """What the tray shows. Images are told by the Recipe's SHA-256."""

    state: HistoryState
    images: Mapping[str, QImage]
    current: Recipe | None


@dataclass(frozen=True)
class ProjectView:
    """What the title and the menu show."""

    title: str
    path: Path | None
    unsaved: bool
    recent: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """A verdict and, where the file is a picture that can be read safely, the picture."""

    verdict: Verdict
    picture: Shown | None


@dataclass(frozen=True)
class ExportRequest:
    """What the export panel asks for."""

    path: Path
    options: ExportOptions = field(default_factory=ExportOptions)


@dataclass(frozen=True)
class DiffuseKit:
    """The diffusion models and noise-aware classifiers of this machine."""

    models: tuple[DenoiserInfo, ...]
    classifiers: tuple[ClassifierInfo, ...]

    @property
    def makers(self) -> tuple[DenoiserInfo, ...]:
        """Those that make pictures from noise."""
        return tuple(info for info in self.models if not info.upsamples)

    @property
    def upsamplers(self) -> tuple[DenoiserInfo, ...]:
        """Those that enlarge pictures."""
        return tuple(info for info in self.models if info.upsamples)

    def maker(self, sha256: str) -> DenoiserInfo | None:
        """The model with that digest."""
        return next((info for info in self.makers if info.sha256 == sha256), None)

    def classes_of_classifier(self, sha256: str) -> tuple[str, ...]:
        """Names of a classifier's classes; none for one that is not here."""
        found = (info.classes for info in self.classifiers if info.sha256 == sha256)
        return next(found, ())


@dataclass(frozen=True)
class CompareView:
    """Words of rows and columns, and the pictures that are ready by row and column."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    pictures: Mapping[Cell, QImage]


@dataclass(frozen=True)
class StatusView:
    """The figures of the status bar; None where nothing was measured."""

    p50_ms: float | None
    p95_ms: float | None
    rendered: int
    coalesced: int
    memory_mb: float | None
