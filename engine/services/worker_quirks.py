"""What a process that may be killed must not let its libraries do."""

from __future__ import annotations

import contextlib
import threading


def leave_tqdm_alone() -> None:
    """Keep tqdm, where it is installed, from making a lock between processes.

    torch's exporter shows progress with it, and a killed process cannot take such a lock back.
    """
    with contextlib.suppress(ImportError):
        from tqdm import tqdm  # type: ignore[import-untyped]

        tqdm.set_lock(threading.RLock())
