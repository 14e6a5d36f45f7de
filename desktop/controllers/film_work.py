"""The long work of a film, as it runs in the lanes' threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from engine.cancel import CancelToken
from engine.frame import ExportOptions, OnProgress, Receipt
from engine.path import Path
from engine.studio import Studio


@dataclass(frozen=True)
class ExportFilm:
    """Runs in the lane's thread."""

    studio: Studio
    path: Path
    file: File
    options: ExportOptions

    def __call__(self, progress: OnProgress, token: CancelToken) -> Receipt:
        return self.studio.export_film(self.path, self.file, self.options, progress, token)


@dataclass(frozen=True)
class EvenOut:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Any:
        return self.studio.edit.even_out(self.path, progress, token)
