"""Exports a film: every frame rendered at full quality, written, signed, checked, put in place."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as File

from engine.cancel import CancelToken
from engine.errors import ExportError
from engine.frame import ExportOptions, Mark, OnProgress, Progress, Receipt
from engine.image.codec import thumbnail
from engine.image.film import FILM_MIMES, FILM_SUFFIXES, FilmName, writing
from engine.latent.tween import frame_of
from engine.path import Path
from engine.provenance.claim import Claim, OpenedPhoto
from engine.provenance.fingerprint import Pixels, fingerprints
from engine.provenance.keys import Unlocked
from engine.provenance.ledger import Row
from engine.provenance.origin import photos_of
from engine.provenance.sign import Signed, sidecar_of, sign_file
from engine.provenance.verify import read_credentials
from engine.recipe import Recipe, Resize
from engine.services.atomic_file import put_in_place, remove, write_temporary
from engine.services.export import Exporter
from engine.services.export_facts import made_of, receipt_of
from engine.services.marking import of_frames

THUMBNAIL_SIDE, THUMBNAIL_BYTES = 192, 8_000


@dataclass(frozen=True)
class FilmExporter:
    """Exports films by what exports one frame of them."""

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

        def make(identity: Unlocked, row: Row) -> Receipt:
            return self._make(path, row, format, options, identity, told, token)

        return self.stills.within_row(_spoken_for(path), file, options, make)

    def _make(
        self,
        path: Path,
        row: Row,
        format: FilmName,
        options: ExportOptions,
        identity: Unlocked,
        told: OnProgress,
        token: CancelToken,
    ) -> Receipt:
        first = self._sized(_spoken_for(path), options.size_px)
        mark: Mark | None = None
        with tempfile.TemporaryDirectory(prefix="atelier-film-") as folder:
            raw = File(folder) / f"film.{format}"
            with writing(raw, format, path.fps, bool(path.loop_s)) as film:
                for pixels in self._frames(path, options.size_px, told, token):
                    marked = self._marked(pixels, row, options)
                    mark = mark or (None if marked is None else of_frames(marked[1]))
                    film.add(pixels if marked is None else marked[0])
            data = raw.read_bytes()
        token.check()
        told(Progress("Signing", 0.94))
        frame = self.stills.render(first)
        made = made_of(frame)
        claim = Claim(
            id=row.id, recipe=first, made=made, when=row.created, tier=options.tier,
            thumbnail=thumbnail(frame.pixels, THUMBNAIL_SIDE, THUMBNAIL_BYTES),
            title=options.title or f"Film {row.id[:8]}", salt=row.salt, photos=self._photos(path),
            allowed_uses=options.allowed_uses, mark=mark, film=path,
        )  # fmt: skip
        signed = sign_file(data, FILM_MIMES[format], claim, identity, options.time_authority)
        told(Progress("Checking", 0.97))
        manifest = self._check(signed)
        write_temporary(row.temporary, signed.data)
        digest = hashlib.sha256(signed.data).hexdigest()
        self.stills.ledger.stage(
            row.id, recipe=first, sha256=digest, pixels_sha256=made.pixels_sha256,
            signer=identity.chain.fingerprint, manifest=manifest,
            fingerprints=fingerprints(frame.pixels), receipt=receipt_of(made, mark, frame.pixels),
        )  # fmt: skip
        token.check()
        if signed.sidecar:
            self._put_beside(row, signed.sidecar)
        put_in_place(row.temporary, row.path)
        told(Progress("Done", 1.0))
        words = [f"The credentials are in {sidecar_of(row.path).name}." if signed.sidecar else ""]
        if mark is None and options.watermark and self.stills.watermark is not None:
            words.append(self.stills.why_unmarked(frame.pixels))
        return Receipt(
            row.path, digest, made.pixels_sha256, first, frame.backend, made.versions, "own",
            row.id, identity.chain.name, " ".join(x for x in (*words, identity.notice) if x), mark,
        )  # fmt: skip

    def _marked(
        self, pixels: Pixels, row: Row, options: ExportOptions
    ) -> tuple[Pixels, Mark] | None:
        """The frame with the id of the film's row in it: any still of it leads to the row."""
        if self.stills.watermark is None or not options.watermark:
            return None
        return self.stills.watermark(pixels, row.mark)

    def _put_beside(self, row: Row, store: bytes) -> None:
        """The credentials of a film that holds none; there before the film is."""
        temporary = row.sidecar
        try:
            write_temporary(temporary, store)
            put_in_place(temporary, sidecar_of(row.path))
        finally:
            remove(temporary)

    def _frames(
        self, path: Path, size_px: int | None, told: OnProgress, token: CancelToken
    ) -> Iterator[Pixels]:
        began = time.monotonic()
        for index in range(path.frames):
            token.check()
            yield self.stills.render(self._sized(frame_of(path, index), size_px)).pixels
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

    def _check(self, signed: Signed) -> str:
        """The label of the manifest. Raises ExportError where the film does not verify."""
        found = read_credentials(
            signed.data,
            own_roots_pem=self.stills.identity.own_roots(),
            own_leaves=self.stills.identity.own_leaves(),
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
