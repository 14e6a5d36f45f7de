"""The lab's loop in its own process: it obeys the newest wish, trains, and shows what it sees."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from queue import Empty, SimpleQueue

import torch

from engine.cancel import CancelToken
from engine.course import Course, LabView, LabWish, LaneView
from engine.training.lane import Lane, lane_of

CYCLE_S = 0.04  # 25 views a second
WORK_S = 0.024  # of these for steps; the rest is for the views
JUMP_S = 0.15  # the same on the way to a step, where arriving counts more than seeing
RESTING_S = 0.25  # how often a lab at rest looks whether it shall stop
LANES_KEPT = 8  # so that undo finds a course as it was left


def live(wish: LabWish, inbox: SimpleQueue[LabWish], frame: Callable[[LabView], None],
         cancel: CancelToken) -> None:  # fmt: skip
    """Run until it is cancelled. Raises TrainingError for a spec that is not for the plane."""
    torch.set_num_threads(1)
    lab = Lab(wish)
    frame(lab.view())
    while not cancel.cancelled:
        began = time.monotonic()
        newest = _newest(inbox, 0.0 if lab.busy else RESTING_S)
        if newest is not None:
            lab.obey(newest)
        elif not lab.busy:
            continue
        lab.work(began + (WORK_S if lab.target is None else JUMP_S))
        frame(lab.view())
        left = began + CYCLE_S - time.monotonic()
        if left > 0 and lab.busy:
            time.sleep(left)


class Lab:
    """One or two lanes that go step by step together."""

    def __init__(self, wish: LabWish) -> None:
        self.wish = wish
        self.target: int | None = None
        self._lanes: OrderedDict[Course, Lane] = OrderedDict()
        self._pace = _Pace()
        self.step = max(course.at for course in wish.courses)
        self._jump = wish.jump[0]
        self._align()

    @property
    def lanes(self) -> list[Lane]:
        """Those that are shown."""
        return [self._lanes[course] for course in self.wish.courses]

    @property
    def busy(self) -> bool:
        """Whether steps are to be made."""
        moving = any(not lane.problem for lane in self.lanes)
        return moving and (self.wish.running or self.target is not None)

    def obey(self, wish: LabWish) -> None:
        """Do from now on what this wish says. Other courses begin where the newest of them does."""
        old, self.wish = self.wish, wish
        fresh = [course for course in wish.courses if course not in old.courses]
        if fresh:
            self.step, self.target = max(course.at for course in fresh), None
        if wish.jump[0] != self._jump:
            self._jump, self.target = wish.jump
        if fresh or (self.target is not None and self.target < self.step):
            self._align()

    def work(self, until_s: float) -> None:
        """As many steps as the pace allows in one view, or fewer when time is over."""
        left = self.wish.pace if self.target is None else 1_000_000
        while self.busy and left > 0 and time.monotonic() < until_s:
            if self.target is not None and self.step >= self.target:
                self.target = None
                return
            self.step += 1
            left -= 1
            for lane in self.lanes:
                if lane.step < self.step:
                    lane.advance()
            self._pace.count()

    def view(self) -> LabView:
        """What there is to see now."""
        views = tuple(self._seen(lane) for lane in self.lanes)
        steps = sorted({at for lane in self.lanes for at in lane.checkpoints})
        running = self.wish.running and self.busy
        rate = self._pace.rate(running)
        return LabView(views, self.step, running, self.busy, rate, tuple(steps), self._jump)

    def _seen(self, lane: Lane) -> LaneView:
        return lane.view(self.wish.sampling)

    def _align(self) -> None:
        """Have every lane, and all of them at the step, or at the last checkpoint before it."""
        wanted = self.step if self.target is None else self.target
        for course in self.wish.courses:
            if course not in self._lanes:
                self._lanes[course] = lane_of(course)
            self._lanes.move_to_end(course)
        while len(self._lanes) > LANES_KEPT:
            self._lanes.popitem(last=False)
        for lane in self.lanes:
            lane.rewind(wanted)
        self.step = min(lane.step for lane in self.lanes)
        if self.step < wanted:
            self.target = wanted


class _Pace:
    """Steps a second, over about the last second."""

    def __init__(self) -> None:
        self._since, self._count, self._rate = time.monotonic(), 0, 0.0

    def count(self) -> None:
        self._count += 1

    def rate(self, running: bool) -> float:
        now = time.monotonic()
        if not running:
            self._since, self._count, self._rate = now, 0, 0.0
        elif now - self._since >= 0.5:
            self._rate = self._count / (now - self._since)
            self._since, self._count = now, 0
        return self._rate


def _newest(inbox: SimpleQueue[LabWish], wait_s: float) -> LabWish | None:
    """The last wish that came; waits for one when there is time."""
    found: LabWish | None = None
    try:
        found = inbox.get(timeout=wait_s) if wait_s else inbox.get_nowait()
        while True:
            found = inbox.get_nowait()
    except Empty:
        return found
