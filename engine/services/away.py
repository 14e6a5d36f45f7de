"""Runs a job in the worker process from a thread that may wait, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as TooSoon
from typing import Any

from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.worker import Worker

LOOK_S = 0.05


def run_away(
    worker: Worker,
    name: str,
    kwargs: Mapping[str, Any],
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
    frame: Callable[[Any], None] | None = None,
) -> Any:
    """Call "package.module:function" in the worker and wait for its result.

    Raises what it raised, Cancelled when `cancel` was set, BackendError when the process is lost.
    """
    job = worker.submit(name, kwargs, on_progress=progress, on_frame=frame)
    told = False
    while True:
        try:
            return job.result(LOOK_S)
        except TooSoon:
            if job.done:
                return job.result()
            if cancel is not None and cancel.cancelled and not told:
                told = True
                job.cancel()
