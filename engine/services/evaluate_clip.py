"""Measures a CLIP of Portraits: does it find the caption of a picture, and the picture of one?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress

if TYPE_CHECKING:
    from engine.perception.clip.model import Clip
    from engine.portraits.captions import Said

SEED = 6  # no network was trained on this data set
AMONG = 64
GROUPS, GROUPS_QUICK = 20, 4
# A pair of texts, and the attribute that tells whether the first one is true.
PAIRS = (
    ("a smiling face", "a frowning face", "smile"),
    ("an old person", "a young person", "age"),
    ("a woman", "a man", "gender"),
    ("a face with glasses", "a face without glasses", "eyeglasses"),
    ("a face turned to the right", "a face turned to the left", "yaw"),
)


def measure_clip(
    folder: Path, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """Retrieval among 64 held-out pairs, with captions that tell everything and with ordinary
    ones, and how often the truer of two texts is the nearer one."""
    from engine.perception.clip.open import open_clip
    from engine.portraits.captions import say
    from engine.portraits.dataset import portraits

    clip = open_clip(folder)
    groups = GROUPS if full else GROUPS_QUICK
    rows: dict[str, list[dict[str, float]]] = {"whole": [], "ordinary": []}
    seen, tables = [], []
    for group in range(groups):
        cancel.check()
        images, table = portraits(SEED, np.arange(group * AMONG, (group + 1) * AMONG), 64)
        looked = _seen(clip, images.numpy())
        seen.append(looked)
        tables.append(table)
        for kind, whole in (("whole", True), ("ordinary", False)):
            said = [say(row, group, whole) for row in table]
            rows[kind].append(retrieval(clip, looked, said, np.asarray(table)))
        progress(Progress("held-out pairs", (group + 1) / groups))
    return {
        "held_out": {"seed": SEED, "rows": [0, groups * AMONG], "among": AMONG},
        **{f"captions_{kind}": _mean(found) for kind, found in rows.items()},
        "pairs": truer(clip, np.concatenate(seen), np.concatenate(tables)),
    }


def _seen(clip: Clip, images: np.ndarray) -> Float32[np.ndarray, "n dim"]:
    import torch

    with torch.no_grad():
        return clip.embed_images(torch.from_numpy(images).float() / 127.5 - 1).numpy()


def retrieval(
    clip: Clip, seen: Float32[np.ndarray, "n dim"], said: list[Said], table: np.ndarray
) -> dict[str, float]:
    """Shares of a group: the first choice is the pair's own, and a caption that is first for a
    picture is at least as true of it."""
    texts = clip.embed_texts([one.text for one in said]).numpy()
    near = texts @ seen.T  # [caption picture]
    own = np.arange(len(seen))
    return {
        "picture_of_caption": float((near.argmax(1) == own).mean()),
        "caption_of_picture": float((near.argmax(0) == own).mean()),
        "caption_true": float(_fits(said, table)[near.argmax(0), own].mean()),
    }


def _fits(said: list[Said], table: np.ndarray) -> Bool[np.ndarray, "n n"]:
    from engine.portraits.captions import phrases_of

    known = [phrases_of(row) for row in table]
    return np.array([[one.fits(ways) for ways in known] for one in said])


def truer(
    clip: Clip, seen: Float32[np.ndarray, "n dim"], table: Float32[np.ndarray, "n columns"]
) -> dict[str, float]:
    """For each pair of texts, the share of pictures that are clearly one or the other for which
    the true one is the nearer."""
    from engine.portraits.attributes import ATTRIBUTES, COLUMN

    found = {}
    for one, other, name in PAIRS:
        attribute = ATTRIBUTES[COLUMN[name]]
        share = (table[:, COLUMN[name]] - attribute.low) / (attribute.high - attribute.low)
        clear = np.abs(share - 0.5) > 0.25
        first, second = clip.embed_texts([one, other]).numpy()
        right = (seen @ (first - second) > 0) == (share > 0.5)
        found[f"{one} | {other}"] = round(float(right[clear].mean()), 4)
    return found


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}
