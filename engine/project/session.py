"""Which place a running session keeps its unsaved work in: every window has one of its own."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PLACES = 16


class Place:
    """`autosave.atelier` and `clean-exit` of one session; later windows get names with a number.

    The place is held by a lock that ends with the process, however that ends.
    """

    def __init__(self, home: Path, number: int) -> None:
        mark = "" if number == 1 else f"-{number}"
        self.path = home / f"autosave{mark}.atelier"
        self.clean = home / f"clean-exit{mark}"
        self._lock = home / f"session{mark}.lock"

    @property
    def left_over(self) -> bool:
        """Whether a session that did not end well left work here."""
        return self.path.exists() and not self.clean.exists()

    def hold(self) -> bool:
        """Take the place, until this process ends, unless another one has it."""
        try:
            file = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return False
        try:
            _lock(file)
        except OSError:
            os.close(file)
            return False
        return True


def take_place(home: Path) -> Place:
    """The first place that no other process holds; one where work was left over goes first.

    Where nothing can be locked (a folder that cannot be written) it is the first place.
    """
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    places = [Place(home, number) for number in range(1, PLACES + 1)]
    for place in sorted(places, key=lambda place: not place.left_over):
        if place.hold():
            return place
    return places[0]


def _lock(file: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
