"""Measures models that are shown a picture: what follows instructions, draws variations, or fills
holes. The judge looks at held-out portraits before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.denoising import DenoiserInfo
from engine.diffusion import guidance
from engine.diffusion.denoise import Hooks, Settings, denoise
from engine.frame import OnProgress, Progress
from engine.models.diffusion.condition import Condition, Told
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.perception.reader import Reader
from engine.portraits.attributes import CIRCLES, COLUMN, NAMED, sample
from engine.portraits.captions import Dice
from engine.portraits.classes import ATTRIBUTES, CAPTIONS, bits_of_class, class_bits
from engine.portraits.instructions import STREAM, Edit, edited
from engine.services.diffuse import to_pixels, to_tensor
from engine.services.picture_quality import REAL_SEED, Nearness, drawn_faces
from engine.training.finetuning.holes import masks

Pictures = UInt8[np.ndarray, "n 3 size size"]
Scores = Float32[np.ndarray, "n columns"]
STEPS = 25
COUNT, COUNT_QUICK = 500, 64
DRAWN, DRAWN_QUICK = 5000, 500
TEXT_SCALES, PICTURE_SCALES = (2.0, 4.0, 7.0), (1.0, 1.5)  # of edit instructions
TEXT_SCALE, PICTURE_SCALE = 4.0, 1.0  # of them, those that the bars are held to
LIKE_SCALE, FILL_SCALE = 2.0, 2.0
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a blend
KEPT = 0.15  # of an attribute's range: a change below it is none
SLACK = 0.1  # a step back smaller than this is noise, in units of the label table


@dataclass(frozen=True)
class Bench:
    """A model, the judge, and how to tell of progress."""

    network: Any  # a LatentDenoiser, or one with a ControlNet beside it
    judge: Reader
    progress: OnProgress
    cancel: CancelToken

    def draw(
        self, seed: int, condition: Condition, terms: Sequence[Any]
    ) -> UInt8[np.ndarray, "3 size size"]:
        """A picture from the noise of a seed."""
        rng = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, *self.network.shape, generator=rng)
        settings, hooks = Settings(steps=STEPS), Hooks(cancel=self.cancel)
        made = denoise(self.network, noise, condition, terms, settings, hooks)
        with torch.no_grad():
            return to_pixels(self.network.pixels(made)).transpose(2, 0, 1)

    def show(self, picture: np.ndarray, inside: torch.Tensor | None = None) -> None:
        """Let the model see a picture."""
        self.network.show(to_tensor(picture.transpose(1, 2, 0)), inside)

    def tell(self, words: str, done: int, count: int) -> None:
        """How far it is. Raises Cancelled."""
        self.cancel.check()
        self.progress(Progress(words, done / count))


def measure_shown(
    info: DenoiserInfo, judge: Reader, full: bool, progress: OnProgress, cancel: CancelToken
) -> dict[str, Any]:
    """By what the model is shown; see the three below."""
    bench = Bench(LatentDenoiser(info), judge, progress, cancel)
    measure = {"picture": instructions, "like": variations, "masked": fillings}[info.shown]
    return measure(bench, full)


def instructions(bench: Bench, full: bool) -> dict[str, Any]:
    """The share of edits that change what they name by more than half of the way, and of other
    named attributes that stay within KEPT, by both scales."""
    count = COUNT if full else COUNT_QUICK
    rows = np.arange(count)
    table = sample(REAL_SEED, rows)
    _, edits = edited(table, REAL_SEED, rows)
    texts = [
        edit.words(row, Dice(REAL_SEED, int(at), STREAM + 1))
        for edit, row, at in zip(edits, table, rows, strict=True)
    ]
    before = drawn_faces(bench.network.info.resolution, count, bench.progress, bench.cancel)
    was, curve = bench.judge.scores(before), {}
    pairs = [(t, p) for t in TEXT_SCALES for p in PICTURE_SCALES]
    for text_scale, picture_scale in pairs if full else [(TEXT_SCALE, PICTURE_SCALE)]:
        made = np.stack([
            _instructed(bench, before[i], texts[i], i, text_scale, picture_scale, count)
            for i in range(count)
        ])  # fmt: skip
        found = _followed(bench.judge, edits, was, bench.judge.scores(made))
        curve[f"text {text_scale:g}, picture {picture_scale:g}"] = found
    best = f"text {TEXT_SCALE:g}, picture {PICTURE_SCALE:g}"
    return {"count": count, "steps": STEPS, "at": best, **curve[best], "scales": curve}


def _instructed(
    bench: Bench,
    picture: np.ndarray,
    text: str,
    seed: int,
    text_scale: float,
    picture_scale: float,
    count: int,
) -> np.ndarray:
    bench.tell(f"edits at {text_scale:g} and {picture_scale:g}", seed, count)
    bench.show(picture)
    wanted = Told(((text, 1.0),))
    terms = [
        guidance.classifier_free(wanted, Told(()), text_scale),
        guidance.classifier_free(Told(()), Told((), picture=False), picture_scale),
    ]
    return bench.draw(seed, wanted, terms)


def _followed(judge: Reader, edits: Sequence[Edit], was: Scores, now: Scores) -> dict[str, Any]:
    by_name: dict[str, list[bool]] = {}
    kept: list[np.ndarray] = []
    columns = judge.columns
    at = [columns.index(name) for name in NAMED]
    spans = np.array([columns.items[i].span for i in at])
    for edit, before, after in zip(edits, was, now, strict=True):
        if edit.name in columns.names:
            i = columns.index(edit.name)
            reached = _reached(edit, columns.items[i].kind, float(before[i]), float(after[i]))
            by_name.setdefault(edit.name, []).append(reached)
        moved = np.abs(after[at] - before[at]) / spans
        others = np.array([name != edit.name for name in NAMED])
        kept.append(moved[others] <= KEPT)
    hits = [hit for found in by_name.values() for hit in found]
    return {
        "changed": round(float(np.mean(hits)), 4),
        "others_kept": round(float(np.concatenate(kept).mean()), 4),
        "changed_by_name": {name: round(float(np.mean(v)), 4) for name, v in by_name.items()},
    }


def _reached(edit: Edit, kind: str, before: float, after: float) -> bool:
    if kind == "categorical":
        return round(after) == round(edit.to)

    def far(value: float) -> float:
        miss = abs(value - edit.to)
        return min(miss, 1 - miss) if edit.name in CIRCLES else miss

    return far(after) < far(before) / 2


def variations(bench: Bench, full: bool) -> dict[str, Any]:
    """The share of the three attributes that variations keep, of those that captions get right
    where the prior thinks of the picture, and of blends of two portraits in which what parts them
    moves one way only."""
    count = COUNT if full else COUNT_QUICK
    faces = drawn_faces(bench.network.info.resolution, count, bench.progress, bench.cancel)
    said, made = [], []
    for i, face in enumerate(faces):
        bench.tell("variations", i, count)
        bench.show(face)
        said.append(bench.network.said_of(to_tensor(face.transpose(1, 2, 0)), 0))
        made.append(_like(bench, i))
    bits = class_bits(sample(REAL_SEED, np.arange(count)))
    kept = class_bits(_in_table(bench.judge, np.stack(made))) == bits
    monotone: list[bool] = []
    for i in range(0, count - 1, 2):
        bench.tell("blends", i, count)
        bench.show(faces[i])
        apart = np.flatnonzero(bits[i] != bits[i + 1])
        network = bench.network
        way = []
        for share in SHARES if len(apart) else ():
            toward = network.toward(said[i + 1], share)
            way.append(_like(replace(bench, network=toward), i))
        if way:
            seen = _in_table(bench.judge, np.stack(way))[:, [COLUMN[n] for n in ATTRIBUTES]]
            monotone += [_one_way(seen[:, k]) for k in apart]
    scores: dict[str, Any] = {"count": count, "steps": STEPS, "scale": LIKE_SCALE}
    if bench.network.info.thinks:
        scores["asked"] = _asked(bench, count)
    return scores | {
        "kept": round(float(kept.mean()), 4),
        "blends": len(monotone),
        "one_way": round(float(np.mean(monotone)), 4) if monotone else 0.0,
    }


def _asked(bench: Bench, count: int) -> float:
    """The share of the attributes of captions that the judge sees."""
    bench.network.forget()
    made = []
    for i in range(count):
        bench.tell("captions", i, count)
        text = ((CAPTIONS[i % len(CAPTIONS)], 1.0),)
        away = Told((), away=True)
        made.append(bench.draw(i, text, [guidance.classifier_free(text, away, LIKE_SCALE)]))
    wanted = np.stack([bits_of_class(i % len(CAPTIONS)) for i in range(count)])
    right = class_bits(_in_table(bench.judge, np.stack(made))) == wanted
    return round(float(right.mean()), 4)


def _like(bench: Bench, seed: int) -> np.ndarray:
    away = Told((), away=True)
    return bench.draw(seed, Told(()), [guidance.classifier_free(Told(()), away, LIKE_SCALE)])


def _one_way(values: np.ndarray) -> bool:
    """Whether values go from the first to the last without turning back."""
    whole = float(values[-1] - values[0])
    steps = np.diff(values) * np.sign(whole)
    return abs(whole) > SLACK and bool((steps > -SLACK).all())


def _in_table(judge: Reader, pictures: Pictures) -> Float32[np.ndarray, "n columns"]:
    """What the judge says, in the columns of the label table; 0 where it says nothing."""
    scores = judge.scores(pictures)
    table = np.zeros((len(pictures), len(COLUMN)), np.float32)
    for i, name in enumerate(judge.columns.names):
        table[:, COLUMN[name]] = scores[:, i]
    return table


def fillings(bench: Bench, full: bool) -> dict[str, Any]:
    """How near filled portraits come to drawn ones, and how far the rest of a picture moved, of
    255, before it is laid back."""
    count = COUNT if full else COUNT_QUICK
    side = bench.network.info.resolution
    near = Nearness(side, DRAWN if full else DRAWN_QUICK, bench.progress, bench.cancel)
    faces = near.others(count)
    inside = masks(count, side, torch.Generator().manual_seed(REAL_SEED))
    made, moved = [], []
    for i, face in enumerate(faces):
        bench.tell("holes", i, count)
        bench.show(face, inside[i : i + 1])
        away = guidance.classifier_free((), (), FILL_SCALE)
        found = bench.draw(i, (), [away])
        hole = inside[i].numpy() > 0
        if not hole.all():
            far = np.abs(found.astype(np.int16) - face)
            moved.append(float(far[np.broadcast_to(~hole, far.shape)].mean()))
        made.append(np.where(hole, found, face))
    return {
        "count": count, "steps": STEPS, "rest_moved": round(float(np.mean(moved)), 3),
        "quality": {"drawn": near.count, **near.of(np.stack(made).astype(np.uint8))},
    }  # fmt: skip
