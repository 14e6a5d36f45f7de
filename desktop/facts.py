"""Frozen values that controllers hand to views, and views to controllers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtGui import QImage

from desktop.display import Shown
from desktop.state import Lattice
from engine.frame import Activations, ExportOptions, Verdict
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


@dataclass(frozen=True, eq=False)
class LayersView:
    """A layer's channels, ready to be shown."""

    activations: Activations
    picture: Shown


@dataclass(frozen=True)
class ExportRequest:
    """What the export panel asks for."""

    path: Path
    options: ExportOptions = field(default_factory=ExportOptions)


@dataclass(frozen=True)
class StatusView:
    """The figures of the status bar; None where nothing was measured."""

    p50_ms: float | None
    p95_ms: float | None
    rendered: int
    coalesced: int
    memory_mb: float | None
