"""Opens TrustMark's published networks from the user's folder, once they were checked.

Nothing is fetched. A graph is checked without running it (`checkpoints.onnx_file`), its ports must
be those that were published, and its first run is a self test in a process with limits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.backends.network import Network
from engine.checkpoints.read import read_raw
from engine.errors import CheckpointError
from engine.provenance.trustmark.packet import BITS
from engine.provenance.trustmark.picture import SIDE, VARIANTS, Decoder, Encoder, Variant
from engine.services.trustmark_folder import letters_in, paths_of

MOST_BYTES = 2**30
_REMEDY = "Fetch the published networks again, encoder and decoder as .onnx."


@dataclass(frozen=True)
class Port:
    """One of the two networks. image, bits: its ports' names. side_px: None where it is open."""

    sha256: str
    image: str
    bits: str
    side_px: int | None
    output: str


@dataclass(frozen=True)
class Pair:
    """The two networks of a variant as they lie in a folder; nothing was run yet."""

    variant: Variant
    folder: Path
    encoder: Port
    decoder: Port

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the files."""
        return {"encoder_sha256": self.encoder.sha256, "decoder_sha256": self.decoder.sha256}

    @property
    def reads_px(self) -> int:
        """The side at which the decoder is shown a picture."""
        return self.decoder.side_px or self.variant.reads_px


def variants_in(folder: Path) -> tuple[Variant, ...]:
    """The variants of which both files are there; they are not looked into."""
    present = letters_in(folder)
    return tuple(variant for variant in VARIANTS if variant.letter in present)


def look_at(folder: Path, variant: Variant) -> Pair:
    """Check both files without running them. Raises CheckpointError."""
    encoder, decoder = paths_of(folder, variant.letter)
    return Pair(variant, folder, _encoder(encoder), _decoder(decoder))


def opened(pair: Pair, threads: int = 1) -> tuple[Encoder, Decoder]:
    """The networks as functions. Raises CheckpointError, BackendError."""
    writer, reader = (
        Network(_same(path, port.sha256), path.name, threads)
        for path, port in zip(
            paths_of(pair.folder, pair.variant.letter), (pair.encoder, pair.decoder), strict=True
        )
    )

    def encode(image: np.ndarray, bits: np.ndarray) -> np.ndarray:
        feed = {pair.encoder.image: image, pair.encoder.bits: bits}
        return _held(writer.run(pair.encoder.output, feed), (1, 3, SIDE, SIDE), "encoder")

    def decode(image: np.ndarray) -> np.ndarray:
        found = reader.run(pair.decoder.output, {pair.decoder.image: image})
        return _held(found, (1, BITS), "decoder").reshape(BITS)

    return encode, decode


def _held(values: np.ndarray, shape: tuple[int, ...], who: str) -> np.ndarray:
    if values.shape != shape or not np.isfinite(values).all():
        raise CheckpointError(
            f"TrustMark's {who} gives an array of shape {list(values.shape)[:6]}, expected finite "
            f"numbers of shape {list(shape)}.",
            _REMEDY,
        )
    return np.asarray(values, np.float32)


def _encoder(path: Path) -> Port:
    sha256, inputs, outputs = _facts(path)
    images = [name for name, port in inputs.items() if _fits(port, (1, 3, SIDE, SIDE))]
    bits = [name for name, port in inputs.items() if _fits(port, (1, BITS))]
    made = [name for name, port in outputs.items() if _fits(port, (1, 3, SIDE, SIDE))]
    if len(inputs) != 2 or len(images) != 1 or len(bits) != 1 or not made:
        _refuse(path, f"takes {_shapes(inputs)} and gives {_shapes(outputs)}")
    # Published exports give the picture first; some give the change after it.
    return Port(sha256, images[0], bits[0], SIDE, "image" if "image" in made else made[0])


def _decoder(path: Path) -> Port:
    sha256, inputs, outputs = _facts(path)
    images = [name for name, port in inputs.items() if _fits(port, (1, 3, None, None))]
    told = [name for name, port in outputs.items() if _fits(port, (1, BITS))]
    if len(inputs) != 1 or len(images) != 1 or not told:
        _refuse(path, f"takes {_shapes(inputs)} and gives {_shapes(outputs)}")
    high, wide = inputs[images[0]]["shape"][2:]
    side = high if type(high) is int else None
    if side is not None and (wide != side or not 64 <= side <= 1024):
        _refuse(path, f"looks at pictures of {wide} x {side}")
    return Port(sha256, images[0], "", side, told[0])


def _facts(path: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Digest, inputs and outputs of a graph that lies in one file."""
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        _refuse(path, f"is larger than {MOST_BYTES >> 20} MiB")
    raw = read_raw(path)
    if raw.format != "onnx":
        _refuse(path, f"is a file of the kind {raw.format}")
    init = raw.networks[0].init
    if init.get("beside"):
        _refuse(path, "keeps values in other files")
    return raw.source_sha256, init["inputs"], init["outputs"]


def _fits(port: Mapping[str, Any], shape: tuple[int | None, ...]) -> bool:
    """Whether a port is of float32 and of that shape, as far as its sizes are stated."""
    sizes = port["shape"]
    return (
        port["type"] == "float32"
        and len(sizes) == len(shape)
        and all(
            type(size) is not int or want is None or size == want
            for size, want in zip(sizes, shape, strict=True)
        )
    )


def _same(path: Path, sha256: str) -> bytes:
    """The bytes that were checked."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.", _REMEDY) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CheckpointError(f"{path.name} was changed while it was opened.", "Try again.")
    return data


def _shapes(ports: Mapping[str, Any]) -> str:
    return str([port["shape"] for port in ports.values()])[:120]


def _refuse(path: Path, words: str) -> NoReturn:
    raise CheckpointError(f"{path.name} is no network of TrustMark: it {words}.", _REMEDY)
