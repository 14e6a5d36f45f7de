"""Measures a network that reads portraits: on held-out rows and on drawn counterfactuals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import OnProgress, Progress
from engine.perception.reader import Reader, open_reader, read_card

HELD_OUT = 4000
HELD_OUT_QUICK = 1000
CHUNK = 250
PAIRS = 200
PAIRS_QUICK = 50
PAIRS_SEED = 4  # no network was trained on this data set


def measure_reader(
    folder: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """The scores of a reading network: R2 or accuracy a column, and what it sees in pairs.

    Held-out rows follow the training rows of its own data set.
    """
    from engine.portraits.dataset import portraits

    card = read_card(folder)
    reader = open_reader(folder)
    try:
        seed, first = int(card["data"]["seed"]), int(card["data"]["rows"][1])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"The card of {folder.name} does not say what data trained it.") from error
    count = HELD_OUT if full else HELD_OUT_QUICK
    scores, labels = [], []
    for start in range(first, first + count, CHUNK):
        cancel.check()
        images, table = portraits(seed, np.arange(start, min(start + CHUNK, first + count)), 64)
        scores.append(reader.scores(images.numpy()))
        labels.append(table)
        progress(Progress("held-out portraits", min(1.0, (start + CHUNK - first) / count)))
    return {
        "held_out": {"seed": seed, "rows": [first, first + count]},
        "columns": reader.columns.quality(np.concatenate(scores), np.concatenate(labels)),
        "counterfactuals": counterfactuals(reader, PAIRS if full else PAIRS_QUICK, cancel),
    }


def counterfactuals(reader: Reader, pairs: int, cancel: CancelToken) -> dict[str, Any]:
    """Draw heads twice with one attribute changed, and read the change.

    Each row is one edited attribute: `seen`, the change read over the change drawn (1 is right),
    its sign right in the share `direction` of the pairs, and the mean size of the change read in
    each other named attribute, in shares of its range (0 is right).
    """
    from engine.portraits.attributes import NAMED

    rows: dict[str, Any] = {}
    for name in NAMED:
        cancel.check()
        before, after, drawn = edited_pairs(name, pairs)
        columns = reader.columns
        spans = np.array([columns.items[columns.index(n)].span for n in NAMED])
        at = [columns.index(n) for n in NAMED]
        change = (reader.scores(after) - reader.scores(before))[:, at] / spans
        own = change[:, NAMED.index(name)]
        rows[name] = {
            "seen": round(float(own.mean() / drawn), 4),
            "direction": round(float((own > 0.25 * drawn).mean()), 4),
            "others": {
                other: round(float(np.abs(change[:, i]).mean()), 4)
                for i, other in enumerate(NAMED)
                if other != name
            },
        }
    return {"seed": PAIRS_SEED, "pairs": pairs, "rows": rows}


def edited_pairs(name: str, pairs: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Pictures uint8 NCHW before and after the edit, and its size in shares of the range.

    A continuous attribute goes from 15 % to 85 % of its range, a binary one from 0 to 1. Heads
    whose gender presentation changes are clean-shaven, since no portrait has a beard otherwise.
    """
    from engine.portraits.attributes import ATTRIBUTES, COLUMN, sample

    attribute = ATTRIBUTES[COLUMN[name]]
    span = attribute.high - attribute.low
    near, far = (0.0, 1.0) if attribute.kind == "binary" else (0.15, 0.85)
    table = sample(PAIRS_SEED, np.arange(pairs))
    if name == "gender":
        table[:, COLUMN["facial_hair"]] = 0.0
    pictures = []
    for share in (near, far):
        table[:, COLUMN[name]] = attribute.low + share * span
        pictures.append(_drawn(table))
    return pictures[0], pictures[1], far - near


def _drawn(table: Float32[np.ndarray, "n columns"]) -> np.ndarray:
    from engine.portraits.renderer import render

    image = render(table, 64).numpy()
    return np.clip(np.rint(image * 127.5 + 127.5), 0, 255).astype(np.uint8)
