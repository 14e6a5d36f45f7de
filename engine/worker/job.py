"""The handle of one call in the worker process."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from engine.cancel import CancelToken
from engine.errors import AtelierError

LOOK_S = 0.02  # how often one who waits looks whether the job shall stop


class Job:
    """One call in the worker process; made by `Worker.submit`."""

    def __init__(
        self,
        name: str,
        kwargs: bytes,
        hear: Mapping[str, Callable[[Any], None] | None],
        stop: Callable[[Job], None],
        ring: Callable[[], None],
    ) -> None:
        self.name = name
        self.kwargs = kwargs
        self.letters: deque[bytes] = deque()
        self._hear = hear
        self._stop = stop
        self._ring = ring
        self._future: Future[Any] = Future()

    @property
    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait for what the function returned.

        Raises what it raised, when that is an AtelierError; Cancelled when it was stopped;
        BackendError for everything else and when the process is lost; TimeoutError. Never call it
        from a callback: the thread that would bring the result is the one that waits.
        """
        return self._future.result(timeout_s)

    def wait(self, cancel: CancelToken | None = None) -> Any:
        """As result, for one who may give up: the job is asked to stop once `cancel` is set."""
        told = cancel is None
        while not told and not self.done:
            if cancel is not None and cancel.cancelled:
                self.cancel()
                told = True
            wait([self._future], LOOK_S)
        return self.result()

    def cancel(self) -> None:
        """Ask the job to stop; after the worker's patience it is killed. Returns at once."""
        self._stop(self)

    def say(self, value: Any) -> None:
        """Put a picklable value into the job's inbox, now or when it begins. Returns at once."""
        self.letters.append(pickle.dumps(value))
        self._ring()

    def when_done(self, callback: Callable[[Job], None]) -> None:
        """Call back when the job ends, or now; from the worker's thread, so return quickly."""
        self._future.add_done_callback(lambda _: callback(self))

    def tell(self, word: str, value: Any) -> None:
        """For the worker: pass on progress or a picture."""
        callback = self._hear.get(word)
        if callback is not None:
            # A future logs what its callback raises: a listener's mistake must not end the
            # thread that other jobs depend on.
            news: Future[Any] = Future()
            news.add_done_callback(lambda _: callback(value))
            news.set_result(value)

    def end(self, value: Any, error: AtelierError | None = None) -> None:
        """For the worker: the job is over; whatever comes later is too late."""
        if self._future.done():
            return
        if error is None:
            self._future.set_result(value)
        else:
            self._future.set_exception(error)
