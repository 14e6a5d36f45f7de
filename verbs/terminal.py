"""What the verbs share with whoever sits at the terminal: lines, progress, Ctrl+C, a passphrase."""

from __future__ import annotations

import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from engine.cancel import CancelToken
from engine.frame import Progress

BAR = 24


def say(text: str = "") -> None:
    """One line of the answer."""
    sys.stdout.write(text + "\n")


class Bar:
    """Progress on one line of stderr; says nothing where nobody looks."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._alone = not sys.stderr.isatty()
        self._last = 0.0
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        """Draw the line anew, at most ten times a second (once in two on no terminal)."""
        now = time.monotonic()
        soon = now - self._last < (2.0 if self._alone else 0.1)
        if not self._shown or (soon and progress.stage == self._stage):
            return
        self._last, self._stage = now, progress.stage
        parts = []
        if progress.fraction is not None:
            share = min(1.0, max(0.0, progress.fraction))
            filled = round(share * BAR)
            parts.append(f"[{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%}")
        parts.append(progress.stage)
        if progress.left_s is not None and progress.left_s >= 1:
            parts.append(f"{_duration(progress.left_s)} left")
        line = "  ".join(parts)
        sys.stderr.write(line + "\n" if self._alone else f"\r{line[:118]}\x1b[K")
        sys.stderr.flush()

    def done(self) -> None:
        """Leave an empty line for what follows."""
        if self._shown and not self._alone and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def working(options: Namespace) -> Iterator[tuple[Bar, CancelToken]]:
    """A bar and a token that Ctrl+C sets; a second Ctrl+C ends the program."""
    bar = Bar(options.progress or sys.stderr.isatty())
    token = CancelToken()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        token.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield bar, token
    finally:
        signal.signal(signal.SIGINT, before)
        bar.done()


def ask_passphrase() -> str | None:
    """The passphrase of the signing key, from whoever sits at the terminal."""
    if not sys.stdin.isatty():
        return None
    from getpass import getpass

    return getpass("Passphrase of the signing key: ") or None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
