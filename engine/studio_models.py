"""The half of the door that opens models, looks into them and renders Recipes."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.frame import (
    Activations,
    Anatomy,
    BackendName,
    DirectionInfo,
    Frame,
    ModelInfo,
    OnProgress,
    OnStep,
    RenderSettings,
)
from engine.guides import ClassifierInfo, NoisyClipInfo
from engine.models.opened import Model
from engine.recipe import ModelRef, Recipe
from engine.services import anatomy, models
from engine.services.attacks import Attacks
from engine.services.background import GraphExports, lacks_graphs
from engine.services.engines import Engine, available
from engine.services.installation import Installation
from engine.wishes import ClipInfo, TourStop
from engine.worker import Worker

RENDER = RenderSettings()


class Models(Installation):
    """Models, their directions and layers, and the pictures of Recipes, for one data folder.

    home: the data folder. backend: "onnx", "torch", or None for the best of each model. Methods
    may be called from several threads at once.
    """

    def __init__(self, home: Path, backend: BackendName | None) -> None:
        super().__init__(home)
        self.backend = backend
        self._worker = Worker()  # for what takes torch; its process starts with the first job
        self.graph_exports = GraphExports(home)
        self._directions: dict[str, tuple[DirectionInfo, ...]] = {}

    def models(self) -> tuple[ModelInfo, ...]:
        """Every generator, bundled ones first."""
        return self.library.models()

    def open(self, name_or_path: str | Path, backend: BackendName | None = None) -> Model:
        """A model by name, or a model folder or checkpoint by path, which is not kept.

        Raises ModelError or CheckpointError.
        """
        known = {info.name: info for info in self.library.models()}
        chosen = backend or self.backend
        if str(name_or_path) in known:
            return self.renderer.opened(known[str(name_or_path)], chosen)[0]
        if isinstance(name_or_path, Path) or Path(name_or_path).exists():
            return models.open_path(Path(name_or_path), chosen)
        return self.renderer.opened(self.library.find(name_or_path), chosen)[0]

    def ref(self, name: str) -> ModelRef:
        """What a Recipe says to mean that model."""
        info = self.library.find(name)
        return ModelRef(info.name, info.sha256)

    def has_model(self, ref: ModelRef) -> bool:
        """Whether the weights that a Recipe names are here, of networks that are attacked, too."""
        return self.library.has(ref) or self.renderer.attacks.has(ref)

    def measure_engine(self, name: str) -> Engine:
        """Find which engine renders a model quickest here, and keep it. Raises ModelError."""
        return self.engines.measure(self.library.find(name))

    def unmeasured(self, ref: ModelRef) -> str | None:
        """The name of the model when its engines were never compared here and there are several."""
        info = self.library.resolve(ref) if self.library.has(ref) else None
        if info is None or self.engines.measured(info) or len(available(info)) < 2:
            return None
        return info.name

    def denoisers(self) -> tuple[DenoiserInfo, ...]:
        """Every diffusion model, bundled ones first."""
        return self.library.denoisers()

    def runs_here(self, info: DenoiserInfo) -> str:
        """How a published diffusion model would run in the memory that there is, in one line; ""
        for others."""
        from engine.services.needs import runs_here

        return runs_here(info)

    def classifiers(self) -> tuple[ClassifierInfo, ...]:
        """Every noise-aware classifier that can guide."""
        return self.library.classifiers()

    def noisy_clips(self) -> tuple[NoisyClipInfo, ...]:
        """Every picture tower that knows noisy pictures and can guide by texts."""
        return self.library.noisy_clips()

    def controls_beside(self, info: DenoiserInfo) -> tuple[ControlInfo, ...]:
        """Every ControlNet that can help a diffusion model, by name."""
        from engine.models.diffusion.control_config import misfit_of

        config = info.card.get("config", {})
        family = str(info.card.get("family"))
        every = self.library.controls()
        return tuple(c for c in every if not misfit_of(c, family, config, info.name))

    def clips(self) -> tuple[ClipInfo, ...]:
        """Every network that puts texts and pictures in one space, bundled ones first."""
        return self.library.clips()

    @property
    def attacks(self) -> Attacks:
        """The adversarial lab. Its process starts when needed."""
        return self.renderer.attacks

    def directions(self, name: str) -> tuple[DirectionInfo, ...]:
        """The model's directions in their fixed order: named ones first, then principal ones."""
        if name not in self._directions:
            self._directions[name] = models.directions_of(self.library, self.library.find(name))
        return self._directions[name]

    def tour(self, language: str = "") -> tuple[TourStop, ...]:
        """The guided tour; language: two letters. Raises AtelierError."""
        from engine.services.tour import read_tour

        return read_tour(self.library, self.directions, language)

    def anatomy(self, name: str) -> Anatomy:
        """What the model has: noisy layers, classes, whether its pictures can be moved."""
        return anatomy.anatomy_of(self.library.find(name))

    def check(self, recipe: Recipe) -> None:
        """Refuse what a render would refuse, in milliseconds; see services.anatomy."""
        anatomy.check_recipe(recipe, self.library, self.store, lambda: self._owners)

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
        """Read a checkpoint safely and keep it; see services.models.import_model.

        apart: in the worker process, so that it can be stopped at any time; the ONNX graphs are
        then made in the background. Raises CheckpointError, ModelError or Cancelled; nothing is
        kept then.
        """
        if apart:
            kwargs = {"home": self.home, "path": path, "name": name, "expected": expected}
            target = "engine.services.models:import_apart"
            try:
                name = self._worker.submit(target, kwargs, on_progress=progress).wait(cancel)
            finally:
                models.sweep_unfinished(self.library)
        else:
            name = models.import_model(self.library, path, name, progress, cancel, expected).name
        self.refresh()
        info = self.library.find(str(name))
        if lacks_graphs(info):
            self.graph_exports.add(info.name)
        return info

    def import_other(
        self,
        path: Path,
        name: str | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> str | None:
        """Keep a folder that is no generator's, in the worker process; what it is, in words.

        None for another path: see import_model. Raises CheckpointError, ModelError or Cancelled;
        nothing is kept then.
        """
        from engine.services.import_other import is_other

        if not is_other(path):
            return None
        kwargs = {"home": self.home, "path": path, "name": name}
        target = "engine.services.import_other:import_other"
        try:
            words: str = self._worker.submit(target, kwargs, on_progress=progress).wait(cancel)
        finally:
            models.sweep_unfinished(self.library)
        self.refresh()
        return words

    def export_missing_graphs(self) -> None:
        """Make the ONNX graphs that imported models still lack, in the background."""
        self.graph_exports.add_missing(self.library)

    def activations(
        self, recipe: Recipe, layer: str | None = None, cancel: CancelToken | None = None
    ) -> Activations:
        """What a layer answers to a picture; see services.layers. Runs in the worker process."""
        kwargs = {"home": self.home, "recipe": recipe.canonical, "layer": layer}
        target = "engine.services.layers:activations"
        found: Activations = self._worker.submit(target, kwargs).wait(cancel)
        return found

    def stop_workers(self) -> None:
        """End the processes that were started; what they were doing ends as cancelled.

        A later job starts another.
        """
        self.graph_exports.close()
        self._worker.close()
        self._worker = Worker()
        self.renderer.diffusion.close()
        self.renderer.attacks.close()

    def prepare_diffusion(self) -> None:
        """Get ready what the first diffusion picture would wait for; returns at once."""
        self.renderer.diffusion.prepare()

    def refresh(self) -> None:
        """Look again at the models and directions on the disk."""
        super().refresh()
        self._directions = {}

    def render(
        self,
        recipe: Recipe,
        settings: RenderSettings = RENDER,
        cancel: CancelToken | None = None,
        on_step: OnStep | None = None,
    ) -> Frame:
        """The picture of a Recipe; see Renderer.render. Remembered by Recipe and backend."""
        return self.renderer.render(recipe, self._settings(settings), cancel, on_step=on_step)

    def render_anew(
        self,
        recipe: Recipe,
        settings: RenderSettings = RENDER,
        cancel: CancelToken | None = None,
    ) -> Frame:
        """As render, but never from what is remembered: for exports and for comparing."""
        return self.renderer.render(recipe, self._settings(settings), cancel, fresh=True)

    def _settings(self, settings: RenderSettings) -> RenderSettings:
        if settings.backend is not None or self.backend is None:
            return settings
        return RenderSettings(settings.quality, self.backend, settings.precision)
