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

from engine.recipe import Recipe, Space

Quality = Literal["preview", "full"]
BackendName = Literal["onnx", "torch"]
Tier = Literal["recipe", "commitment", "disclosure"]
Use = Literal["data_mining", "ai_inference", "ai_training", "ai_generative_training"]
USES: tuple[Use, ...] = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")
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

    backend: "onnx", "torch" or None for the best here. quality: "preview" allows short cuts while
    the user drags. Two requests are equal when Recipe and settings are.
    """

    quality: Quality = "full"
    backend: BackendName | None = None
    precision: Literal["float32", "float16", "bfloat16"] = "float32"


@dataclass(frozen=True, eq=False)
class Frame:
    """One finished picture. pixels: uint8 [height, width, 3], C-contiguous, never written again."""

    pixels: UInt8[np.ndarray, "height width 3"]
    recipe: Recipe
    settings: RenderSettings
    backend: BackendName
    quality: Quality
    render_s: float


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
class Labelled:
    """A generated picture that the user marked as having more, or less, of something."""

    recipe: Recipe
    more: bool


@dataclass(frozen=True)
class DirectionWish:
    """Which directions are to be found, by one method.

    method: "sefa", "stylespace", "boundary", "labels" or "activations". layers: w layers that SeFa
    factorises and that its directions move, None for all. count: how many are kept. attribute: of
    a boundary or of style channels; hold: attributes that a boundary leaves alone. region: left,
    top, right, bottom in shares of the picture, for style channels that change that place alone.
    space: z or w, of a boundary. marks, name: for "labels". samples: pictures that are looked at.
    """

    method: str
    layers: tuple[int, ...] | None = None
    count: int = 8
    attribute: str = ""
    hold: tuple[str, ...] = ()
    region: tuple[float, float, float, float] | None = None
    space: Space = "w"
    marks: tuple[Labelled, ...] = ()
    name: str = ""
    samples: int = 2000


@dataclass(frozen=True)
class InvertWish:
    """A picture whose latent is to be found.

    target: any image expression, such as a crop of a photo. steps: of the search with a w for each
    layer, after half as many in w; of w alone where not layers_apart; 0 for the encoder's one pass,
    where there is an encoder. It is where a search starts, too. perceptual: compares looks,
    not pixels alone. tune_steps: of pivotal tuning, 0 for none. resume, step: the stored latent of
    a search that was stopped, and where it was.
    """

    model: str
    target: Recipe
    steps: int = 250
    layers_apart: bool = True
    perceptual: bool = True
    tune_steps: int = 0
    resume: str = ""
    step: int = 0


@dataclass(frozen=True)
class Inversion:
    """What a search found. step of steps: fewer when it was stopped. result: the stored latent."""

    recipe: Recipe
    step: int
    steps: int
    psnr_db: float
    result: str

    @property
    def finished(self) -> bool:
        """Whether the search went to its end."""
        return self.step >= self.steps


Spots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class DragWish:
    """Points of a picture and where they are to go: x, y in shares of the picture, 0 to 1.

    mask: discs x, y, radius of what may move; () for all of it. steps: at most.
    """

    recipe: Recipe
    handles: Spots
    targets: Spots
    mask: tuple[tuple[float, float, float], ...] = ()
    steps: int = 120


@dataclass(frozen=True)
class DragStep:
    """One step: the stored latent, and where the handles were."""

    result: str
    handles: Spots


@dataclass(frozen=True)
class Drag:
    """What a drag did. left_px: mean distance of the handles from their targets at its end."""

    wish: DragWish
    steps: tuple[DragStep, ...]
    left_px: float


@dataclass(frozen=True, eq=False)
class DragFrame:
    """A picture on the way of a drag, uint8 [r, r, 3], and where its handles are."""

    pixels: UInt8[np.ndarray, "r r 3"]
    handles: Spots
    step: int


@dataclass(frozen=True)
class ExportOptions:
    """size_px: the longer side of the exported picture, by a visible Resize; None keeps it.

    tier: what the manifest tells of the Recipe. passphrase_file: unlocks the signing key where
    there is neither keyring nor terminal. allowed_uses: what others may do with the picture by the
    words of its manifest; all else is not allowed. time_authority: the address of a time stamp
    authority (RFC 3161) to be asked when signing; "" asks none, and nothing leaves this machine.
    """

    size_px: int | None = 512
    tier: Tier = "recipe"
    title: str = ""
    passphrase_file: Path | None = None
    allowed_uses: tuple[Use, ...] = ()
    time_authority: str = ""


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
    """What an export left behind, and how it was made on this machine."""

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


@dataclass(frozen=True)
class Finding:
    """One line of a verification, in plain words. `ok` None means: told, not judged."""

    ok: bool | None
    text: str


@dataclass(frozen=True)
class Rerender:
    """How a fresh rendering of a manifest's Recipe compares with the file.

    identical: the unmarked pixels have the SHA-256 that the manifest states. largest_difference
    in 0..255 and psnr_db compare with the file's own pixels.
    """

    identical: bool
    largest_difference: int
    psnr_db: float
    text: str


@dataclass(frozen=True)
class MarkFound:
    """An invisible mark that was read. id: 40 bits; a pointer into a ledger, never a proof.

    confidence: in [0, 1].
    """

    id: int
    confidence: float
    algorithm: str = ""


@dataclass(frozen=True)
class LedgerMatch:
    """A row of this installation's ledger that a file is of, or may be of.

    by: "file" and "credentials" are certain; "watermark" and "looks" are possible matches, and
    score in [0, 1] says how alike the pictures are.
    """

    row: str
    by: Literal["file", "credentials", "watermark", "looks"]
    score: float
    created: str
    status: str
    path: Path
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Verdict:
    """What is known of a file, and no more than that.

    certificate: of the signer, JSON data. watermark, ledger: None where nothing was found or
    nobody looked. notes: about the reading itself.
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

    @property
    def known_recipe(self) -> Recipe | None:
        """The file's own Recipe, or the one that a private tier left in the ledger."""
        match = self.ledger
        if self.recipe is None and match is not None and match.by in ("file", "credentials"):
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
