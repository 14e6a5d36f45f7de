"""A running worker process as its parent sees it: the pipe, its shared memory, and its end."""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from engine.worker.child import serve
from engine.worker.memory import Parcel, remove, segment_name, unpack


class WorkerProcess:
    """Starts the process when it is made. Raises OSError, and RuntimeError in a script whose main
    part is not guarded. For one thread only.

    ready: whether it has given a sign of life. heard_at: when it gave the last one, on the
    monotonic clock.
    """

    def __init__(self, packages: Sequence[str], beat_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._prefix = f"la{secrets.token_hex(5)}"
        self._next_segment = 0
        self.ready = False
        self.connection: Connection[Any, Any]
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=serve,
            args=(theirs, tuple(packages), self._prefix, beat_s),
            name="latent-atelier-worker",
            daemon=True,
        )
        try:
            self.process.start()
        except (OSError, RuntimeError):
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.heard_at = time.monotonic()

    def say(self, *message: Any) -> None:
        """Send to the process. One that is gone is noticed at the next hear(), not here."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def hear(self) -> tuple[Any, ...] | None:
        """The next message, or None when the process is gone."""
        try:
            message: tuple[Any, ...] = self.connection.recv()
        except (EOFError, OSError):
            return None
        self.ready = True
        self.heard_at = time.monotonic()
        return message

    def value_of(self, parcel: Parcel, number: int) -> Any:
        """The value of a parcel; the sender is told that it may let go of the memory."""
        if parcel.segment is None:
            return unpack(parcel)
        self._next_segment = number + 1
        try:
            return unpack(parcel)
        finally:
            self.say("taken", number)

    def end(self) -> int | None:
        """Kill the process, and remove what it left in shared memory; returns the exit code."""
        self.process.kill()
        self.process.join()
        code = self.process.exitcode
        while (message := self._left_over()) is not None:
            for part in message:
                if isinstance(part, Parcel) and part.segment is not None:
                    remove(part.segment)
                    self._next_segment += 1
        remove(segment_name(self._prefix, self._next_segment))
        self.connection.close()
        self.process.close()
        return code

    def _left_over(self) -> tuple[Any, ...] | None:
        try:
            return self.hear() if self.connection.poll() else None
        except OSError:
            return None
