"""The process in which untrusted files are read: what runs in it, and its parent's side.

The child gets a path and an empty folder. It leaves there what `result_file` writes, or a refusal;
its parent believes nothing else that it does. One that dies, or takes too long, is a refusal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from engine.cancel import CancelToken
from engine.checkpoints import limits
from engine.checkpoints.read_file import read_into
from engine.checkpoints.refusal import TOO_MUCH, UNSAFE, Refusal, refuse
from engine.checkpoints.result_file import CHECKED, REFUSAL, RESULT
from engine.checkpoints.sniff import Kind

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from engine.checkpoints.child import run; run(sys.argv[2], sys.argv[3], sys.argv[4])"
)
_POLL_S = 0.02


def run(path: str, folder: str, kind: Kind) -> None:
    """The child's whole life."""
    out = Path(folder)
    try:
        limits.limit_memory_and_time(Path(path).stat().st_size)
        limits.forbid_actions()
        read_into(Path(path), out, kind)
    except Refusal as error:
        _leave(out, error.what, error.remedy)
    except MemoryError:
        _leave(out, "it takes more memory to read than a checkpoint of its size should", TOO_MUCH)
    except OSError as error:
        _leave(out, f"it cannot be read ({error.strerror})", "Check the file and free disk space.")


def _leave(folder: Path, what: str, remedy: str) -> None:
    (folder / REFUSAL).write_text(json.dumps([what, remedy]), encoding="utf-8")


def read_in_child(path: Path, folder: Path, kind: Kind, cancel: CancelToken | None) -> None:
    """Have a child read the file; its result is in the folder then.

    Raises Refusal for what the child refused and for a child that did not come to an end;
    Cancelled when the token says so.
    """
    arguments = [sys.executable, "-I", "-c", _START, json.dumps(_import_paths())]
    process = subprocess.Popen(
        [*arguments, os.fspath(path.absolute()), os.fspath(folder), kind],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        cwd=folder,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # else Windows opens a console
    )
    try:
        _wait(process, folder, limits.copy_s(path.stat().st_size), cancel)
    finally:
        process.kill()
        process.wait()
    if (folder / REFUSAL).is_file():
        what, remedy = json.loads((folder / REFUSAL).read_text(encoding="utf-8"))
        refuse(what, remedy)
    if process.returncode != 0 or not (folder / RESULT).is_file():
        refuse("reading it broke the process that tried, so it is taken for an attack", UNSAFE)


def _wait(
    process: subprocess.Popen[bytes], folder: Path, copy_s: float, cancel: CancelToken | None
) -> None:
    start = time.monotonic()
    while True:
        if cancel is not None:
            cancel.check()
        try:
            process.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            taken = time.monotonic() - start
        allowed = copy_s if (folder / CHECKED).is_file() else limits.REFUSE_S
        if taken > allowed:
            raise Refusal(
                f"it was not read within {allowed:.0f} seconds",
                "If you trust it, try again when this machine has less to do.",
            )


def _import_paths() -> list[str]:
    """Where the child finds this very engine, and then what its parent finds."""
    home = Path(__file__).resolve().parents[2]
    return [str(home), *(path for path in sys.path if path and Path(path).is_absolute())]
