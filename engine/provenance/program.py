"""The name and version under which this program signs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

NAME = "Latent Atelier"


def program_version() -> str:
    """The installed version, or "0" where the program runs without being installed."""
    try:
        return version("latent-atelier")
    except PackageNotFoundError:
        return "0"


def operating_system() -> str:
    """The kind of operating system, without its version: enough for a claim, and no more."""
    return platform.system() or "unknown"
