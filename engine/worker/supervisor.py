"""The parent's side of the worker: feeds the process, listens to it, ends and replaces it.

One thread owns the process and the pipe; everybody else hands it wishes under a lock.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any

from engine import errors
from engine.errors import AtelierError, BackendError, Cancelled
from engine.frame import OnProgress
from engine.worker.child import split_name
from engine.worker.job import Job
from engine.worker.memory import Parcel
from engine.worker.process import WorkerProcess

_START_S = 60.0
_AGAIN = "Start it again; with a smaller size if memory was short."
_UNREADABLE = (
    pickle.PickleError,
    AttributeError,
    ImportError,
    TypeError,
    ValueError,
    EOFError,
    OSError,
    MemoryError,
)


class Worker:
    """One process, started at the first job; runs one job at a time, in the order of submission.

    packages: names of the packages whose functions may be called. patience_s: how long a job may
    go on after cancel() before its process is killed. silence_s: how long the process may give no
    sign of life, which it does every beat_s, during a job. A process that was killed or crashed is
    replaced at once, so that the next job finds one running.
    """

    def __init__(
        self,
        packages: Sequence[str] = ("engine",),
        *,
        patience_s: float = 2.0,
        silence_s: float = 60.0,
        beat_s: float = 1.0,
    ) -> None:
        self._packages = tuple(packages)
        self._patience_s, self._silence_s, self._beat_s = patience_s, silence_s, beat_s
        self._lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._ear, self._bell = multiprocessing.Pipe(duplex=False)
        self._job: Job | None = None
        self._deadline: float | None = None
        self._cancel_told = False
        self._process: WorkerProcess | None = None
        self._replace = False

    @property
    def pid(self) -> int | None:
        """The number of the process, or None while there is none that has answered."""
        process = self._process
        return process.process.pid if process is not None and process.ready else None

    def submit(
        self,
        name: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        on_progress: OnProgress | None = None,
        on_frame: Callable[[Any], None] | None = None,
    ) -> Job:
        """Queue a call of "package.module:function" with picklable keyword arguments.

        Callbacks come from the worker's own thread and must return quickly. Raises BackendError
        for a function outside the packages, for arguments that cannot be passed, and after
        close().
        """
        split_name(name, self._packages)
        try:
            payload = pickle.dumps(dict(kwargs or {}))
        except (pickle.PickleError, AttributeError, TypeError) as error:
            raise BackendError(f"{name} was given what no process can be: {error}.") from error
        job = Job(
            name, payload, {"progress": on_progress, "frame": on_frame}, self._stop, self._ring
        )
        with self._lock:
            if self._closing:
                raise BackendError("The worker is closed.", "Start the program again.")
            self._queue.append(job)
            if self._thread is None:
                atexit.register(self.close)
                self._thread = threading.Thread(
                    target=self._manage, name="worker-supervisor", daemon=True
                )
                self._thread.start()
        self._ring()
        return job

    def close(self) -> None:
        """End the process; jobs that have not finished end as cancelled. May be called twice."""
        with self._lock:
            closed, self._closing, thread = self._closing, True, self._thread
        if closed:
            return
        atexit.unregister(self.close)
        if thread is None:
            self._close_bell()
        else:
            self._ring()
            if thread is not threading.current_thread():
                thread.join()

    def _stop(self, job: Job) -> None:
        """The wish behind Job.cancel()."""
        with self._lock:
            queued = job in self._queue
            if queued:
                self._queue.remove(job)
            elif job is self._job and self._deadline is None:
                self._deadline = time.monotonic() + self._patience_s
        if queued:
            job.end(None, Cancelled())
        else:
            self._ring()

    def _ring(self) -> None:
        with self._lock:
            if not self._bell.closed:
                self._bell.send_bytes(b"!")

    def _close_bell(self) -> None:
        with self._lock:
            self._ear.close()
            self._bell.close()

    # What follows runs in the worker's own thread.

    def _manage(self) -> None:
        while not self._closing:
            self._start_process()
            self._start_job()
            self._deliver()
            if self._process is not None and self._deadline is not None and not self._cancel_told:
                self._cancel_told = True
                self._process.say("cancel")
            self._wait()
        if self._process is not None:
            self._process.end()
            self._process = None
        self._finish(None, Cancelled())
        for job in self._take_queue():
            job.end(None, Cancelled())
        self._close_bell()

    def _start_process(self) -> None:
        if self._process is not None or not (self._queue or self._replace):
            return
        self._replace = False
        try:
            self._process = WorkerProcess(self._packages, self._beat_s)
        except (OSError, RuntimeError) as error:  # of a script without a guard for its main part
            why = getattr(error, "strerror", None) or " ".join(str(error).split())[:160]
            self._give_up(f"The worker process cannot be started: {why}.")

    def _start_job(self) -> None:
        if self._job is not None or self._process is None or not self._process.ready:
            return
        with self._lock:
            if not self._queue:
                return
            self._job = self._queue.popleft()
            self._deadline, self._cancel_told = None, False
        self._process.heard_at = time.monotonic()
        self._process.say("job", self._job.name, self._job.kwargs)

    def _deliver(self) -> None:
        """Pass on what was said to the running job."""
        job, process = self._job, self._process
        while job is not None and process is not None and job.letters:
            process.say("letter", job.letters.popleft())

    def _wait(self) -> None:
        process = self._process
        if process is None:
            wait([self._ear])
            self._ear.recv_bytes()
            return
        ready = wait(
            [self._ear, process.connection, process.process.sentinel], self._seconds_left(process)
        )
        if self._ear in ready:
            self._ear.recv_bytes()
        gone = process.process.sentinel in ready
        if process.connection in ready:
            message = process.hear()
            gone = message is None
            if message is not None:
                self._take(process, *message)
        if gone:
            self._lose(process, "ended by itself")
        elif self._seconds_left(process) == 0.0:
            self._lose(process, "did not answer")

    def _seconds_left(self, process: WorkerProcess) -> float | None:
        """Until the process must be killed; None while it may take all the time it likes."""
        if process.ready and self._job is None:
            return None
        end = process.heard_at + (self._silence_s if process.ready else _START_S)
        if self._deadline is not None:
            end = min(end, self._deadline)
        return max(0.0, end - time.monotonic())

    def _take(self, process: WorkerProcess, word: str, *rest: Any) -> None:
        """Act on a message of the process; its heartbeat says nothing more."""
        if word == "progress" and self._job is not None:
            self._job.tell(word, rest[0])
        elif word == "error":
            self._finish(None, _error(*rest))
        elif word in ("frame", "result"):
            self._take_value(process, word, *rest)

    def _take_value(self, process: WorkerProcess, word: str, parcel: Parcel, number: int) -> None:
        try:
            value = process.value_of(parcel, number)
        except _UNREADABLE as error:
            self._finish(None, BackendError(f"A {word} did not come through: {error}.", _AGAIN))
            return
        if word == "result":
            self._finish(value, None)
        elif self._job is not None:
            self._job.tell(word, value)

    def _lose(self, process: WorkerProcess, how: str) -> None:
        """The process is gone or must go."""
        self._process = None
        self._replace = process.ready
        code = process.end()
        if not process.ready:
            self._give_up(f"The worker process did not start (exit code {code}).")
        elif self._deadline is not None:
            self._finish(None, Cancelled())
        elif self._job is not None:
            what = f"The worker process {how} during {self._job.name} (exit code {code})."
            self._finish(None, BackendError(what, _AGAIN))

    def _finish(self, value: Any, error: AtelierError | None) -> None:
        with self._lock:
            job, self._job, self._deadline = self._job, None, None
        if job is not None:
            job.end(value, error)

    def _give_up(self, what: str) -> None:
        for job in self._take_queue():
            job.end(None, BackendError(what, "Start the program again."))

    def _take_queue(self) -> list[Job]:
        with self._lock:
            jobs = list(self._queue)
            self._queue.clear()
        return jobs


def _error(name: str, what: str, remedy: str, trace: str) -> AtelierError:
    """The child's error again; its traceback goes along as a note."""
    kind = getattr(errors, name, BackendError)
    error: AtelierError = Cancelled() if kind is Cancelled else kind(what, remedy)
    if trace:
        error.add_note(trace)
    return error
