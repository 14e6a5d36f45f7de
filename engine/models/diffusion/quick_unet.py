"""The U-Net of a latent model by its graphs, alone or with ControlNets beside it: several times as
quick as torch, where no gradient is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from engine.denoising import DenoiserInfo
from engine.models.diffusion.control import Helper
from engine.models.diffusion.denoisers import HELPED, UNET
from engine.models.diffusion.graph import answered, open_graph


class QuickUNet:
    """weights: of the U-Net, by diffusers' names. The graph beside ControlNets is opened when one
    comes. Raises ModelError."""

    def __init__(self, info: DenoiserInfo, weights: Mapping[str, Any]) -> None:
        self.info, self.weights = info, weights
        self._sessions = {UNET: open_graph(info, weights)}

    def suits(self, helpers: Sequence[Helper]) -> bool:
        """Whether there is a graph for each of these ControlNets, and one that they help."""
        if not helpers:
            return True
        whole = all(helper.control.session is not None for helper in helpers)
        return whole and (self.info.folder / HELPED).is_file()

    def answer(
        self, x: Tensor, times: Tensor, text: Tensor, helpers: Sequence[Helper],
        perturbed: Tensor | None = None, bare: Tensor | None = None, **more: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """What the U-Net says. perturbed: see Perturbation.shares. bare: True for pictures that
        nothing helps. more: inputs by the names of PixelUNet, None for those it has not. Raises
        BackendError, ModelError."""
        feed = {"x": x, "t": times, "text": text, **more}
        if not helpers:
            return answered(self._sessions[UNET], feed, perturbed)
        if HELPED not in self._sessions:
            self._sessions[HELPED] = open_graph(self.info, self.weights, HELPED)
        helps = [helper.quick_answer(x, times, text) for helper in helpers]
        total = sum(helps[1:], helps[0])
        feed["helped"] = total if bare is None else total * ~bare[:, None]
        return answered(self._sessions[HELPED], feed, perturbed)
