"""The loop of a training run that counts steps: how far it is, what is told, what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress

TELL_S, KEEP_S = 5.0, 120.0


def lessons(
    steps: int,
    minutes: float | None,
    progress: OnProgress,
    cancel: CancelToken,
    words: Callable[[], str],
    keep: Callable[[], None] = lambda: None,
    first: int = 0,
) -> Iterator[tuple[int, float]]:
    """(number, share done in [0, 1)) of every step from `first`, until the steps or the minutes of
    this sitting are over, or `cancel` is set.

    words: what is told of the run every few seconds. keep: writes a checkpoint, now and then.
    """
    began = told = kept = time.monotonic()
    step = first
    while not cancel.cancelled:
        done = step / steps
        if minutes is not None:
            done = max(done, (time.monotonic() - began) / (60 * minutes))
        if done >= 1.0:
            return
        yield step, done
        step += 1
        now = time.monotonic()
        if now - told > TELL_S:
            told = now
            progress(Progress(words(), done, (now - began) * (1 - done) / max(done, 1e-6)))
        if now - kept > KEEP_S:
            kept = now
            keep()
