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
from engine.portraits.captions import say
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

    def captions(
        self, index: Tensor, whole: float = WHOLE, withheld: float | None = None
    ) -> list[str]:
        """One of each of these pictures. whole: the share that tell everything; withheld: that are
        "", None for the plan's."""
        withheld = self.spec.dropout if withheld is None else withheld
        throws = torch.rand(len(index), 3, generator=self.rng).tolist()
        return [
            "" if silent < withheld else say(self.table[row], int(seed * 2**31), told < whole).text
            for row, (seed, told, silent) in zip(index.tolist(), throws, strict=True)
        ]

    def asked(self) -> tuple[Conditions, ...]:
        """The captions of the classes."""
        texts = [CAPTIONS[at % len(CAPTIONS)] for at in range(SHOWN)]
        return self.read(texts), self.read([""] * SHOWN)

    def read(self, texts: Sequence[str]) -> Conditions:
        """What the tower makes of texts, [n tokens width], as the network takes it."""
        return {"text": self.clip.read_texts(texts)}
