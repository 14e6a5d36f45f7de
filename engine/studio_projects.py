"""Projects, favourites and recent files, as the studio gives them out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.frame import BackendName
from engine.project import Autosave, Favourite, Favourites, Project, Recent, load, save
from engine.studio_models import Models

FAVOURITES = "favourites.json"


class Projects(Models):
    """What the user keeps between sessions, in files and in the data folder."""

    def __init__(self, home: Path, backend: BackendName | None) -> None:
        super().__init__(home, backend)
        self._autosave = Autosave(self.home, self.store)
        self._recent = Recent(self.home / "recent.json")

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

    def favourites(self) -> tuple[Favourite, ...]:
        """The pictures kept across projects. Raises ProjectError."""
        return Favourites(self.home / FAVOURITES).load()

    def keep_favourites(self, kept: Sequence[Favourite]) -> None:
        """Write the pictures kept across projects. Raises ProjectError."""
        Favourites(self.home / FAVOURITES).save(kept)

    def recent(self) -> tuple[Path, ...]:
        """Project files opened or saved last that are still there, newest first."""
        return self._recent.paths()
