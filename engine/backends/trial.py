"""Runs what is not trusted for the first time in a process of its own, with limits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_START = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "print(json.dumps(getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(*sys.argv[4:])))"
)


def ask(module: str, function: str, *arguments: str, seconds: float) -> Any:
    """What a function answers to texts, in JSON's terms; None where its process broke.

    The function limits its process itself, by `limit`. Raises TimeoutError.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _START, json.dumps(_paths()), module, function, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # else Windows opens a console
    )
    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    finally:
        process.kill()
        process.wait()
    try:
        return json.loads(told or b"null")
    except ValueError:
        return None


def limit(most_bytes: int, seconds: float) -> None:
    """Bound the memory and the processor time of this process, as far as the system can."""
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's clock remains
    for kind, value in ((resource.RLIMIT_AS, most_bytes), (resource.RLIMIT_CPU, int(seconds))):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            continue  # macOS refuses some of them


def _paths() -> list[str]:
    home = Path(__file__).resolve().parents[2]
    return [str(home), *(path for path in sys.path if path and Path(path).is_absolute())]
