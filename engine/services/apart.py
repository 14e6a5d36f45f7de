"""Waits for a job of the worker process, so that whoever waits may cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cancel import CancelToken
from engine.frame import OnProgress
from engine.worker import Worker

POLL_S = 0.05


def run_apart(
    worker: Worker,
    name: str,
    kwargs: Mapping[str, Any],
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Any:
    """What "package.module:function" returns, run in the worker process.

    A cancelled job that does not stop by itself is killed with its process. Raises what the
    function raises, Cancelled, or BackendError when the process is lost.
    """
    job = worker.submit(name, kwargs, on_progress=progress)
    while True:
        try:
            return job.result(POLL_S)
        except TimeoutError:
            if cancel is not None and cancel.cancelled:
                job.cancel()
