"""The Train page's lab: its frozen state, the live session, and undo for every control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QUndoStack

from desktop.commands import Gesture
from desktop.controllers.pictures import PicturesController
from desktop.controllers.relay import Relay
from desktop.messages import message_of
from desktop.train_state import DATA, TrainState
from engine.course import Course, KeptRun, LabView, LabWish, Preset
from engine.errors import AtelierError, Cancelled
from engine.studio import Studio
from engine.training_spec import Drawn, Pictures, Point, Portraits

PACES = (1, 2, 5, 10, 25, 100)
MOST_DRAWN = 4000
FIRST = "collapse"


class TrainController(QObject):
    """Every change goes through `change`; what runs follows the newest wish."""

    state_changed = Signal(object)  # TrainState
    view_changed = Signal(object)  # LabView
    transport_changed = Signal(bool, int)  # whether it shall run, pace
    presets_changed = Signal(object)  # tuple of Preset
    told = Signal(object)  # Message
    page_wanted = Signal(str)
    folder_wanted = Signal()

    def __init__(
        self,
        studio: Studio,
        undo: QUndoStack,
        pictures: PicturesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.pictures = pictures
        self.state = TrainState()
        self.view: LabView | None = None
        self.running = False
        self.pace = PACES[2]
        self._studio = studio
        self._gesture: Gesture[TrainState] = Gesture(undo, self._restore)
        self._text = ""
        self._jump = (0, 0)
        self._presets: dict[str, Preset] = {}
        self._live: Any = None
        self._wish: LabWish | None = None
        self._was_running = True
        self._visible = False
        self._relay = Relay(self)
        self._relay.came.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._relay.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)

    # --- the page comes and goes

    @Slot(str)
    def follow_page(self, key: str) -> None:
        """Another page is shown: what nobody sees is not trained."""
        if (key == "train") != self._visible:
            self._visible = not self._visible
            self._show() if self._visible else self._hide()

    def _show(self) -> None:
        """The first time, an experiment begins."""
        if not self._presets:
            self._presets = {preset.key: preset for preset in self._studio.lab.presets()}
            self.presets_changed.emit(tuple(self._presets.values()))
            first = self._presets[FIRST]
            self.state = TrainState((Course(first.spec),), preset=first.key)
        self.running = self._was_running
        self._publish()

    def _hide(self) -> None:
        self._was_running, self.running = self.running, False
        self._rest()

    def close(self) -> None:
        """The window closes."""
        self._relay.deaf = True
        if self._live is not None:
            self._live.stop()
            self._live = None

    # --- what the panels ask for

    @Slot(str, object)
    def set_field(self, path: str, value: Any) -> None:
        """Another value of one field; live."""
        self._try(path.rpartition(".")[2].replace("_", " ").capitalize(), path, value)

    @Slot(str)
    def set_loss(self, op: str) -> None:
        """Another loss."""
        self._do("Loss", lambda: self.state.with_loss(op))

    @Slot(bool)
    def set_growth(self, grows: bool) -> None:
        """Pictures from 4 px up, or at their full size from the beginning."""
        self._do("Grow progressively", lambda: self.state.with_growth(grows))

    @Slot(str)
    def set_data(self, op: str) -> None:
        """Other data; a folder of pictures is asked for first."""
        if op == "pictures":
            self.folder_wanted.emit()
            return
        if op == "portraits":
            self.do("Data", self.state.with_field("data", Portraits(size_px=self._size_px)))
            return
        self.do("Data", self.state.with_field("data", DATA[op][1]))

    def use_folder(self, folder: str) -> None:
        """Learn the pictures of a folder."""
        self.do("Pictures", self.state.with_field("data", Pictures(folder, self._size_px)))

    @property
    def _size_px(self) -> Any:
        data = self.state.spec.data
        return data.size_px if isinstance(data, Portraits | Pictures) else 32

    @Slot(object)
    def go_on(self, run: KeptRun) -> None:
        """Take up a run on pictures where it stopped."""
        self.do("Go on", TrainState((Course(run.spec),)))
        self.pictures.flip(run.spec)

    @Slot(str)
    def set_method(self, op: str) -> None:
        """GAN or diffusion on points, or pictures."""
        if op != self.state.kind:
            self.do("Method", self.state.with_method(op))

    @Slot(str)
    def use_preset(self, key: str) -> None:
        """Begin a prepared experiment."""
        preset = self._presets[key]
        self._run_on()
        self.do(preset.title, TrainState((Course(preset.spec),), preset=key))

    def rehearse(self, key: str) -> None:
        """For a screenshot: an experiment, beside what it mends, some way on and at rest."""
        preset = self._presets.get(key)
        if preset is not None and preset.mends:
            self.use_pair(preset.mends, key)
        elif preset is not None:
            self.use_preset(key)
        self.seek(self.state.spec.steps // 2)

    @property
    def at_rest(self) -> bool:
        """Whether what was last wished for is what is shown."""
        view = self.view
        if not self._visible or self.running:
            return True
        return view is not None and view.jump == self._jump[0] and not view.moving

    @Slot(str, str)
    def use_pair(self, failing: str, mending: str) -> None:
        """A failure and what mends it, side by side."""
        courses = tuple(Course(self._presets[key].spec) for key in (failing, mending))
        self._run_on()
        self.do("Compare", TrainState(courses, edited=1, preset=mending))

    @Slot()
    def flip_compare(self) -> None:
        """A second lane, or one only."""
        if self.state.pictures:
            return
        self.do("Compare", self.state.compared())

    @Slot(int)
    def edit_lane(self, lane: int) -> None:
        """Have the controls be about a lane."""
        if lane < len(self.state.courses) and lane != self.state.edited:
            self.do("Lane", replace(self.state, edited=lane))

    @Slot()
    def branch(self) -> None:
        """Leave the edited lane where it is now, in the second lane."""
        if self.view is not None and not self.state.pictures:
            at = self.view.lanes[min(self.state.edited, len(self.view.lanes) - 1)].step
            self.do("Branch", self.state.branched(at))

    @Slot(object)
    def draw(self, stroke: Sequence[tuple[float, float]]) -> None:
        """Add points that were drawn on the canvas."""
        data = self.state.spec.data
        old = data.points if isinstance(data, Drawn) and data != DATA["drawn"][1] else ()
        points = (*old, *(Point(x, y) for x, y in stroke))[-MOST_DRAWN:]
        self.do("Draw", self.state.with_field("data", Drawn(points)))

    @Slot()
    def clear_drawing(self) -> None:
        """Nothing is drawn but a point in the middle."""
        self.do("Clear the drawing", self.state.with_field("data", DATA["drawn"][1]))

    # --- transport: not part of the state, so not undone

    @Slot()
    def flip_running(self) -> None:
        """Run or pause."""
        if self.state.pictures:
            self.pictures.flip(self.state.spec)
            return
        self.running = not self.running
        self._say()

    @Slot()
    def step(self) -> None:
        """One step."""
        if self.view is not None and not self.state.pictures:
            self.seek(self.view.step + 1)

    @Slot()
    def restart(self) -> None:
        """Back to the beginning, or to where the branch left."""
        self.seek(0)

    @Slot(int)
    def seek(self, step: int) -> None:
        """Be at a step, and rest there."""
        if self.state.pictures:
            return
        self.running = False
        self._jump = (self._jump[0] + 1, max(0, step))
        self._say()

    @Slot(int)
    def set_pace(self, pace: int) -> None:
        """So many steps in one update."""
        self.pace = pace
        self._say()

    # --- gestures

    @Slot()
    def end_gesture(self) -> None:
        """The hand is off: one undo command."""
        self._gesture.end(self._text, self.state)

    def do(self, text: str, state: TrainState) -> None:
        """A change that is a whole gesture."""
        self.end_gesture()
        self.change(text, state)
        self.end_gesture()

    def change(self, text: str, state: TrainState) -> None:
        """A live change."""
        if state == self.state:
            return
        self._gesture.begin(self.state)
        self._text, self.state = text, state
        self._publish()

    def _do(self, text: str, change: Callable[[], TrainState]) -> None:
        """A whole gesture, where the change can be."""
        if (state := self._possible(change)) is not None:
            self.do(text, state)

    def _try(self, text: str, path: str, value: Any) -> None:
        """A live change, where it can be."""
        if (state := self._possible(lambda: self.state.with_field(path, value))) is not None:
            self.change(text, state)

    def _possible(self, change: Callable[[], TrainState]) -> TrainState | None:
        try:
            return change()
        except AtelierError as error:
            self._tell(error)
            self.state_changed.emit(self.state)  # the control goes back to what holds
            return None

    def _restore(self, state: TrainState) -> None:
        """Undo and redo come here, from whatever page."""
        self.page_wanted.emit("train")
        self.state = state
        self._publish()

    def _publish(self) -> None:
        self.state_changed.emit(self.state)
        self._say()

    # --- the session

    def _run_on(self) -> None:
        self.running = True

    def _say(self) -> None:
        state = self.state
        if state.pictures:
            self.pictures.follow(state.spec)
            self._rest()
            return
        wish = LabWish(state.courses, self.running, self.pace, self._jump, state.sampling)
        self._wish = wish
        if self._live is None:
            self._live = self._studio.lab.live(wish, self._relay.take, self._relay.end)
        else:
            self._live.say(wish)
        self.transport_changed.emit(self.running, self.pace)

    def _rest(self) -> None:
        """The plane is out of sight."""
        if self._live is not None and self._wish is not None and self._wish.running:
            self._wish = replace(self._wish, running=False)
            self._live.say(self._wish)

    @Slot()
    def _take(self) -> None:
        view = self._relay.newest()
        if view is not None:
            self.view = view
            self.view_changed.emit(view)

    @Slot(object)
    def _end(self, error: BaseException | None) -> None:
        self._live, self.running = None, False
        self.transport_changed.emit(False, self.pace)
        if error is not None and not isinstance(error, Cancelled):
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        message = message_of(error)
        if message is not None:
            self.told.emit(message)
