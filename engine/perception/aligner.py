"""The network that finds how a portrait lies in a picture: where, how large and turned how far.

Trained on the drawn portraits alone (`training.train_aligner`). It looks again at what it found
until that stays, and then from several places around it: where these looks disagree it is unsure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors
from engine.errors import ModelError
from engine.perception.attributes import AttributeNetwork
from engine.perception.fitting import misfit
from engine.perception.reader import SKIPPED, read_card

FAMILY = "aligner"
SIZE = 64
OUTPUTS = 6  # a, b, x, y of the frame in the view, log of the error's size, whether a head is there
CORNERS = ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0))
SURE_PX = 3.0  # of 64: how far looks may disagree
VIEW = 1.3  # a look sees this many half-widths of the frame
ROUNDS = 4


@dataclass(frozen=True)
class Lie:
    """A square in a picture: centre and side in pixels, degrees clockwise as seen."""

    x: float
    y: float
    side: float
    degrees: float = 0.0


@dataclass(frozen=True)
class Aligned:
    """What was found. spread: how far looks disagree, in 64ths of the side; head: in [0, 1]."""

    lie: Lie
    spread: float
    head: float

    @property
    def sure(self) -> bool:
        """Whether it can be relied on."""
        return self.head > 0.5 and self.spread <= SURE_PX


def network() -> nn.Module:
    """A fresh network: the body of the attribute network with other outputs."""
    return AttributeNetwork(OUTPUTS)


class Aligner:
    """A trained network; inference only."""

    def __init__(self, net: nn.Module) -> None:
        self._net = net.eval().requires_grad_(False)

    def find(self, pixels: UInt8[np.ndarray, "h w 3"]) -> Aligned:
        """The frame of the portrait in a picture, as those of the data set lie in theirs."""
        levels = pyramid(pixels)
        lies, out = _starts(pixels.shape[1], pixels.shape[0]), np.empty((0, OUTPUTS))
        for _ in range(ROUNDS):
            out = self._look(levels, lies)
            lies = [_frame(lie, o) for lie, o in zip(lies, out, strict=True)]
            if len(lies) > 4:  # the likeliest go on
                best = np.argsort(out[:, 4] - np.minimum(out[:, 5], 4.0))[:4]
                lies = [lies[i] for i in best]
            lies = [Lie(f.x, f.y, f.side * VIEW, f.degrees) for f in lies]
        out = self._look(levels, lies)
        best_one = int(np.argmin(out[:, 4] - np.minimum(out[:, 5], 4.0)))
        around = _around(_frame(lies[best_one], out[best_one]))
        seen = self._look(levels, around)
        found = [_frame(lie, o) for lie, o in zip(around, seen, strict=True)]
        corners = np.stack([corners_of(f) for f in found])
        lie = fitted(np.median(corners, axis=0))
        apart = np.linalg.norm(corners - corners_of(lie), axis=2).mean()
        head = float(1 / (1 + np.exp(-np.median(seen[:, 5]))))
        return Aligned(lie, float(apart / lie.side * SIZE), head)

    def _look(self, levels: list[Tensor], lies: list[Lie]) -> Float[np.ndarray, "n outputs"]:
        views = torch.cat([view(levels, lie) for lie in lies])
        with torch.inference_mode():
            return np.asarray(self._net(views).double().numpy())


def _starts(width: int, height: int) -> list[Lie]:
    """The whole picture and its parts, each turned by every eighth of a circle."""
    short, long = min(width, height), max(width, height)
    middle = (width / 2, height / 2)
    places = [(*middle, float(long)), (*middle, float(short))]
    for step in range(-1, 2):
        for other in range(-1, 2):
            x, y = middle[0] + step * width / 4, middle[1] + other * height / 4
            places.append((x, y, short * 0.6))
    if long > 1.2 * short:
        for end in (-1, 1):
            off = end * (long - short) / 2
            at = (off, 0.0) if width > height else (0.0, off)
            places.append((middle[0] + at[0], middle[1] + at[1], float(short)))
    return [Lie(x, y, side, float(turn)) for x, y, side in places for turn in range(-180, 180, 45)]


def _around(frame: Lie) -> list[Lie]:
    """Views of a frame from a little off, turned and nearer or farther."""
    lies = []
    for i in range(12):
        angle = math.tau * i / 12
        x, y = (frame.side * 0.08 * f(angle) for f in (math.cos, math.sin))
        side = frame.side * VIEW * (0.9, 1.0, 1.12)[i % 3]
        lies.append(Lie(frame.x + x, frame.y + y, side, frame.degrees + (-9.0, 9.0)[i % 2]))
    return lies


def _frame(seen: Lie, out: Float[np.ndarray, " outputs"]) -> Lie:
    """The frame that outputs name in a view."""
    a, b, x, y = (float(v) for v in out[:4])
    turn, half = math.radians(seen.degrees), seen.side / 2
    cos, sin = math.cos(turn), math.sin(turn)
    size = max(math.hypot(a, b), 0.05)
    return Lie(
        seen.x + half * (cos * x - sin * y),
        seen.y + half * (sin * x + cos * y),
        seen.side * size,
        _wrapped(seen.degrees + math.degrees(math.atan2(b, a))),
    )


def corners_of(lie: Lie) -> Float[np.ndarray, "4 2"]:
    """The corners of a square in pixels, the upper ones first."""
    turn, half = math.radians(lie.degrees), lie.side / 2
    a, b = half * math.cos(turn), half * math.sin(turn)
    return np.array([(lie.x + a * x - b * y, lie.y + b * x + a * y) for x, y in CORNERS])


def fitted(corners: Float[np.ndarray, "4 2"]) -> Lie:
    """The square nearest to four corners, by least squares."""
    middle = corners.mean(axis=0)
    (x, y), unit = (corners - middle).T, np.array(CORNERS)
    a = float((x * unit[:, 0] + y * unit[:, 1]).mean() / 2)
    b = float((y * unit[:, 0] - x * unit[:, 1]).mean() / 2)
    side = 2 * math.hypot(a, b)
    return Lie(float(middle[0]), float(middle[1]), side, math.degrees(math.atan2(b, a)))


def _wrapped(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def pyramid(pixels: UInt8[np.ndarray, "h w 3"]) -> list[Tensor]:
    """The picture and its halves, float32 [1, 3, h, w] in [-1, 1], down to about 64 px."""
    x = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 127.5 - 1.0
    levels = [x]
    while min(levels[-1].shape[-2:]) >= 2 * SIZE:
        levels.append(avg_pool2d(levels[-1], 2))
    return levels


def view(levels: list[Tensor], lie: Lie) -> Float[Tensor, "1 3 64 64"]:
    """A square of the picture at the network's size; beyond the edges its last pixels go on."""
    height, width = levels[0].shape[-2:]
    level = min(len(levels) - 1, max(0, round(math.log2(max(lie.side / SIZE, 1e-6)))))
    turn, half = math.radians(lie.degrees), lie.side / 2
    a, b = half * math.cos(turn), half * math.sin(turn)
    theta = torch.tensor(
        [
            [2 * a / width, -2 * b / width, 2 * lie.x / width - 1],
            [2 * b / height, 2 * a / height, 2 * lie.y / height - 1],
        ]
    )
    grid = nn.functional.affine_grid(theta[None], [1, 3, SIZE, SIZE], align_corners=False)
    return grid_sample(levels[level], grid, padding_mode="border", align_corners=False)


def open_aligner(folder: Path) -> Aligner:
    """Load the network from its folder. Raises ModelError when weights and card do not fit."""
    card = read_card(folder)
    tensors = read_safetensors(folder / "weights.safetensors")
    if weights_sha256(tensors) != card.get("weights_sha256"):
        raise ModelError(
            f"The weights of {folder.name} are not those of its card.", "Restore both files."
        )
    net = network()
    wrong = misfit(net, tensors, (SKIPPED,))
    if wrong:
        raise ModelError(f"The file of {folder.name} {wrong}.", "Restore the folder.")
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}
    net.load_state_dict(state, strict=False)
    return Aligner(net)
