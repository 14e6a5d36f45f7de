"""The house keeps its shape: what starts must be light, and files hold one idea each."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("desktop/**/*.py"), ROOT / "main.py"])


@pytest.mark.parametrize("module", ["engine.studio", "desktop.app"])
def test_what_opens_the_window_does_not_import_torch(module: str) -> None:
    if module.startswith("desktop") and os.environ.get("ATELIER_BLOCK_QT") == "1":
        return
    heavy = "{'torch', 'onnx', 'diffusers', 'scipy', 'matplotlib'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350, "split it: more than 350 lines are two ideas"
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "say in a docstring what it is"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_names_say_what_they_mean(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare, f"without a docstring: {', '.join(bare)}"
