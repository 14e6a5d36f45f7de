"""Small jobs for the tests of the worker; they run in the worker process."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.errors import DirectionError
from engine.frame import OnProgress, Progress


def add(a: Any, b: Any) -> Any:
    return a + b


def process_number() -> int:
    return os.getpid()


def modules() -> list[str]:
    return sorted(sys.modules)


def echo(inbox: Any) -> list[Any]:
    """What was said, up to None."""
    heard = []
    while (word := inbox.get(timeout=30)) is not None:
        heard.append(word)
    return heard


def count(steps: int, progress: OnProgress) -> int:
    for i in range(steps):
        progress(Progress("counting", (i + 1) / steps))
    return steps


def picture(side: int, value: int) -> Any:
    return {"pixels": np.full((side, side, 3), value, np.uint8), "side": side}


def film(frames: int, side: int, frame: Callable[[Any], None]) -> int:
    for i in range(frames):
        frame(np.full((side, side, 3), i, np.uint8))
    return frames


def hold_frames(side: int, frame: Callable[[Any], None]) -> None:
    frame(np.zeros((side, side, 3), np.uint8))
    frame(np.zeros((side, side, 3), np.uint8))
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_cancel(progress: OnProgress, cancel: CancelToken) -> None:
    progress(Progress("waiting"))
    while True:
        cancel.check()
        time.sleep(0.01)


def ignore_cancel(progress: OnProgress) -> None:
    while True:
        progress(Progress("deaf"))
        time.sleep(0.01)


def freeze(progress: OnProgress) -> None:
    progress(Progress("freezing"))
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)  # the signal stops this thread a moment later: it must not return first


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise DirectionError("This direction is for w of 512 values.", "Choose another.")


def stumble() -> None:
    raise ZeroDivisionError("no mirrors")


def leave() -> None:
    sys.exit(3)


def return_a_lambda() -> Any:
    return lambda: None


def _hidden() -> None:
    raise AssertionError("never called")
