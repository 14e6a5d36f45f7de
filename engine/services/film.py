"""Exports a film: every frame rendered at full quality, written, signed, checked, put in place."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path as File

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.errors import ExportError, LedgerError
from engine.frame import ExportOptions, Frame, OnProgress, Progress, Receipt
from engine.image.codec import thumbnail
from engine.image.film import FILM_MIMES, FILM_SUFFIXES, writing
from engine.latent.tween import frame_of
from engine.path import Path
from engine.provenance.claim import Claim, OpenedPhoto
from engine.provenance.film import SignedFilm, sidecar_of, sign_film
from engine.provenance.fingerprint import fingerprints
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.ledger import Ledger, Row
from engine.provenance.origin import photos_of
from engine.provenance.verify import read_credentials
from engine.recipe import Recipe, Resize
from engine.services.atomic_file import check_target, put_in_place, remove, write_temporary
from engine.services.export import Exporter
from engine.services.export_facts import made_of, receipt_of

THUMBNAIL_SIDE, THUMBNAIL_BYTES = 192, 8_000


@dataclass(frozen=True)
class FilmExporter:
    """What the export of a film needs from the rest of the engine. stills: exports one frame."""

    render: Callable[[Recipe], Frame]
    identity: Identity
    ledger: Ledger
    stills: Exporter

    def export(
        self,
        path: Path,
        file: File,
        options: ExportOptions,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Write the film to `file`: .mp4, .webm, .gif, .webp, or .png for a sequence of stills.

        The stills are NAME-0001.png and so on, each signed by itself. A failure or a cancel leaves
        nothing at the path of a film; of a sequence it leaves the stills that were done.
        Raises ExportError, IdentityError, LedgerError, Cancelled, and what a render raises.
        """
        told = progress or (lambda _: None)
        token = cancel or CancelToken()
        if file.suffix.lower() == ".png":
            return self._sequence(path, file, options, told, token)
        format = FILM_SUFFIXES.get(file.suffix.lower())
        if format is None:
            raise ExportError(
                f"Films are exported as .mp4, .webm, .gif, .webp or stills as .png, "
                f"got {file.suffix or 'no ending'!r}.",
                "Give the file a name with one of these endings.",
            )
        check_target(file)
        identity = self.identity.unlock(options.passphrase_file)
        said = _spoken_for(path)
        row = self.ledger.reserve(said, file, options.tier, b"")
        done = False
        try:
            receipt = self._make(path, row, format, options, identity, told, token)
            done = True
        finally:
            if not done:
                remove(row.temporary)
                with suppress(LedgerError):
                    self.ledger.fail(row.id)
        with suppress(LedgerError):
            self.ledger.complete(receipt.ledger_id)
        return receipt

    def _make(
        self,
        path: Path,
        row: Row,
        format: str,
        options: ExportOptions,
        identity: Unlocked,
        told: OnProgress,
        token: CancelToken,
    ) -> Receipt:
        first = self._sized(_spoken_for(path), options.size_px)
        with tempfile.TemporaryDirectory(prefix="atelier-film-") as folder:
            raw = File(folder) / f"film.{format}"
            with writing(raw, format, path.fps, bool(path.loop_s)) as film:  # type: ignore[arg-type]
                for pixels in self._frames(path, options.size_px, told, token):
                    film.add(pixels)
            data = raw.read_bytes()
        token.check()
        told(Progress("Signing", 0.94))
        frame = self.render(first)
        made = made_of(frame)
        photos = self._photos(path)
        claim = Claim(
            id=row.id, recipe=first, made=made, when=row.created, tier=options.tier,
            thumbnail=thumbnail(frame.pixels, THUMBNAIL_SIDE, THUMBNAIL_BYTES),
            title=options.title or f"Film {row.id[:8]}", photos=photos,
            allowed_uses=options.allowed_uses, film=path,
        )  # fmt: skip
        mime = FILM_MIMES[format]  # type: ignore[index]
        signed = sign_film(data, mime, claim, identity)
        told(Progress("Checking", 0.97))
        manifest = self._check(signed)
        write_temporary(row.temporary, signed.data)
        digest = hashlib.sha256(signed.data).hexdigest()
        self.ledger.stage(
            row.id, recipe=first, sha256=digest, pixels_sha256=made.pixels_sha256,
            signer=identity.chain.fingerprint, manifest=manifest,
            fingerprints=fingerprints(frame.pixels), receipt=receipt_of(made, None, frame.pixels),
        )  # fmt: skip
        token.check()
        if signed.sidecar:
            beside = sidecar_of(row.path)
            write_temporary(beside.with_name(f".{beside.name}.new"), signed.sidecar)
            put_in_place(beside.with_name(f".{beside.name}.new"), beside)
        put_in_place(row.temporary, row.path)
        told(Progress("Done", 1.0))
        notice = f"The credentials are in {sidecar_of(row.path).name}." if signed.sidecar else ""
        return Receipt(
            row.path, digest, made.pixels_sha256, first, frame.backend, made.versions, "own",
            row.id, identity.chain.name, notice or identity.notice,
        )  # fmt: skip

    def _frames(
        self, path: Path, size_px: int | None, told: OnProgress, token: CancelToken
    ) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        began = time.monotonic()
        for index in range(path.frames):
            token.check()
            yield self.render(self._sized(frame_of(path, index), size_px)).pixels
            passed = time.monotonic() - began
            left = passed / (index + 1) * (path.frames - index - 1)
            words = f"Frame {index + 1} of {path.frames}"
            told(Progress(words, 0.92 * (index + 1) / path.frames, left))

    def _sized(self, recipe: Recipe, size_px: int | None) -> Recipe:
        """The Recipe with its visible Resize; frames are square as their model makes them."""
        if size_px is None:
            return recipe
        return Recipe(Resize(recipe.image, size_px, size_px))

    def _photos(self, path: Path) -> tuple[OpenedPhoto, ...]:
        """The photos of every key, each once."""
        found: dict[str, OpenedPhoto] = {}
        for key in path.keys:
            recipe = Recipe(key.image)
            for sha256, photo in zip(photos_of(recipe), self.stills.photos(recipe), strict=True):
                found.setdefault(sha256, photo)
        return tuple(found.values())

    def _check(self, signed: SignedFilm) -> str:
        """The label of the manifest. Raises ExportError where the film does not verify."""
        found = read_credentials(
            signed.data,
            own_roots_pem=self.identity.own_roots(),
            own_leaves=self.identity.own_leaves(),
            beside=signed.sidecar,
        )
        if found.verdict != "own":
            raise ExportError(
                f"The film does not verify ({found.verdict}), so it was not kept.",
                "Try again; if it stays, renew the signing identity.",
            )
        return found.manifest

    def _sequence(
        self,
        path: Path,
        file: File,
        options: ExportOptions,
        told: OnProgress,
        token: CancelToken,
    ) -> Receipt:
        """One signed PNG a frame."""
        receipt: Receipt | None = None
        for index in range(path.frames):
            token.check()
            name = f"{file.stem}-{index + 1:04d}.png"
            still = self.stills.export(
                frame_of(path, index), file.with_name(name), options, None, token
            )
            receipt = receipt or still
            told(Progress(f"Frame {index + 1} of {path.frames}", (index + 1) / path.frames))
        assert receipt is not None
        return replace(receipt, notice=f"{path.frames} stills, each signed by itself.")


def _spoken_for(path: Path) -> Recipe:
    """The frame that a film's manifest tells of: the first one, or the first key from a photo."""
    for key in path.keys:
        recipe = Recipe(key.image)
        if photos_of(recipe):
            return recipe
    return frame_of(path, 0)
