"""What long work needs of an installation, in whichever process it runs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.frame import BackendName, ModelInfo
from engine.models.opened import Model
from engine.perception.reader import Reader, open_reader
from engine.services.installation import Installation

if TYPE_CHECKING:
    from engine.editing.encoder import Encoder

READER = "portraits-attributes"


class Workroom(Installation):
    """An installation with what reads pictures. For the worker process and for scripts."""

    def model(self, info: ModelInfo, backend: BackendName | None = None) -> Model:
        """The opened model; kept for the next job."""
        return self.renderer.opened(info, backend)[0]

    def reader(self, info: ModelInfo) -> Reader | None:
        """The network that reads a model's pictures: the attribute network, for portraits."""
        data = info.card.get("data")
        if not isinstance(data, dict) or data.get("set") != "portraits":
            return None
        folder = self.library.bundled / READER
        return _reader(folder) if folder.is_dir() else None

    def encoder(self, info: ModelInfo) -> Encoder | None:
        """The network that inverts this model in one pass, where there is one."""
        from engine.editing.encoder import encoder_folder, open_encoder

        roots = (self.library.bundled, self.library.imported)
        folder = encoder_folder(roots, info.sha256)
        return None if folder is None else open_encoder(folder)

    def folder_of(self, info: ModelInfo) -> Path:
        """Where directions that the user found of a model are kept."""
        return self.library.imported / info.name


def workroom(home: Path) -> Workroom:
    """The one Workroom of a data folder in this process, with a fresh look at the disk."""
    room = _room(home)
    room.refresh()
    return room


@lru_cache(maxsize=4)
def _room(home: Path) -> Workroom:
    return Workroom(home)


@lru_cache(maxsize=4)
def _reader(folder: Path) -> Reader:
    return open_reader(folder)
