"""How near made portraits come to drawn ones, by features of a network trained on photographs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.perception import imagenet
from engine.training.metrics import frechet_distance, precision_recall

NEIGHBOURS = 3
REAL_SEED = 3  # the data set of the real pictures; nothing was trained on it
CHUNK = 200
NEARNESS = ("precision", "recall", "frechet_distance")
Features = Float32[np.ndarray, "n d"]


def drawn_faces(
    size: int, count: int, progress: OnProgress, cancel: CancelToken, first: int = 0
) -> UInt8[np.ndarray, "n 3 size size"]:
    """Portraits that nothing was trained on, from that one on. Raises Cancelled."""
    from engine.portraits.dataset import portraits

    out = np.empty((count, 3, size, size), np.uint8)
    for start in range(0, count, CHUNK):
        cancel.check()
        rows = np.arange(start, min(start + CHUNK, count))
        out[rows] = portraits(REAL_SEED, first + rows, size)[0].numpy()
        progress(Progress("drawing faces", (int(rows[-1]) + 1) / count))
    return out


def features_of(
    images: UInt8[np.ndarray, "n 3 size size"],
    words: str,
    progress: OnProgress,
    cancel: CancelToken,
) -> Features:
    """What the network sees in them. Raises ModelError without its weights, Cancelled."""

    def named(told: Progress) -> None:
        progress(Progress(words, told.fraction, told.left_s))

    return imagenet.features(images, imagenet.load(), progress=named, cancel=cancel)


class Nearness:
    """How near made portraits come to so many drawn ones of that size, which are looked at once.
    Raises ModelError without the network's weights, Cancelled."""

    def __init__(self, size: int, count: int, progress: OnProgress, cancel: CancelToken) -> None:
        self.size, self.count, self.progress, self.cancel = size, count, progress, cancel
        self.real = self._features(drawn_faces(size, count, progress, cancel), "drawn")

    def others(self, count: int) -> UInt8[np.ndarray, "n 3 size size"]:
        """So many other drawn ones, for pictures to be made of: what is made of those that it is
        compared with comes near them without merit. Raises Cancelled."""
        return drawn_faces(self.size, count, self.progress, self.cancel, self.count)

    def of(self, made: UInt8[np.ndarray, "n 3 size size"]) -> dict[str, float]:
        """See `nearness`."""
        return nearness(self.real, self._features(made, "made"))

    def _features(self, images: UInt8[np.ndarray, "n 3 size size"], words: str) -> Features:
        return features_of(images, f"features of {words} faces", self.progress, self.cancel)


def nearness(real: Features, made: Features) -> dict[str, float]:
    """Improved precision and recall, and the Frechet distance, as a card states them."""
    precision, recall = precision_recall(real, made, NEIGHBOURS)
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "frechet_distance": round(frechet_distance(real, made), 3),
    }
