"""Reads and replaces the styles of a style-based generator (StyleSpace; Wu et al., 2021).

A style is what a layer's `affine` makes of its w. The tap sits on those modules and does nothing
but while a thread reads or writes, so renders in other threads are not touched.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class StyleTap:
    """On every module called `affine` of a synthesis network, in the order they are built.

    layers: their names; filled by the first reading: widths, in the order they run.
    """

    def __init__(self, synthesis: Any) -> None:
        self.layers: list[str] = []
        self._here = threading.local()
        for name, module in synthesis.named_modules():
            if name.rpartition(".")[2] == "affine":
                self.layers.append(name)
                module.register_forward_hook(self._hook)

    @contextmanager
    def reading(self) -> Iterator[list[Any]]:
        """While the block renders: its styles, [n, width] a layer, in the order they are made."""
        found: list[Any] = []
        with self._doing(("read", found)):
            yield found

    @contextmanager
    def writing(self, styles: Any) -> Iterator[None]:
        """While the block renders, its layers take these styles, [n, style_dim], in that order."""
        with self._doing(("write", [styles, 0])):
            yield

    @contextmanager
    def _doing(self, what: tuple[str, list[Any]]) -> Iterator[None]:
        self._here.doing = what
        try:
            yield
        finally:
            self._here.doing = None

    def _hook(self, module: Any, inputs: Any, output: Any) -> Any:
        doing = getattr(self._here, "doing", None)
        if doing is None:
            return None
        word, held = doing
        if word == "read":
            held.append(output)
            return None
        styles, start = held
        held[1] = start + output.shape[1]
        return styles[:, start : held[1]].to(output.dtype)
