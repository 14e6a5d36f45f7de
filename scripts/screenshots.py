"""Makes the pictures of the README with the application itself: `python scripts/screenshots.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main() -> None:
    """Write docs/{explore,mixing,edit,train,attack,verify,contact-sheet}.png."""
    from desktop.app import take_screenshot
    from engine.recipe import Generate, Recipe, Seed, Truncate
    from engine.studio import Studio

    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="atelier-docs-") as folder:
        studio = Studio(Path(folder))
        name = studio.models()[0].name
        signed = Path(folder) / "portrait.png"
        studio.export(Recipe(Generate(studio.ref(name), Truncate(Seed(37), 0.7))), signed)
        take_screenshot(studio, docs / "explore.png")
        take_screenshot(studio, docs / "mixing.png", mode="light", scene="mixing")
        take_screenshot(studio, docs / "edit.png", scene="edit-find-effects")
        collapse = "train-collapse-wgan-gp"
        take_screenshot(studio, docs / "train.png", scene=collapse, wait_s=120)
        take_screenshot(studio, docs / "attack.png", scene="attack-transfer", wait_s=120)
        take_screenshot(studio, docs / "verify.png", scene="verify", file=signed)
        demo = Path(folder) / "demo"
        subprocess.run([sys.executable, ROOT / "main.py", "demo", "--out", demo], check=True)
        shutil.copy(demo / "contact_sheet.png", docs / "contact-sheet.png")


if __name__ == "__main__":
    main()
