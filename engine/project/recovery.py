"""What the program remembers between sessions: unsaved work after a crash, and recent projects."""

from __future__ import annotations

import contextlib
import json
import os
from functools import cached_property
from pathlib import Path

from engine.errors import ProjectError
from engine.project.file import read_recipes, write
from engine.project.session import Place, take_place
from engine.project.values import Project
from engine.store import Store, flush_folder, replacing, sweep, write_remedy

RECENT = 12


class Autosave:
    """Unsaved work, written now and then, and offered after a session that did not end well.

    `autosave.atelier` holds the Recipes; their items are in the store of the same installation.
    `clean-exit` stands beside it while no session runs. The order at a start is recoverable(),
    then begin(). A second window at the same time has files of its own, so that neither takes
    the other's work for what a crash left, nor throws it away.
    """

    def __init__(self, home: Path, store: Store) -> None:
        self._home = home
        self._store = store

    @cached_property
    def _place(self) -> Place:
        return take_place(self._home)

    @property
    def path(self) -> Path:
        """The file that this session writes."""
        return self._place.path

    @property
    def _mark(self) -> Path:
        return self._place.clean

    def recoverable(self) -> Project | None:
        """The work of a session that did not end well, or None.

        Raises ProjectError once when it is damaged; the file is then put aside and not tried again.
        """
        if self._mark.exists() or not self.path.exists():
            return None
        try:
            return read_recipes(self.path)
        except ProjectError as error:
            aside = self.path.with_name("autosave-damaged.atelier")
            with contextlib.suppress(OSError):
                os.replace(self.path, aside)
            raise ProjectError(
                f"The unsaved work of the last session cannot be read. {error.what}",
                f"What is left of it was put aside as {aside.name}.",
            ) from error

    def begin(self) -> None:
        """A session runs: from now on an end without finish() is a crash."""
        sweep(self.path.parent)
        self._remove(self._mark)

    def write(self, project: Project) -> None:
        """Keep the work as it is now; fast enough for a timer. Raises ProjectError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error
        write(project.to_json(), frozenset(), self._store, self.path)

    def discard(self) -> None:
        """The work is saved, or nobody wants it. Raises ProjectError."""
        self._remove(self.path)

    def finish(self) -> None:
        """The session ends well: nothing is left to recover. Raises ProjectError."""
        self.discard()
        try:
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._mark) as file:
                file.write(b"")
        except OSError as error:
            raise self._failed(error) from error

    def _remove(self, path: Path) -> None:
        try:
            path.unlink()
            flush_folder(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> ProjectError:
        return ProjectError(
            f"Unsaved work cannot be kept in {self.path.parent}: {error.strerror or error}.",
            write_remedy(error),
        )


class Recent:
    """The last twelve projects, newest first, in a small JSON file.

    A list that cannot be read counts as empty, and one that cannot be written is left as it was:
    a comfort must never stand in the way of opening a project.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def paths(self) -> tuple[Path, ...]:
        """The projects that are still there."""
        return tuple(path for path in self._all() if path.is_file())

    def add(self, path: Path) -> None:
        """Put a project first."""
        first = path.absolute()
        kept = [first, *(other for other in self._all() if other != first)][:RECENT]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as file:
                file.write(json.dumps([str(one) for one in kept], indent=1).encode())

    def _all(self) -> list[Path]:
        try:
            data = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        if not isinstance(data, list):
            return []
        texts = [text for text in data[:RECENT] if isinstance(text, str) and "\0" not in text]
        return [Path(text) for text in texts if text]
