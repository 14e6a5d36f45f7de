"""Measures an encoder: how near its one pass comes to pictures that nothing was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.cancel import CancelToken
from engine.editing.encoder import open_encoder
from engine.editing.invert import psnr_db
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.models.card import info_of, is_generator, read_card
from engine.models.opened import Model, open_model

COUNT, COUNT_QUICK = 500, 50
GENERATED_SEED, DRAWN_SEED = 4242, 11


def measure_encoder(
    folder: Path, root: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """PSNR in dB of held-out generated and drawn pictures. Raises ModelError."""
    from engine.portraits.dataset import portraits

    encoder = open_encoder(folder)
    model = _generator(read_card(folder)["config"].get("generator"), root)
    count = COUNT if full else COUNT_QUICK
    z = np.random.RandomState(GENERATED_SEED).randn(count, model.info.z_dim).astype(np.float32)
    made = model.pixels(model.map(z))
    drawn, _ = portraits(DRAWN_SEED, np.arange(count), model.info.resolution)
    scores: dict[str, Any] = {"count": count}
    for name, pixels in (("generated", made), ("drawn", drawn.permute(0, 2, 3, 1).numpy())):
        found = []
        for i in range(count):
            cancel.check()
            again = model.pixels(encoder.ws(pixels[i : i + 1]))[0]
            far = (again.astype(np.float64) - pixels[i]) / 127.5
            found.append(psnr_db(float(np.square(far).mean())))
            progress(Progress(f"encoding {name} pictures", (i + 1) / count))
        scores[f"psnr_db_{name}"] = round(float(np.mean(found)), 2)
    return scores


def _generator(sha256: Any, root: Path) -> Model:
    for folder in sorted(root.iterdir()):
        if (folder / "card.json").is_file():
            card = read_card(folder)
            if is_generator(card) and card["weights_sha256"] == sha256:
                return open_model(info_of(folder, card, bundled=True))
    raise ModelError(
        f"The generator that this encoder belongs to ({str(sha256)[:12]}) is not here.",
        "Train the encoder again: python main.py train portraits-encoder.",
    )
