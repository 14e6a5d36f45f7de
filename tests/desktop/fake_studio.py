"""A Studio without an engine: it draws heads of coloured blobs from a Recipe, in numpy alone.

It has the methods of engine.studio.Studio that the window calls, renders every Recipe of the
Explore page deterministically, and can be told to be slow or to fail.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_attacks import FakeAttacks
from fake_editor import FakeEditor
from fake_lab import FakeLab

from engine.cancel import CancelToken
from engine.errors import (
    CheckpointError,
    DirectionError,
    ExportError,
    IdentityError,
    ImageError,
    ModelError,
    RecipeError,
)
from engine.frame import (
    Activations,
    Anatomy,
    DirectionInfo,
    ExportOptions,
    Finding,
    Frame,
    IdentityStatus,
    Layer,
    ModelInfo,
    OnProgress,
    Progress,
    Receipt,
    RenderSettings,
    Rerender,
    Verdict,
)
from engine.perturbing import FastGradient, Perturb
from engine.recipe import (
    Arithmetic,
    Blend,
    Computed,
    Generate,
    Latent,
    Mix,
    ModelRef,
    Move,
    Photo,
    Recipe,
    Resize,
    Seed,
    Transform,
    Truncate,
    walk,
)
from engine.studio import Favourite, Project
from engine.wishes import ClipInfo, TourStop

DIM, LAYERS, SIDE = 24, 10, 64
NAMES = ("Turn", "Smile", "Age", "Gender presentation", "Eyeglasses")
Array = np.ndarray[Any, np.dtype[np.float32]]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


MODEL = {
    "title": "a model",
    "relationship": "inputTo",
    "description": "",
    "state": "no-credentials",
    "signer": None,
    "ingredients": (),
}
PHOTO = {
    "title": "A photo",
    "relationship": "parentOf",
    "description": "",
    "state": "intact",
    "signer": "Somebody",
    "ingredients": (MODEL,),
}
MODEL_SHA = digest("fake model")


class FakeStudio:
    """Draws what it is asked for. delay_s: how long a render takes besides."""

    def __init__(self, home: Path, delay_s: float = 0.0) -> None:
        self.home = home
        self.delay_s = delay_s
        self.rendered: list[tuple[Recipe, RenderSettings]] = []
        self.saved: dict[Path, Project] = {}
        self.autosaved: Project | None = None
        self.left_over: Project | None = None
        self.exported: dict[Path, Recipe] = {}
        self.photos: dict[str, Path] = {}
        self.imported: list[str] = []
        self.closed = False
        self.kept: tuple[Favourite, ...] = ()
        self.edit = FakeEditor(self)
        self.clip_names: tuple[str, ...] = ("portraits-clip",)
        self.lab = FakeLab()
        self.attacks = FakeAttacks(self)
        self.films: list[Any] = []
        self.more: tuple[DirectionInfo, ...] = ()
        self.stopped = False
        self.trustmark = False
        self.anatomies: dict[str, Anatomy] = {}
        self.lost: set[str] = set()
        self.looked: list[tuple[Recipe, str | None]] = []
        self.renewed = 0
        self.brought: tuple[Path, Path | None, str | None] | None = None
        self.ledger_problems: tuple[str, ...] = ()
        self._cache: dict[tuple[Recipe, RenderSettings], Frame] = {}
        self._lock = threading.Lock()
        grid = np.linspace(-1, 1, SIDE, dtype=np.float32)
        self._x, self._y = np.meshgrid(grid, grid)

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(
            ModelInfo(name, title, "stylegan2", sha, SIDE, DIM, DIM, LAYERS, 0, True, self.home)
            for name, title, sha in (
                ("portraits-stylegan2", "Portraits, StyleGAN2", MODEL_SHA),
                ("blobs", "Blobs", digest("other model")),
                *((name, name, digest(name)) for name in self.imported),
            )
        )

    def clips(self) -> tuple[ClipInfo, ...]:
        return tuple(
            ClipInfo(name, name.title(), digest(name), 64, True, self.home)
            for name in self.clip_names
        )

    def tour(self, language: str = "") -> tuple[TourStop, ...]:
        def stop(key: str, page: str, section: str, n: int) -> TourStop:
            made = Generate(ModelRef("portraits-stylegan2", MODEL_SHA), Truncate(Seed(n), 0.7))
            title, words = f"Stop {key}", "What there is to see."
            return TourStop(key, title, page, section, words, "Try it.", "A paper.", Recipe(made))

        attack = stop("three", "attack", "look", 3)
        attacked = Perturb(attack.recipe.image, self.attacks.victims()[0].victim, FastGradient())
        return (
            stop("one", "explore", "mixing", 1),
            stop("two", "explore", "export", 2),
            replace(attack, recipe=Recipe(attacked)),
        )

    def anatomy(self, name: str) -> Anatomy:
        return self.anatomies.get(name, Anatomy("StyleGAN2", (4, 8, 8, 16, 16)))

    def check(self, recipe: Recipe) -> None:
        for node in walk(recipe.image):
            if isinstance(node, Move) and node.direction in self.lost:
                raise DirectionError("That direction is not here.")

    def activations(
        self, recipe: Recipe, layer: str | None = None, cancel: CancelToken | None = None
    ) -> Activations:
        self.looked.append((recipe, layer))
        layers = tuple(Layer(f"b{size}.conv", 5, size, size) for size in (4, 8, 16))
        chosen = next((item for item in layers if item.name == layer), layers[1])
        return Activations(layers, chosen, 3, 31, np.zeros((63, 95, 3), np.uint8))

    def stop_workers(self) -> None:
        self.stopped = True

    def export_missing_graphs(self) -> None:
        """It has none to make."""

    def import_other(
        self,
        path: Path,
        name: str | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> str | None:
        return None

    def import_model(
        self,
        path: Path,
        name: str | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        *,
        expected: str = "",
        apart: bool = False,
    ) -> ModelInfo:
        if expected not in ("", digest(path.stem)):
            raise ModelError(f"{path.name} holds other weights.", "Choose another file.")
        if path.suffix == ".pkl":
            raise CheckpointError(f"{path.name} wants os.system.", "Get it from its authors.")
        self.imported.append(path.stem)
        return self.models()[-1]

    def ref(self, name: str) -> ModelRef:
        info = next(model for model in self.models() if model.name == name)
        return ModelRef(info.name, info.sha256)

    def directions(self, name: str) -> tuple[DirectionInfo, ...]:
        sha = self.ref(name).sha256
        named = [
            DirectionInfo(label.lower(), label, digest(label), sha, "boundary", -3, 3)
            for label in NAMES
        ]
        found = [
            DirectionInfo(f"pca-{i}", f"Component {i}", digest(f"pca {i}"), sha, "pca", -3, 3)
            for i in range(12)
        ]
        return (*named, *found, *(d for d in self.more if d.model_sha256 == sha))

    def open(self, name: str) -> None:
        assert self.ref(name)

    def render(
        self,
        recipe: Recipe,
        settings: RenderSettings | None = None,
        cancel: CancelToken | None = None,
    ) -> Frame:
        settings = settings or RenderSettings()
        found = self._cache.get((recipe, settings))
        if found is not None:
            return found
        started = time.perf_counter()
        if self.delay_s:
            time.sleep(self.delay_s)
        pixels = self._pixels(recipe)
        with self._lock:
            self.rendered.append((recipe, settings))
        took = time.perf_counter() - started
        frame = Frame(pixels, recipe, settings, "onnx", settings.quality, took)
        self._cache[(recipe, settings)] = frame
        return frame

    def _pixels(self, recipe: Recipe) -> Array:
        image = recipe.image
        size = None
        if isinstance(image, Resize):
            size, image = image.width, image.image
        if isinstance(image, Transform):
            image = image.image
        if isinstance(image, Perturb):
            return self.attacks.perturb(image, self._pixels(Recipe(image.image)))
        if isinstance(image, Photo):
            return np.full((SIDE, SIDE, 3), 128, np.uint8)
        if not isinstance(image, Generate):
            raise RecipeError("The fake draws only what a generator makes.")
        pixels = self._draw(self._ws(image.latent), image.noise.mode == "none")
        if size:
            times = -(-size // SIDE)
            pixels = np.ascontiguousarray(np.kron(pixels, np.ones((times, times, 1), np.uint8)))
        return pixels

    def _ws(self, latent: Latent) -> Array:
        match latent:
            case Seed(n):
                z = np.random.RandomState(n).randn(DIM).astype(np.float32)
                return np.tile(z, (LAYERS, 1))
            case Blend(a, b, t):
                return self._ws(a) * (1 - t) + self._ws(b) * t
            case Truncate(base, psi, cutoff):
                psis = np.ones(LAYERS, np.float32)
                psis[: LAYERS if cutoff is None else cutoff] = psi
                return self._ws(base) * psis[:, None]
            case Mix(base, source, layers, amount):
                ws, other = self._ws(base).copy(), self._ws(source)
                for layer in layers:
                    ws[layer] += amount * (other[layer] - ws[layer])
                return ws
            case Arithmetic(terms):
                return sum(  # type: ignore[return-value]
                    t.weight * np.mean([self._ws(x) for x in t.exemplars], 0) for t in terms
                )
            case Computed(_, result):
                return np.random.RandomState(int(result[:7], 16)).randn(LAYERS, DIM)
            case Move(base, direction, strength):
                vector = np.random.RandomState(int(direction[:7], 16)).randn(DIM)
                return self._ws(base) + np.float32(strength / 3) * vector.astype(np.float32)
        raise RecipeError(f"The fake knows no latent {latent.op!r}.")

    def _draw(self, ws: Array, plain: bool) -> Array:
        coarse, middle, fine = np.tanh(ws[0] / 2), np.tanh(ws[5] / 2), np.tanh(ws[9] / 2)
        x, y = self._x, self._y
        turn, size = 0.25 * coarse[0], 0.52 + 0.08 * coarse[1]
        ground = _colour(fine[0:3], 0.55) * (1.1 - 0.25 * (y[..., None] + 1))
        picture = ground
        shirt = _disc(x, (y - 1.15) * 1.1, 0.62)
        picture = _over(picture, _colour(fine[3:6], 0.4), shirt)
        wide = 1 + 0.25 * coarse[2]
        hair = _disc((x - turn * 0.4) * 0.92, (y + 0.12) * (0.95 - 0.12 * middle[0]), size + 0.12)
        picture = _over(picture, _colour(middle[1:4], 0.25), hair)
        picture = _over(picture, _skin(fine[6]), _disc((x - turn * 0.5) * wide, y - 0.05, size))
        for side in (-1, 1):
            eye_x = turn + side * 0.2
            picture = _over(picture, np.ones(3), _disc((x - eye_x) * 0.8, y + 0.02, 0.075))
            picture = _over(picture, _colour(middle[4:7], 0.2), _disc(x - eye_x, y + 0.02, 0.045))
        mouth_y = 0.3 + (x - turn) ** 2 * -1.6 * middle[7]
        lips = np.clip((0.035 - np.abs(y - mouth_y)) * 40, 0, 1)
        lips *= np.clip((0.2 - np.abs(x - turn)) * 30, 0, 1)
        picture = _over(picture, np.array([0.72, 0.25, 0.28]), lips)
        if not plain:
            picture = picture + 0.012 * np.random.RandomState(0).randn(SIDE, SIDE, 1)
        pixels: Array = np.clip(picture * 255, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(pixels)

    def export(
        self,
        recipe: Recipe,
        path: Path,
        options: ExportOptions | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        if not path.parent.is_dir():
            raise ExportError(
                f"The folder {path.parent} does not exist.", "Choose a folder that exists."
            )
        for i in range(4):
            if cancel is not None:
                cancel.check()
            if progress is not None:
                progress(Progress("Rendering", i / 4, 1.0))
            time.sleep(self.delay_s)
        path.write_bytes(b"signed " + recipe.sha256.encode())
        self.exported[path] = recipe
        frame = self.render(recipe)
        return Receipt(
            path,
            digest(str(path)),
            digest(recipe.sha256),
            recipe,
            frame.backend,
            {},
            "own",
            "1",
            "this installation",
        )

    def export_film(
        self,
        film: Any,
        path: Path,
        options: ExportOptions | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        self.films.append(film)
        return self.export(Recipe(film.keys[0].image), path, options, progress, cancel)

    def verify(self, path: Path, rerender: bool = False, anchors: Path | None = None) -> Verdict:
        recipe = self.exported.get(path)
        if recipe is None:
            findings = (Finding(None, "The file holds no Content Credentials."),)
            return Verdict(path, "none", "Nothing is known of this file.", findings)
        fresh = (self._pixels(recipe) // 2 * 2).astype(np.uint8)
        words = "Rendered again: identical, pixel for pixel."
        same = Rerender(True, 0, 99.0, words, fresh, np.zeros_like(fresh))
        return Verdict(
            path,
            "own",
            "Made by this installation, and unchanged since.",
            (
                Finding(True, "The signature is whole and fits the file."),
                Finding(True, "It was signed with this installation's own key."),
                Finding(None, "No time-stamping authority vouches for the time."),
            ),
            signer="Latent Atelier on this machine",
            signed_at="2026-11-23 23:00 UTC",
            recipe=recipe,
            rerender=same if rerender else None,
            claim={"ingredients": (PHOTO,)},
            thumbnails={0: np.full((40, 60, 3), 90, np.uint8)},
        )

    def open_photo(self, path: Path) -> tuple[Photo, int, int]:
        photo = Photo(self.keep_photo(path))
        height, width = self.render(Recipe(photo)).pixels.shape[:2]
        return photo, width, height

    def keep_photo(self, path: Path) -> str:
        if path not in self.exported and path.suffix != ".png":
            raise ImageError("This file is no picture.")
        return digest(str(path))

    def identity_status(self) -> IdentityStatus:
        return IdentityStatus(
            bool(self.exported),
            "this installation",
            "ab12",
            "2036",
            "keyring",
            "Exports are signed.",
        )

    def has_trustmark(self) -> bool:
        return self.trustmark

    def settle(self) -> tuple[str, ...]:
        return self.ledger_problems

    def renew_identity(self) -> IdentityStatus:
        self.renewed += 1
        return self.identity_status()

    def use_certificate(
        self, file: Path, key: Path | None = None, secret: str | None = None
    ) -> IdentityStatus:
        if not file.exists():
            raise IdentityError(f"Cannot read {file.name}.", "Check the path.")
        self.brought = (file, key, secret)
        text = "Exports are signed with your own certificate."
        return IdentityStatus(True, "A studio", "ab12", "2036", "keyring", text)

    def use_local_identity(self) -> IdentityStatus:
        self.brought = None
        return self.identity_status()

    def report(self, verdict: Verdict, form: str) -> str:
        return f"{form}: {verdict.headline}"

    def pictures_in(self, folder: Path) -> tuple[Path, ...]:
        return tuple(sorted(folder.glob("*.png")))

    def open_project(self, path: Path) -> Project:
        return self.saved[path]

    def save_project(self, project: Project, path: Path) -> None:
        self.saved[path] = project

    def autosave(self, project: Project) -> None:
        self.autosaved = project

    def recoverable(self) -> Project | None:
        return self.left_over

    def favourites(self) -> tuple[Favourite, ...]:
        return self.kept

    def keep_favourites(self, kept: tuple[Favourite, ...]) -> None:
        self.kept = tuple(kept)

    def recent(self) -> tuple[Path, ...]:
        return tuple(self.saved)

    def close(self) -> None:
        self.closed = True


def _disc(x: Array, y: Array, radius: float) -> Array:
    return np.clip((radius - np.sqrt(x * x + y * y)) * 24 + 0.5, 0, 1)


def _over(picture: Array, colour: Array, mask: Array) -> Array:
    return picture + (np.asarray(colour) - picture) * mask[..., None]


def _colour(values: Array, middle: float) -> Array:
    return np.clip(middle + 0.35 * values, 0, 1)


def _skin(value: float) -> Array:
    tone = (value + 1) / 2
    return np.array([0.42, 0.27, 0.19]) * (1 - tone) + np.array([0.98, 0.82, 0.7]) * tone
