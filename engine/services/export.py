"""One export: a Recipe becomes a signed picture file and a row in the ledger, or nothing at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ExportError, LedgerError
from engine.frame import (
    BackendName,
    ExportOptions,
    Frame,
    OnProgress,
    Progress,
    Receipt,
)
from engine.image.codec import encode, read_picture, thumbnail
from engine.image.formats import LOSSLESS, SUFFIXES, FormatName, sniff
from engine.image.pixels import pixels_sha256
from engine.image.xmp import SOURCE_TYPES, packet
from engine.provenance.claim import Claim, Made, OpenedPhoto
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.ledger import Ledger, Row
from engine.provenance.origin import photos_of, source_type
from engine.provenance.program import NAME, program_version
from engine.provenance.sign import check_time_authority, has_credentials, sign_picture
from engine.provenance.verify import Credentials, read_credentials
from engine.recipe import Crop, Generate, Image, ModelRef, Recipe, Resize
from engine.services.atomic_file import check_target, put_in_place, remove, write_temporary

_ENDINGS = ".png, .jpg, .webp, .tiff or .avif"
_THUMBNAIL_SIDE = 192
_THUMBNAIL_BYTES = 8_000
_PACKAGES: dict[BackendName, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "onnxruntime-gpu"),
    "torch": ("torch",),
}


@dataclass(frozen=True)
class Exporter:
    """What an export needs from the rest of the engine.

    render: renders a Recipe anew at full quality, never from the preview's cache. photo: the bytes
    of a picture in the store. resolution: the side of what a model makes, in pixels.
    """

    render: Callable[[Recipe], Frame]
    identity: Identity
    ledger: Ledger
    photo: Callable[[str], bytes]
    resolution: Callable[[ModelRef], int]

    def export(
        self,
        recipe: Recipe,
        path: Path,
        options: ExportOptions | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render, sign, check, and put the file at `path` in one step.

        A failure or a cancel leaves nothing at the path, or the file that was there before.
        Raises ExportError, IdentityError, LedgerError, Cancelled, and what `render` raises.
        """
        options = options or ExportOptions()
        format = _format_of(path)
        check_target(path)
        check_time_authority(options.time_authority)
        identity = self.identity.unlock(options.passphrase_file)
        salt = secrets.token_bytes(32) if options.tier == "commitment" else b""
        row = self.ledger.reserve(recipe, path, options.tier, salt)
        steps = _Steps(progress, cancel or CancelToken())
        done = False
        try:
            receipt = self._make(recipe, options, format, identity, row, steps)
            done = True
        finally:
            if not done:
                remove(row.temporary)
                with suppress(LedgerError):  # else it would hide what went wrong first
                    self.ledger.fail(row.id)
        return self._completed(receipt)

    def _make(
        self,
        recipe: Recipe,
        options: ExportOptions,
        format: FormatName,
        identity: Unlocked,
        row: Row,
        steps: _Steps,
    ) -> Receipt:
        steps.next("Rendering", 0.05)
        sized, frame = self._render(recipe, options.size_px)
        steps.next("Encoding", 0.6)
        made = _made(frame)
        picture = encode(frame.pixels, format, xmp=_xmp(sized, row.created), text=_text(sized))
        steps.next("Signing", 0.75)
        claim = Claim(
            id=row.id,
            recipe=sized,
            made=made,
            when=row.created,
            tier=options.tier,
            thumbnail=thumbnail(frame.pixels, _THUMBNAIL_SIDE, _THUMBNAIL_BYTES),
            title=options.title,
            salt=row.salt,
            photos=self._photos(sized),
            allowed_uses=options.allowed_uses,
        )
        signed = sign_picture(picture, f"image/{format}", claim, identity, options.time_authority)
        steps.next("Checking", 0.85)
        found = read_credentials(
            signed,
            own_roots_pem=self.identity.own_roots(),
            own_leaves=self.identity.own_leaves(),
        )
        _check(found, signed, claim, format)
        steps.next("Writing", 0.95)
        write_temporary(row.temporary, signed)
        digest = hashlib.sha256(signed).hexdigest()
        self.ledger.stage(
            row.id,
            recipe=sized,
            sha256=digest,
            pixels_sha256=made.pixels_sha256,
            signer=identity.chain.fingerprint,
        )
        steps.check()
        put_in_place(row.temporary, row.path)
        return Receipt(
            path=row.path,
            sha256=digest,
            pixels_sha256=made.pixels_sha256,
            recipe=sized,
            backend=frame.backend,
            versions=made.versions,
            verdict=found.verdict,
            ledger_id=row.id,
            signer=identity.chain.name,
            notice=identity.notice,
        )

    def _completed(self, receipt: Receipt) -> Receipt:
        """The file is in its place: a ledger that fails now is settled at the next start."""
        with suppress(LedgerError):
            self.ledger.complete(receipt.ledger_id)
        return receipt

    def _render(self, recipe: Recipe, size_px: int | None) -> tuple[Recipe, Frame]:
        """The Recipe with its visible Resize, and its picture."""
        if size_px is None:
            return recipe, self.render(recipe)
        size = self._size_of(recipe.image)
        if size is None:
            pixels = self.render(recipe).pixels
            size = (pixels.shape[1], pixels.shape[0])
        sized = _resized(recipe, size, size_px)
        return sized, self.render(sized)

    def _size_of(self, image: Image) -> tuple[int, int] | None:
        """Width and height where the expression tells them without being rendered."""
        if isinstance(image, Resize | Crop):
            return image.width, image.height
        if isinstance(image, Generate):
            side = self.resolution(image.model)
            return side, side
        return None

    def _photos(self, recipe: Recipe) -> tuple[OpenedPhoto, ...]:
        found = []
        for sha256 in photos_of(recipe):
            data = self.photo(sha256)
            kind = sniff(data)
            if kind is None:
                raise ExportError(f"The photo {sha256[:12]} is not a picture that is read here.")
            found.append(OpenedPhoto(data, kind.mime, has_credentials(data, kind.mime)))
        return tuple(found)


class _Steps:
    """Tells how far the export is, and stops it between two steps."""

    def __init__(self, progress: OnProgress | None, cancel: CancelToken) -> None:
        self._progress = progress
        self._cancel = cancel

    def check(self) -> None:
        self._cancel.check()

    def next(self, stage: str, fraction: float) -> None:
        self.check()
        if self._progress is not None:
            self._progress(Progress(stage, fraction))


def _format_of(path: Path) -> FormatName:
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise ExportError(
            f"Pictures are exported as {_ENDINGS}, got {path.suffix or 'no ending'!r}.",
            "Give the file a name with one of these endings.",
        )
    return found


def _resized(recipe: Recipe, size: tuple[int, int], longer_px: int) -> Recipe:
    """The Recipe at a longer side of `longer_px`: unchanged where it already has that."""
    width, height = size
    if max(size) == longer_px:
        return recipe
    scale = longer_px / max(size)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    return Recipe(Resize(recipe.image, new_width, new_height))


def _made(frame: Frame) -> Made:
    if frame.quality != "full":
        raise ExportError("An export needs a render at full quality, got a preview.")
    height, width = frame.pixels.shape[:2]
    return Made(
        backend=frame.backend,
        versions=_versions(frame.backend),
        pixels_sha256=pixels_sha256(frame.pixels),
        width=width,
        height=height,
        quality=frame.quality,
    )


def _versions(backend: BackendName) -> Mapping[str, str]:
    """The versions of what the pixels depend on."""
    found = {"latent-atelier": program_version()}
    for package in ("numpy", "pillow", *_PACKAGES[backend]):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _xmp(recipe: Recipe, when: str) -> bytes:
    kind = source_type(recipe)
    source = None if kind is None else SOURCE_TYPES + kind
    return packet(source, f"{NAME} {program_version()}", when)


def _text(recipe: Recipe) -> dict[str, str]:
    """PNG text for readers that know neither XMP nor Content Credentials."""
    text = {"Software": f"{NAME} {program_version()}"}
    if source_type(recipe) is not None:
        text["Source"] = "Made with a trained generative model"
    return text


def _check(found: Credentials, signed: bytes, claim: Claim, format: FormatName) -> None:
    """Refuse to hand out what would not verify as what it claims to be."""
    told = claim.tier != "recipe" or found.recipe == claim.recipe
    kept = format not in LOSSLESS or pixels_sha256(read_picture(signed)) == claim.made.pixels_sha256
    bad_parent = any(part["faults"] for part in found.claim.get("ingredients", ()))
    if bad_parent and found.verdict == "invalid":
        raise ExportError(
            "The photo's own credentials do not pass, so no picture can vouch for it.",
            "Save the photo again without credentials, and open that file.",
        )
    if found.verdict != "own" or not told or not kept:
        raise ExportError(
            f"The export does not verify ({found.verdict}), so it was not kept.",
            "Try again; if it stays, renew the signing identity.",
        )
