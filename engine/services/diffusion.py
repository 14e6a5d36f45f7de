"""The parent's side of diffusion: hands images to the worker process and hears of their steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.denoising import Dab, Denoise, Upscale
from engine.frame import BackendName, DenoisingStep
from engine.models.diffusion.room import ram_now
from engine.worker import Worker

Pixels = UInt8[np.ndarray, "height width 3"]
Trail = UInt8[np.ndarray, "steps height width 3"]
_MODULE = "engine.services.diffuse"
ROOM = 2 * 2**30  # bytes that are free where a process is started before it is needed


@dataclass(frozen=True)
class Place:
    """Where models and stored arrays lie. home: the data folder; bundled: shipped models."""

    home: Path
    bundled: Path


@dataclass(frozen=True, eq=False)
class Source:
    """A picture that is drawn anew; see denoising.Redraw."""

    pixels: Pixels
    strength: float
    only: tuple[Dab, ...] = ()


@dataclass(frozen=True, eq=False)
class Denoised:
    """A picture, and what was predicted at every step. how: in what way its networks were held in
    memory, "" where the picture is that of a machine with room for all."""

    pixels: Pixels
    trail: Trail
    how: str = ""


def discs_of(dabs: Sequence[Dab]) -> Float32[np.ndarray, "k 3"]:
    """Dabs as image.discs takes them."""
    return np.array([(dab.x, dab.y, dab.radius) for dab in dabs], np.float32).reshape(-1, 3)


class Diffusion:
    """Renders diffusion images in the worker process, which starts with the first of them.

    The worker imports torch; nothing here does.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._worker = Worker()  # its process starts with the first job

    def denoise(
        self,
        node: Denoise,
        backend: BackendName | None,
        *,
        source: Source | None = None,
        controls: tuple[Pixels, ...] = (),
        likenesses: tuple[Pixels, ...] = (),
        fresh: bool = False,
        on_step: Callable[[DenoisingStep], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Denoised:
        """See diffuse.denoise_image."""
        kwargs = {
            "node": node, "backend": backend, "source": source, "controls": controls,
            "likenesses": likenesses, "fresh": fresh,
        }  # fmt: skip
        heard: set[int] = set()

        def hear(step: DenoisingStep) -> None:
            heard.add(step.index)
            if on_step is not None:
                on_step(step)

        made: Denoised = self._run("denoise_image", kwargs, hear, cancel)
        for index, pixels in enumerate(made.trail):  # the worker drops frames that nobody fetched
            if index not in heard:
                hear(DenoisingStep(index, len(made.trail), pixels))
        return made

    def upscale(
        self,
        node: Upscale,
        pixels: Pixels,
        backend: BackendName | None,
        *,
        cancel: CancelToken | None = None,
    ) -> Pixels:
        """See diffuse.upscale_image."""
        kwargs = {"node": node, "pixels": pixels, "backend": backend}
        made: Pixels = self._run("upscale_image", kwargs, None, cancel)
        return made

    def prepare(self) -> None:
        """Start the worker process and let it import what pictures need: it takes seconds that the
        first picture would wait for. Returns at once; does nothing where memory is short."""
        if ram_now() >= ROOM:
            self._worker.submit(f"{_MODULE}:prepared")

    def close(self) -> None:
        """End the worker process; its job ends as cancelled. A later one starts another."""
        self._worker.close()
        self._worker = Worker()

    def _run(
        self,
        function: str,
        kwargs: dict[str, Any],
        on_step: Callable[[DenoisingStep], None] | None,
        cancel: CancelToken | None,
    ) -> Any:
        job = self._worker.submit(
            f"{_MODULE}:{function}", {"place": self._place, **kwargs}, on_frame=on_step
        )
        return job.wait(cancel)
