"""Exports a torch generator as two ONNX graphs without weights, and checks what they compute."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.backend import Effort
from engine.backends.onnx_backend import OnnxBackend
from engine.backends.torch_backend import TorchBackend, to_bytes
from engine.errors import ModelError
from engine.image.pixels import largest_difference
from engine.models.card import GRAPHS, MAPPING, SYNTHESIS, WEIGHTS
from engine.models.families import family_of
from engine.models.onnx_graph import free_batch, without_weights
from engine.store import replacing, write_remedy

OPSET = 20
BAR = 2  # of 255, on every pixel; the bar of the design for two backends


@dataclass(frozen=True)
class Graphs:
    """ONNX bytes of both networks. largest: how far apart both backends were when checked."""

    mapping: bytes
    synthesis: bytes
    largest: int

    def manifest(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """What the files hold. about: of the model: name, family, digest of the weights."""
        files = {MAPPING: self.mapping, SYNTHESIS: self.synthesis}
        return {
            **about,
            "opset": OPSET,
            "weights": WEIGHTS,
            "files": {name: _told(data) for name, data in files.items()},
            "checked_against_torch": {"largest_difference_of_255": self.largest},
        }

    def write(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Put both files and what they hold into the folder. Raises ModelError."""
        told = (json.dumps(self.manifest(about), indent=2) + "\n").encode()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in (
                (MAPPING, self.mapping),
                (SYNTHESIS, self.synthesis),
                (GRAPHS, told),
            ):
                with replacing(folder / name) as file:
                    file.write(data)
        except OSError as error:
            raise ModelError(
                f"The ONNX graphs cannot be written to {folder}: {error.strerror}.",
                write_remedy(error),
            ) from error


def export_graphs(generator: Any) -> Graphs:
    """Both graphs of the generator, of any family, checked against torch.

    mapping: z [n, z_dim] (and c [n, c_dim]) -> w [n, w_dim]. synthesis: ws [n, num_ws, w_dim],
    noise_0, noise_1, ... [n or 1, 1, R, R] and, where the family has them, transform [3, 3] and
    statistics [n_stats]
    -> image float32 [n, channels, R, R] and pixels uint8 [n, R, R, channels], and for each early
    exit of the config pixels_32, pixels_64, ...: previews. Raises ModelError when a graph and
    torch disagree.
    """
    generator = generator.float().cpu().eval().requires_grad_(False)
    names = set(generator.state_dict())
    mapping = serialized(_export_mapping(generator), names)
    synthesis = serialized(_export_synthesis(generator), names)
    return Graphs(mapping, synthesis, _check(generator, mapping, synthesis))


def _told(data: bytes) -> dict[str, Any]:
    """Digest, inputs and outputs of one graph; a size that is left open has a name."""
    import onnx

    graph = onnx.load_model_from_string(data).graph
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [_port(item) for item in graph.input],
        "outputs": [_port(item) for item in graph.output],
        "weights": len(graph.initializer),
    }


def _port(item: Any) -> dict[str, Any]:
    import onnx

    kind = item.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    shape = [size.dim_param or size.dim_value for size in kind.shape.dim]
    return {"name": item.name, "type": str(dtype), "shape": shape}


def _export_mapping(generator: Any) -> Any:
    import torch

    class MappingGraph(torch.nn.Module):
        """The mapping network under the names of the whole generator."""

        def __init__(self) -> None:
            super().__init__()
            self.mapping = generator.mapping

        def forward(self, z: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
            w: torch.Tensor = self.mapping.w(z, c)
            return w

    config = generator.config
    inputs = {"z": torch.zeros(2, config.z_dim)}
    if config.c_dim:
        inputs["c"] = torch.zeros(2, config.c_dim)
    batch = torch.export.Dim("n")
    return run_exporter(
        MappingGraph().eval(), inputs, {name: {0: batch} for name in inputs}, list(inputs), ["w"]
    )


def _export_synthesis(generator: Any) -> Any:
    import torch

    class SynthesisGraph(torch.nn.Module):
        """Synthesis with the noise given, and its picture as bytes."""

        def __init__(self) -> None:
            super().__init__()
            self.synthesis = generator.synthesis

        def forward(
            self,
            ws: torch.Tensor,
            noises: list[torch.Tensor],
            transform: torch.Tensor | None = None,
            statistics: torch.Tensor | None = None,
        ) -> tuple[torch.Tensor, ...]:
            if exits:
                made = self.synthesis.pictures(ws, noises, config.resolution)
                images = dict(zip(config.resolutions, made, strict=True))
                image = images[config.resolution]
                return image, to_bytes(image), *(to_bytes(images[size]) for size in exits)
            given = {"transform": transform, "statistics": statistics}
            extras = {name: x for name, x in given.items() if x is not None}
            image = self.synthesis.with_noises(ws, noises, **extras)
            return image, to_bytes(image)

    config = generator.config
    exits: tuple[int, ...] = getattr(config, "exits", ())
    family = family_of(config)
    noises = [torch.zeros(1, 1, size, size) for _, size in family.noisy_layers(config)]
    inputs = {"ws": torch.zeros(2, config.num_ws, config.w_dim), "noises": noises}
    shapes: dict[str, Any] = {"ws": {0: torch.export.Dim("n")}, "noises": [{} for _ in noises]}
    names = ["ws", *(f"noise_{index}" for index in range(len(noises)))]
    if family.TRANSFORM is not None:
        inputs["transform"], shapes["transform"] = torch.eye(3), {}
        names.append("transform")
    rows = family.statistics_at(config, 1.0)
    if rows is not None:
        inputs["statistics"], shapes["statistics"] = torch.from_numpy(rows), {}
        names.append("statistics")
    outputs = ["image", "pixels", *(f"pixels_{size}" for size in exits)]
    model = run_exporter(SynthesisGraph().eval(), inputs, shapes, names, outputs)
    # Traced with one map for the whole batch; ONNX broadcasts, so one for each picture works too.
    free_batch(model.graph, "noise_", "noise_n")
    return model


def run_exporter(
    module: Any,
    inputs: Mapping[str, Any],
    shapes: Mapping[str, Any],
    names: list[str],
    outputs: list[str],
) -> Any:
    """The exporter's onnx.ModelProto; inputs by the names of forward's arguments."""
    import torch

    with _quiet_exporter():
        program = torch.onnx.export(
            module,
            kwargs=dict(inputs),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=dict(shapes),
            input_names=names,
            output_names=outputs,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns of its own future and of packages that it could register."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def serialized(model: Any, weights: set[str]) -> bytes:
    """The graph without the named weights, as bytes."""
    data: bytes = without_weights(model, weights).SerializeToString(deterministic=True)
    return data


def _check(generator: Any, mapping: bytes, synthesis: bytes) -> int:
    """Compare both backends on one batch of two pictures with noise of their own."""
    import torch

    config = generator.config
    weights = {name: value.numpy() for name, value in generator.state_dict().items()}
    here, there = OnnxBackend(mapping, synthesis, weights), TorchBackend(generator, "cpu")
    source = np.random.RandomState(0)
    z = source.randn(2, config.z_dim).astype(np.float32)
    c = np.eye(2, config.c_dim, dtype=np.float32) if config.c_dim else None
    w = there.map(z, c)
    apart = float(np.abs(here.map(z, c) - w).max())
    ws = np.repeat(w[:, None], config.num_ws, axis=1)
    family = family_of(config)
    sizes = [size for _, size in family.noisy_layers(config)]
    noises = [source.randn(2, 1, size, size).astype(np.float32) * 0.1 for size in sizes]
    moved = None if family.TRANSFORM is None else np.eye(3, dtype=np.float32)
    rows = family.statistics_at(config, 0.7)
    pixels = here.pixels(ws, noises, moved, rows)
    largest = largest_difference(pixels, there.pixels(ws, noises, moved, rows))
    for size in here.exits:
        early = generator.synthesis.with_noises(
            torch.from_numpy(ws), [torch.from_numpy(noise) for noise in noises], size
        )
        preview = here.pixels(ws, noises, effort=Effort(size))
        largest = max(largest, largest_difference(preview, to_bytes(early).numpy()))
    if apart > 1e-3 or largest > BAR:
        raise ModelError(
            f"The ONNX graphs differ from torch by {apart:.2g} in w and by {largest} of 255 in "
            f"pixels; at most 0.001 and {BAR} are allowed.",
            "Keep the torch backend for this model, and report this.",
        )
    return largest
