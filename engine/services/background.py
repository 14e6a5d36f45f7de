"""ONNX graphs of imported models, made behind the user's back in a process of their own.

An import is over when the weights are safe; until its graphs are there a model runs on compiled
kernels or on torch. A graph that disagrees with torch is not kept, and `graphs.json` says why, so
that nobody tries again.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import ModelInfo, OnProgress, Progress
from engine.models.card import GRAPHS, SYNTHESIS, config_of
from engine.models.folder import write_graphs
from engine.models.library import ModelLibrary, load_tensors
from engine.models.opened import is_foreign
from engine.services.worker_quirks import leave_tqdm_alone
from engine.store import replacing
from engine.worker import Job, Worker

PATIENCE = 10  # how much other processes go before, on Unix


class GraphExports:
    """Exports one model after the other; its process ends when there is nothing to do.

    May be asked from several threads at once.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._jobs: dict[str, Job] = {}

    def add(self, name: str) -> Job | None:
        """Export that model's graphs; None where this was asked for before."""
        with self._lock:
            if name in self._jobs:
                return None
            self._worker = self._worker or Worker(patience_s=0.0)
            kwargs = {"home": self._home, "name": name}
            target = "engine.services.background:export_apart"
            job = self._jobs[name] = self._worker.submit(target, kwargs)
        job.when_done(self._ended)
        return job

    def add_missing(self, library: ModelLibrary) -> None:
        """Export what earlier sittings did not come to."""
        for info in library.models():
            if lacks_graphs(info):
                self.add(info.name)

    def wait(self) -> None:
        """Wait for what was asked for. Raises ModelError or BackendError of the first failure."""
        for job in tuple(self._jobs.values()):
            job.result()

    def close(self) -> None:
        """Stop; what was not finished is made another time."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _ended(self, job: Job) -> None:
        with self._lock:
            worker = self._worker if all(one.done for one in self._jobs.values()) else None
            if worker is not None:
                self._worker = None
        if worker is not None:
            worker.close()


def lacks_graphs(info: ModelInfo) -> bool:
    """Whether graphs of that model could be made and nobody has tried."""
    there = any((info.folder / name).is_file() for name in (SYNTHESIS, GRAPHS))
    return not (info.bundled or is_foreign(info) or there)


def export_apart(home: Path, name: str, progress: OnProgress, cancel: CancelToken) -> int:
    """As export_graphs_of, in a process of its own that lets others go before."""
    leave_tqdm_alone()
    if hasattr(os, "nice"):
        os.nice(PATIENCE)
    return export_graphs_of(home, name, progress, cancel)


def export_graphs_of(home: Path, name: str, progress: OnProgress, cancel: CancelToken) -> int:
    """Export the graphs of an imported model.

    Returns the largest difference to torch, of 255. Raises ModelError.
    """
    info = ModelLibrary(home).find(name)
    progress(Progress("Exporting the ONNX graphs and checking them against torch", 0.1))
    tensors = load_tensors(info)
    cancel.check()
    try:
        return write_graphs(info.folder, config_of(info.card, info.folder), tensors)
    except ModelError as error:
        with replacing(info.folder / GRAPHS) as file:
            file.write((json.dumps({"refused": error.what}, indent=2) + "\n").encode())
        raise
