"""Somebody else's network in ONNX Runtime, from the bytes of its graph alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.backends.graph_backend import first_line, session
from engine.errors import BackendError


class Network:
    """A loaded graph. Given as bytes it can reach no other file. Raises BackendError."""

    def __init__(self, graph: bytes, name: str, threads: int = 1) -> None:
        self._session = session(graph, threads, name)
        self._name = name

    def run(self, output: str, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """One output. Raises BackendError."""
        try:
            found: np.ndarray = self._session.run([output], dict(feed))[0]
        except Exception as error:
            raise BackendError(
                f"The network {Path(self._name).name} cannot be run: {first_line(error)}.",
                "Fetch it again from its publisher.",
            ) from error
        return found
