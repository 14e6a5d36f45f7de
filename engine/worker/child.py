"""What runs in the worker process: takes jobs, one at a time, and tells how they go.

The main thread listens, a second thread works, a third one sends the heartbeat. When the pipe
closes, the program that started the worker is gone, and so the worker ends at once.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import re
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from queue import SimpleQueue
from typing import Any

from engine.cancel import CancelToken
from engine.errors import AtelierError, BackendError
from engine.worker.memory import Parcel, pack, segment_name

WAITING_FRAMES = 2
_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z]\w*)", re.ASCII)


def split_name(name: str, packages: Sequence[str]) -> tuple[str, str]:
    """Module and function of "package.module:function". Raises BackendError outside `packages`."""
    match = _NAME.fullmatch(name)
    allowed = match is not None and any(
        match[1] == package or match[1].startswith(f"{package}.") for package in packages
    )
    if match is None or not allowed:
        raise BackendError(
            f"The worker runs functions of {', '.join(packages)}, got {name[:80]!r}."
        )
    return match[1], match[2]


def serve(
    connection: Connection[Any, Any], packages: Sequence[str], prefix: str, beat_s: float
) -> None:
    """The life of the worker process. prefix: of the names of its shared memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Child(connection, packages, prefix).listen(beat_s)


class _Child:
    def __init__(
        self, connection: Connection[Any, Any], packages: Sequence[str], prefix: str
    ) -> None:
        self._connection = connection
        self._packages = packages
        self._prefix = prefix
        self._lock = threading.Lock()
        self._held: dict[int, SharedMemory] = {}
        self._number = 0
        self._cancel = CancelToken()
        self._inbox: SimpleQueue[Any] = SimpleQueue()

    def listen(self, beat_s: float) -> None:
        threading.Thread(target=self._beat, args=(beat_s,), daemon=True).start()
        with ThreadPoolExecutor(1) as hands:
            while True:
                try:
                    word, *rest = self._connection.recv()
                except (EOFError, OSError):
                    os._exit(0)
                if word == "job":
                    self._cancel = CancelToken()
                    self._inbox = SimpleQueue()
                    name, payload = rest
                    job = hands.submit(self._work, name, payload, self._cancel, self._inbox)
                    job.add_done_callback(self._finished)
                elif word == "cancel":
                    self._cancel.cancel()
                elif word == "letter":
                    self._inbox.put(pickle.loads(rest[0]))
                elif word == "taken":
                    self._release(*rest)

    def _work(
        self, name: str, payload: bytes, cancel: CancelToken, inbox: SimpleQueue[Any]
    ) -> tuple[Parcel, int]:
        kwargs: dict[str, Any] = pickle.loads(payload)
        module, function = split_name(name, self._packages)
        call: Callable[..., Any] = getattr(importlib.import_module(module), function)
        offers = {
            "progress": lambda progress: self._send("progress", progress),
            "cancel": cancel,
            "frame": self._show,
            "inbox": inbox,
        }
        takes = inspect.signature(call).parameters
        cancel.check()
        wanted = {k: v for k, v in offers.items() if k in takes and k not in kwargs}
        return self._pack(call(**kwargs, **wanted))

    def _finished(self, job: Future[Any]) -> None:
        error = job.exception()
        if error is None:
            self._send("result", *job.result())
        elif isinstance(error, AtelierError):
            self._send("error", type(error).__name__, error.what, error.remedy, "")
        else:
            text = f"{type(error).__name__}: {error}"[:300]
            trace = "".join(traceback.format_exception(error))[-20_000:]
            self._send(
                "error",
                BackendError.__name__,
                f"The job failed on this machine: {text}.",
                "Try again; with a smaller size if memory was short.",
                trace,
            )

    def _show(self, picture: Any) -> None:
        """Send an intermediate picture, unless earlier ones still wait to be looked at."""
        if len(self._held) < WAITING_FRAMES:
            self._send("frame", *self._pack(picture))

    def _pack(self, value: Any) -> tuple[Parcel, int]:
        number = self._number
        parcel, segment = pack(value, segment_name(self._prefix, number))
        if segment is not None:
            self._number += 1
            with self._lock:
                self._held[number] = segment
        return parcel, number

    def _release(self, number: int) -> None:
        with self._lock:
            segment = self._held.pop(number, None)
        if segment is not None:
            segment.close()

    def _beat(self, beat_s: float) -> None:
        never = threading.Event()
        while True:
            self._send("beat")
            never.wait(beat_s)

    def _send(self, *message: Any) -> None:
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(0)
