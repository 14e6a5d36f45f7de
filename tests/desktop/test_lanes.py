"""The lanes: what runs, what waits, what is thrown away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.lanes import Job, LatestLane, QueueLane
from engine.cancel import CancelToken
from engine.errors import Cancelled, RecipeError
from engine.frame import OnProgress, Progress


class Slow:
    """Work that waits until it is let go."""

    def __init__(self, value: int, gate: threading.Event | None = None) -> None:
        self.value = value
        self.gate = gate
        self.thread: str = ""

    def __call__(self, token: CancelToken) -> int:
        self.thread = threading.current_thread().name
        if self.gate is not None:
            self.gate.wait(5)
        return self.value


@pytest.fixture
def lane(qtbot: QtBot) -> Iterator[LatestLane]:
    lane = LatestLane()
    yield lane
    lane.close()


@pytest.fixture
def queue(qtbot: QtBot) -> Iterator[QueueLane]:
    queue = QueueLane()
    yield queue
    queue.close()


def collect(lane: LatestLane) -> list[Any]:
    got: list[Any] = []
    lane.finished.connect(lambda key, value: got.append(value))
    return got


def test_the_newest_takes_the_waiting_place(lane: LatestLane, qtbot: QtBot) -> None:
    got, gate = collect(lane), threading.Event()
    for i in range(6):
        assert lane.submit(i, Slow(i, gate if i == 0 else None))
    gate.set()
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert got == [0, 5]  # what ran is told although something newer waited
    assert lane.coalesced_count == 4


def test_an_equal_request_is_not_submitted(lane: LatestLane, qtbot: QtBot) -> None:
    got = collect(lane)
    assert lane.submit("a", Slow(1))
    assert not lane.submit("a", Slow(2))
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert not lane.submit("a", Slow(3))
    assert got == [1]


def test_back_to_what_runs_drops_what_waits(lane: LatestLane, qtbot: QtBot) -> None:
    got, gate = collect(lane), threading.Event()
    lane.submit("a", Slow(1, gate))
    lane.submit("b", Slow(2))
    assert lane.submit("a", Slow(3))
    gate.set()
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert got == [1]


class Patient(Slow):
    """Asks, once it is let go, whether it should stop."""

    def __call__(self, token: CancelToken) -> int:
        value = super().__call__(token)
        token.check()
        return value


def test_droppable_work_stops_for_a_newer_request_alone(lane: LatestLane, qtbot: QtBot) -> None:
    got, gate = collect(lane), threading.Event()
    lane.submit("a", Patient(1, gate), droppable=True)
    lane.submit("b", Slow(2))
    gate.set()
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    lane.submit("c", Patient(3), droppable=True)
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert got == [2, 3]


def test_work_that_was_dropped_is_done_when_it_is_wanted_again(
    lane: LatestLane, qtbot: QtBot
) -> None:
    got, gate = collect(lane), threading.Event()
    lane.submit("a", Patient(1, gate), droppable=True)
    lane.submit("b", Slow(2))
    assert lane.submit("a", Patient(3), droppable=True)
    gate.set()
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert got == [3]


def test_another_model_throws_away_what_is_in_flight(lane: LatestLane, qtbot: QtBot) -> None:
    got, gate = collect(lane), threading.Event()
    lane.submit("a", Slow(1, gate))
    lane.submit("b", Slow(2))
    lane.invalidate()
    lane.submit("a", Slow(3))
    gate.set()
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert got == [3]


def test_work_leaves_the_gui_thread(lane: LatestLane, qtbot: QtBot) -> None:
    work = Slow(1)
    lane.submit("a", work)
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert work.thread.startswith("latest")


def test_a_failure_is_told_and_may_be_tried_again(lane: LatestLane, qtbot: QtBot) -> None:
    errors: list[BaseException] = []
    lane.failed.connect(lambda key, error: errors.append(error))

    def fail(token: CancelToken) -> None:
        raise RecipeError("psi is wrong.")

    lane.submit("a", fail)
    qtbot.waitUntil(lambda: lane.idle, timeout=15_000)
    assert str(errors[0]) == "psi is wrong."
    assert lane.submit("a", Slow(1))


def test_jobs_run_in_order_and_none_is_dropped(queue: QueueLane, qtbot: QtBot) -> None:
    got: list[int] = []
    queue.finished.connect(lambda job, value: got.append(value))
    for i in range(5):
        queue.submit(Job("n", "", lambda progress, token, i=i: i))
    qtbot.waitUntil(lambda: queue.idle, timeout=15_000)
    assert got == [0, 1, 2, 3, 4]


def test_results_never_come_back_inside_the_call(lane: LatestLane, qtbot: QtBot) -> None:
    got = collect(lane)
    for i in range(200):
        lane.submit(i, Slow(i))
        before = len(got)
        time.sleep(0.0005)
        lane.submit(-i - 1, Slow(i))
        assert len(got) == before
        qtbot.waitUntil(lambda: lane.idle, timeout=15_000)


def test_a_job_tells_progress_and_can_be_stopped(queue: QueueLane, qtbot: QtBot) -> None:
    told: list[Progress] = []
    failed: list[BaseException] = []
    queue.progressed.connect(lambda job, progress: told.append(progress))
    queue.failed.connect(lambda job, error: failed.append(error))

    def work(progress: OnProgress, token: CancelToken) -> None:
        while True:
            progress(Progress("Working", 0.5))
            token.check()
            time.sleep(0.01)

    job = Job("long", "", work)
    queue.submit(job)
    qtbot.waitUntil(lambda: bool(told), timeout=15_000)
    queue.cancel(job)
    qtbot.waitUntil(lambda: queue.idle, timeout=15_000)
    assert isinstance(failed[0], Cancelled)


def test_a_held_lane_begins_nothing(queue: QueueLane, qtbot: QtBot) -> None:
    got: list[int] = []
    queue.finished.connect(lambda job, value: got.append(value))
    queue.hold(True)
    queue.submit(Job("n", "", lambda progress, token: 1))
    qtbot.wait(50)
    assert got == []
    queue.hold(False)
    qtbot.waitUntil(lambda: got == [1], timeout=15_000)


def test_waiting_jobs_of_a_kind_can_be_dropped(queue: QueueLane, qtbot: QtBot) -> None:
    got: list[str] = []
    queue.finished.connect(lambda job, value: got.append(value))
    queue.hold(True)
    for kind in ("a", "b", "a"):
        queue.submit(Job(kind, "", lambda progress, token, kind=kind: kind))
    queue.drop_waiting("a")
    queue.hold(False)
    qtbot.waitUntil(lambda: queue.idle, timeout=15_000)
    assert got == ["b"]


def test_closing_finishes_what_must_not_be_lost(qtbot: QtBot) -> None:
    done: list[int] = []
    queue = QueueLane()
    for i in range(3):
        queue.submit(Job("save", "", lambda progress, token, i=i: done.append(i)))
    queue.close(finish=True)
    assert done == [0, 1, 2]
