"""Measures how well the aligner finds portraits that were turned, moved and scaled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.perception.aligner import Lie, corners_of, open_aligner

COUNT, COUNT_QUICK = 500, 60
DATA_SEED = 11  # nothing was trained on this data set
WRONG_PX = 8.0  # of 64: farther off than this is another place
EXTENT = 1.6


def measure_aligner(
    folder: Path,
    full: bool,
    progress: OnProgress,
    cancel: CancelToken,
    count: int | None = None,
) -> dict[str, Any]:
    """Held-out drawn portraits, turned by up to 45 degrees, at a third to nine tenths of a larger
    picture; the same flat on other grounds; and grounds without a portrait.

    corners_px: mean distance of the frame's corners, of 64 px. degrees: mean. unsure: the share of
    portraits that it does not vouch for; wrong_and_sure: that it vouches for and misses by more
    than 8 px. Errors are means over those it vouches for, medians over all.
    """
    aligner = open_aligner(folder)
    count = count or (COUNT if full else COUNT_QUICK)
    source = np.random.RandomState(31)
    apart, turns, sure, took = [], [], [], []
    for i in range(count):
        cancel.check()
        pixels, true = placed(source, i)
        began = time.perf_counter()
        found = aligner.find(pixels)
        took.append(time.perf_counter() - began)
        off = np.linalg.norm(corners_of(found.lie) - corners_of(true), axis=1).mean()
        apart.append(off / true.side * 64)
        turns.append(abs((found.lie.degrees - true.degrees + 180) % 360 - 180))
        sure.append(found.sure)
        progress(Progress("turned portraits", (i + 1) / count))
    vouched = np.array(sure)
    px, degrees = np.array(apart), np.array(turns)
    empty = [not aligner.find(ground(source, (240, 320))).sure for _ in range(max(20, count // 5))]
    return {
        "count": count,
        "corners_px": round(float(px[vouched].mean()), 3) if vouched.any() else 64.0,
        "corners_px_median_of_all": round(float(np.median(px)), 3),
        "degrees": round(float(degrees[vouched].mean()), 3) if vouched.any() else 180.0,
        "degrees_median_of_all": round(float(np.median(degrees)), 3),
        "unsure": round(float(1 - vouched.mean()), 4),
        "wrong_and_sure": round(float((vouched & (px > WRONG_PX)).mean()), 4),
        "grounds_unsure": round(float(np.mean(empty)), 4),
        "seconds": round(float(np.median(took)), 3),
    }


def placed(source: np.random.RandomState, index: int) -> tuple[UInt8[np.ndarray, "h w 3"], Lie]:
    """A held-out portrait somewhere in a picture, and where it lies.

    Every other one is drawn with what is around it; the rest are flat on another ground.
    """
    from engine.portraits.attributes import sample
    from engine.portraits.renderer import render

    height, width = source.randint(200, 321), source.randint(200, 321)
    short = min(height, width)
    side = float(source.uniform(0.35, 0.9) * short)
    room = max(0.0, short / 2 - side * 0.4)
    x, y = (size / 2 + source.uniform(-room, room) for size in (width, height))
    lie = Lie(float(x), float(y), side, float(source.uniform(-45, 45)))
    extent = EXTENT if index % 2 else 1.0
    drawn = render(sample(DATA_SEED, np.array([index])), round(side * extent), extent=extent)[0]
    flat = drawn.mul(127.5).add(127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    portrait = Image.fromarray(flat).convert("RGBA")
    turned = portrait.rotate(-lie.degrees, Image.Resampling.BICUBIC, expand=True)
    behind = ground(source, (height, width))
    if extent > 1:  # the drawing's own corner goes on
        behind = np.broadcast_to(flat[2, 2], (height, width, 3)).copy()
    picture = Image.fromarray(behind).convert("RGBA")
    corner = (round(lie.x - turned.width / 2), round(lie.y - turned.height / 2))
    whole = Image.new("RGBA", picture.size)
    whole.paste(turned, corner)
    picture.alpha_composite(whole)
    # Whole pixels moved it by less than one.
    moved = Lie(corner[0] + turned.width / 2, corner[1] + turned.height / 2, side, lie.degrees)
    return np.array(picture.convert("RGB")), moved


def ground(
    source: np.random.RandomState, size: tuple[int, int]
) -> UInt8[np.ndarray, "height width 3"]:
    """Soft clouds of a few colours, and a grain."""
    few = source.randint(2, 7)
    colours = source.randint(0, 256, (few, few, 3)).astype(np.uint8)
    cloud = Image.fromarray(colours).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    grain = source.randn(*size, 3) * source.uniform(0, 12)
    return np.asarray(np.clip(np.asarray(cloud) + grain, 0, 255), np.uint8)
