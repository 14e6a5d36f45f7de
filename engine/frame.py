"""The plain values that pass through the engine's door besides Recipes.

They hold no behaviour beyond what their fields say, so that the window, the command line and the
services can share them without knowing each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from engine.path import Path as Film
from engine.recipe import Recipe, Space

Pixels = UInt8[np.ndarray, "height width 3"]
Quality = Literal["preview", "full"]
BackendName = Literal["onnx", "torch", "native"]
Tier = Literal["recipe", "commitment", "disclosure"]
Use = Literal["data_mining", "ai_inference", "ai_training", "ai_generative_training"]
USES: tuple[Use, ...] = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")
MarkName = Literal["atelier", "trustmark"]
MatchBy = Literal["file", "credentials", "watermark", "looks"]
VerdictName = Literal[
    "own",
    "trusted",
    "intact-unverified",
    "expired",
    "invalid",
    "damaged",
    "none",
    "remote-not-checked",
]


@dataclass(frozen=True)
class RenderSettings:
    """How to render, as far as it is not part of the picture itself.

    backend: "onnx", "torch", "native" (kernels compiled for this processor) or None for the best
    here. quality: "preview" allows short cuts while the user drags. Two requests are equal when
    Recipe and settings are.
    """

    quality: Quality = "full"
    backend: BackendName | None = None
    precision: Literal["float32", "float16", "bfloat16"] = "float32"


@dataclass(frozen=True, eq=False)
class Frame:
    """One finished picture. pixels: uint8 [height, width, 3], C-contiguous, never written again.

    quality: "preview" where a short cut was taken. notice: what the user should know of how it
    was made, such as a graphics card that ran out of memory. how: in what way a diffusion
    model's networks were held in memory, "" for the usual way, and for a picture that was at hand.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    recipe: Recipe
    settings: RenderSettings
    backend: BackendName
    quality: Quality
    render_s: float
    notice: str = ""
    how: str = ""


@dataclass(frozen=True, eq=False)
class DenoisingStep:
    """What a diffusion model predicts while it runs. index from 0; pixels: as a Frame's."""

    index: int
    count: int
    pixels: UInt8[np.ndarray, "height width 3"]


OnStep = Callable[[DenoisingStep], None]


@dataclass(frozen=True)
class Progress:
    """How far long work is. fraction in [0, 1], or None while unknown; left_s: seconds to go."""

    stage: str
    fraction: float | None = None
    left_s: float | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class ModelInfo:
    """What the window and the command line need to know of a model without loading it."""

    name: str
    title: str
    family: str
    sha256: str
    resolution: int
    z_dim: int
    w_dim: int
    num_ws: int
    c_dim: int
    bundled: bool
    folder: Path
    card: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Anatomy:
    """What a generator has besides its sizes.

    family: as people write it. noisy: the side in pixels of each layer that takes noise, in the
    order they run. movable: whether the plane that it makes pictures on can be moved. classes: a
    name for each.
    """

    family: str = ""
    noisy: tuple[int, ...] = ()
    movable: bool = False
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One layer of a generator: its maps are [channels, height, width]."""

    name: str
    channels: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Activations:
    """What a layer answers to one picture, and which layers there are.

    pixels: uint8 [height, width, 3]; every channel a grey tile of `tile_px`, `columns` of them in a
    row, one pixel between them; darkest and brightest are the channel's own extremes.
    """

    layers: tuple[Layer, ...]
    layer: Layer
    columns: int
    tile_px: int
    pixels: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class DirectionInfo:
    """A latent direction. strength is counted in standard deviations along it.

    sha256 names the vector in the store; `low` and `high` bound its slider; `layers` limits it to
    those w layers, None means all. `space` is where it lives: z, w, or s, the styles. `scores`
    holds measured effects by attribute where known. `note` says in a line how it was found.
    """

    name: str
    label: str
    sha256: str
    model_sha256: str
    method: str
    low: float
    high: float
    layers: tuple[int, ...] | None = None
    scores: Mapping[str, float] = field(default_factory=dict, compare=False)
    space: Space = "w"
    note: str = ""


@dataclass(frozen=True)
class ExportOptions:
    """size_px: the longer side of the exported picture, by a visible Resize; None keeps it.

    tier: what the manifest tells of the Recipe. passphrase_file: unlocks the signing key where
    there is neither keyring nor terminal. allowed_uses: what others may do with the picture by the
    words of its manifest; all else is not allowed. time_authority: the address of a time stamp
    authority (RFC 3161) to be asked when signing; "" asks none, and nothing leaves this machine.
    watermark: whether an invisible mark is added, where one fits. mark: whose; "trustmark" needs
    Adobe's networks, see services.trustmark.
    """

    size_px: int | None = 512
    tier: Tier = "recipe"
    title: str = ""
    passphrase_file: Path | None = None
    allowed_uses: tuple[Use, ...] = ()
    time_authority: str = ""
    watermark: bool = True
    mark: MarkName = "atelier"


@dataclass(frozen=True)
class Mark:
    """An invisible mark that a picture carries.

    algorithm: its name, reverse domain. value: what a decoder gives back, as bytes. parameters:
    what is needed to put the same mark into the same pixels once more.
    """

    algorithm: str
    value: bytes
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """What an export left behind, and how it was made on this machine.

    mark: the invisible mark that the picture carries, if any.
    """

    path: Path
    sha256: str
    pixels_sha256: str
    recipe: Recipe
    backend: BackendName
    versions: Mapping[str, str]
    verdict: VerdictName
    ledger_id: str
    signer: str
    notice: str = ""
    mark: Mark | None = None


@dataclass(frozen=True)
class Finding:
    """One line of a verification, in plain words. `ok` None means: told, not judged."""

    ok: bool | None
    text: str


@dataclass(frozen=True)
class Rerender:
    """How a fresh rendering of a manifest's Recipe compares with the file.

    identical: the unmarked pixels have the SHA-256 that the manifest states. largest_difference
    in 0..255 and psnr_db compare with the file's own pixels. pixels: the fresh picture, marked
    again where the file says how. difference: from the file's own, grey, times `gain`.
    """

    identical: bool
    largest_difference: int
    psnr_db: float
    text: str
    pixels: Pixels | None = field(default=None, compare=False, repr=False)
    difference: Pixels | None = field(default=None, compare=False, repr=False)
    gain: int = 1


@dataclass(frozen=True)
class MarkFound:
    """An invisible mark that was read. id: 40 bits; a pointer into a ledger, never a proof.

    None where the mark is of a kind that others write, too, and this program did not write it;
    payload is then what it says, as its own kind states it. confidence: in [0, 1].
    """

    id: int | None
    confidence: float
    algorithm: str = ""
    payload: str = ""


@dataclass(frozen=True)
class LedgerMatch:
    """A row of this installation's ledger that a file is of, or may be of.

    by: "file" and "credentials" are certain; "watermark" and "looks" are possible matches, and
    score in [0, 1] says how alike the pictures are. receipt: how it was made, by the row.
    """

    row: str
    by: MatchBy
    score: float
    created: str
    status: str
    path: Path
    recipe: Recipe | None = None
    receipt: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_sure(self) -> bool:
        """Whether it is that row's file, and not only like it."""
        return self.by in ("file", "credentials")


@dataclass(frozen=True)
class Verdict:
    """What is known of a file, and no more than that.

    certificate: of the signer, JSON data. watermark, ledger: None where nothing was found or
    nobody looked. notes: about the reading itself. thumbnails: of ingredients, by their place in
    the tree as it is walked, depth first.
    """

    path: Path
    verdict: VerdictName
    headline: str
    findings: tuple[Finding, ...]
    signer: str | None = None
    signed_at: str | None = None
    recipe: Recipe | None = None
    claim: Mapping[str, Any] = field(default_factory=dict)
    rerender: Rerender | None = None
    certificate: Mapping[str, Any] = field(default_factory=dict)
    watermark: MarkFound | None = None
    ledger: LedgerMatch | None = None
    notes: tuple[str, ...] = ()
    thumbnails: Mapping[int, Pixels] = field(default_factory=dict, compare=False, repr=False)

    @property
    def film(self) -> Film | None:
        """What a film was rendered from, where its credentials tell it."""
        text = self.claim.get("film")
        return Film.from_json(text) if isinstance(text, str) else None

    @property
    def known_recipe(self) -> Recipe | None:
        """The file's own Recipe, or the one that a private tier left in the ledger."""
        match = self.ledger
        if self.recipe is None and match is not None and match.is_sure:
            return match.recipe
        return self.recipe


@dataclass(frozen=True)
class IdentityStatus:
    """Whether exports are signed, and by whom."""

    exists: bool
    name: str
    fingerprint: str
    expires: str
    storage: Literal["keyring", "passphrase", "throwaway", "external", "none"]
    text: str
