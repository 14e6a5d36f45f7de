"""A ControlNet beside a latent model. Importing it needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from diffusers.models.controlnets.controlnet import ControlNetModel
from jaxtyping import Bool, Float
from torch import Tensor, nn

from engine.controlling import ControlInfo
from engine.diffusion.latent_parts import built, check_fit, filled
from engine.models.diffusion.control_config import GRAPH, ControlConfig
from engine.models.diffusion.denoisers import stored_weights
from engine.models.diffusion.graph import answered, open_graph
from engine.models.diffusion.housing import Housing, counted
from engine.perception.fitting import Tensors

Answer = tuple[list[Tensor], Tensor]  # for the levels on the way down, and for the middle


@dataclass(frozen=True, eq=False)
class Opened:
    """A ControlNet that is ready. session: on its graph, for where no gradient is wanted; None for
    one without."""

    net: Any
    session: Any = None


@dataclass(frozen=True, eq=False)
class Helper:
    """A ControlNet and what it follows. picture: in [0, 1], of the size in pixels. scale: what its
    answers count."""

    control: Opened
    picture: Float[Tensor, "1 3 r r"]
    scale: float

    def answer(
        self,
        x: Float[Tensor, "n c s s"],
        times: Float[Tensor, " n"],
        text: Float[Tensor, "n tokens width"],
        more: Mapping[str, Any],
    ) -> Answer:
        """What is added to the U-Net's own. more: what else the U-Net is told (SDXL)."""
        picture = self.picture.expand(len(x), -1, -1, -1)
        found: Answer = self.control.net(
            x, times, text, picture, conditioning_scale=self.scale, return_dict=False, **more
        )
        return found

    def quick_answer(
        self,
        x: Float[Tensor, "n c s s"],
        times: Float[Tensor, " n"],
        text: Float[Tensor, "n tokens width"],
    ) -> Float[Tensor, "n numbers"]:
        """The same by its graph, in one row; see residuals.joined."""
        picture = self.picture.expand(len(x), -1, -1, -1)
        feed = {"x": x, "t": times, "text": text, "followed": picture}
        return self.scale * answered(self.control.session, feed)


def summed(answers: Sequence[Answer], bare: Bool[Tensor, " n"] | None = None) -> dict[str, Any]:
    """Several answers as the U-Net of diffusers takes one. bare: True for pictures that nothing
    helps."""
    levels = zip(*((*downs, middle) for downs, middle in answers), strict=True)
    parts = [sum(level[1:], level[0]) for level in levels]
    if bare is not None:
        parts = [part * ~bare.to(part.device)[:, None, None, None] for part in parts]
    return {
        "down_block_additional_residuals": parts[:-1],
        "mid_block_additional_residual": parts[-1],
    }


def check_control(config: ControlConfig, tensors: Tensors, where: str) -> None:
    """Hold all weights against the network of these settings. Raises ModelError."""
    check_fit(_network(config, where), tensors, where)


@lru_cache(maxsize=64)
def control_numbers(info: ControlInfo) -> int:
    """The numbers that its weights are. Raises ModelError."""
    return counted(_network(ControlConfig.from_dict(info.card["config"], info.name), info.name))


def open_control(info: ControlInfo, housing: Housing) -> Opened:
    """The network with its weights, beside the U-Net of a model that lives there. Raises
    ModelError."""
    config = ControlConfig.from_dict(info.card["config"], info.name)
    tensors = stored_weights(info.folder, info.sha256)
    net = housing.filled(_network(config, info.name), tensors, info.name)
    if not (housing.plan.plain and (info.folder / GRAPH).is_file()):
        return Opened(net)
    return Opened(net, open_graph(info, tensors, GRAPH))


def build_control(config: ControlConfig, tensors: Tensors, where: str) -> nn.Module:
    """The network alone, filled. Raises ModelError."""
    return filled(_network(config, where), tensors, where)


def _network(config: ControlConfig, where: str) -> nn.Module:
    net: nn.Module = built(ControlNetModel, config.net, where)
    return net
