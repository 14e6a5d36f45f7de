"""The name and version under which this program signs."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version

NAME = "Latent Atelier"
_SPECIFICATION = "2.2"
_FIRST_TO_TAKE_IT = (0, 38, 1)


def program_version() -> str:
    """The installed version, or "0" where the program runs without being installed."""
    try:
        return version("latent-atelier")
    except PackageNotFoundError:
        return "0"


def operating_system() -> str:
    """The kind of operating system, without its version: enough for a claim, and no more."""
    return platform.system() or "unknown"


def generator_info() -> dict[str, str]:
    """The program as a claim names it; the specification only where the library lets it stand."""
    told = {"name": NAME, "version": program_version(), "operating_system": operating_system()}
    found = tuple(int(part) for part in re.findall(r"\d+", version("c2pa-python"))[:3])
    if found >= _FIRST_TO_TAKE_IT:
        told["specVersion"] = _SPECIFICATION
    return told
