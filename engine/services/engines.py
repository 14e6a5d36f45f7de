"""Which engine renders a model on this machine: measured once, kept in a file, open to the user.

The file lies in the data folder and belongs to one machine: a copy of it elsewhere counts for
nothing there. A Recipe rendered on the same engine gives the same bytes; another engine gives the
same picture to within a few of 255.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.backend import WHOLE
from engine.backends.device import cuda_device, machine
from engine.errors import ModelError
from engine.frame import BackendName, ModelInfo
from engine.models.card import SYNTHESIS
from engine.models.opened import Model, can_run_native, is_foreign, open_model
from engine.store import replacing, write_remedy

FILE = "engines.json"
ROUNDS = 5
NAMES: tuple[BackendName, ...] = ("onnx", "native", "torch")


@dataclass(frozen=True)
class Engine:
    """What renders a model here. why: "chosen" by the user, "measured", or "usual" before that.

    measured_ms: what one picture took on each engine, empty before it was measured.
    """

    backend: BackendName
    why: str
    measured_ms: Mapping[str, float]

    @property
    def words(self) -> str:
        """In words, for people."""
        times = ", ".join(f"{name} {ms:.0f} ms" for name, ms in self.measured_ms.items())
        return f"{self.backend}, float32, {self.why}" + (f" ({times})" if times else "")


class Engines:
    """The choices of one installation. May be asked from several threads at once."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] | None = None

    def of(self, info: ModelInfo) -> Engine:
        """The engine of a model: the user's choice, else the fastest one, else the usual one."""
        kept = self._all().get(info.sha256, {})
        times = {
            name: float(ms)
            for name, ms in dict(kept.get("measured_ms", {})).items()
            if name in available(info) and isinstance(ms, int | float)
        }
        if kept.get("chosen") in available(info):
            return Engine(kept["chosen"], "chosen", times)
        if times:
            return Engine(min(times, key=lambda name: times[name]), "measured", times)
        return Engine(usual(info), "usual", {})

    def measured(self, info: ModelInfo) -> bool:
        """Whether the engines were compared on this model and machine."""
        return bool(self._all().get(info.sha256, {}).get("measured_ms"))

    def measure(self, info: ModelInfo) -> Engine:
        """Render one picture on every engine in turns, and keep the medians. Raises ModelError."""
        models = [open_model(info, name) for name in available(info)]
        times = _interleaved(models)
        self._keep(info, {"measured_ms": times})
        return self.of(info)

    def choose(self, info: ModelInfo, backend: BackendName | None) -> Engine:
        """Let this engine render the model from now on, None the fastest. Raises ModelError."""
        if backend is not None and backend not in available(info):
            there = ", ".join(available(info))
            raise ModelError(f"{info.name} cannot run on {backend} here.", f"Choose: {there}.")
        self._keep(info, {"chosen": backend})
        return self.of(info)

    def _all(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            if self._known is None:
                self._known = _read(self._path)
            return self._known

    def _keep(self, info: ModelInfo, news: Mapping[str, Any]) -> None:
        known = self._all()
        with self._lock:
            known[info.sha256] = {**known.get(info.sha256, {}), **news}
            plain = {"machine": _machine(), "models": known}
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(self._path) as file:
                    file.write((json.dumps(plain, indent=2) + "\n").encode())
            except OSError as error:
                raise ModelError(
                    f"The choice of engine cannot be kept in {self._path}: {error.strerror}.",
                    write_remedy(error),
                ) from error


def available(info: ModelInfo) -> tuple[BackendName, ...]:
    """The engines that can run a model here. Without a graphics card torch runs the same kernels
    as native, or the slower plain path, so it is offered only where native is not."""
    if is_foreign(info):
        return ("onnx",)
    names: list[BackendName] = []
    if (info.folder / SYNTHESIS).is_file():
        names.append("onnx")
    if can_run_native(info):
        names.append("native")
    if cuda_device() is not None or "native" not in names:
        names.append("torch")
    return tuple(names)


def usual(info: ModelInfo) -> BackendName:
    """Before anything was measured: graphs for small models, kernels for large ones."""
    names = available(info)
    if "onnx" in names and (info.resolution < 256 or "native" not in names):
        return "onnx"
    return names[0] if names[0] != "onnx" else names[1]


def _interleaved(models: list[Model]) -> dict[str, float]:
    z = np.random.RandomState(0).randn(1, models[0].z_dim).astype(np.float32)
    taken: dict[str, list[float]] = {model.backend.name: [] for model in models}
    for turn in range(ROUNDS + 1):
        for model in models:
            # Another w each time, else kept features would make the later ones look free.
            ws = model.map(z * np.float32(1 + 0.01 * turn))
            began = time.perf_counter()
            model.pixels(ws, effort=WHOLE)
            if turn:
                taken[model.backend.name].append((time.perf_counter() - began) * 1000)
    return {name: round(statistics.median(times), 2) for name, times in taken.items()}


def _machine() -> str:
    here = machine()
    return f"{here.system}, {here.processor}, {here.cores} cores, {here.gpu or 'no GPU'}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """What the file holds for this machine; nothing where it is damaged or another's."""
    try:
        plain = json.loads(path.read_bytes())
        models = plain["models"] if plain["machine"] == _machine() else {}
        return {str(sha): dict(kept) for sha, kept in models.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
