"""What an attack did, in numbers and pictures: called in the worker process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.image.pixels import resize
from engine.perturbing import (
    Look,
    Perturb,
    Report,
    Survived,
    Transferred,
    VictimInfo,
)
from engine.recipe import Recipe
from engine.services.diffusion import Place
from engine.services.perturb import Lab, lab, perturb_image
from engine.services.victims import counterparts, info_of, victims
from engine.services.watermark_attacks import saved, scaled

Pixels = UInt8[np.ndarray, "height width 3"]
Damage = Callable[[Pixels], Pixels]
THUMB_PX = 96


def _turned(degrees: float) -> Damage:
    from PIL import Image

    def damage(pixels: Pixels) -> Pixels:
        turned = Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC)
        return np.asarray(turned)

    return damage


def _lit(gain: float) -> Damage:
    def damage(pixels: Pixels) -> Pixels:
        return np.clip(np.rint(pixels * gain), 0, 255).astype(np.uint8)

    return damage


def _small(share: float) -> Damage:
    """Made smaller, and back."""

    def damage(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        return resize(scaled(pixels, share), width, height, "bicubic")

    return damage


DAMAGES: tuple[tuple[str, Damage], ...] = (
    ("As it is", lambda pixels: pixels),
    ("JPEG 90", lambda pixels: saved(pixels, "JPEG", 90)),
    ("JPEG 75", lambda pixels: saved(pixels, "JPEG", 75)),
    ("JPEG 50", lambda pixels: saved(pixels, "JPEG", 50)),
    ("Resize 75 %", _small(0.75)),
    ("Resize 50 %", _small(0.5)),
    ("Turned 5°", _turned(5)),
    ("Turned 12°", _turned(12)),
    ("Brighter", _lit(1.2)),
    ("Darker", _lit(0.8)),
)


def look(place: Place, recipe: bytes, pixels: Pixels, hurry: bool, cancel: CancelToken) -> Look:
    """The pictures and the answers before and after. recipe: canonical, of a Perturb."""
    whole, node = node_of(recipe)
    result = perturb_image(place, node, pixels, False, hurry, cancel)
    room = lab(place)
    info = info_of(room.library, node.victim)
    victim = room.victim(info)
    before = victim.answers(pixels, node.question)
    after = victim.answers(result, node.question)
    change = result.astype(np.int16) - pixels
    largest = int(np.abs(change).max())
    gain = max(1, min(64, 100 // max(largest, 1)))
    shown = np.clip(128 + gain * change, 0, 255).astype(np.uint8)
    reached = victim.reached(before, after, node.question, node.target)
    rms = float(np.sqrt(np.square(change.astype(np.float64)).mean()))
    return Look(whole, pixels, shown, result, gain, before, after, largest, rms, reached)


def report(
    place: Place,
    recipe: bytes,
    pixels: Pixels,
    progress: OnProgress,
    cancel: CancelToken,
) -> Report:
    """What other networks say, and what damage leaves of it. recipe: canonical, of a Perturb."""
    whole, node = node_of(recipe)
    progress(Progress("Attacking", 0.0))
    result = perturb_image(place, node, pixels, False, False, cancel)
    room = lab(place)
    info = info_of(room.library, node.victim)
    rows = _transfer(room, info, node, pixels, result, cancel)
    cells = []
    victim = room.victim(info)
    for index, (name, damage) in enumerate(DAMAGES):
        cancel.check()
        progress(Progress(name, 0.3 + 0.7 * index / len(DAMAGES)))
        damaged = damage(result)
        answers = victim.answers(damaged, node.question)
        plain = victim.answers(damage(pixels), node.question)
        # Damage alone may change an answer: what the attack does is told against that.
        holds = victim.reached(plain, answers, node.question, node.target)
        side = max(damaged.shape[:2])
        height, width = (max(1, round(n * THUMB_PX / side)) for n in damaged.shape[:2])
        cells.append(Survived(name, resize(damaged, width, height), answers[0], plain[0], holds))
    return Report(whole, rows, tuple(cells))


def _transfer(
    room: Lab,
    info: VictimInfo,
    node: Perturb,
    pixels: Pixels,
    result: Pixels,
    cancel: CancelToken,
) -> tuple[Transferred, ...]:
    infos = {one.key: one for one in victims(room.library)}
    rows = []
    for key, question in [
        (info.key, node.question),
        *counterparts(room.library, info, node.question),
    ]:
        cancel.check()
        victim = room.victim(infos[key])
        before = victim.answers(pixels, question)[0]
        after = victim.answers(result, question)[0]
        asked = "" if question in ("class", "mark") else question.replace("_", " ")
        rows.append(Transferred(infos[key].title, asked, before, after, key == info.key))
    return tuple(rows)


def node_of(recipe: bytes) -> tuple[Recipe, Perturb]:
    """A canonical Recipe of a Perturb, read again."""
    whole = Recipe.from_json(recipe)
    assert isinstance(whole.image, Perturb)
    return whole, whole.image
