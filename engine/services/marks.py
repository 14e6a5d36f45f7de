"""Which invisible mark an export takes, and all of them for whoever reads: ours, then TrustMark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.frame import ExportOptions, Mark, MarkFound
from engine.provenance.fingerprint import Pixels
from engine.services import marking, trustmark
from engine.services.trustmark import TrustMarks

Write = Callable[[Pixels, int], tuple[Pixels, Mark] | None]


def marking_of(
    options: ExportOptions, trustmarks: TrustMarks
) -> tuple[Write, Callable[[Pixels], str]]:
    """What marks an export, and what says why it did not.

    Raises UsageError where TrustMark is asked for and its networks are not there, CheckpointError
    or BackendError where they are not what they should be.
    """
    if options.mark == "trustmark" and options.watermark:
        return trustmarks.writer().mark, trustmark.why_none
    return marking.mark, marking.why_none


@dataclass(frozen=True)
class Readers:
    """Every reader of marks that is here."""

    trustmarks: TrustMarks

    def read(self, pixels: Pixels) -> MarkFound | None:
        """The mark of a picture, ours before any other."""
        return marking.read_mark(pixels) or self.trustmarks.read(pixels)

    def remarks(self) -> tuple[str, ...]:
        """What kept a reader from looking, once they were asked."""
        return self.trustmarks.problems

    def mark_again(self, pixels: Pixels, stated: Mark) -> Pixels | None:
        """The stated mark in the same pixels once more; None where nobody here can."""
        again = marking.mark_again(pixels, stated)
        return self.trustmarks.mark_again(pixels, stated) if again is None else again
