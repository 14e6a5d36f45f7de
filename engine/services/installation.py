"""What a data folder holds, opened: models, stored items, and what renders with them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from engine.models.library import ModelLibrary
from engine.services import models
from engine.services.engines import Engines
from engine.services.render import Renderer
from engine.store import Store


class Installation:
    """Library, store and renderer of one data folder, in whichever process they are needed.

    home: the data folder. bundled: where the shipped models lie, None for this installation's.
    """

    def __init__(self, home: Path, bundled: Path | None = None) -> None:
        self.home = home
        self.library = ModelLibrary(home, bundled)
        self.store = Store(home / "store", self.library.store_folders())
        self.engines = Engines(home)
        self.renderer = Renderer(self.library, self.store, lambda: self._owners, self.engines)

    def refresh(self) -> None:
        """Look again at the models and directions on the disk."""
        self.library.refresh()
        self.store.fallbacks = self.library.store_folders()
        self.__dict__.pop("_owners", None)

    @cached_property
    def _owners(self) -> dict[str, frozenset[str]]:
        return dict(models.direction_owners(self.library))
