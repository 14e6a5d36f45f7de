"""The watermark's reader as something to attack: its reading written once more with gradients.

The reader itself answers whether an attack worked; what stands here only says which way to go.
Frame, fine structure, folding and waves are those of `engine.provenance.watermark`.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import conv1d, interpolate

from engine.editing.adversarial import Objective
from engine.editing.victims import Victim
from engine.errors import RecipeError
from engine.perturbing import Answer, Question
from engine.provenance.watermark.code import encode
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.frame import (
    AROUND,
    FINE,
    FLOOR,
    LIMIT,
    LUMA,
    SIDE,
    TILE,
    flattened,
    luminance,
    resized,
)
from engine.provenance.watermark.lattice import (
    PILOT_SIGNS,
    WAVES,
    correlations,
    folded,
    noise_of,
    shift_phases,
    to_waves,
    waves_of,
    weights,
)

NO_MARK = "no mark"
TRUNCATE = 4.0  # deviations at which scipy's Gaussian ends


class MarkVictim(Victim):
    """Asked for the mark. Without a target the mark that is there is to vanish; a target is an id
    that is to be read."""

    def __init__(self) -> None:
        self.questions = (Question("mark", (NO_MARK, "a mark")),)

    def objective(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, target: int | None
    ) -> Objective:
        """How far the weighed waves point toward those of the wanted id; or, for a mark that is to
        vanish, how little they lie along its own, either way: pushed beyond nothing, a pattern of
        the other sign would be read just as well.

        Raises RecipeError where there is no mark to remove.
        """
        self.question(question)
        found = detect(picture, search=False).id
        if target is None and found is None:
            raise RecipeError(
                "This picture carries no mark that could be removed.",
                "Export a picture of 256 px or more, and attack the file; or write an id.",
            )
        wanted = target if target is not None else found
        assert wanted is not None
        pattern, scale = _pattern(picture, wanted)

        def raised(x: Tensor) -> Tensor:
            waves = reading(x) * scale  # [n waves]
            fit = (waves * pattern.conj()).real.sum(1)
            size = waves.abs().square().sum(1).clamp(min=1e-20).sqrt()
            along = fit / (size * pattern.abs().square().sum().sqrt())
            return along if target is not None else -along.square()

        return raised

    def answers(
        self, picture: UInt8[np.ndarray, "h w 3"], question: str, top: int = 5
    ) -> tuple[Answer, ...]:
        """What the reader itself says, looking for cuts and turns, too; shares are its fit."""
        self.question(question)
        found = detect(picture)
        fit = round(float(min(1.0, found.fit)), 4)
        if found.id is None:
            return (Answer(NO_MARK, round(1 - fit, 4)),)
        return (Answer(f"id {found.id:010x}", fit),)

    def reached(
        self,
        before: tuple[Answer, ...],
        after: tuple[Answer, ...],
        question: str,
        target: int | None,
    ) -> bool:
        """No mark is read any more, or the wanted id is."""
        wanted = NO_MARK if target is None else f"id {target:010x}"
        return after[0].value == wanted


def reading(x: Float[Tensor, "n 3 h w"]) -> Tensor:
    """The carrying waves of the folded frame, complex [n, waves]."""
    luma = torch.einsum("c,nchw->nhw", torch.from_numpy(LUMA), x)[:, None]
    size = (SIDE, SIDE)
    frame = luma
    if luma.shape[-2:] != size:
        frame = interpolate(luma, size, mode="bicubic", antialias=True, align_corners=False)
    fine = frame - _blurred(frame, FINE)
    strength = _blurred(fine * fine, AROUND).clamp(min=1e-12).sqrt() + FLOOR
    flat = _limited(fine / strength)
    count = SIDE // TILE
    tile = flat.reshape(-1, count, TILE, count, TILE).mean((1, 3))
    rows, columns = (WAVES[:, 0] % TILE).tolist(), (WAVES[:, 1] % TILE).tolist()
    waves: Tensor = torch.fft.fft2(tile)[:, rows, columns] / TILE
    return waves


def _limited(x: Tensor) -> Tensor:
    """Cut to the limit, with gradients as if it were not: what is cut can come back."""
    return x + (x.clamp(-LIMIT, LIMIT) - x).detach()


def _pattern(picture: UInt8[np.ndarray, "h w 3"], id: int) -> tuple[Tensor, Tensor]:
    """The waves of the id under the shift and the pilot that the picture agrees with most, and
    what each wave counts for."""
    plain = flattened(resized(luminance(picture), SIDE, SIDE))
    scale = weights(noise_of(plain))
    own = waves_of(folded(plain)) * scale
    best, pattern = -math.inf, np.empty(0, np.complex128)
    for pilot in PILOT_SIGNS:
        waves = to_waves(np.concatenate([encode(id), pilot]).astype(np.float64))
        fits = correlations(own * waves.conj())
        if fits.max() > best:
            best = float(fits.max())
            down, across = np.unravel_index(int(fits.argmax()), fits.shape)
            pattern = waves * shift_phases(float(down), float(across))
    return (
        torch.from_numpy(pattern.astype(np.complex64)),
        torch.from_numpy(scale.astype(np.float32)),
    )


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """scipy's Gaussian filter with its default border (half-sample mirror)."""
    for axis in (-1, -2):
        moved = x.transpose(axis, -1)
        kernel, radius = _kernel(sigma)
        ends = [moved[..., :radius].flip(-1), moved, moved[..., -radius:].flip(-1)]
        row = torch.cat(ends, -1)
        done = conv1d(row.reshape(-1, 1, row.shape[-1]), kernel).reshape(moved.shape)
        x = done.transpose(axis, -1)
    return x


@cache
def _kernel(sigma: float) -> tuple[Tensor, int]:
    radius = int(TRUNCATE * sigma + 0.5)
    places = torch.arange(-radius, radius + 1, dtype=torch.float32)
    bell = torch.exp(-0.5 * (places / sigma) ** 2)
    return (bell / bell.sum())[None, None], radius
