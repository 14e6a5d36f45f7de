"""The ControlNets of a run and what they follow. Runs in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller

import numpy as np
import torch
from jaxtyping import UInt8

from engine.controlling import Control, controls_of
from engine.denoising import Denoise
from engine.diffusion.guidance import Condition, Term, Within, helping
from engine.image.pixels import pixels_sha256
from engine.models.diffusion.control import Helper, Opened, control_numbers, open_control
from engine.models.diffusion.housing import Housing
from engine.models.library import ModelLibrary
from engine.services.check_denoise import check_control_size

Pixels = UInt8[np.ndarray, "height width 3"]


class Controls:
    """The networks that are open: those of the last run alone, for one fills a gigabyte."""

    def __init__(self, library: Callable[[], ModelLibrary]) -> None:
        self._library = library
        self._open: dict[str, Opened] = {}
        self._housing: Housing | None = None

    def let_go(self) -> None:
        """Forget those that are open: the model that they help goes."""
        self._open, self._housing = {}, None

    def numbers(self, node: Denoise) -> int:
        """What the weights of all that it asks for are, for the memory that they take."""
        refs = {term.model for term in controls_of(node)}
        return sum(control_numbers(self._library().control(ref)) for ref in refs)

    def terms(
        self,
        node: Denoise,
        condition: Condition,
        pictures: Sequence[Pixels],
        housing: Housing | None,
    ) -> list[Term]:
        """What they add to the guidance of that condition. pictures: one for each of controls_of.
        housing: of the model that they help. Raises ModelError, RecipeError for a picture of
        another size."""
        wanted = controls_of(node)
        if housing is not self._housing:
            self.let_go()
            self._housing = housing
        self._open = {
            term.model.sha256: self._open.get(term.model.sha256) or self._opened(term)
            for term in wanted
        }
        side = self._library().denoiser(node.model).resolution if wanted else 0
        found: list[Term] = []
        for term, pixels in zip(wanted, pictures, strict=True):
            ref = term.model.sha256
            check_control_size(term, pixels.shape[1], pixels.shape[0], side)
            picture = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
            around = methodcaller("helped", Helper(self._open[ref], picture, term.scale))
            name = f"{ref}:{pixels_sha256(pixels)}"
            interval = (term.start, term.end)
            found.append(Within(name, around, term.scale, interval))
            if term.guidance != 1:
                found.append(helping(condition, term.guidance, interval))
        return found

    def _opened(self, term: Control) -> Opened:
        assert self._housing is not None  # only published models are helped
        return open_control(self._library().control(term.model), self._housing)
