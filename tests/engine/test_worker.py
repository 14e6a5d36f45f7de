"""The worker process: results, pictures, cancelling, crashes, and nothing left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import BackendError, Cancelled, DirectionError
from engine.frame import Progress
from engine.worker import Job, Worker
from engine.worker.memory import pack, remove, unpack
from engine.worker.process import WorkerProcess

WAIT_S = 60.0
SHARED = Path("/dev/shm")
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def segments() -> set[str]:
    """Names of this kind of shared memory on this machine, where one can look."""
    return {path.name for path in SHARED.glob("la*-*")} if SHARED.is_dir() else set()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all tests that leave it alive."""
    before = segments()
    worker = Worker(["engine", "worker_jobs"], patience_s=30.0)
    yield worker
    worker.close()
    assert segments() <= before


def run(worker: Worker, function: str, **kwargs: Any) -> Any:
    return worker.submit(f"worker_jobs:{function}", kwargs).result(WAIT_S)


def test_a_result_comes_back_from_another_process(worker: Worker) -> None:
    assert run(worker, "add", a=2, b=3) == 5
    number = run(worker, "process_number")
    assert number == worker.pid
    assert number != os.getpid()


def test_jobs_run_in_the_order_of_their_submission(worker: Worker) -> None:
    ended: list[str] = []
    jobs = [worker.submit("worker_jobs:add", {"a": str(i), "b": ""}) for i in range(5)]
    for job in jobs:
        job.when_done(lambda job: ended.append(job.result(0)))
    assert [job.result(WAIT_S) for job in jobs] == list("01234")
    assert ended == list("01234")
    assert all(job.done for job in jobs)


def test_starting_the_process_imports_neither_torch_nor_qt(worker: Worker) -> None:
    there = set(run(worker, "modules"))
    assert not there & {"torch", "onnxruntime", "PySide6"}


def test_progress_arrives_in_order_and_before_the_result(worker: Worker) -> None:
    heard: list[Progress] = []
    job = worker.submit("worker_jobs:count", {"steps": 4}, on_progress=heard.append)
    assert job.result(WAIT_S) == 4
    assert heard == [Progress("counting", i / 4) for i in (1, 2, 3, 4)]


def test_a_job_hears_what_is_said_before_and_while_it_runs(worker: Worker) -> None:
    waits = worker.submit("worker_jobs:echo", {})
    job = worker.submit("worker_jobs:echo", {})
    job.say("early")  # it waits its turn as yet
    job.say({"late": 2})
    job.say(None)
    waits.say(None)
    assert waits.result(WAIT_S) == []
    assert job.result(WAIT_S) == ["early", {"late": 2}]


@pytest.mark.parametrize("side", [2, 600])
def test_pictures_come_back_whole_and_may_be_written(worker: Worker, side: int) -> None:
    before = segments()
    value = run(worker, "picture", side=side, value=7)
    assert value["side"] == side
    np.testing.assert_array_equal(value["pixels"], np.full((side, side, 3), 7, np.uint8))
    value["pixels"][0, 0] = 1
    assert segments() == before


def test_intermediate_pictures_are_shown_and_their_memory_is_given_back(worker: Worker) -> None:
    before = segments()
    seen: list[Any] = []
    job = worker.submit("worker_jobs:film", {"frames": 20, "side": 300}, on_frame=seen.append)
    assert job.result(WAIT_S) == 20
    assert 1 <= len(seen) <= 20
    values = [int(picture[0, 0, 0]) for picture in seen]
    assert values == sorted(set(values))
    assert all((picture == picture[0, 0, 0]).all() for picture in seen)
    run(worker, "add", a=1, b=1)
    assert segments() == before


def test_pictures_that_nobody_looks_at_leave_no_memory(worker: Worker) -> None:
    before = segments()
    assert run(worker, "film", frames=5, side=300) == 5
    assert segments() == before


def test_an_error_of_the_engine_arrives_as_it_was_raised(worker: Worker) -> None:
    with pytest.raises(DirectionError) as caught:
        run(worker, "refuse")
    assert caught.value.what == "This direction is for w of 512 values."
    assert caught.value.remedy == "Choose another."


def test_any_other_error_arrives_in_words_with_its_traceback(worker: Worker) -> None:
    with pytest.raises(BackendError, match="ZeroDivisionError: no mirrors") as caught:
        run(worker, "stumble")
    assert "worker_jobs.py" in caught.value.__notes__[0]
    assert run(worker, "add", a=1, b=1) == 2


@pytest.mark.parametrize("function", ["leave", "return_a_lambda", "there_is_no_such_function"])
def test_a_job_that_goes_wrong_in_another_way_is_a_backend_error(
    worker: Worker, function: str
) -> None:
    with pytest.raises(BackendError):
        run(worker, function)
    assert run(worker, "add", a=1, b=1) == 2


def test_wrong_arguments_are_a_backend_error(worker: Worker) -> None:
    with pytest.raises(BackendError, match="TypeError"):
        run(worker, "add", a=1)
    with pytest.raises(BackendError, match="no process can be"):
        run(worker, "add", a=lambda: None, b=1)


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "engineering.x:f",
        "worker_jobs_evil:add",
        "worker_jobs:_hidden",
        "worker_jobs:add.__globals__",
        "worker_jobs",
        "engine..x:f",
        "",
    ],
)
def test_functions_outside_the_packages_are_refused(worker: Worker, name: str) -> None:
    with pytest.raises(BackendError, match="runs functions of engine, worker_jobs"):
        worker.submit(name)


def test_a_job_that_listens_stops_and_keeps_the_process(worker: Worker) -> None:
    number = run(worker, "process_number")
    started = threading.Event()
    job = worker.submit("worker_jobs:wait_for_cancel", on_progress=lambda _: started.set())
    assert started.wait(WAIT_S)
    job.cancel()
    job.cancel()
    with pytest.raises(Cancelled):
        job.result(WAIT_S)
    assert run(worker, "process_number") == number


def test_a_job_that_waits_its_turn_can_be_cancelled(worker: Worker) -> None:
    first = worker.submit("worker_jobs:wait_for_cancel")
    second = worker.submit("worker_jobs:add", {"a": 1, "b": 1})
    second.cancel()
    with pytest.raises(Cancelled):
        second.result(WAIT_S)
    assert not first.done
    first.cancel()
    with pytest.raises(Cancelled):
        first.result(WAIT_S)


def test_cancelling_what_is_done_changes_nothing(worker: Worker) -> None:
    job = worker.submit("worker_jobs:add", {"a": 1, "b": 1})
    assert job.result(WAIT_S) == 2
    job.cancel()
    assert job.result(WAIT_S) == 2
    assert run(worker, "add", a=2, b=2) == 4


def test_a_callback_that_fails_is_logged_and_harms_nobody(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Progress) -> None:
        raise ValueError("a listener's mistake")

    job = worker.submit("worker_jobs:count", {"steps": 2}, on_progress=fail)
    assert job.result(WAIT_S) == 2
    assert "a listener's mistake" in caplog.text


@posix
def test_deaf_and_crashed_processes_are_replaced() -> None:
    """One worker through all that can happen to a process; the next job always works."""
    before = segments()
    worker = Worker(["worker_jobs"], patience_s=0.2)
    try:
        lost = [_deaf(worker), _crashed(worker), _killed_while_idle(worker)]
        assert run(worker, "process_number") not in lost
        assert len(set(lost)) == 3
    finally:
        worker.close()
    assert segments() <= before


def _deaf(worker: Worker) -> int:
    number: int = run(worker, "process_number")
    started = threading.Event()
    job = worker.submit("worker_jobs:ignore_cancel", on_progress=lambda _: started.set())
    assert started.wait(WAIT_S)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result(WAIT_S)
    return number


def _crashed(worker: Worker) -> int:
    number: int = run(worker, "process_number")
    job = worker.submit("worker_jobs:hold_frames", {"side": 300})
    with pytest.raises(BackendError, match=r"during worker_jobs:hold_frames \(exit code -9\)"):
        job.result(WAIT_S)
    return number


def _killed_while_idle(worker: Worker) -> int:
    number: int = run(worker, "process_number")
    os.kill(number, signal.SIGKILL)
    while worker.pid in (number, None):
        time.sleep(0.01)
    return number


@posix
def test_a_frozen_process_is_found_by_its_missing_heartbeat() -> None:
    worker = Worker(["worker_jobs"], silence_s=2.0, beat_s=0.1)
    try:
        with pytest.raises(BackendError, match="did not answer"):
            run(worker, "freeze")
        assert run(worker, "add", a=1, b=1) == 2
    finally:
        worker.close()


@posix
def test_pictures_of_a_process_that_died_unheard_leave_no_memory() -> None:
    before = segments()
    process = WorkerProcess(["worker_jobs"], 60.0)
    process.say("job", "worker_jobs:hold_frames", pickle.dumps({"side": 300}))
    process.process.join()
    assert len(segments() - before) == (2 if SHARED.is_dir() else 0)
    assert process.end() == -signal.SIGKILL
    assert segments() == before


@posix
def test_a_segment_that_was_never_announced_is_found_by_its_name() -> None:
    before = segments()
    _, segment = pack(np.zeros(100_000), "la-test-0")
    assert segment is not None
    segment.close()
    remove("la-test-0")
    remove("la-test-0")
    assert segments() == before


def test_a_value_comes_through_when_shared_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.worker.memory._room_for", lambda size: False)
    value = np.arange(100_000)
    parcel, segment = pack(value, "la-test-1")
    assert segment is None
    np.testing.assert_array_equal(unpack(parcel), value)


def test_closing_ends_the_process_and_what_it_was_doing() -> None:
    worker = Worker(["worker_jobs"])
    started = threading.Event()
    running = worker.submit("worker_jobs:ignore_cancel", on_progress=lambda _: started.set())
    waiting = worker.submit("worker_jobs:add", {"a": 1, "b": 1})
    assert started.wait(WAIT_S)
    worker.close()
    worker.close()
    for job in (running, waiting):
        with pytest.raises(Cancelled):
            job.result(0)
    assert worker.pid is None
    with pytest.raises(BackendError, match="closed"):
        worker.submit("worker_jobs:crash")


def test_a_worker_without_jobs_starts_nothing() -> None:
    worker = Worker()
    assert worker.pid is None
    worker.close()


@pytest.mark.parametrize(
    "error",
    [OSError(11, "Resource temporarily unavailable"), RuntimeError("\n   Resource is not guarded")],
)
def test_a_process_that_cannot_start_is_told_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", refuse)
    worker = Worker(["worker_jobs"])
    try:
        jobs: list[Job] = [worker.submit("worker_jobs:crash")]
        with pytest.raises(BackendError, match="cannot be started: Resource"):
            jobs[0].result(WAIT_S)
    finally:
        worker.close()


PROGRAM = """
from engine.worker import Worker
if __name__ == "__main__":
    worker = Worker(["worker_jobs"])
    worker.submit("worker_jobs:ignore_cancel")
    print(worker.submit("worker_jobs:add", {"a": 1, "b": 1}).done, flush=True)
    first = Worker(["worker_jobs"])
    print(first.submit("worker_jobs:process_number").result(60), flush=True)
"""


def test_a_program_that_ends_takes_its_worker_along(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parents[1]), str(here)])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    first, number = done.stdout.split()
    assert first == "False"
    assert done.stderr == ""
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int(number), 0)
