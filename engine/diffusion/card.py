"""A graphics card that networks work on, while all around them stays where it is. Needs torch.

Whatever a network is given goes to the card with it, and what it answers comes back as float32:
noise, samplers and guidance are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from engine.errors import ModelError

# What the networks of this program are asked by.
ENTRIES = (
    "forward", "encode", "decode", "states", "inner", "both", "read", "seen", "nothing",
    "draw", "draw_text", "post_process_latents",
)  # fmt: skip
Net = TypeVar("Net", bound=nn.Module)


class Card:
    """apart: one group of networks is on the card at a time, and the last one leaves it first."""

    def __init__(self, device: torch.device, apart: bool) -> None:
        self.device, self.apart = device, apart
        self._groups: dict[str, list[nn.Module]] = {}
        self._here: set[nn.Module] = set()
        self._busy = False

    @property
    def here(self) -> frozenset[nn.Module]:
        """The networks that are on the card."""
        return frozenset(self._here)

    def placed(self, net: Net, group: str, half: torch.dtype | None = None) -> Net:
        """The same network, which goes to the card when it is asked something. group: those that
        work together share one. half: its products are computed in that."""
        self._groups.setdefault(group, []).append(net)
        for name in ENTRIES:
            method = getattr(net, name, None)
            if callable(method):
                setattr(net, name, self._visiting(method, group, half))
        return net

    def _visiting(
        self, method: Callable[..., Any], group: str, half: torch.dtype | None
    ) -> Callable[..., Any]:
        def visiting(*args: Any, **more: Any) -> Any:
            if self._busy:  # a network that asks itself is there already
                return method(*args, **more)
            with self._open(group), torch.autocast(
                self.device.type, half or torch.float16, enabled=half is not None
            ):  # fmt: skip
                found = method(*_moved(args, self.device), **_moved(more, self.device))
            return _returned(found)

        return visiting

    @contextmanager
    def _open(self, group: str) -> Any:
        self._busy = True
        try:
            self._bring(group)
            with torch.device(self.device):
                yield
        except torch.OutOfMemoryError as error:
            raise ModelError(
                "The graphics card has not enough memory left for this picture.",
                "Close other programs that draw on it, then open the model again.",
            ) from error
        finally:
            self._busy = False

    def _bring(self, group: str) -> None:
        wanted = set(self._groups[group])
        if self.apart:
            for net in self._here - wanted:
                net.to("cpu")
            self._here &= wanted
        for net in wanted - self._here:
            net.to(self.device)
            self._here.add(net)


def _moved(value: Any, device: torch.device) -> Any:
    return _each(value, lambda tensor: tensor.to(device))


def _returned(value: Any) -> Any:
    def back(tensor: Tensor) -> Tensor:
        found = tensor.cpu()
        return found.float() if found.is_floating_point() else found

    return _each(value, back)


def _each(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same tuples, lists and mappings with changed tensors."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (tuple, list):
        return type(value)(_each(one, change) for one in value)
    if isinstance(value, Mapping) and type(value) is dict:
        return {name: _each(one, change) for name, one in value.items()}
    return value
