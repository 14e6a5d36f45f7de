"""A U-Net that makes codes of portraits from captions (Rombach et al., 2022)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import deepcopy
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.errors import TrainingError
from engine.models.diffusion.autoencoder import open_autoencoder
from engine.models.diffusion.tiny_decoder import TinyDecoder
from engine.perception.clip.text_tower import TextTower
from engine.training.cache import default_folder
from engine.training.checkpoint import load_weights, save_weights
from engine.training.codes import kept_codes
from engine.training.diffusion_sheet import Conditions
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.finetuning.begin import begin, begin_previews, begin_reading
from engine.training.label_columns import columns_about, columns_of
from engine.training.noised_run import OnProgress
from engine.training.progress import Progress
from engine.training.reading_lesson import Told, teach_reading
from engine.training.reading_unet import ReadingUNet
from engine.training.text_run import TextRun
from engine.training.tiny_lesson import teach_tiny

PREVIEWS = "tiny.safetensors"  # the tiny decoder, beside the checkpoint
READS = "reads.safetensors"  # the text tower, likewise


class LatentRun(TextRun):
    """As TextRun, over codes: all pictures are encoded before the first step, each once. Its text
    tower is its own where it learns to read; else it stays the CLIP's."""

    learns_to_read = True

    def __init__(
        self,
        spec: TrainDiffusion,
        pictures: np.ndarray,
        labels: np.ndarray,
        on_progress: OnProgress,
        cancel: CancelToken,
    ) -> None:
        if spec.autoencoder is None:
            raise TrainingError("A model of codes needs an autoencoder.", "Name its folder.")
        super().__init__(spec, pictures, labels)
        self.coder, _ = open_autoencoder(spec.autoencoder)
        self.codes = self.kept_codes(pictures, "", on_progress, cancel)
        self.shown = self.coder.pixels
        self.teach_previews(on_progress, cancel)
        if spec.reading:
            self.teach_reading(on_progress, cancel)
        self.prepare(on_progress, cancel)

    def network(self, spec: TrainDiffusion) -> nn.Module:
        """See DiffusionRun: the CLIP's tower is where reading begins."""
        return ReadingUNet(spec.unet, self.tower())

    def tower(self) -> TextTower:
        """A copy of the text tower of the CLIP that reads at first."""
        return deepcopy(self.clip.network.text_model)

    def begin(self, start: Path) -> None:
        """See DiffusionRun."""
        for network in (self.net, self.average):
            assert isinstance(network, ReadingUNet)
            begin(network.unet, start)
            if self.learns_to_read:
                begin_reading(network.tower, start)

    def read(self, texts: Sequence[str]) -> Conditions:
        """The tokens of texts."""
        return {"ids": self.ids(texts)}

    def ids(self, texts: Sequence[str]) -> Int64[Tensor, "n tokens"]:
        """The numbers of their tokens."""
        return torch.from_numpy(self.clip.tokens(texts).ids)

    def keep(self) -> None:
        """See NoisedRun; the tower, too."""
        super().keep()
        if isinstance(self.average, ReadingUNet):
            save_weights(self.spec.work / READS, self.average.tower, {})

    def teach_previews(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """A tiny decoder for the model that this becomes: that of the model it begins with, or a
        new one. Raises Cancelled, ModelError or TrainingError."""
        spec, path = self.spec, self.spec.work / PREVIEWS
        if path.is_file():
            return
        tiny = TinyDecoder(self.codes.shape[1], spec.drawn_px // spec.unet.resolution)
        if spec.start is None or not begin_previews(tiny, spec.start):
            tiny = teach_tiny(self.codes, self.pictures, spec.seed, on_progress, cancel)
        save_weights(path, tiny, {})

    def teach_reading(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """The text tower's own lesson. Raises Cancelled."""
        path, networks = self.spec.work / READS, (self.net, self.average)
        first, average = (network.get_submodule("tower") for network in networks)
        if not path.is_file():
            steps = self.spec.reading
            teach_reading(first, self.ids, self.told, steps, on_progress, cancel)
            save_weights(path, first, {})
        for tower in (first, average):
            load_weights(path, tower)

    def told(self, count: int) -> Told:
        """So many texts, the numbers of their portraits, and which they tell of."""
        index = torch.randint(0, len(self.table), (count,), generator=self.rng)
        texts, about = zip(*self.telling(index), strict=True)
        return Told(texts, self.numbers[index], torch.stack([columns_about(a) for a in about]))

    def telling(self, index: Tensor) -> list[tuple[str, Collection[str]]]:
        """A text for each of these pictures as the text tower is taught to read them, and what
        attributes it tells of."""
        return [(said.text, said.about) for said in self.sentences(index)]

    @cached_property
    def numbers(self) -> Float[Tensor, "n numbers"]:
        """What texts may be about, of all pictures."""
        return columns_of(self.table)

    def prepare(self, on_progress: OnProgress, cancel: CancelToken) -> None:
        """What else a kind of run needs before its first step. Raises Cancelled."""

    def kept_codes(
        self, pictures: np.ndarray, of: str, on_progress: OnProgress, cancel: CancelToken
    ) -> Tensor:
        """The codes of all pictures, see codes.py. Raises TrainingError, Cancelled."""
        spec = self.spec
        assert spec.autoencoder is not None

        def told(done: int, count: int) -> None:
            on_progress(Progress(f"Encoding portraits {done}/{count}", done / count, 0.0, None))

        folder = spec.cache or default_folder()
        return kept_codes(spec.autoencoder, pictures, folder, spec.data_seed, cancel, told, of)

    def clean(self, index: Tensor) -> Tensor:
        """The codes of these pictures."""
        return self.codes[index].float()

    def portraits(self, index: Tensor) -> Float[Tensor, "n 3 r r"]:
        """These pictures themselves, float32 [-1, 1]."""
        return torch.from_numpy(self.pictures[index.numpy()]).float() / 127.5 - 1
