"""What an export tells of itself beside its manifest: how it was made, in text and ledger."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine.errors import ExportError
from engine.frame import BackendName, Frame, Mark
from engine.image.codec import thumbnail
from engine.image.pixels import pixels_sha256
from engine.image.xmp import SOURCE_TYPES, packet
from engine.perturbing import Perturb
from engine.provenance.claim import Made
from engine.provenance.fingerprint import Pixels
from engine.provenance.likeness import SMALL_PX
from engine.provenance.origin import SourceType
from engine.provenance.program import NAME, program_version
from engine.recipe import walk

_PACKAGES: dict[BackendName, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "onnxruntime-gpu"),
    "torch": ("torch", "llvmlite"),
    "native": ("llvmlite",),
}

_SMALL_BYTES = 1500


def made_of(frame: Frame) -> Made:
    """How the picture was made. Raises ExportError for a preview."""
    if frame.quality != "full":
        raise ExportError("An export needs a render at full quality, got a preview.")
    height, width = frame.pixels.shape[:2]
    return Made(
        backend=frame.backend,
        versions=_versions(frame),
        pixels_sha256=pixels_sha256(frame.pixels),
        width=width,
        height=height,
        quality=frame.quality,
        how=frame.how,
    )


def _versions(frame: Frame) -> Mapping[str, str]:
    """The versions of what the pixels depend on."""
    found = {"latent-atelier": program_version()}
    attacked = any(isinstance(node, Perturb) for node in walk(frame.recipe.image))
    packages = dict.fromkeys((*_PACKAGES[frame.backend], *(("torch",) if attacked else ())))
    for package in ("numpy", "pillow", *packages):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def receipt_of(made: Made, mark: Mark | None, pixels: Pixels) -> dict[str, Any]:
    """The Receipt as it stays in the ledger; a small picture confirms what a mark says."""
    kept: dict[str, Any] = {**asdict(made), "versions": dict(made.versions)}
    kept["small"] = base64.b64encode(thumbnail(pixels, SMALL_PX, _SMALL_BYTES)).decode("ascii")
    if mark is not None:
        kept["watermark"] = {"alg": mark.algorithm, "parameters": dict(mark.parameters)}
    return kept


def xmp_of(kind: SourceType | None, when: str) -> bytes:
    """The XMP packet of an export. kind: of source, as IPTC names them."""
    source = None if kind is None else SOURCE_TYPES + kind
    return packet(source, f"{NAME} {program_version()}", when)


def text_of(kind: SourceType | None) -> dict[str, str]:
    """PNG text for readers that know neither XMP nor Content Credentials."""
    text = {"Software": f"{NAME} {program_version()}"}
    if kind == "algorithmicallyEnhanced":
        text["Source"] = "Altered by an algorithm"
    elif kind is not None:
        text["Source"] = "Made with a trained generative model"
    return text
