"""Where the models lie that come with the program."""

from __future__ import annotations

from pathlib import Path

import engine


def bundled_folder() -> Path:
    """resources/models of this installation, or of this checkout."""
    return Path(engine.__file__).resolve().parent.parent / "resources" / "models"
