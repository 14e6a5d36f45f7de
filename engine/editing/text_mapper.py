"""A network that learns one text: StyleCLIP's latent mapper (Patashnik et al., 2021, section 5).

Coarse, middle and fine layers have a small network each, from a layer's w to a step of it, counted
in deviations. It is trained on random pictures of the generator; then an edit is one pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import parse_safetensors
from engine.editing.generator import Differentiable
from engine.editing.invert import Spread
from engine.editing.text_change import Aim
from engine.editing.text_optimise import gone, off, shifted, text_loss
from engine.errors import ModelError
from engine.perception.clip.model import Clip

BANDS = (4, 8)  # the first layers of the middle and of the fine ones
DEPTH = 4
Told = Callable[[int, int, float], None]  # step, steps, share of the way that pictures go


@dataclass(frozen=True)
class MapperSettings:
    """steps, batch, rate: of the training. stay: weight of the step's mean square."""

    steps: int = 600
    batch: int = 8
    rate: float = 3e-3
    stay: float = 0.3
    shift: int = 2


class Mapper(nn.Module):
    """Deviations of w+ to a step of them; one that was not trained moves nothing."""

    def __init__(self, num_ws: int, w_dim: int) -> None:
        super().__init__()
        self.num_ws, self.w_dim = num_ws, w_dim
        edges = [0, *(edge for edge in BANDS if edge < num_ws), num_ws]
        self.spans = tuple(pairwise(edges))
        self.bands = nn.ModuleList(_band(w_dim) for _ in self.spans)

    def forward(self, v: Float[Tensor, "n num_ws w_dim"]) -> Float[Tensor, "n num_ws w_dim"]:
        """See class."""
        parts = zip(self.spans, self.bands, strict=True)
        return torch.cat([band(v[:, first:end]) for (first, end), band in parts], 1)

    def applied(
        self, ws: Float[Tensor, "n num_ws w_dim"], spread: Spread
    ) -> Float[Tensor, "n num_ws w_dim"]:
        """ws after the step."""
        v = spread.deviations(ws)
        with torch.no_grad():
            return spread.ws(v + self(v))


def _band(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(DEPTH - 1):
        layers += [nn.Linear(width, width), nn.LeakyReLU(0.2)]
    last = nn.Linear(width, width)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def train_mapper(
    net: Differentiable,
    clip: Clip,
    spread: Spread,
    w: Float32[np.ndarray, "n w_dim"],
    aim: Aim,
    strength: float,
    settings: MapperSettings,
    cancel: CancelToken,
    told: Told,
) -> Mapper:
    """A mapper whose steps go `strength` deviations along the text's change. w: random ones.

    Raises Cancelled.
    """
    source = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mapper = Mapper(net.num_ws, net.w_dim)
    optimiser = torch.optim.Adam(mapper.parameters(), settings.rate, (0.9, 0.99))
    known = torch.from_numpy(np.array(w, np.float32))
    for index in range(settings.steps):
        cancel.check()
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * (1 - index / settings.steps) ** 0.5
        rows = torch.randint(0, len(known), (settings.batch,), generator=source)
        v = spread.deviations(known[rows])[:, None].repeat(1, net.num_ws, 1)
        with torch.no_grad(), net.casting():
            start = clip.embed_images(net.images(spread.ws(v))).float()
        step = mapper(v)
        with net.casting():
            images = net.images(spread.ws(v + step))
            looked = clip.embed_images(shifted(images, settings.shift, source)).float()
        loss = text_loss(looked, aim.goal(start, strength), aim, strength)
        loss = (loss + settings.stay * off(step)) / settings.batch
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        told(index + 1, settings.steps, gone(looked.detach(), start, aim, strength))
    return mapper.eval().requires_grad_(False)


def pack_mapper(mapper: Mapper, facts: dict[str, str]) -> bytes:
    """A mapper as a safetensors file. facts: its texts, its strength, generator and CLIP."""
    from safetensors.numpy import save

    sizes = {"num_ws": mapper.num_ws, "w_dim": mapper.w_dim}
    tensors = {name: value.numpy() for name, value in mapper.state_dict().items()}
    return bytes(save(tensors, metadata={"card": json.dumps({**sizes, **facts})}))


def unpack_mapper(data: bytes) -> Mapper:
    """The mapper of `pack_mapper`. Raises ModelError for other bytes."""
    tensors = parse_safetensors(data, "the mapper")
    length = int.from_bytes(data[:8], "little")
    try:
        card = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["card"])
        mapper = Mapper(int(card["num_ws"]), int(card["w_dim"]))
        mapper.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError("A stored item is no mapper of a text.", "Train it again.") from error
    return mapper.eval().requires_grad_(False)
