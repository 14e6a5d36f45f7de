"""Networks as something to attack: levels in, the logits of one question out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate

from engine.editing.adversarial import Objective
from engine.errors import RecipeError
from engine.perception import imagenet, reader
from engine.perception.columns import Columns
from engine.perception.questions import questions_of
from engine.perturbing import Answer, Question

TOP = 5
STEEP = 6.0  # logits at the ends of a continuous attribute


class Victim(ABC):
    """What can be asked, and how a picture is to be moved to have it answered otherwise."""

    questions: tuple[Question, ...]

    def question(self, name: str) -> Question:
        """The question of that name. Raises RecipeError that lists what there is."""
        for one in self.questions:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.questions[:12])
        raise RecipeError(
            f"This network is not asked for {name!r}; it knows {known}.", "Ask for one of these."
        )

    @abstractmethod
    def objective(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, target: int | None
    ) -> Objective:
        """What an attack on this picture raises. Raises RecipeError for a target that is none."""

    @abstractmethod
    def answers(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, top: int = TOP
    ) -> tuple[Answer, ...]:
        """The likeliest answers, the likeliest first."""

    @abstractmethod
    def reached(
        self,
        before: tuple[Answer, ...],
        after: tuple[Answer, ...],
        question: str,
        target: int | None,
    ) -> bool:
        """Whether an attack did what it was for."""


class Classifier(Victim):
    """A network whose answer is the largest of some logits."""

    @abstractmethod
    def logits(self, levels: Float[Tensor, "n 3 h w"], question: str) -> Float[Tensor, "n values"]:
        """Logits of the question's answers; gradients pass through."""

    def objective(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, target: int | None
    ) -> Objective:
        """The cross-entropy of what it says now, or of the target with its sign turned."""
        count = len(self.question(question).values)
        if target is not None and target >= count:
            raise RecipeError(
                f"The answers to {question!r} are numbered 0 to {count - 1}, got {target}.",
                "Choose one of these.",
            )
        with torch.no_grad():
            now = int(self.logits(levels_of(picture), question).argmax())
        index, sign = (now, 1.0) if target is None else (target, -1.0)

        def raised(x: Tensor) -> Tensor:
            wanted = torch.full((len(x),), index)
            return sign * cross_entropy(self.logits(x, question), wanted, reduction="none")

        return raised

    def answers(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, top: int = TOP
    ) -> tuple[Answer, ...]:
        """The likeliest answers by the softmax of the logits."""
        values = self.question(question).values
        with torch.no_grad():
            shares = self.logits(levels_of(picture), question)[0].softmax(0)
        best = shares.topk(min(top, len(values)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return tuple(Answer(values[index], round(share, 4)) for index, share in pairs)

    def reached(
        self,
        before: tuple[Answer, ...],
        after: tuple[Answer, ...],
        question: str,
        target: int | None,
    ) -> bool:
        """The wanted answer is the likeliest, or without a target another one than before."""
        if target is None:
            return before[0].value != after[0].value
        return after[0].value == self.question(question).values[target]


class ImageNetVictim(Classifier):
    """An ImageNet network, asked for the class of a photograph."""

    def __init__(self, network: imagenet.EfficientNetLite, names: tuple[str, ...]) -> None:
        self._network = network
        self.questions = (Question("class", names),)

    def logits(self, levels: Float[Tensor, "n 3 h w"], question: str) -> Float[Tensor, "n values"]:
        """Logits of the thousand classes."""
        return self._network.logits(imagenet.normalised(levels))


class ReaderVictim(Classifier):
    """A network that reads attributes off portraits, asked for one of them."""

    def __init__(self, opened: reader.Reader) -> None:
        self.reader = opened
        self.questions = questions_of(opened.columns)
        opened.network.requires_grad_(False)

    def logits(self, levels: Float[Tensor, "n 3 h w"], question: str) -> Float[Tensor, "n values"]:
        """Two logits of a continuous or binary attribute, one a value of a categorical one."""
        return attribute_logits(self.raw(levels), self.reader.columns, question)

    def raw(self, levels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n outputs"]:
        """The network's outputs as `Columns` lays them out."""
        found: Tensor = self.reader.network(reader.to_input(levels))
        return found


class NoisyVictim(Classifier):
    """The noise-aware classifier, shown a picture without noise."""

    def __init__(self, network: Any, size_px: int, classes: tuple[str, ...]) -> None:
        self._network, self._size = network, size_px
        self.questions = (Question("class", classes),)

    def logits(self, levels: Float[Tensor, "n 3 h w"], question: str) -> Float[Tensor, "n values"]:
        """The classes' log probabilities at the first timestep."""
        x = levels / 127.5 - 1.0
        if x.shape[-2:] != (self._size, self._size):
            size = (self._size, self._size)
            x = interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        found: Tensor = self._network.log_probabilities(x, 0.0)
        return found


def attribute_logits(
    raw: Float[Tensor, "n outputs"], columns: Columns, question: str
) -> Float[Tensor, "n values"]:
    """One attribute's logits from a reader's raw outputs."""
    at = columns.index(question)
    column, part = columns.items[at], raw[:, columns.slices[at]]
    if column.kind == "categorical":
        return part
    half = part[:, :1] * (STEEP if column.kind == "continuous" else 1.0) / 2
    return torch.cat([-half, half], 1)


def levels_of(picture: UInt8[np.ndarray, "h w 3"]) -> Float[Tensor, "1 3 h w"]:
    """One picture as levels."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1)).astype(np.float32)
    return torch.from_numpy(planes)[None]


def pixels_of(levels: Float[Tensor, "1 3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Levels as one picture."""
    planes = levels[0].round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
