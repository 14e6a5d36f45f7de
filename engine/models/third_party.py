"""Opens generators that came as an ONNX graph by somebody else.

The graph was checked without running it (`checkpoints.onnx_file`). Its ports must look like those
of a generator, and its first run happens in a child process with limits on memory and time; only
then is it run here.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.backends.graph_backend import GraphBackend, Ports, feed_of, run, session
from engine.backends.trial import ask, limit
from engine.errors import CheckpointError
from engine.models.layouts.onnx import OnnxConfig

FIRST_RUN_S = 60.0
SPARE_BYTES = 3 * 2**30
COPIES = 4  # of the file's size, for weights, packed weights and what is derived of them
MOST_SIDE = 4096
_REMEDY = "Give a graph from z or w to a picture of 1 or 3 channels."


def ports_of(facts: dict[str, Any], where: str) -> Ports:
    """What the declared inputs and outputs say. Raises CheckpointError for what is no generator.

    facts: "inputs" and "outputs" as OnnxFacts tells them. Sizes that are left open are settled by
    the first run.
    """
    sources: list[str] = []
    classes: list[str] = []
    for name, port in facts["inputs"].items():
        shape = port["shape"]
        usable = port["type"] == "float32" and len(shape) in (2, 3, 4)
        if not usable or not _is_size(shape[1]) or not all(_is_size(s) for s in shape[2:]):
            _refuse(where, f"takes {name[:40]!r} of type {port['type']} and shape {shape}")
        (classes if name in ("c", "label", "labels", "y", "class") else sources).append(name)
    if len(sources) != 1 or len(classes) > 1:
        _refuse(where, f"takes {len(facts['inputs'])} inputs, {len(sources)} of them unknown")
    shape = facts["inputs"][sources[0]]["shape"]
    if len(shape) == 4 and shape[2:] != [1, 1]:
        _refuse(where, f"takes pictures, of shape {shape}, and not a latent vector")
    image, last, channels = _image(facts["outputs"], where)
    kind = facts["outputs"][image]["type"]
    return Ports(
        source=sources[0],
        dim=shape[-1] if len(shape) == 3 else shape[1],
        rows={2: 1, 4: 0}.get(len(shape), shape[1]),
        batch=shape[0] if _is_size(shape[0]) else None,
        c=(classes[0], int(facts["inputs"][classes[0]]["shape"][1])) if classes else None,
        image=image,
        last=last,
        scale="bytes" if kind == "uint8" else "symmetric",
        resolution=0,
        channels=channels,
    )


def _image(outputs: dict[str, Any], where: str) -> tuple[str, bool, int]:
    """Name of the first picture, whether its channels come last, and how many there are."""
    for name, port in outputs.items():
        shape = port["shape"]
        if len(shape) == 4 and port["type"] in ("float32", "uint8", "float16"):
            for axis in (1, 3):
                if shape[axis] in (1, 3):
                    return name, axis == 3, int(shape[axis])
    shapes = {name[:40]: port["shape"] for name, port in outputs.items()}
    _refuse(where, f"gives {str(shapes)[:160]}, which is no picture")


def open_onnx(path: Path, facts: dict[str, Any]) -> tuple[OnnxConfig, GraphBackend]:
    """Run the graph once in a child, then open it here. Raises CheckpointError, BackendError."""
    config = try_onnx(path, facts)
    return config, GraphBackend(path, config.ports)


def try_onnx(path: Path, facts: dict[str, Any]) -> OnnxConfig:
    """Run the graph once in a child and say how it is used. Raises CheckpointError."""
    return OnnxConfig(_tried(path, ports_of(facts, path.name)), tuple(facts.get("beside", ())))


def _tried(path: Path, ports: Ports) -> Ports:
    given = (os.fspath(path.absolute()), json.dumps(asdict(ports)))
    try:
        answer = ask("engine.models.third_party", "first_run", *given, seconds=FIRST_RUN_S)
    except TimeoutError:
        _refuse(path.name, f"made no picture within {FIRST_RUN_S:.0f} seconds")
    if not isinstance(answer, dict):
        _refuse(path.name, "broke the process that tried it, or took more memory than it should")
    if "refused" in answer:
        _refuse(path.name, str(answer["refused"])[:240])
    side = int(answer["resolution"])
    return Ports(**{**asdict(ports), "scale": answer["scale"], "resolution": side})


def first_run(path: str, told: str) -> dict[str, Any]:
    """The child's whole life: two pictures, and what they say of the graph."""
    limit(SPARE_BYTES + COPIES * Path(path).stat().st_size, FIRST_RUN_S)
    plain = json.loads(told)
    ports = Ports(**{**plain, "c": plain["c"] and tuple(plain["c"])})
    try:
        return _judged(path, ports)
    except MemoryError:
        return {"refused": "takes more memory than it should"}
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent refuses the file
        words = getattr(error, "what", f"{type(error).__name__}: {error}")
        return {"refused": f"cannot be run: {str(words)[:200]}"}


def _judged(path: str, ports: Ports) -> dict[str, Any]:
    loaded = session(Path(path), 1)
    source = np.random.RandomState(0)
    made = []
    for _ in range(2):
        width = ports.dim + ports.classes
        ws = source.randn(ports.batch or 1, max(1, ports.rows), width).astype(np.float32)
        image = run(loaded, ports, feed_of(ports, ws))
        made.append(image.transpose(0, 3, 1, 2) if ports.last else image)
    shape = made[0].shape
    if made[0].ndim != 4 or shape[1] != ports.channels or shape[2] != shape[3]:
        return {"refused": f"gives an array of shape {list(shape)}, which is no square picture"}
    if shape[2] < 4 or shape[2] > MOST_SIDE:
        return {"refused": f"makes pictures of {shape[2]} px; 4 to {MOST_SIDE} are shown"}
    both = np.stack([np.asarray(image, np.float32) for image in made])
    if not np.isfinite(both).all():
        return {"refused": "gives numbers that are not finite"}
    if np.array_equal(both[0], both[1]):
        return {"refused": "gives the same picture for every input"}
    scale = ports.scale
    if scale != "bytes" and both.min() >= 0:
        scale = "unit" if both.max() <= 1.01 else "bytes"
    return {"resolution": int(shape[2]), "scale": scale}


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < 65536


def _refuse(where: str, words: str) -> NoReturn:
    raise CheckpointError(f"{where} is no generator: it {words}.", _REMEDY)
