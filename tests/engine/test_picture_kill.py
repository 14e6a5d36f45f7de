"""A run on pictures that is killed at any moment opens again, and lost one save at most.

The long form, by hand: ATELIER_KILLS=100 pytest tests/engine/test_picture_kill.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.course import PictureView
from engine.training.checkpoint import load_state
from engine.training.picture_run import CHECKPOINT, CURVES, PictureRun, folder_of, kept_runs
from engine.training_spec import TrainingSpec, with_value
from tests.engine.test_growth import small as growing
from tests.engine.test_picture_run import fill
from tests.engine.test_picture_run import small as plain

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("ATELIER_KILLS", "3"))
MOST_SAVES = 12

TRAINING = """
import sys
from pathlib import Path
from queue import SimpleQueue
from engine.cancel import CancelToken
from engine.training import picture_run
from engine.training_spec import TrainingSpec

picture_run.SHOW_S = 0.0
save = picture_run.PictureRun.save
def telling(run):
    save(run)
    print(run.game.images, flush=True)
picture_run.PictureRun.save = telling
spec = TrainingSpec.from_json(Path(sys.argv[1]).read_bytes())
picture_run.train_pictures(
    spec, Path(sys.argv[2]), lambda view: None, CancelToken(), SimpleQueue(), save_s=0.0
)
"""


def killed(spec_file: Path, root: Path, saves: int) -> int:
    """Train in another process, saving after every step; kill it at an unforeseen moment after so
    many saves. Returns the images of the last save that it told."""
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(spec_file), str(root)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(saves)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return int([line for line in told if line.endswith(b"\n")][-1])


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("make", [plain, growing], ids=["dcgan", "growing"])
def test_a_killed_run_opens_again_and_lost_one_save_at_most(tmp_path: Path, make: object) -> None:
    assert callable(make)
    folder = fill(tmp_path / "mine")
    spec: TrainingSpec = with_value(make(folder), "steps", 100_000)
    spec_file, root = tmp_path / "spec.json", tmp_path / "runs"
    spec_file.write_bytes(spec.canonical)
    rng = random.Random(0)
    before = 0
    for _ in range(ROUNDS):
        told = killed(spec_file, root, rng.randint(1, MOST_SAVES))
        path = folder_of(root, spec)
        assert told > before, "it went on where it was, and further"
        assert load_state(path / CHECKPOINT)["images"] >= told
        curves = json.loads((path / CURVES).read_text())
        assert curves["images"] >= told - spec.batch
        assert [kept.spec for kept in kept_runs(root)] == [spec]
        views: list[PictureView] = []
        run = PictureRun(spec, path, views.append)
        run.open(CancelToken())
        assert told <= run.game.images <= told + spec.batch
        assert len(views[-1].loss_d) > 0
        run.step()
        before = told
