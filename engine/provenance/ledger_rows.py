"""A row of the ledger: what the steps of one export say, taken together."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import psutil

from engine.frame import Tier
from engine.provenance.ledger_log import Entry

Status = Literal["pending", "done", "failed"]


@dataclass(frozen=True)
class Row:
    """One export. created: ISO 8601, UTC. recipe: the canonical text. Hashes are lower-case hex.

    mark: the id of 40 bits that an invisible mark carries. manifest: the label of the manifest.
    fingerprints: see the module of that name; b"" where there are none. receipt: how it was made.
    """

    id: str
    created: str
    status: Status
    path: Path
    temporary: Path
    owner: str
    recipe: str
    model: str
    tier: Tier
    salt: bytes
    signer: str
    sha256: str
    pixels_sha256: str
    mark: int = 0
    manifest: str = ""
    fingerprints: bytes = b""
    receipt: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sidecar(self) -> Path:
        """The temporary name of credentials that go beside the file."""
        return self.temporary.with_suffix(".c2pa.part")


def row_of(steps: Sequence[Entry]) -> Row:
    """The row that these steps make; a later step overrides an earlier one."""
    told: dict[str, Any] = {}
    for step in steps:
        told.update(step.body)
    staged = next((step for step in steps if step.step == "staged"), steps[0])
    last = steps[-1].step
    status = "pending" if last in ("pending", "staged") else last
    receipt = told.get("receipt")

    def text(name: str) -> str:
        return str(told.get(name, ""))

    return Row(
        id=steps[0].id,
        created=text("created"),
        status=cast(Status, status),
        path=Path(text("path")),
        temporary=Path(text("temporary")),
        owner=text("owner"),
        recipe=text("recipe"),
        model=text("model"),
        tier=cast(Tier, text("tier")),
        salt=_bytes(text("salt")),
        signer=text("signer"),
        sha256=staged.sha256,
        pixels_sha256=text("pixels_sha256"),
        mark=steps[0].mark,
        manifest=staged.manifest,
        fingerprints=staged.fingerprints,
        receipt=receipt if isinstance(receipt, dict) else {},
    )


def this_process() -> str:
    """Process id and start time: ids alone are used again."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def alive(owner: str) -> bool:
    """Whether the process of that name still runs."""
    pid, _, started = owner.partition(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except (psutil.Error, ValueError):
        return False


def is_ours(temporary: Path) -> bool:
    """Only names that this program gives are ever removed, whatever a row says."""
    return temporary.name.startswith(".atelier-") and temporary.name.endswith(".part")


def sha256_of(path: Path) -> str | None:
    """Of the file at the path, or None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
