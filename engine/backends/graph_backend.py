"""Somebody else's generator in ONNX Runtime: one graph from z or w to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Effort, Noises, Statistics, Transform
from engine.backends.device import physical_cores
from engine.backends.native_backend import to_bytes
from engine.errors import BackendError
from engine.frame import BackendName

Scale = Literal["symmetric", "unit", "bytes"]


@dataclass(frozen=True)
class Ports:
    """How a graph is fed and read.

    rows: 1 where the input is [n, dim], 0 where it is [n, dim, 1, 1], else how many w it takes.
    batch: how many pictures it always makes at once, None for any. c: name of the class input and
    its length. scale: what the numbers mean: [-1, 1], [0, 1] or 0 to 255. last: channels come last.
    """

    source: str
    dim: int
    rows: int
    batch: int | None
    c: tuple[str, int] | None
    image: str
    last: bool
    scale: Scale
    resolution: int
    channels: int

    @property
    def classes(self) -> int:
        """How many classes w ends with: none where the graph takes one w a layer."""
        return 0 if self.c is None or self.rows > 1 else self.c[1]


class GraphBackend:
    """The Backend over such a graph."""

    name: BackendName = "onnx"
    device = "cpu"
    exits: tuple[int, ...] = ()
    notice = ""
    has_rough = False

    def __init__(self, path: Path, ports: Ports, threads: int | None = None) -> None:
        self._session = session(path, threads or physical_cores())
        self._ports = ports

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """w is what the graph takes: z, and then the class."""
        if not self._ports.classes:
            return z.copy()
        none = np.zeros((len(z), self._ports.classes), np.float32)
        return np.concatenate([z, none if c is None else c], axis=1)

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
    ) -> Float32[np.ndarray, "n channels r r"]:
        """See Backend."""
        ports = self._ports
        step = ports.batch or len(ws)
        images = []
        for start in range(0, len(ws), step):
            rows = ws[start : start + step]
            few = len(rows)
            if few < step:
                rows = np.concatenate([rows, np.repeat(rows[-1:], step - few, axis=0)])
            images.append(self._images(rows)[:few])
        return np.concatenate(images)

    def _images(self, ws: Float32[np.ndarray, "n num_ws w_dim"]) -> Float32[np.ndarray, "n c r r"]:
        ports = self._ports
        found = run(self._session, ports, feed_of(ports, ws))
        image = found.transpose(0, 3, 1, 2) if ports.last else found
        return np.ascontiguousarray(symmetric(image, ports.scale))

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """See Backend."""
        return to_bytes(self.synthesize(ws, noises).transpose(0, 2, 3, 1))


def feed_of(ports: Ports, ws: Float32[np.ndarray, "n num_ws w_dim"]) -> dict[str, Any]:
    """The inputs of the graph. One that takes a w a layer gets no class beside them."""
    source, c = ws, None if ports.c is None else np.zeros((len(ws), ports.c[1]), np.float32)
    if ports.rows <= 1:
        source = ws[:, 0, : ports.dim]
        if ports.classes:
            c = np.ascontiguousarray(ws[:, 0, ports.dim :])
        if ports.rows == 0:
            source = source[:, :, None, None]
    feed = {ports.source: np.ascontiguousarray(source)}
    return feed if ports.c is None else {**feed, ports.c[0]: c}


def symmetric(image: np.ndarray, scale: Scale) -> Float32[np.ndarray, "n c r r"]:
    """The picture in [-1, 1]."""
    values = image.astype(np.float32)
    if scale == "bytes":
        return values / np.float32(127.5) - np.float32(1)
    return values * np.float32(2) - np.float32(1) if scale == "unit" else values


def session(source: Path | bytes, threads: int, name: str = "") -> Any:
    """The graph, loaded from a file or from its bytes. Raises BackendError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = source if isinstance(source, bytes) else str(source)
    try:
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        name = name or (source.name if isinstance(source, Path) else "")
        raise BackendError(
            f"The graph {name} cannot be loaded: {first_line(error)}.",
            "Export it again, with standard operators.",
        ) from error


def run(loaded: Any, ports: Ports, feed: dict[str, Any]) -> np.ndarray:
    """The picture as the graph gives it. Raises BackendError."""
    try:
        found: np.ndarray = loaded.run([ports.image], feed)[0]
    except Exception as error:
        raise BackendError(
            f"The graph could not make a picture: {first_line(error)}.",
            "Export it again, with a free batch size.",
        ) from error
    return found


def first_line(error: Exception) -> str:
    """The first line of an error's words, clipped."""
    return (str(error).splitlines() or [""])[0][:200].rstrip(".")
