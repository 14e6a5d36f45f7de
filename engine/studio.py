"""The one door of the engine, thin: each verb is handed to its service.

The window, the command line and scripts come in here. Opening it is cheap: nothing that computes
is imported before it is needed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.frame import (
    BackendName,
    DirectionInfo,
    ExportOptions,
    Frame,
    IdentityStatus,
    ModelInfo,
    OnProgress,
    Receipt,
    RenderSettings,
    Verdict,
)
from engine.models.library import ModelLibrary
from engine.models.opened import Model
from engine.project import Autosave, Entry, Project, Recent, load, save
from engine.recipe import ModelRef, Recipe
from engine.services import models
from engine.services.engines import Engine, Engines, available
from engine.services.render import Renderer
from engine.store import Store

if TYPE_CHECKING:
    from engine.provenance.keys import Identity, Unlocked
    from engine.provenance.ledger import Ledger
    from engine.services.extracts import Extracts

__all__ = ["Entry", "Project", "Studio", "default_home"]

LEDGER = "ledger.sqlite3"
HOME_VARIABLE = "LATENT_ATELIER_HOME"
RENDER = RenderSettings()
EXPORT = ExportOptions()


def default_home() -> Path:
    """The user's data folder: LATENT_ATELIER_HOME where it is set, else the system's place."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("latent-atelier", appauthor=False))


class Studio:
    """Everything the program can do, for one data folder.

    home: the data folder; None for `default_home()`. backend: "onnx", "native", "torch", or None
    for the best of each model. passphrase: asks for the signing key's passphrase where there is no
    keyring; may answer None. signer: signs in place of the identity in the data folder; see
    services.identity.callback_signer. Methods may be called from several threads at once.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        backend: BackendName | None = None,
        passphrase: Callable[[], str | None] | None = None,
        signer: Unlocked | None = None,
    ) -> None:
        self.home = default_home() if home is None else Path(home)
        self.backend = backend
        self.library = ModelLibrary(self.home)
        self.store = Store(self.home / "store", self._store_folders())
        self.engines = Engines(self.home)
        self.renderer = Renderer(self.library, self.store, self._owners, self.engines)
        self._passphrase = passphrase
        self._signer = signer
        self._making = threading.Lock()
        self._identity: Identity | None = None
        self._ledger: Ledger | None = None
        self._autosave = Autosave(self.home, self.store)
        self._recent = Recent(self.home / "recent.json")
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

    def measure_engine(self, name: str) -> Engine:
        """Find which engine renders a model quickest here, and keep it. Raises ModelError."""
        return self.engines.measure(self.library.find(name))

    def unmeasured(self, ref: ModelRef) -> str | None:
        """The name of the model when its engines were never compared here and there are several."""
        info = self.library.resolve(ref) if self.library.has(ref) else None
        if info is None or self.engines.measured(info) or len(available(info)) < 2:
            return None
        return info.name

    def directions(self, name: str) -> tuple[DirectionInfo, ...]:
        """The model's directions in their fixed order: named ones first, then principal ones."""
        if name not in self._directions:
            self._directions[name] = models.directions_of(self.library, self.library.find(name))
        return self._directions[name]

    def import_model(
        self, path: Path, name: str | None = None, progress: OnProgress | None = None
    ) -> ModelInfo:
        """Read a checkpoint safely and keep it. Raises CheckpointError or ModelError."""
        info = models.import_model(self.library, path, name, progress)
        self.refresh()
        return info

    def refresh(self) -> None:
        """Look again at the models and directions on the disk."""
        self.library.refresh()
        self.store.fallbacks = self._store_folders()
        self._directions = {}
        self.__dict__.pop("_found_on", None)

    def render(
        self,
        recipe: Recipe,
        settings: RenderSettings = RENDER,
        cancel: CancelToken | None = None,
    ) -> Frame:
        """The picture of a Recipe; see Renderer.render. Remembered by Recipe and backend."""
        return self.renderer.render(recipe, self._settings(settings), cancel)

    def render_anew(
        self,
        recipe: Recipe,
        settings: RenderSettings = RENDER,
        cancel: CancelToken | None = None,
    ) -> Frame:
        """As render, but never from what is remembered: for exports and for comparing."""
        return self.renderer.render(recipe, self._settings(settings), cancel, fresh=True)

    def export(
        self,
        recipe: Recipe,
        path: Path | str,
        options: ExportOptions = EXPORT,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render, sign, write and check a picture. Raises ExportError; then nothing is left."""
        from engine.services.export import Exporter

        exporter = Exporter(
            render=lambda wanted: self.render_anew(wanted, cancel=cancel),
            identity=self.identity,
            ledger=self.ledger,
            photo=self.store.get,
            resolution=lambda ref: self.library.resolve(ref).resolution,
        )
        return exporter.export(recipe, Path(path), options, progress, cancel)

    def verify(
        self, path: Path | str, rerender: bool = False, anchors: Path | None = None
    ) -> Verdict:
        """What is known of a file. anchors: PEM of the roots to trust besides one's own."""
        from engine.services.lookup import Lookup
        from engine.services.verify import verify

        return verify(
            Path(path),
            own_roots_pem=self.identity.own_roots(),
            own_leaves=self.identity.own_leaves(),
            anchors=anchors,
            render=self.render_anew if rerender else None,
            has_model=self.library.has,
            lookup=Lookup(self._ledger_to_ask, extracts=self.extracts(anchors)),
        )

    def extracts(self, anchors: Path | None = None) -> Extracts:
        """The signed ledger extracts of others that are kept here."""
        from engine.services.extracts import Extracts
        from engine.services.verify import read_roots

        roots = self.identity.own_roots() + ("" if anchors is None else read_roots(anchors))
        return Extracts(self.home / "extracts", roots, self.identity.own_leaves())

    def settle(self) -> tuple[str, ...]:
        """Settle what a crash left of exports; what is wrong with the ledger, in words.

        For the start of the program. Does nothing where nothing was exported yet.
        """
        ledger = self._ledger_to_ask()
        return () if ledger is None else ledger.problems

    def _ledger_to_ask(self) -> Ledger | None:
        """The ledger, where there is one: looking makes none."""
        return self.ledger if (self.home / LEDGER).exists() else None

    @property
    def identity(self) -> Identity:
        """The signing identity; made and unlocked only when something is signed."""
        with self._making:
            if self._identity is None:
                from engine.provenance.keys import Identity

                self._identity = Identity(self.home, self._passphrase, external=self._signer)
            return self._identity

    @property
    def ledger(self) -> Ledger:
        """The ledger of exports; the first use settles what a crash left. Raises LedgerError."""
        with self._making:
            if self._ledger is None:
                from engine.provenance.ledger import Ledger

                self._ledger = Ledger(self.home / LEDGER)
                self._ledger.reconcile()
            return self._ledger

    def identity_status(self) -> IdentityStatus:
        """Whether exports are signed, and by whom."""
        return self.identity.status()

    def renew_identity(self, passphrase_file: Path | None = None) -> IdentityStatus:
        """Replace key and certificates by new ones. Raises IdentityError."""
        self.identity.renew(passphrase_file)
        return self.identity.status()

    def keep_photo(self, path: Path | str) -> str:
        """Read a picture safely and keep its bytes; returns their SHA-256. Raises ImageError."""
        from engine.image.codec import read_bytes, read_picture

        data = read_bytes(Path(path))
        read_picture(data)
        return self.store.put(data)

    def new_project(self) -> Project:
        """An empty project."""
        return Project()

    def open_project(self, path: Path) -> Project:
        """Read a project file; what it brings along goes into the store. Raises ProjectError."""
        project = load(Path(path), self.store)
        self._recent.add(Path(path))
        return project

    def save_project(self, project: Project, path: Path) -> None:
        """Write a project and what it needs into one file. Raises ProjectError."""
        save(project, self.store, Path(path))
        self._recent.add(Path(path))
        self._autosave.discard()

    def autosave(self, project: Project) -> None:
        """Keep the unsaved work for the case of a crash. Raises ProjectError."""
        self._autosave.write(project)

    def recoverable(self) -> Project | None:
        """The unsaved work of a session that did not end well, or None; a new session begins.

        Raises ProjectError once when that work is damaged.
        """
        try:
            return self._autosave.recoverable()
        finally:
            self._autosave.begin()

    def close(self) -> None:
        """The session ends well: nothing is left to recover. Raises ProjectError."""
        self._autosave.finish()

    def recent(self) -> tuple[Path, ...]:
        """Project files opened or saved last that are still there, newest first."""
        return self._recent.paths()

    def _settings(self, settings: RenderSettings) -> RenderSettings:
        if settings.backend is not None or self.backend is None:
            return settings
        return RenderSettings(settings.quality, self.backend, settings.precision)

    def _store_folders(self) -> tuple[Path, ...]:
        return self.library.store_folders()

    @cached_property
    def _found_on(self) -> dict[str, frozenset[str]]:
        return dict(models.direction_owners(self.library))

    def _owners(self) -> dict[str, frozenset[str]]:
        return self._found_on
