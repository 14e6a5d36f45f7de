"""The invisible mark in exports: which pictures get one, and what a reader makes of one."""

from __future__ import annotations

from typing import Any

from engine.frame import Mark, MarkFound
from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark import detect, embed

ALGORITHM = "org.latent-atelier.lattice.1"
ID_BYTES = 5
LEAST_SIDE_PX = 160
"""Below, an id does not even survive being saved as a JPEG; see docs/watermark.md."""
SURE_SIDE_PX = 256
CAPS_DB = (embed.LEAST_PSNR, 38.5, 37.0)
"""How visible a mark may be, one after the other, until it reads back."""


def mark(pixels: Pixels, id: int) -> tuple[Pixels, Mark] | None:
    """The picture with the id in it and what to state of it; None where no durable mark fits.

    Embeds, reads back, and embeds more strongly until that gives the id or the cap is reached.
    """
    if min(pixels.shape[:2]) < LEAST_SIDE_PX:
        return None
    for cap in CAPS_DB:
        made = embed.embed(pixels, id, cap)
        if detect.detect(made.pixels, search=False).id == id:
            parameters: dict[str, Any] = {"least_psnr_db": cap, "psnr_db": round(made.psnr, 2)}
            return made.pixels, Mark(ALGORITHM, id.to_bytes(ID_BYTES, "big"), parameters)
    return None


def of_frames(mark: Mark) -> Mark:
    """What a film states of the mark in its frames, whose strength differs."""
    return Mark(mark.algorithm, mark.value)


def mark_again(pixels: Pixels, stated: Mark) -> Pixels | None:
    """The same mark in the same pixels once more; None where it is not one of ours."""
    cap = stated.parameters.get("least_psnr_db")
    ours = stated.algorithm == ALGORITHM and len(stated.value) == ID_BYTES
    if not ours or not isinstance(cap, int | float) or not 30 <= cap <= 60:
        return None
    return embed.embed(pixels, int.from_bytes(stated.value, "big"), float(cap)).pixels


def why_none(pixels: Pixels) -> str:
    """Why `mark` gave none, for whoever exports."""
    short = min(pixels.shape[:2])
    if short < LEAST_SIDE_PX:
        return (
            f"No durable mark fits a picture of {short} px: a copy without its credentials is "
            f"found by its looks alone. Export at {SURE_SIDE_PX} px or more to have it marked."
        )
    return (
        "The picture is so busy that no invisible mark reads back: a copy without its credentials "
        "is found by its looks alone."
    )


def weakness(pixels: Pixels) -> str:
    """What is to be told of a mark in a picture of this size; "" where there is nothing."""
    short = min(pixels.shape[:2])
    if short >= SURE_SIDE_PX:
        return ""
    return (
        f"At {short} px the mark outlives light compression only. "
        f"Export at {SURE_SIDE_PX} px or more for a durable one."
    )


def read_mark(pixels: Pixels) -> MarkFound | None:
    """The mark in any picture, upright or not; None where there is none."""
    found = detect.detect(pixels)
    if found.id is None:
        return None
    return MarkFound(found.id, round(min(1.0, found.fit), 3), ALGORITHM)
