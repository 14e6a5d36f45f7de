"""How far pictures of the published pipelines are from the library's own, on random weights in the
published layout: the comparisons of the tests, run again and told as figures.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.figures import Figure

BAR = 1e-4  # of a picture's range
ENGINE = Path(__file__).parents[1] / "engine"
_COMPARED = re.compile(r"\bapart\(.*theirs|theirs.*\bapart\(", re.DOTALL)
_APART = re.compile(r"apart by at most (\S+)")


class _Heard:
    """Keeps the tests that compare pictures, and hears how far apart those were."""

    def __init__(self) -> None:
        self.apart: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if _compares(item)]

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = report.nodeid.partition("::test_")[2].partition("[")[0]
        if report.failed:
            self.failed.append(name)
        for found in _APART.findall(report.capstdout) if report.when == "call" else ():
            self.apart[name] = max(float(found), self.apart.get(name, 0.0))


def _compares(item: Any) -> bool:
    """Whether a test compares with a library's picture and holds the difference to the bar."""
    told = getattr(item, "callspec", None)
    held_to = BAR if told is None else told.params.get("most", BAR)
    return held_to <= BAR and _COMPARED.search(inspect.getsource(item.function)) is not None


def parity() -> Iterator[Figure]:
    """The largest difference of each comparison. Raises RuntimeError where one failed."""
    for path in sorted(ENGINE.glob("test_*.py")):
        if not _COMPARED.search(path.read_text()):
            continue
        heard = _Heard()
        with contextlib.redirect_stdout(io.StringIO()):
            # Rewriting assertions would warn of all that was imported before, and end the run.
            asked = ["-q", "-p", "no:cacheprovider", "--assert=plain", str(path)]
            code = pytest.main(asked, plugins=[heard])
        if heard.failed or code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            failed = ", ".join(heard.failed) or f"pytest ended with {int(code)}"
            raise RuntimeError(f"Comparisons failed in {path.name}: {failed}.")
        for name, found in heard.apart.items():
            yield Figure(name.replace("_", " "), found, "of 1", at_most=BAR)
