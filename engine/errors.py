"""The tree of errors that the engine raises on purpose.

Every error says what is wrong, what was got, and what to do about it. The command line prints
`str(error)` and ends with exit code 1; the window shows `what` as a title and `remedy` below it.
"""

from __future__ import annotations


class AtelierError(Exception):
    """Something the user can understand and act on.

    what: one sentence with what is wrong and what was got, such as
        "psi must lie in [-2, 2], got 7.5."
    remedy: one sentence that says what to do, or "".
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class RecipeError(AtelierError):
    """A Recipe, or a value meant for one, is not well formed."""


class ModelError(AtelierError):
    """A model is missing, damaged, or does not fit what is asked of it."""


class CheckpointError(ModelError):
    """A checkpoint file cannot be read safely or holds something else."""


class DirectionError(AtelierError):
    """A direction is missing or belongs to another latent space."""


class StoreError(AtelierError):
    """The content-addressed store lacks an item or cannot keep one."""


class ProjectError(AtelierError):
    """A project file cannot be read or written."""


class ImageError(AtelierError):
    """A picture file is damaged, too large, or of a kind that is not read here."""


class ExportError(AtelierError):
    """An export could not be completed; nothing was left at its path."""


class IdentityError(AtelierError):
    """The signing identity is missing, locked, expired or damaged."""


class IdentityExpired(IdentityError):
    """The certificates of an identity made here have ended; renewing it is the remedy."""


class LedgerError(AtelierError):
    """The ledger of exports cannot be read or written."""


class BackendError(AtelierError):
    """A render or a job failed on this machine."""


class TrainingError(AtelierError):
    """A training run cannot start or go on."""


class UsageError(AtelierError):
    """The command line's words do not fit together; ends with exit code 2."""


class Cancelled(AtelierError):
    """The user stopped the work. Never shown as an error."""

    def __init__(self) -> None:
        super().__init__("Stopped on request.")
