"""What all tests share: an empty home, an offscreen screen, and the switch that blocks Qt."""

from __future__ import annotations

import importlib.abc
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
BLOCK_QT = os.environ.get("ATELIER_BLOCK_QT") == "1"

# Tests never depend on time: a busy machine may be as slow as it likes.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


class _NoQt(importlib.abc.MetaPathFinder):
    """Refuses PySide6, so that the engine is shown to work where it is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in {"PySide6", "shiboken6"}:
            raise ModuleNotFoundError(f"{fullname} is blocked in this run", name=fullname)
        return None


if BLOCK_QT:
    sys.meta_path.insert(0, _NoQt())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare pytest-qt's settings where that plugin is switched off."""
    if BLOCK_QT:
        parser.addini("qt_api", "unused without Qt")
        parser.addini("qt_log_level_fail", "unused without Qt")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, and no way to the keyring of whoever runs the tests."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return folder
