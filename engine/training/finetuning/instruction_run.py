"""Lessons in following instructions: the U-Net sees a portrait, and makes the one it should become
(Brooks et al., 2023). Both are drawn, so that they differ in what was asked for and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.portraits.attributes import sample
from engine.portraits.captions import Dice
from engine.portraits.instructions import STREAM, Edit, edited
from engine.training.cache import Source, default_folder, drawn_pictures
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.label_columns import columns_of
from engine.training.latent_run import LatentRun
from engine.training.noised_run import OnProgress
from engine.training.progress import Progress

WITHHELD = 0.05  # of instructions, of pictures, and of both (Brooks et al., 2023, section 3.2.1)


def instructed() -> Source:
    """What draws the portraits as they should become."""

    def draw(seed: int, rows: np.ndarray, size: int) -> tuple[Any, Any]:
        from engine.portraits.renderer import render

        table, _ = edited(sample(seed, rows), seed, rows)
        return (render(table, size) * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8), table

    return draw


class InstructionRun(LatentRun):
    """Over pairs of portraits. The picture's codes are shown as the encoder puts them out."""

    def prepare(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """Draw and encode what the portraits should become."""
        spec = self.spec
        after = drawn_pictures(
            instructed(),
            (spec.cache or default_folder()) / "instructed",
            seed=spec.data_seed,
            count=spec.portraits,
            size=spec.drawn_px,
            cancel=cancel,
            on_drawn=lambda done, count: on_progress(
                Progress(f"Drawing edited portraits {done}/{count}", done / count, 0.0, None)
            ),
        )
        self.after = self.kept_codes(after, "instructed-", on_progress, cancel)

    def telling(self, index: Tensor) -> list[tuple[str, Collection[str]]]:
        """See LatentRun: instructions, and what they change."""
        ways = torch.randint(0, 2**31, (len(index),), generator=self.rng).tolist()
        return [
            (self.asking(row, way), self.becoming[1][row].changes)
            for row, way in zip(index.tolist(), ways, strict=True)
        ]

    @cached_property
    def becoming(self) -> tuple[np.ndarray, list[Edit]]:
        """The table of what the portraits should become, and by which edits."""
        return edited(self.table, self.spec.data_seed, np.arange(len(self.table)))

    @cached_property
    def numbers(self) -> Float[Tensor, "n numbers"]:
        """See LatentRun: of what the portraits should become."""
        return columns_of(self.becoming[0])

    def clean(self, index: Tensor) -> Tensor:
        """The codes of what these portraits should become."""
        return self.after[index].float()

    def examples(self) -> tuple[Tensor, Conditions]:
        """Codes, instructions, and what is shown beside."""
        index = self.rows()
        chance = torch.rand(len(index), generator=self.rng)
        silent, blind = chance < 2 * WITHHELD, (chance >= WITHHELD) & (chance < 3 * WITHHELD)
        said = zip(self.telling(index), silent.tolist(), strict=True)
        texts = ["" if mute else text for (text, _), mute in said]
        beside = self.before(index) * (~blind)[:, None, None, None]
        return self.clean(index), {**self.read(texts), "beside": beside}

    def asked(self) -> tuple[Conditions, ...]:
        """What the first portraits should become, and the same without the words."""
        index = torch.arange(SHOWN) % len(self.codes)
        beside = {"beside": self.before(index)}
        texts = [self.asking(row, 0) for row in index.tolist()]
        return {**self.read(texts), **beside}, {**self.read([""] * SHOWN), **beside}

    def asking(self, row: int, way: int) -> str:
        """One of the ways to say what this portrait should become."""
        return self.becoming[1][row].words(self.table[row], Dice(way, row, STREAM + 1))

    def before(self, index: Tensor) -> Float[Tensor, "n c s s"]:
        """The codes of these portraits, not scaled."""
        return self.codes[index].float() / self.coder.scaling + self.coder.shift
