"""A contact sheet for every further kind of diffusion model that is here: a cascade, texts, holes,
instructions, variations, edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.cancel import CancelToken
from engine.controlling import Control, ControlInfo, Edges, Pose
from engine.denoising import (
    Classes,
    ClassifierFree,
    Conditioning,
    Dab,
    Denoise,
    DenoiserInfo,
    Guidance,
    PerturbedAttention,
    PictureGuidance,
    Redraw,
    Texts,
    TextWeight,
    Upscale,
    square_of,
)
from engine.frame import Frame
from engine.likening import Likeness
from engine.recipe import ClassWeight, Image, ModelRef, Recipe, Seed
from engine.services.contact_sheet import Pixels, Row, Section, contact_sheet
from engine.services.demo_diffusion import Render

STEPS = 15
SEEDS = (2, 5)
SCALE, EDIT_SCALE, LIKE_SCALE, PICTURE_SCALE = 3.0, 4.0, 2.0, 1.0
TEXTS = (
    "a smiling woman with glasses",
    "an old man with a beard",
    "a young woman with long red hair",
    "a man with sunglasses",
    "a frowning woman with short black hair",
    "a bearded man turned to the left",
    "a woman with blond curls, facing right",
)
EDITS = (
    "add glasses", "make them smile", "make them old", "make the hair red",
    "turn the head to the left", "make the background blue",
)  # fmt: skip
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
HOLE = (Dab(0.5, 0.62, 0.2), Dab(0.4, 0.62, 0.18), Dab(0.6, 0.62, 0.18))


@dataclass
class Sheet:
    """One sheet while it is drawn. faces: two pictures that models may be shown, of any size."""

    render: Render
    info: DenoiserInfo
    faces: Sequence[tuple[Image, int]]
    cancel: CancelToken
    frames: list[Frame] = field(default_factory=list)

    @property
    def ref(self) -> ModelRef:
        """The model."""
        return ModelRef(self.info.name, self.info.sha256)

    def made(
        self, seed: int, conditioning: Conditioning, *guidance: Guidance, steps: int = STEPS
    ) -> Denoise:
        """What the model makes of noise."""
        return Denoise(self.ref, Seed(seed), conditioning, guidance, steps=steps)

    def picture(self, image: Image) -> Pixels:
        """Rendered, and noted for the sheet's Recipes."""
        self.cancel.check()
        frame = self.render(Recipe(image), cancel=self.cancel)
        self.frames.append(frame)
        return frame.pixels

    def face(self, index: int) -> Image:
        """One of the faces as large as the model draws."""
        image, side = self.faces[index]
        return square_of(image, side, side, self.info.begins_px)


def asked(text: str) -> Texts:
    """One text."""
    return Texts((TextWeight(text),))


def of_texts(sheet: Sheet) -> Section:
    """Captions above, seeds at the left."""
    rows = [
        Row(
            f"seed {seed}",
            [
                sheet.picture(sheet.made(seed, asked(t), ClassifierFree(SCALE, Texts())))
                for t in TEXTS
            ],
        )
        for seed in SEEDS
    ]
    return Section("Texts", f"guidance {SCALE:g}; a row shares its noise", rows, TEXTS)


def of_holes(sheet: Sheet) -> Section:
    """A face, and what its lower half may have been."""
    rows = []
    for index in range(len(sheet.faces)):
        made = (
            sheet.made(seed, Texts(), ClassifierFree(SCALE, Texts()))
            for seed in range(len(TEXTS) - 1)
        )
        redrawn = [sheet.picture(Redraw(sheet.face(index), one, 1.0, HOLE)) for one in made]
        rows.append(Row(f"face {index + 1}", [sheet.picture(sheet.face(index)), *redrawn]))
    return Section("Filled holes", "the mouth is drawn anew by six seeds", rows, sources=1)


def of_edits(sheet: Sheet) -> Section:
    """A face, and what becomes of it."""
    rows = []
    for index in range(len(sheet.faces)):
        terms = ClassifierFree(EDIT_SCALE, Texts()), PictureGuidance(PICTURE_SCALE)
        made = (sheet.made(SEEDS[0], asked(text), *terms) for text in EDITS)
        edited = [sheet.picture(Redraw(sheet.face(index), one, 1.0)) for one in made]
        rows.append(Row(f"face {index + 1}", [sheet.picture(sheet.face(index)), *edited]))
    note = f"guidance {EDIT_SCALE:g}"
    return Section("Instructions", note, rows, ("", *EDITS), sources=1)


def of_variations(sheet: Sheet) -> Section:
    """Others like a face, and the way from one face to the other under one noise."""
    free = ClassifierFree(LIKE_SCALE, Texts())
    varied = [
        sheet.picture(Redraw(sheet.face(0), sheet.made(seed, Texts(), free), 1.0))
        for seed in range(len(SHARES))
    ]
    blended = [
        sheet.picture(
            Redraw(sheet.face(0), sheet.made(0, Texts(), free, Likeness(sheet.face(1), share)), 1.0)
        )
        for share in SHARES
    ]
    rows = [
        Row("variations", [sheet.picture(sheet.face(0)), *varied]),
        Row("a blend", [sheet.picture(sheet.face(1)), *blended]),
    ]
    columns = ("", *(f"seed {seed}, {share:.0%}" for seed, share in enumerate(SHARES)))
    return Section("Like another", "a row shares its noise in the blend", rows, columns, sources=1)


def of_control(sheet: Sheet, control: ControlInfo) -> Section:
    """What is followed, and pictures of texts that follow it."""
    ref, rows, side = ModelRef(control.name, control.sha256), [], sheet.info.resolution
    followed: tuple[Image, ...] = tuple(Edges(sheet.face(at)) for at in range(len(sheet.faces)))
    if control.follows == "pose":
        followed = Pose(side, -0.7, 0.2), Pose(side, 0.6, -0.3, 0.3)
    for image in followed:
        terms = ClassifierFree(SCALE, Texts()), Control(ref, image)
        made = [sheet.picture(sheet.made(SEEDS[0], asked(text), *terms)) for text in TEXTS[:6]]
        rows.append(Row("follows", [sheet.picture(image), *made]))
    return Section(control.title, "each row follows its first picture", rows, ("", *TEXTS[:6]), 1)


def of_cascade(sheet: Sheet, base: DenoiserInfo) -> Section:
    """Pictures of the base, and what they become at twice and four times the size."""
    ref, count = ModelRef(base.name, base.sha256), len(base.classes)
    small = [
        Denoise(
            ref, Seed(seed), Classes((ClassWeight(seed % count),)),
            (ClassifierFree(2.0), PerturbedAttention(base.best_pag)), steps=STEPS,
        )
        for seed in range(7)
    ]  # fmt: skip
    twice = [Upscale(image, sheet.ref, Seed(1)) for image in small]
    four = [Upscale(image, sheet.ref, Seed(2)) for image in twice]
    stages: tuple[Sequence[Image], ...] = (small, twice, four)
    rows = [
        Row(f"{base.resolution << power} px", [sheet.picture(image) for image in images])
        for power, images in enumerate(stages)
    ]
    return Section("Cascade", "each stage enlarges the one above", rows)


def system_sheets(
    render: Render,
    models: Sequence[DenoiserInfo],
    controls: Callable[[DenoiserInfo], Sequence[ControlInfo]],
    faces: Sequence[tuple[Image, int]],
    cancel: CancelToken,
) -> Iterator[tuple[str, Frame, tuple[Recipe, ...]]]:
    """Name, sheet as a frame whose Recipe is that of its first picture, and all Recipes on it.

    models: those that come with the program. controls: the ControlNets beside each. faces: two
    square pictures with their sides, which models are shown.
    """
    for info in models:
        sheet = Sheet(render, info, faces, cancel)
        section = _section(sheet, models)
        if section is not None:
            yield _drawn(sheet, info.name, [section])
        for control in controls(info) if section is not None and not info.shown else ():
            along = Sheet(render, info, faces, cancel)
            yield _drawn(along, control.name, [of_control(along, control)])


def _section(sheet: Sheet, models: Sequence[DenoiserInfo]) -> Section | None:
    """What shows the model best; None for one of classes, which has a sheet of its own."""
    info = sheet.info
    if info.upsamples:
        base = next((m for m in models if m.classes and 2 * m.resolution == info.resolution), None)
        return None if base is None else of_cascade(sheet, base)
    shown = {"masked": of_holes, "picture": of_edits, "like": of_variations}
    if info.shown in shown:
        return shown[info.shown](sheet)
    return of_texts(sheet) if info.reads and not info.shown else None


def _drawn(
    sheet: Sheet, name: str, sections: Sequence[Section]
) -> tuple[str, Frame, tuple[Recipe, ...]]:
    info = sheet.info
    words = f"{info.name}, {info.resolution} px, weights {info.sha256[:16]}"
    pixels = np.ascontiguousarray(contact_sheet(info.title, words, [sections]))
    recipes = tuple(dict.fromkeys(frame.recipe for frame in sheet.frames))
    return name, replace(sheet.frames[0], pixels=pixels), recipes
