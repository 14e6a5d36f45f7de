"""Projects: new, open, save, autosave, recent, and what a crash left behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop.controllers.history import HistoryController
from desktop.facts import HistoryState, ProjectView, Visit
from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of, plain
from engine.cancel import CancelToken
from engine.errors import RecipeError
from engine.frame import OnProgress
from engine.recipe import MAX_BYTES, Recipe
from engine.studio import Entry, Project, Studio

OPEN, SAVE, AUTOSAVE, RECOVER = "open project", "save project", "autosave", "recover"
READ = "read Recipe"
EVERY_MS = 60_000
AFTER_CHANGE_MS = 2_000
LABEL_LENGTH = 100
RECENT = 10
SUFFIX = ".atelier"


@dataclass(frozen=True)
class _Open:
    """Runs in the lane's thread."""

    studio: Studio
    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Project:
        return self.studio.open_project(self.path)


@dataclass(frozen=True)
class _Save:
    """Runs in the lane's thread. path None: the autosave."""

    studio: Studio
    project: Project
    path: Path | None

    def __call__(self, progress: OnProgress, token: CancelToken) -> Project:
        if self.path is None:
            self.studio.autosave(self.project)
        else:
            self.studio.save_project(self.project, self.path)
        return self.project


@dataclass(frozen=True)
class _Recover:
    """Runs in the lane's thread."""

    studio: Studio

    def __call__(self, progress: OnProgress, token: CancelToken) -> tuple[object, object]:
        return self.studio.recoverable(), self.studio.recent()


@dataclass(frozen=True)
class _Read:
    """Runs in the lane's thread."""

    path: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Recipe:
        try:
            with self.path.open("rb") as file:
                return Recipe.from_json(file.read(MAX_BYTES + 1))
        except OSError as error:
            raise RecipeError(
                f"{self.path.name} cannot be read: {error.strerror}.", "Choose another file."
            ) from error


class ProjectController(QObject):
    """Holds no picture itself: it gathers what the other controllers hold."""

    view_changed = Signal(object)  # ProjectView
    opened = Signal(object)  # Recipe or None
    view_opened = Signal(object)  # plain data of the window's own
    recipe_read = Signal(object)  # Recipe
    recovery_offered = Signal(object)  # Message
    told = Signal(object)  # Message

    def __init__(
        self,
        studio: Studio,
        lane: QueueLane,
        history: HistoryController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self._studio = studio
        self._lane = lane
        self._history = history
        self.view: dict[str, Any] = {}  # what else the window likes to find again
        self.title = "Untitled"
        self._unsaved = False
        self._recent: tuple[Path, ...] = ()
        self._found: Project | None = None
        self._soon = QTimer(self, interval=AFTER_CHANGE_MS, singleShot=True)
        self._minute = QTimer(self, interval=EVERY_MS)
        for timer in (self._soon, self._minute):
            timer.timeout.connect(self.autosave)
        history.changed.connect(self._changed)
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)

    @property
    def unsaved(self) -> bool:
        """Whether there is work that is in no project file."""
        return self._unsaved

    def start(self) -> None:
        """Look for what a crash left, and begin to autosave."""
        self._lane.submit(Job(RECOVER, "Looking for unsaved work", _Recover(self._studio)))
        self._minute.start()

    @Slot()
    def new(self) -> None:
        """Begin with an empty history; the picture stays. Unsaved work can be taken back."""
        self._put_aside("A new project began; the last one was not saved.")
        self.path, self.title, self.view = None, "Untitled", {}
        self.view_opened.emit(self.view)
        self._history.replace_all(HistoryState(), self._history.current)
        self._unsaved = False
        self._publish()

    @Slot(object)
    def open(self, path: Path) -> None:
        """Open a project file."""
        self._lane.submit(Job(OPEN, f"Opening {path.name}", _Open(self._studio, path), path))

    @Slot(object)
    def read_recipe(self, path: Path) -> None:
        """Open a file with the text of a Recipe."""
        self._lane.submit(Job(READ, f"Reading {path.name}", _Read(path)))

    @Slot(object)
    def save_as(self, path: Path) -> None:
        """Save under a name."""
        if path.suffix != SUFFIX:
            path = path.with_name(path.name + SUFFIX)
            if path.exists():  # the file dialog asked about another name
                self.told.emit(
                    Message(
                        f"{plain(path.name, LABEL_LENGTH)} is there already.",
                        "Choose that whole name to replace it, or another one.",
                    )
                )
                return
        project = replace(self._project(), title=plain(path.stem, LABEL_LENGTH))
        work = _Save(self._studio, project, path)
        self._lane.submit(Job(SAVE, f"Saving {path.name}", work, path))

    @Slot()
    def autosave(self) -> None:
        """Keep the work where a crash cannot reach it."""
        if self._unsaved and self._history.current is not None:
            work = _Save(self._studio, self._project(), None)
            self._lane.drop_waiting(AUTOSAVE)
            self._lane.submit(Job(AUTOSAVE, "Autosaving", work))

    @Slot()
    def recover(self) -> None:
        """Take back what a crash left."""
        if self._found is not None:
            self._take(self._found, None)
            self._unsaved = True
            self._found = None
            self._publish()

    @Slot(str, object)
    def remember(self, name: str, value: object) -> None:
        """Keep plain data under a name in the project; None takes it out."""
        view = {key: kept for key, kept in self.view.items() if key != name}
        if value is not None:
            view[name] = value
        if view != self.view:
            self.view = view
            self._changed()

    def close(self) -> None:
        """No more autosaving."""
        self._soon.stop()
        self._minute.stop()

    def _project(self) -> Project:
        state = self._history.state
        return Project(
            title=self.title,
            recipe=self._history.current,
            history=tuple(_entry(visit) for visit in state.visits),
            favourites=tuple(_entry(visit) for visit in state.favourites),
            view=dict(self.view),
        )

    def _take(self, project: Project, path: Path | None) -> None:
        self.path = path
        self.title = project.title or (path.stem if path else "Untitled")
        state = HistoryState(
            tuple(_visit(entry) for entry in project.history),
            tuple(_visit(entry) for entry in project.favourites),
        )
        recipe: Recipe | None = project.recipe
        self._history.replace_all(state, recipe)
        self._unsaved = False
        self.view = dict(project.view)
        self.view_opened.emit(self.view)
        self.opened.emit(recipe)
        self._publish()

    @Slot()
    def _changed(self) -> None:
        self._unsaved = True
        self._soon.start()
        self._publish()

    @Slot(object, object)
    def _finished(self, job: Job, result: object) -> None:
        if job.kind == OPEN and isinstance(result, Project):
            self._add_recent(job.about)
            self._put_aside(f"{job.about.name} is open; the last project was not saved.")
            self._take(result, job.about)
        elif job.kind == SAVE and isinstance(result, Project):
            self.path, self.title = job.about, result.title
            self._unsaved = result != self._project()  # work went on while it was written
            if self._unsaved:
                self._soon.start()
            self._add_recent(job.about)
            self.told.emit(Message(f"Saved as {job.about.name}.", tone="good"))
            self._publish()
        elif job.kind == READ:
            self.recipe_read.emit(result)
        elif job.kind == RECOVER and isinstance(result, tuple):
            self._found, self._recent = result
            self._publish()
            if self._found is not None:
                self._offer("There is work that was not saved last time.")

    def _add_recent(self, path: Path) -> None:
        self._recent = tuple(dict.fromkeys((path.absolute(), *self._recent)))[:RECENT]

    def _put_aside(self, title: str) -> None:
        """Unsaved work makes room for another project, and can be taken back."""
        if self._unsaved and self._history.state.visits:
            self._found = self._project()
            self._offer(title)

    def _offer(self, title: str) -> None:
        assert self._found is not None
        count = len(self._found.history)
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        self.recovery_offered.emit(
            Message(title, f"It holds {pictures}.", tone="plain", action="Bring it back")
        )

    @Slot(object, object)
    def _failed(self, job: Job, error: BaseException) -> None:
        if job.kind in (OPEN, SAVE, AUTOSAVE, READ):
            message = message_of(error)
            if message is not None:
                self.told.emit(message)

    def _publish(self) -> None:
        self.view_changed.emit(ProjectView(self.title, self.path, self._unsaved, self._recent))


def _entry(visit: Visit) -> Entry:
    return Entry(visit.recipe, visit.created, plain(visit.label, LABEL_LENGTH))


def _visit(entry: Entry) -> Visit:
    return Visit(entry.recipe, entry.label, entry.created)
