"""The first tour, without a window: explore, mix, move, export signed, verify."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import UInt8

import engine
from engine.cancel import CancelToken
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.errors import BackendError, ExportError, ModelError
from engine.frame import (
    DirectionInfo,
    ExportOptions,
    Frame,
    ModelInfo,
    OnProgress,
    OnStep,
    Progress,
    Receipt,
    Verdict,
)
from engine.recipe import (
    Blend,
    Generate,
    Image,
    Latent,
    Mix,
    ModelRef,
    Move,
    Recipe,
    Seed,
    Truncate,
)
from engine.services.contact_sheet import Row, Section, contact_sheet
from engine.services.demo_diffusion import diffusion_sheet
from engine.services.demo_systems import system_sheets
from engine.services.report import verdict_data, verdict_text
from engine.store import replacing, write_remedy

Pixels = UInt8[np.ndarray, "height width 3"]
PSI = 0.7
SEEDS = tuple(range(1, 11))
WALK = (1, 5, 8, 1)
MIXED, STYLES = (2, 6, 9), (3, 7, 10, 12, 14)
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
FACES = (0, 14)  # seeds of those that diffusion models are shown: two that differ
SCREENSHOT_S = 120


class Door(Protocol):
    """What the tour needs of the studio."""

    @property
    def home(self) -> Path:
        """The data folder."""

    def models(self) -> tuple[ModelInfo, ...]:
        """Every generator."""

    def directions(self, name: str) -> tuple[DirectionInfo, ...]:
        """The model's directions."""

    def denoisers(self) -> tuple[DenoiserInfo, ...]:
        """Every diffusion model."""

    def controls_beside(self, info: DenoiserInfo) -> tuple[ControlInfo, ...]:
        """The ControlNets that can help one."""

    def render(
        self,
        recipe: Recipe,
        *,
        cancel: CancelToken | None = None,
        on_step: OnStep | None = None,
    ) -> Frame:
        """The picture of a Recipe."""

    def export_sheet(
        self, sheet: Frame, recipes: Sequence[Recipe], path: Path, options: ExportOptions
    ) -> Receipt:
        """A signed file of many pictures."""
        ...

    def export(
        self,
        recipe: Recipe,
        path: Path,
        options: ExportOptions,
        progress: OnProgress | None,
        cancel: CancelToken | None,
    ) -> Receipt:
        """A signed file."""

    def verify(self, path: Path, rerender: bool = False) -> Verdict:
        """What is known of a file."""


def run_demo(
    door: Door, out: Path, name: str | None, progress: OnProgress, cancel: CancelToken
) -> dict[str, Path]:
    """Write contact sheet, screenshot, signed export and its verification into `out`.

    name: the model, the first one when None. Returns what was made by label. Raises ModelError
    without a model, ExportError when the folder cannot be written, BackendError when the window
    cannot be drawn.
    """
    info = _model(door, name)
    tour = _Tour(door, info, cancel)
    tour.picture(Seed(SEEDS[0]))  # what cannot be shown leaves no folder behind
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {out} cannot be made: {error.strerror}.", write_remedy(error)
        ) from error
    made = {"contact sheet": out / "contact_sheet.png"}
    subtitle = f"{info.name}, {info.resolution} px, weights {info.sha256[:16]}"
    sheet = contact_sheet(info.title, subtitle, tour.columns(progress))
    shown = replace(tour.frames[0], pixels=sheet)
    recipes = [frame.recipe for frame in tour.frames]
    door.export_sheet(shown, recipes, made["contact sheet"], ExportOptions(title=info.title))
    psi = (Truncate(Seed(seed), PSI) for seed in FACES)
    faces = [(Generate(tour.ref, latent), info.resolution) for latent in psi]
    made |= _diffusion(door, out, faces, progress, cancel)
    progress(Progress("Exporting and verifying", 0.85))
    recipe = tour.favourite()
    made["export"] = out / "export.png"
    options = ExportOptions(title="A first portrait")
    receipt = door.export(recipe, made["export"], options, None, cancel)
    verdict = door.verify(made["export"], True)
    made["verification"] = out / "verification.txt"
    # An identity for this process alone is gone at the next look: say so beside "own".
    told = verdict_text(verdict) + (f"  ! {receipt.notice}\n" if receipt.notice else "")
    _write(made["verification"], told.encode())
    made["as JSON"] = out / "verification.json"
    text = json.dumps(verdict_data(verdict), indent=2, ensure_ascii=False) + "\n"
    _write(made["as JSON"], text.encode())
    made["its Recipe"] = out / "recipe.json"
    _write(made["its Recipe"], (recipe.text() + "\n").encode())
    cancel.check()
    progress(Progress("Drawing the window offscreen", 0.9))
    made["screenshot"] = out / "window.png"
    take_screenshot(made["screenshot"], door.home)
    progress(Progress("Done", 1.0))
    return made


def _diffusion(
    door: Door,
    out: Path,
    faces: Sequence[tuple[Image, int]],
    progress: OnProgress,
    cancel: CancelToken,
) -> dict[str, Path]:
    """The sheet of the first model of classes, and one for every other kind that came with the
    program; nothing where there is none."""
    made: dict[str, Path] = {}
    known = door.denoisers()
    info = next((one for one in known if not one.upsamples and not one.shown), None)
    if info is not None:
        made["diffusion"] = out / "diffusion_sheet.png"
        shown, recipes = diffusion_sheet(door.render, info, progress, cancel)
        door.export_sheet(shown, recipes, made["diffusion"], ExportOptions(title=info.title))
    bundled = [one for one in known if one.bundled]
    for name, shown, recipes in system_sheets(
        door.render, bundled, door.controls_beside, faces, cancel
    ):
        progress(Progress(f"Drawing {name}", 0.83))
        made[name] = out / f"{name}.png"
        door.export_sheet(shown, recipes, made[name], ExportOptions(title=name))
    return made


def take_screenshot(path: Path, home: Path) -> None:
    """Have the real window drawn offscreen by a process of its own. Raises BackendError."""
    program = Path(engine.__file__).resolve().parent.parent / "main.py"
    command = [sys.executable, str(program), "--offscreen", "--screenshot", str(path.absolute())]
    environment = {**os.environ, "LATENT_ATELIER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    try:
        path.unlink(missing_ok=True)
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SCREENSHOT_S,
            check=False,
        )
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if not path.is_file():
        raise BackendError(
            f"The window could not be drawn offscreen: {said[:200]}.", "Run `doctor`."
        )


class _Tour:
    """Renders what the sheet shows."""

    def __init__(self, door: Door, info: ModelInfo, cancel: CancelToken) -> None:
        self.door = door
        self.info = info
        self.cancel = cancel
        self.ref = ModelRef(info.name, info.sha256)
        self.directions = door.directions(info.name)
        self.frames: list[Frame] = []

    def columns(self, progress: OnProgress) -> list[list[Section]]:
        """Seeds, a walk, every direction at five strengths, and a mixing matrix."""
        steps: list[tuple[str, Callable[[], Section]]] = [
            ("Seeds", self.seeds),
            ("A walk", self.walk),
            ("Directions", self.moves),
            ("Style mixing", self.mixing),
        ]
        made = []
        for index, (name, step) in enumerate(steps):
            progress(Progress(name, 0.05 + 0.13 * index))
            made.append(step())
        seeds, walk, moves, mixing = made
        return [[seeds, walk, mixing], [moves]] if moves.rows else [[seeds, walk, mixing]]

    def seeds(self) -> Section:
        """One face a seed."""
        tiles = [self.picture(Seed(seed)) for seed in SEEDS]
        half = len(tiles) // 2
        rows = [Row(f"psi {PSI:g}", tiles[:half]), Row("", tiles[half:])]
        bare = [self.picture(Seed(seed), 1.0) for seed in SEEDS[:half]]
        rows.append(Row("psi 1", bare))
        note = f"truncated to psi {PSI:g}; the last row shows the first seeds untruncated"
        return Section("Seeds", note, rows)

    def walk(self) -> Section:
        """From seed to seed on the sphere of z."""
        rows = []
        for a, b in itertools.pairwise(WALK):
            steps = np.linspace(0, 1, 5)
            tiles = [self.picture(Blend(Seed(a), Seed(b), float(t), "z", "slerp")) for t in steps]
            rows.append(Row(f"{a} to {b}", tiles))
        return Section("A walk", "spherical interpolation between seeds", rows)

    def moves(self) -> Section:
        """Each direction from end to end."""
        rows = []
        for index, item in enumerate(self.directions):
            base = Truncate(Seed(SEEDS[index % len(SEEDS)]), PSI)
            strengths = [(item.high if s > 0 else -item.low) * s for s in STRENGTHS]
            tiles = [self.picture(self.moved(base, item, s), None) for s in strengths]
            rows.append(Row(item.label, tiles))
        note = "one slider each, all else untouched"
        return Section("Directions", note, rows, ["low", "", "0", "", "high"])

    def mixing(self) -> Section:
        """Pose and shape from the row's face, colours and light from the column's."""
        layers = tuple(range(max(1, self.info.num_ws // 2), self.info.num_ws))
        columns = [self.picture(Seed(seed)) for seed in STYLES[:4]]
        rows = [Row("", [None, *columns])]
        for seed in MIXED:
            mixes = [
                self.picture(Mix(Truncate(Seed(seed), PSI), Truncate(Seed(s), PSI), layers), None)
                for s in STYLES[:4]
            ]
            rows.append(Row(f"seed {seed}", [self.picture(Seed(seed)), *mixes]))
        note = f"layers {layers[0]} to {layers[-1]} come from the face above"
        return Section("Style mixing", note, rows, ("", *(f"seed {s}" for s in STYLES[:4])), 1)

    def favourite(self) -> Recipe:
        """What is exported: a mix, moved along the first directions."""
        layers = tuple(range(self.info.num_ws // 2, self.info.num_ws))
        latent: Latent = Mix(
            Truncate(Seed(MIXED[0]), PSI), Truncate(Seed(STYLES[0]), PSI), layers, 0.6
        )
        for item in self.directions[:2]:
            latent = self.moved(latent, item, item.high * 0.4)
        return Recipe(Generate(self.ref, latent))

    def moved(self, base: Latent, item: DirectionInfo, strength: float) -> Latent:
        """base after a step along the direction."""
        return Move(base, item.sha256, strength, item.layers) if strength else base

    def picture(self, latent: Latent, psi: float | None = PSI) -> Pixels:
        """Render one face; psi None takes the latent as it is."""
        self.cancel.check()
        whole = latent if psi is None else Truncate(latent, psi)
        frame = self.door.render(Recipe(Generate(self.ref, whole)))
        self.frames.append(frame)
        return frame.pixels


def _model(door: Door, name: str | None) -> ModelInfo:
    models = {info.name: info for info in door.models()}
    if name is None and models:
        return next(iter(models.values()))
    if name is None or name not in models:
        raise ModelError(
            f"There is no model {name!r} to show." if name else "There is no model to show.",
            "Run `models` to see what is here, or `doctor`.",
        )
    return models[name]


def _write(path: Path, data: bytes) -> None:
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}.", write_remedy(error)
        ) from error
