"""Pictures drawn once and read many times: a uint8 file beside the user's other caches."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import TrainingError

Source = Callable[[int, np.ndarray, int], tuple[Any, Any]]
"""(data seed, indices int64 [n], size in px) to (uint8 [n, 3, size, size], labels)."""

CHUNK = 500


def portraits_source() -> Source:
    """The renderer of the drawn data set."""
    from engine.portraits.dataset import portraits

    return portraits


def default_folder() -> Path:
    """The user's cache folder for drawn pictures."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("latent-atelier", appauthor=False)) / "portraits"


def drawn_pictures(
    source: Source,
    folder: Path,
    *,
    seed: int,
    count: int,
    size: int,
    cancel: CancelToken,
    on_drawn: Callable[[int, int], None],
) -> np.ndarray:
    """Open the file of `count` pictures uint8 [count, 3, size, size], drawing it when missing.

    A half-drawn file goes on where it stopped. Raises Cancelled when the user stops it and
    TrainingError when the folder cannot be written.
    """
    path = folder / f"seed{seed}-{count}-{size}px.npy"
    if path.exists():
        return _opened(path)
    partial, mark = path.with_suffix(".partial.npy"), path.with_suffix(".drawn")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        done = int(mark.read_text()) if partial.exists() and mark.exists() else 0
        mode = "r+" if done else "w+"
        shape = (count, 3, size, size)
        out = np.lib.format.open_memmap(partial, mode=mode, dtype=np.uint8, shape=shape)
        threads = torch.get_num_threads()
        # The renderer's many small steps run faster on one thread than on several.
        torch.set_num_threads(1)
        while done < count:
            cancel.check()
            indices = np.arange(done, min(done + CHUNK, count))
            out[indices] = np.asarray(source(seed, indices, size)[0])
            done += len(indices)
            mark.write_text(str(done))
            on_drawn(done, count)
        torch.set_num_threads(threads)
        out.flush()
        del out
        os.replace(partial, path)
        mark.unlink(missing_ok=True)
    except OSError as error:
        raise TrainingError(
            f"The picture cache in {folder} cannot be written: {error.strerror}.",
            "Choose another folder with --cache.",
        ) from error
    return _opened(path)


def _opened(path: Path) -> np.ndarray:
    pictures: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return pictures


def real_batch(
    pictures: np.ndarray, batch: int, resolution: int, top_gain: float, device: torch.device
) -> Float[Tensor, "batch 3 resolution resolution"]:
    """Random pictures as float32 [-1, 1], averaged down to `resolution`.

    top_gain below 1 blends them with their own half-size version, as the generator's are.
    Draws from torch's generator, so that a resumed run sees what it would have seen.
    """
    picked = torch.randint(0, len(pictures), (batch,)).numpy()
    images = torch.from_numpy(pictures[picked]).to(device).float() / 127.5 - 1.0
    factor = images.shape[2] // resolution
    if factor > 1:
        images = F.avg_pool2d(images, factor)
    if top_gain < 1.0:
        coarse = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="bilinear")
        images = torch.lerp(coarse, images, top_gain)
    return images
