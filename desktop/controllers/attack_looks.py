"""What the attack on the canvas does: answers while it moves, tables when it rests, searches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.attack_facts import FlipView, LookView, ReportView
from desktop.attack_state import is_attack
from desktop.controllers.one_job import OneJob
from desktop.display import thumb
from desktop.lanes import Job, LatestLane, QueueLane
from desktop.messages import message_of
from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.perturbing import FlipWish, Perturb, Universal
from engine.recipe import Recipe
from engine.studio import Studio

UNIVERSAL, FLIP = "universal pattern", "flip an attribute"
PICTURES = 48


def _drawn(studio: Studio) -> Callable[[Recipe], Any]:
    """What draws the picture below an attack."""
    return lambda recipe: studio.render(recipe).pixels


@dataclass(frozen=True)
class _Look:
    """Waits for the worker; runs in the lane's thread."""

    studio: Studio
    recipe: Recipe
    live: bool

    def __call__(self, token: CancelToken) -> LookView:
        look = self.studio.attacks.look(self.recipe, _drawn(self.studio), self.live, token)
        images = (thumb(look.picture), thumb(look.change), thumb(look.result))
        return LookView(look, images, self.live)


@dataclass(frozen=True)
class _Report:
    """Waits for the worker; runs in the lane's thread."""

    studio: Studio
    recipe: Recipe

    def __call__(self, token: CancelToken) -> ReportView:
        found = self.studio.attacks.report(self.recipe, _drawn(self.studio), None, token)
        return ReportView(found, tuple(thumb(one.pixels) for one in found.survival))


@dataclass(frozen=True)
class _Universal:
    """Waits for the worker, in the lane's thread; answers with the pattern."""

    studio: Studio
    recipe: Recipe

    def __call__(self, progress: OnProgress, token: CancelToken) -> str:
        found = self.studio.attacks.find_universal(self.recipe, PICTURES, progress, token)
        assert isinstance(found.image, Perturb)
        assert isinstance(found.image.attack, Universal)
        return found.image.attack.pattern


@dataclass(frozen=True)
class _Flip:
    """Waits for the worker, in the lane's thread."""

    studio: Studio
    wish: FlipWish
    frame: Callable[[Any], None]

    def __call__(self, progress: OnProgress, token: CancelToken) -> FlipView:
        found = self.studio.attacks.flip(self.wish, progress, token, self.frame)
        before = self.studio.render(self.wish.recipe).pixels
        after = self.studio.render(found.recipe).pixels
        return FlipView(found, thumb(before), thumb(after))


class AttackLooks(QObject):
    """Follows the picture of the Attack page."""

    look_changed = Signal(object)  # LookView
    report_changed = Signal(object)  # ReportView
    trouble = Signal(str)
    began = Signal(str)  # the kind of a search
    progressed = Signal(object)  # Progress
    ended = Signal()
    pattern_found = Signal(str)
    flipped = Signal(object)  # FlipView
    live = Signal(object)  # QImage of a picture on the way
    told = Signal(object)  # Message
    _framed = Signal(object)  # pixels; crosses from the worker's thread

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.looks = LatestLane(self)
        self.reports = LatestLane(self)
        self.searches = QueueLane(self, "attack searches")
        self._one = OneJob(self, self.searches)
        self._recipe: Recipe | None = None
        self._open = False
        self.looks.finished.connect(self._looked)
        self.looks.failed.connect(self._failed)
        self.reports.finished.connect(self._reported)
        self.reports.failed.connect(self._failed)
        self._one.progressed.connect(self.progressed)
        self._one.finished.connect(self._found)
        self._one.stopped.connect(self.ended)
        self._one.failed.connect(self._refused)
        self._framed.connect(self._show_frame, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether nothing is looked at or searched for."""
        return self.looks.idle and self.reports.idle and self.searches.idle

    def close(self) -> None:
        """Stop the lanes."""
        self.looks.close()
        self.reports.close()
        self.searches.close()

    @Slot(bool)
    def set_open(self, is_open: bool) -> None:
        """Tables are made while somebody looks at them."""
        self._open = is_open
        self._want_report()

    @Slot(object, bool, float)
    def follow(self, recipe: Recipe, live: bool, moved_s: float) -> None:
        """Another picture; `live` while the hand is not off yet."""
        self._recipe = recipe if is_attack(recipe) else None
        self.reports.invalidate()
        if self._recipe is None:
            return
        self.looks.submit((recipe, live), _Look(self._studio, recipe, live))
        if not live:
            self._want_report()

    def _want_report(self) -> None:
        if self._open and self._recipe is not None:
            self.reports.submit(self._recipe, _Report(self._studio, self._recipe))

    # --- searches

    def find_universal(self, recipe: Recipe) -> None:
        """Search for a pattern, with the budget of an attack."""
        self._start(Job(UNIVERSAL, "Finding a pattern", _Universal(self._studio, recipe)))

    def flip(self, wish: FlipWish) -> None:
        """Search for the smallest move in w."""
        work = _Flip(self._studio, wish, self._framed.emit)
        self._start(Job(FLIP, "Moving in w", work, wish))

    @Slot()
    def cancel(self) -> None:
        """Stop the search."""
        self._one.cancel()

    def _start(self, job: Job) -> None:
        if self._one.job is None:
            self.began.emit(job.kind)
            self._one.begin(job)

    @Slot(object, object)
    def _looked(self, key: object, view: LookView) -> None:
        self.look_changed.emit(view)

    @Slot(object, object)
    def _reported(self, key: object, view: ReportView) -> None:
        if view.report.recipe == self._recipe:
            self.report_changed.emit(view)

    @Slot(object, object)
    def _failed(self, key: object, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.trouble.emit(f"{message.title} {message.remedy}".strip())

    @Slot(object)
    def _show_frame(self, pixels: Any) -> None:
        if self._one.job is not None:
            self.live.emit(thumb(pixels))

    @Slot(object, object)
    def _found(self, job: Job, result: object) -> None:
        self.ended.emit()
        if isinstance(result, FlipView):
            self.flipped.emit(result)
        elif isinstance(result, str):
            self.pattern_found.emit(result)

    @Slot(object)
    def _refused(self, message: object) -> None:
        self.ended.emit()
        self.told.emit(message)
