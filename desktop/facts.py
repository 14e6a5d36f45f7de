"""Frozen values that controllers hand to views, and views to controllers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtGui import QImage

from desktop.display import Shown
from desktop.squares import Square
from desktop.state import Lattice
from engine.comparing import AWAY, AXES, EXAMPLES
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.frame import Activations, ExportOptions, Verdict
from engine.guides import ClassifierInfo, NoisyClipInfo
from engine.recipe import Latent, Recipe
from engine.wishes import ClipInfo

MATRIX_SIZE = 4
MOST_SUMMED = 10  # pictures in a row of the pad A - B + C
Cell = tuple[int, int]


@dataclass(frozen=True)
class LatticeView:
    """What the pad shows. lattice is None for a latent that lies between no four seeds."""

    lattice: Lattice | None
    tiles: Mapping[Cell, QImage]


@dataclass(frozen=True)
class MatrixState:
    """The sources of the mixing matrix, the layers that are mixed, and how far."""

    bases: tuple[Latent, ...]
    styles: tuple[Latent, ...]
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
    """A picture that was settled on, and the words for how it came about.

    rating: 0 for none, else 1 to 5; tags: words; both for favourites.
    """

    recipe: Recipe
    label: str
    created: str
    rating: int = 0
    tags: tuple[str, ...] = ()


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
class Comparison:
    """A file's picture beside a fresh rendering: "file", "fresh", "beside" and "difference".

    gain: by what the difference was multiplied to be seen.
    """

    views: Mapping[str, Shown]
    gain: int


@dataclass(frozen=True)
class BatchRow:
    """A file of a folder: its verdict, or why there is none."""

    path: Path
    verdict: Verdict | None
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """What was verified of a folder; fewer rows than `total` when it was stopped."""

    folder: Path
    rows: tuple[BatchRow, ...]
    total: int


@dataclass(frozen=True)
class ExportRequest:
    """What the export panel asks for."""

    path: Path
    options: ExportOptions = field(default_factory=ExportOptions)


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate to sign with. key: beside a PEM chain; None for PKCS#12. secret: opens it."""

    file: Path
    key: Path | None
    secret: str = field(repr=False)


@dataclass(frozen=True)
class DiffuseKit:
    """The diffusion models of this machine, and what can guide them. runs: how each would run in
    the memory that there is; "" where there is nothing to tell."""

    models: tuple[DenoiserInfo, ...]
    classifiers: tuple[ClassifierInfo, ...]
    clips: tuple[ClipInfo, ...] = ()
    eyes: tuple[NoisyClipInfo, ...] = ()
    controls: Mapping[str, tuple[ControlInfo, ...]] = field(default_factory=dict)  # by model
    runs: Mapping[str, str] = field(default_factory=dict)  # by model

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
class Axes:
    """What varies along each side, as keys of AXES, and the texts of the sides that have some."""

    across: str = "guidance"
    down: str = ""
    prompt: tuple[str, ...] = EXAMPLES
    negative: tuple[str, ...] = AWAY


@dataclass(frozen=True)
class CompareView:
    """What a comparison shows: the words of rows and columns, short and whole, the pictures that
    are ready by row and column, and the places that stay free. axes: those that the model has."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    pictures: Mapping[Cell, QImage]
    whole: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    free: frozenset[Cell] = frozenset()
    comparison: Axes | None = None
    axes: tuple[str, ...] = tuple(AXES)


Stage = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class QueueRow:
    """One picture of the queue. words: what it is; fraction: how far it is; note: what failed."""

    key: int
    words: str
    stage: Stage
    fraction: float = 0.0
    image: QImage | None = None
    note: str = ""


@dataclass(frozen=True)
class QueueView:
    """The pictures of the queue in the order in which they are made."""

    rows: tuple[QueueRow, ...]

    def count(self, *stages: Stage) -> int:
        """How many are at one of these stages."""
        return sum(row.stage in stages for row in self.rows)


@dataclass(frozen=True)
class StatusView:
    """The figures of the status bar; None where nothing was measured."""

    p50_ms: float | None
    p95_ms: float | None
    rendered: int
    coalesced: int
    memory_mb: float | None


@dataclass(frozen=True)
class MarkView:
    """Pictures to mark: 1 more, -1 less, 0 nothing; and how many marks are kept beside these."""

    images: tuple[QImage | None, ...]
    marks: tuple[int, ...]
    kept_more: int = 0
    kept_less: int = 0


@dataclass(frozen=True)
class SumView:
    """The pad A - B + C: the pictures of its three rows, and what can be done with them."""

    images: tuple[tuple[QImage | None, ...], ...]
    space: str
    amount: float
    can_show: bool
    can_keep: bool


@dataclass(frozen=True)
class PhotoView:
    """A photo that was opened: its name, its size in pixels, and the square that is searched for.
    can_align: whether the model makes portraits, which can be found."""

    name: str = ""
    size: tuple[int, int] | None = None
    square: Square = field(default_factory=Square)
    can_resume: bool = False
    can_align: bool = False


@dataclass(frozen=True)
class DragView:
    """Points on the canvas in shares of the picture, the mask's discs (x, y, radius), and where a
    drag stands. steps: of the drag on the canvas, 0 for none."""

    handles: tuple[tuple[float, float], ...] = ()
    targets: tuple[tuple[float, float], ...] = ()
    mask: tuple[tuple[float, float, float], ...] = ()
    masking: bool = False
    brush: float = 0.12
    running: bool = False
    steps: int = 0
    step: int = 0


@dataclass(frozen=True)
class TextView:
    """The CLIPs there are (name, title), the way chosen, where the sliders stand, and whether
    there is a direction to keep."""

    clips: tuple[tuple[str, str], ...] = ()
    way: str = "optimise"
    strength: float = 4.0
    threshold: float = 0.15
    can_keep: bool = False


@dataclass(frozen=True)
class FilmView:
    """The timeline: times and pictures of the keys, settings by name, and where the film stands."""

    times: tuple[float, ...] = ()
    images: tuple[QImage | None, ...] = ()
    duration_s: float = 0.0
    frames: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    loop_s: float = 0.0
    share: float = 0.0
    playing: bool = False
    evened: bool = False


@dataclass(frozen=True)
class StripView:
    """The mixing strip: its sources, and how far each layer is taken from each of them."""

    names: tuple[str, ...]
    images: tuple[QImage | None, ...]
    amounts: tuple[tuple[float, ...], ...]
    layers: int
    locked: frozenset[int]
    amount: float


@dataclass(frozen=True)
class CornersView:
    """The pad between four pictures: the corners' pictures, which are set, and the carpet."""

    images: tuple[QImage | None, ...]
    filled: tuple[bool, ...]
    tiles: Mapping[Cell, QImage]
    point: tuple[float, float] | None
    space: str
