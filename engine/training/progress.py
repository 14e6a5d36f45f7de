"""What a long training run says about itself while it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """fraction: 0 to 1, or None when nobody knows the end; remaining_s likewise."""

    message: str
    fraction: float | None
    elapsed_s: float
    remaining_s: float | None


def append_line(path: Path, record: Mapping[str, object]) -> None:
    """Add one JSON line to a metrics file."""
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(record, sort_keys=True) + "\n")


def trim_lines(path: Path, images: int) -> None:
    """Drop the lines after `images`: a resumed run would write them a second time."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record.get("images", 0) <= images:
            kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")
