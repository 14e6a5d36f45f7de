"""What leaves by hand: the clipboard, and pictures pulled out of the window, as signed files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QByteArray,
    QEventLoop,
    QMetaType,
    QMimeData,
    QObject,
    QTimer,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QImage

from desktop.lanes import Job, QueueLane
from desktop.messages import Message, message_of
from desktop.widgets.recipe_drag import DROP
from engine.cancel import CancelToken
from engine.frame import ExportOptions, OnProgress, Receipt
from engine.recipe import Recipe
from engine.studio import Studio

COPY, PULL = "copy", "pull"
URLS = "text/uri-list"
PATIENCE_MS = 60_000  # how long another program is kept waiting for a file


@dataclass(frozen=True)
class Handed:
    """A signed file: its bytes, and its pixels for programs that take nothing else."""

    receipt: Receipt
    data: bytes
    image: QImage


@dataclass(frozen=True)
class _Make:
    """Runs in the lane's thread. The file is our own and was verified by the export."""

    studio: Studio
    recipe: Recipe
    options: ExportOptions
    folder: Path

    def __call__(self, progress: OnProgress, token: CancelToken) -> Handed:
        path = Path(tempfile.mkdtemp(dir=self.folder)) / f"portrait-{self.recipe.sha256[:8]}.png"
        receipt = self.studio.export(self.recipe, path, self.options, progress, token)
        return Handed(receipt, path.read_bytes(), QImage(str(path)))


class HandOut(QObject):
    """Makes the files in a lane of its own, as the export panel's choices say."""

    copied = Signal(object)  # Receipt
    told = Signal(object)  # Message
    settled = Signal(object)  # the Recipe whose file is there, or failed

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._recipe: Recipe | None = None
        self._options = ExportOptions()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[tuple[str, ExportOptions], Path] = {}
        self.lane = QueueLane(self, "hand")
        self.lane.finished.connect(self._made)
        self.lane.failed.connect(self._refused)

    @property
    def recipe(self) -> Recipe | None:
        """The picture on the canvas."""
        return self._recipe

    @Slot(object, bool)
    def follow(self, recipe: Recipe, live: bool) -> None:
        """The picture on the canvas: what is copied."""
        self._recipe = recipe

    @Slot(object)
    def set_options(self, options: ExportOptions) -> None:
        """How files are made; the title belongs to the export panel's own file."""
        self._options = replace(options, title="")

    @Slot()
    def copy_picture(self) -> None:
        """Put the picture on the clipboard: a signed file, its bytes, and the marked pixels."""
        if self._recipe is not None:
            self._begin(COPY, "Copying the picture", self._recipe)

    @Slot()
    def copy_recipe(self) -> None:
        """Put the Recipe on the clipboard as text."""
        if self._recipe is not None:
            QGuiApplication.clipboard().setText(self._recipe.text())
            self.told.emit(Message("Recipe copied as text.", tone="good"))

    def data_of(self, recipe: Recipe) -> QMimeData:
        """What a drag carries: a Recipe inside this window, a signed file anywhere else."""
        return SignedData(self, recipe)

    def carrying(self, recipe_at: Callable[[Any], Recipe | None]) -> Callable[[Any], Any]:
        """What a drag from a place carries. recipe_at: the Recipe there, None for nothing."""

        def data_of(place: Any) -> QMimeData | None:
            recipe = recipe_at(place)
            return None if recipe is None else self.data_of(recipe)

        return data_of

    def file_of(self, recipe: Recipe) -> Path | None:
        """The signed file of a picture, made now unless it is there; None where that failed.

        Waits, while the window goes on: whoever takes a drop wants its file at once.
        """
        key = (recipe.sha256, self._options)
        if key not in self._files or not self._files[key].is_file():
            loop = QEventLoop()
            patience = QTimer(interval=PATIENCE_MS, singleShot=True)
            patience.timeout.connect(loop.quit)
            self.settled.connect(loop.quit)
            self._begin(PULL, "Making a signed file to hand over", recipe)
            patience.start()
            while patience.isActive() and not self.lane.idle:
                loop.exec()
        return self._files.get(key)

    def close(self) -> None:
        """Remove the files that were handed out, and from the clipboard what it holds of them."""
        self.lane.close()
        if self._folder is not None:
            clipboard = QGuiApplication.clipboard()
            held = clipboard.mimeData()  # None where nobody ever copied, whatever its type says
            files = [] if held is None else [url.toLocalFile() for url in held.urls()]
            if any(Path(file).is_relative_to(self._folder.name) for file in files):
                clipboard.clear()
            self._folder.cleanup()

    def _begin(self, kind: str, label: str, recipe: Recipe) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="atelier-hand-")
        work = _Make(self._studio, recipe, self._options, Path(self._folder.name))
        self.lane.submit(Job(kind, label, work, (recipe.sha256, self._options)))

    @Slot(object, object)
    def _made(self, job: Job, made: Handed) -> None:
        self._files[job.about] = made.receipt.path
        if job.kind == COPY:
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(str(made.receipt.path))])
            # Programs that take a PNG get the signed one; pixels alone cannot hold credentials.
            data.setData("image/png", QByteArray(made.data))
            data.setImageData(made.image)
            QGuiApplication.clipboard().setMimeData(data)
        self.copied.emit(made.receipt)
        title = "Picture copied." if job.kind == COPY else "A signed copy was handed over."
        words = made.receipt.notice or "It carries its credentials, as a file and as a PNG."
        self.told.emit(Message(title, words, tone="good"))
        self.settled.emit(made.receipt.recipe)

    @Slot(object, object)
    def _refused(self, job: Job, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
        self.settled.emit(None)


class SignedData(QMimeData):
    """The file is made when somebody outside asks for it: a drag inside the window makes none."""

    def __init__(self, hand: HandOut, recipe: Recipe) -> None:
        super().__init__()
        self._hand = hand
        self._recipe = recipe
        self.setData(DROP, QByteArray(recipe.text().encode()))

    def formats(self) -> list[str]:
        """A Recipe for this program, a file for the others."""
        return [DROP, URLS]

    def hasFormat(self, mime: str) -> bool:
        """Whether it is one of the two."""
        return mime in self.formats()

    def retrieveData(self, mime: str, kind: QMetaType | QMetaType.Type) -> object:
        """The Recipe's text, or the address of the signed file."""
        if mime != URLS:
            return super().retrieveData(mime, kind)
        path = self._hand.file_of(self._recipe)
        return [] if path is None else [QUrl.fromLocalFile(str(path))]
