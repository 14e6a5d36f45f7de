"""A raw checkpoint to a generator under the names used here, whichever layout it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.errors import CheckpointError
from engine.models.family import Tensors
from engine.models.published import (
    hf_biggan,
    nvidia_stylegan2,
    nvidia_stylegan3,
    rosinality_stylegan2,
    tensorflow_stylegan2,
    tf_progan,
    tf_stylegan1,
    torch_biggan,
    torch_dcgan,
)
from engine.models.published.layout import Converted, Layout


@dataclass(frozen=True)
class Plain:
    """A layout whose module needs the tensors alone, and with `arguments` the constructor's too."""

    names: Callable[[Tensors], bool]
    made: Callable[..., Converted]
    arguments: bool = False

    def recognises(self, network: RawNetwork) -> bool:
        """See Layout."""
        return self.names(network.tensors)

    def convert(self, network: RawNetwork, extra: Mapping[str, Any], where: str) -> Converted:
        """See Layout."""
        more = (network.init or None,) if self.arguments else ()
        return self.made(network.tensors, where, *more)


# The TensorFlow layouts of the first two generations come before that of StyleGAN2, whose names
# are partly the same.
LAYOUTS: Sequence[Layout] = (
    Plain(torch_dcgan.recognises, torch_dcgan.convert),
    Plain(tf_progan.recognises, tf_progan.convert, arguments=True),
    Plain(tf_stylegan1.recognises, tf_stylegan1.convert, arguments=True),
    Plain(hf_biggan.recognises, hf_biggan.convert, arguments=True),
    Plain(torch_biggan.recognises, torch_biggan.convert),
    nvidia_stylegan2,
    nvidia_stylegan3,
    tensorflow_stylegan2,
    rosinality_stylegan2,
)
KINDS = (
    "DCGAN, ProGAN, StyleGAN, StyleGAN2, StyleGAN3 and BigGAN generators in a published layout "
    "are known here."
)
# The moving average of a generator makes better pictures than the one that was trained last.
_BEST_FIRST = ("G_ema", "g_ema", "Gs", "generator_ema", "", "G", "g", "generator")


def convert(raw: RawCheckpoint, where: str) -> Converted:
    """Config and tensors of the best generator in the file.

    Raises CheckpointError that says what there is instead, or names the tensor that does not fit.
    """
    for network in sorted(raw.networks, key=_rank):
        for layout in LAYOUTS:
            if layout.recognises(network):
                return layout.convert(network, raw.extra, where)
    raise CheckpointError(f"{where} holds no generator that is known here: {_what(raw)}.", KINDS)


def _rank(network: RawNetwork) -> int:
    return _BEST_FIRST.index(network.name) if network.name in _BEST_FIRST else len(_BEST_FIRST)


def _what(raw: RawCheckpoint) -> str:
    """The networks and the first names of their tensors, clipped."""
    if not raw.networks:
        return "it has no networks"
    network = min(raw.networks, key=_rank)
    names = ", ".join(repr(name[:60]) for name in sorted(network.tensors)[:3]) or "nothing"
    others = ", ".join(repr(one.name[:40]) for one in raw.networks[:6])
    return f"of its networks ({others}), the first has {names}"
