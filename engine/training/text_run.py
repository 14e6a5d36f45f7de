"""A U-Net that makes pictures from what a CLIP's text tower makes of captions.

The tower stands as it is; what is learnt is to attend to its tokens (Rombach et al., 2022). A
caption is withheld now and then, so that guidance has a picture of nothing to move away from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.errors import TrainingError
from engine.perception.clip.open import open_clip
from engine.portraits.attributes import sample
from engine.portraits.captions import Said, say
from engine.portraits.classes import CAPTIONS
from engine.training.diffusion_run import DiffusionRun
from engine.training.diffusion_sheet import SHOWN, Conditions
from engine.training.diffusion_spec import TrainDiffusion

WHOLE = 0.5  # share of captions that tell everything there is to say


class TextRun(DiffusionRun):
    """Portraits, and one of many captions of each, another one every time."""

    def __init__(self, spec: TrainDiffusion, pictures: np.ndarray, labels: np.ndarray) -> None:
        if spec.teacher is None:
            raise TrainingError("A model that reads texts reads them through a CLIP.", "Name it.")
        self.clip = open_clip(spec.teacher)
        super().__init__(spec, pictures, labels)
        self.table = sample(spec.data_seed, np.arange(spec.portraits))

    def examples(self) -> tuple[Tensor, Conditions]:
        """Pictures and their captions; "" where one is withheld."""
        index = self.rows()
        return self.clean(index), self.read(self.captions(index))

    def captions(self, index: Tensor) -> list[str]:
        """One of each of these pictures; "" where it is withheld."""
        silent = torch.rand(len(index), generator=self.rng) < self.spec.dropout
        pairs = zip(self.sentences(index), silent.tolist(), strict=True)
        return ["" if mute else said.text for said, mute in pairs]

    def sentences(self, index: Tensor) -> list[Said]:
        """One sentence about each of these pictures."""
        throws = torch.rand(len(index), 2, generator=self.rng).tolist()
        return [
            say(self.table[row], int(seed * 2**31), told < WHOLE)
            for row, (seed, told) in zip(index.tolist(), throws, strict=True)
        ]

    def asked(self) -> tuple[Conditions, ...]:
        """The captions of the classes."""
        texts = [CAPTIONS[at % len(CAPTIONS)] for at in range(SHOWN)]
        return self.read(texts), self.read([""] * SHOWN)

    def read(self, texts: Sequence[str]) -> Conditions:
        """What the tower makes of texts, [n tokens width], as the network takes it."""
        return {"text": self.clip.read_texts(texts)}
