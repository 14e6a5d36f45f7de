"""Results of a long measurement, kept line by line, so that one that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class KeptResults:
    """JSON values by name, in a file whose first line says what they are results of.

    path: None keeps them in memory alone. of: whatever the results depend on; a file of another
    is begun anew. Values are what JSON gives back: lists for tuples.
    """

    def __init__(self, path: Path | None, of: str) -> None:
        self._path = path
        self._found: dict[str, Any] = {}
        if path is None:
            return
        head = json.dumps({"of": of})
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if lines[:1] != [head]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + "\n", encoding="utf-8")
            return
        for line in lines[1:]:
            try:
                name, value = json.loads(line)
            except ValueError:
                continue  # the line that was being written when it was stopped
            self._found[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __getitem__(self, name: str) -> Any:
        return self._found[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._found[name] = value
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, value]) + "\n")


def digest_of(files: Iterable[Path]) -> str:
    """SHA-256 over the contents of these files, in the order of their names."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()
