"""The window on a real X server: once, so that no test rests on the offscreen platform alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual screen of this test's own."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed; `make test` installs it on Debian as root")
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield ":" + told.readline().strip()
    finally:
        screen.terminate()
        screen.wait(10)


def test_the_window_opens_on_a_real_screen(display: str, tmp_path: Path) -> None:
    shot = tmp_path / "window.png"
    environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run(
        [sys.executable, "main.py", "--screenshot", str(shot)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    with Image.open(shot) as picture:
        assert picture.width >= 1280
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 1000
