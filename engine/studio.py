"""The one door of the engine, thin: each verb is handed to its service.

The window, the command line and scripts come in here. Opening it is cheap: nothing that computes
is imported before it is needed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.cancel import CancelToken
from engine.comparing import Grid
from engine.frame import (
    BackendName,
    ExportOptions,
    Frame,
    IdentityStatus,
    OnProgress,
    Receipt,
    Verdict,
)
from engine.path import Path as Film
from engine.project import Entry, Favourite, Project
from engine.recipe import Photo, Recipe
from engine.studio_projects import Projects

if TYPE_CHECKING:
    from engine.provenance.keys import Identity, Unlocked
    from engine.provenance.ledger import Ledger
    from engine.services.editor import Editor
    from engine.services.export import Exporter
    from engine.services.extracts import Extracts
    from engine.services.laboratory import Laboratory
    from engine.services.trustmark import TrustMarks

__all__ = ["Entry", "Favourite", "Project", "Studio", "default_home"]

LEDGER = "ledger.sqlite3"
HOME_VARIABLE = "LATENT_ATELIER_HOME"
EXPORT = ExportOptions()


def default_home() -> Path:
    """The user's data folder: LATENT_ATELIER_HOME where it is set, else the system's place."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("latent-atelier", appauthor=False))


class Studio(Projects):
    """Everything the program can do, for one data folder.

    home: the data folder; None for `default_home()`. backend: "onnx", "native", "torch", or None
    for the best of each model. passphrase: asks for the signing key's passphrase where there is no
    keyring; may answer None. signer: signs in place of the identity in the data folder; see
    services.identity.callback_signer. Methods may be called from several threads at once.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        backend: BackendName | None = None,
        passphrase: Callable[[], str | None] | None = None,
        signer: Unlocked | None = None,
    ) -> None:
        super().__init__(default_home() if home is None else Path(home), backend)
        self._passphrase = passphrase
        self._signer = signer
        self._making = threading.Lock()
        self._identity: Identity | None = None
        self._ledger: Ledger | None = None

    def export(
        self,
        recipe: Recipe,
        path: Path | str,
        options: ExportOptions = EXPORT,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render, sign, write and check a picture. Raises ExportError; then nothing is left."""
        exporter = self._exporter(options, cancel)
        return exporter.export(recipe, Path(path), options, progress, cancel)

    def export_film(
        self,
        film: Film,
        path: Path | str,
        options: ExportOptions = EXPORT,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render every frame, write, sign and check a film. Raises ExportError."""
        from engine.services.film import FilmExporter

        exporter = FilmExporter(self._exporter(options, cancel))
        return exporter.export(film, Path(path), options, progress, cancel)

    def export_sheet(
        self,
        sheet: Frame,
        recipes: Sequence[Recipe],
        path: Path | str,
        options: ExportOptions = EXPORT,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Sign, write and check a sheet that shows pictures of these Recipes. Raises ExportError.

        sheet: its pixels, and how its pictures were made; its Recipe is that of the first.
        """
        exporter = replace(
            self._exporter(options, cancel), render=lambda _: sheet, sheet=tuple(recipes)
        )
        whole = replace(options, size_px=None)
        return exporter.export(sheet.recipe, Path(path), whole, progress, cancel)

    def export_grid(
        self,
        grid: Grid,
        path: Path | str,
        options: ExportOptions = EXPORT,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> Receipt:
        """Render a comparison's pictures anew and export them as one labelled sheet.

        A private tier's sheet does not say what its texts are.

        Raises ExportError, and what rendering raises; then nothing is left.
        """
        from engine.services.grid import sheet_of

        plain = self._exporter(options, cancel)
        grid = grid if options.tier == "recipe" else grid.private()
        exporter = replace(
            plain,
            render=lambda _: sheet_of(grid, self.denoisers(), plain.render, progress, cancel),
            sheet=grid.recipes,
        )
        whole = replace(options, size_px=None)
        return exporter.export(grid.recipes[0], Path(path), whole, progress, cancel)

    def _exporter(self, options: ExportOptions, cancel: CancelToken | None) -> Exporter:
        from engine.services.export import Exporter
        from engine.services.marks import marking_of

        watermark, why_unmarked = marking_of(options, self.trustmarks)
        return Exporter(
            render=lambda wanted: self.render_anew(wanted, cancel=cancel),
            identity=self.identity,
            ledger=self.ledger,
            photo=self.store.get,
            resolution=self.library.resolution,
            watermark=watermark,
            why_unmarked=why_unmarked,
            parts=self.library.parts,
        )

    @cached_property
    def trustmarks(self) -> TrustMarks:
        """Adobe's TrustMark, where the user has its networks; opened when it is used."""
        from engine.services.trustmark import TrustMarks

        return TrustMarks(self.home)

    def has_trustmark(self) -> bool:
        """Whether TrustMark's networks are here, as far as their names tell."""
        from engine.services.trustmark_folder import folder_of, letters_in

        return bool(letters_in(folder_of(self.home)))

    def verify(
        self, path: Path | str, rerender: bool = False, anchors: Path | None = None
    ) -> Verdict:
        """What is known of a file. anchors: PEM of the roots to trust besides one's own."""
        from engine.services.lookup import Lookup
        from engine.services.marks import Readers
        from engine.services.verify import verify

        marks = Readers(self.trustmarks)
        return verify(
            Path(path),
            own_roots_pem=self.identity.own_roots(),
            own_leaves=self.identity.own_leaves(),
            anchors=anchors,
            render=self.render_anew if rerender else None,
            has_model=self.has_model,
            lookup=Lookup(self._ledger_to_ask, marks.read, self.extracts(anchors), marks.remarks),
            mark_again=marks.mark_again,
        )

    def report(self, verdict: Verdict, form: Literal["text", "json"]) -> str:
        """A verification in words, or as the stable JSON."""
        from engine.services.report import verdict_data, verdict_text

        if form == "text":
            return verdict_text(verdict)
        return json.dumps(verdict_data(verdict), indent=2, ensure_ascii=False) + "\n"

    def pictures_in(self, folder: Path) -> tuple[Path, ...]:
        """The picture files in a folder and below it, by their names. Raises ImageError."""
        from engine.services.verify_folder import pictures_in

        return pictures_in(folder)

    def extracts(self, anchors: Path | None = None) -> Extracts:
        """The signed ledger extracts of others that are kept here."""
        from engine.services.extracts import Extracts
        from engine.services.verify import read_roots

        roots = self.identity.own_roots() + ("" if anchors is None else read_roots(anchors))
        return Extracts(self.home / "extracts", roots, self.identity.own_leaves())

    def settle(self) -> tuple[str, ...]:
        """Settle what a crash left of exports; what is wrong with the ledger, in words.

        For the start of the program. Does nothing where nothing was exported yet.
        """
        ledger = self._ledger_to_ask()
        return () if ledger is None else ledger.problems

    def _ledger_to_ask(self) -> Ledger | None:
        """The ledger, where there is one: looking makes none."""
        return self.ledger if (self.home / LEDGER).exists() else None

    @property
    def identity(self) -> Identity:
        """The signing identity; made and unlocked only when something is signed."""
        with self._making:
            if self._identity is None:
                from engine.provenance.keys import Identity

                self._identity = Identity(self.home, self._passphrase, external=self._signer)
            return self._identity

    @property
    def ledger(self) -> Ledger:
        """The ledger of exports; the first use settles what a crash left. Raises LedgerError."""
        with self._making:
            if self._ledger is None:
                from engine.provenance.ledger import Ledger
                from engine.provenance.vault import system_vault

                self._ledger = Ledger(self.home / LEDGER, system_vault())
                self._ledger.reconcile()
            return self._ledger

    def identity_status(self) -> IdentityStatus:
        """Whether exports are signed, and by whom."""
        return self.identity.status()

    def renew_identity(self, passphrase_file: Path | None = None) -> IdentityStatus:
        """Replace key and certificates by new ones. Raises IdentityError."""
        self.identity.renew(passphrase_file)
        return self.identity.status()

    def use_certificate(
        self, file: Path, key: Path | None = None, secret: str | None = None
    ) -> IdentityStatus:
        """Sign with a certificate of one's own from now on; see services.identity.

        secret: the passphrase of its key. Raises IdentityError.
        """
        from engine.services.identity import use_certificate

        use_certificate(self.identity, file, key, secret=secret)
        return self.identity.status()

    def use_local_identity(self) -> IdentityStatus:
        """Go back to an identity made here. Raises IdentityError."""
        self.identity.use_local()
        return self.identity.status()

    def keep_photo(self, path: Path | str) -> str:
        """Read a picture safely and keep its bytes; returns their SHA-256. Raises ImageError."""
        from engine.image.codec import read_bytes, read_picture

        data = read_bytes(Path(path))
        read_picture(data)
        return self.store.put(data)

    def open_photo(self, path: Path | str) -> tuple[Photo, int, int]:
        """Keep a picture from a file; as an image, its width and its height. Raises ImageError."""
        photo = Photo(self.keep_photo(path))
        height, width = self.render(Recipe(photo)).pixels.shape[:2]
        return photo, width, height

    @cached_property
    def edit(self) -> Editor:
        """Directions, inversion, dragging, text. The process that searches starts when needed."""
        from engine.services.editor import Editor

        return Editor(self.home, self.store, self.refresh)

    @cached_property
    def lab(self) -> Laboratory:
        """The training lab. Its process starts when needed."""
        from engine.services.laboratory import Laboratory

        return Laboratory(self.home, self.refresh)

    def stop_workers(self) -> None:
        """End the processes that were started; what they were doing ends as cancelled."""
        super().stop_workers()
        self.edit.close()
        self.lab.close()
