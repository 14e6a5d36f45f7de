"""A generator in ONNX Runtime: graphs without weights, which are handed over at load.

Imports no torch. The sessions release the interpreter while they run, so the window stays alive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Effort, Noises, Statistics, Transform
from engine.backends.device import onnx_providers, physical_cores
from engine.backends.external_names import external_names
from engine.errors import BackendError, ModelError
from engine.frame import BackendName


class OnnxBackend:
    """The Backend over a mapping and a synthesis graph.

    mapping, synthesis: ONNX bytes whose weights are external. weights: float32 tensors by the
    names that the graphs use; more may be there. Raises ModelError when one is missing or the
    graph is damaged.
    """

    name: BackendName = "onnx"
    notice = ""
    has_rough = False

    def __init__(
        self,
        mapping: bytes,
        synthesis: bytes,
        weights: Mapping[str, Float32[np.ndarray, "*shape"]],
        threads: int | None = None,
    ) -> None:
        self.threads = threads or physical_cores()
        self._mapping = open_session(mapping, weights, self.threads)
        self._synthesis = open_session(synthesis, weights, self.threads)
        names = [item.name for item in self._synthesis.get_inputs()]
        self._noises = sorted(
            (name for name in names if name.startswith("noise_")),
            key=lambda name: int(name.removeprefix("noise_")),
        )
        # Graphs written before truncation could be chosen have the statistics of truncation 1.
        self._takes_statistics = "statistics" in names
        outs = [item.name for item in self._synthesis.get_outputs()]
        self.exits = tuple(
            sorted(int(name.removeprefix("pixels_")) for name in outs if name.startswith("pixels_"))
        )
        self._takes_c = any(item.name == "c" for item in self._mapping.get_inputs())

    @property
    def device(self) -> str:
        """ "cuda" or "cpu"."""
        return "cuda" if "CUDA" in self._synthesis.get_providers()[0] else "cpu"

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """See Backend."""
        feed = {"z": z}
        if self._takes_c and c is not None:
            feed["c"] = c
        w: Float32[np.ndarray, "n w_dim"] = run_session(self._mapping, "w", feed)
        return w

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
    ) -> Float32[np.ndarray, "n channels r r"]:
        """See Backend."""
        image: Float32[np.ndarray, "n channels r r"] = run_session(
            self._synthesis, "image", self._feed(ws, noises, transform, statistics)
        )
        return image

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """See Backend."""
        early = effort.resolution in self.exits
        output = f"pixels_{effort.resolution}" if early else "pixels"
        pixels: UInt8[np.ndarray, "n r r channels"] = run_session(
            self._synthesis, output, self._feed(ws, noises, transform, statistics)
        )
        return pixels

    def _feed(
        self,
        ws: np.ndarray[Any, Any],
        noises: Noises,
        transform: Transform | None,
        statistics: Statistics | None,
    ) -> dict[str, np.ndarray[Any, Any]]:
        feed = {"ws": ws, **dict(zip(self._noises, noises, strict=True))}
        if statistics is not None and self._takes_statistics:
            feed["statistics"] = statistics
        return feed if transform is None else {**feed, "transform": transform}


def open_session(
    model: bytes, weights: Mapping[str, Float32[np.ndarray, "*shape"]], threads: int
) -> Any:
    """A session on a graph whose weights are external. Raises ModelError."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    names = external_names(model)
    missing = [name for name in names if name not in weights]
    if missing:
        raise ModelError(
            f"The weights lack the tensor {missing[0]!r} that the ONNX graph takes.",
            "Export the ONNX graphs of this model again.",
        )
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
    options = _options(onnxruntime, threads)
    options.add_external_initializers(list(names), values)
    providers = [
        (name, {"use_tf32": "0"}) if name == "CUDAExecutionProvider" else name
        for name in onnx_providers()
    ]
    try:
        return onnxruntime.InferenceSession(model, options, providers=providers)
    except (states.Fail, states.InvalidGraph, states.InvalidProtobuf, states.NotImplemented) as e:
        raise ModelError(
            f"The ONNX graph cannot be loaded with these weights: {_first_line(e)}.",
            "Export the ONNX graphs of this model again.",
        ) from e


def _options(onnxruntime: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # A spinning pool keeps every core busy between the frames of a drag, and at this size it
    # renders no faster.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def run_session(session: Any, output: str, feed: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """One output of a session. Raises BackendError."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.RunOptions()
    # Else an early exit, or the float picture, would pay for every other output.
    options.only_execute_path_to_fetches = True
    try:
        return session.run([output], feed, options)[0]
    except (states.Fail, states.RuntimeException, states.InvalidArgument, states.EPFail) as error:
        raise BackendError(
            f"ONNX Runtime could not render: {_first_line(error)}.",
            "Try the torch backend, or run `doctor`.",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200].rstrip(".")
