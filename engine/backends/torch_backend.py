"""A generator in torch: channels-last, without gradients. It runs the module it is handed.

On the processor the synthesis goes through compiled kernels where the generator has them. A
graphics card that runs out of memory gets smaller batches, then the processor takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Effort, Noises, Statistics, Transform
from engine.backends.native_backend import Generator
from engine.backends.native_backend import to_bytes as bytes_of
from engine.backends.style_tap import StyleTap
from engine.errors import BackendError
from engine.frame import BackendName


class TorchBackend:
    """The Backend over a torch generator with `mapping.w` and `synthesis.with_noises`.

    A generator whose pictures can be moved takes the matrix as `with_noises(..., transform=)`.

    device: "cpu", "cuda" or None for the best here. fast: makes the same pictures by compiled
    kernels, asked for when it is first needed; None where there are none.
    """

    name: BackendName = "torch"

    def __init__(
        self,
        generator: Any,
        device: str | None = None,
        fast: Callable[[], Generator | None] | None = None,
    ) -> None:
        import torch

        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.notice = ""
        self._make_fast = fast
        self._fast: Generator | None = None
        self._ready_fast()
        generator = generator.eval().requires_grad_(False)
        self._generator = generator.to(device=self.device, memory_format=torch.channels_last)
        self._styles: StyleTap | None = None

    @property
    def generator(self) -> Any:
        """The torch module, in evaluation mode and without gradients, for searches."""
        return self._generator

    @property
    def style_tap(self) -> StyleTap:
        """The way to the styles of every layer; without layers where there are no styles."""
        if self._styles is None:
            self._styles = StyleTap(self._generator.synthesis)
        return self._styles

    def styles(
        self, ws: Float32[np.ndarray, "n num_ws w_dim"], noises: Noises
    ) -> Float32[np.ndarray, "n style_dim"]:
        """The styles that every layer's affine map makes of ws, in the order they are made."""
        import torch

        with torch.inference_mode(), self.style_tap.reading() as found:
            self._image(ws, noises, None, None)
        return np.ascontiguousarray(torch.cat(found, 1).float().cpu().numpy())

    def pixels_of_styles(
        self,
        styles: Float32[np.ndarray, "n style_dim"],
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """As pixels, with these styles; ws gives the batch and what else a layer may read."""
        import torch

        with torch.inference_mode(), self.style_tap.writing(self._there(styles)):
            image = self._image(ws, noises, None, None)
            return np.ascontiguousarray(to_bytes(image).cpu().numpy())

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n w_dim"]:
        """See Backend."""
        import torch

        with torch.inference_mode():
            classes = None if c is None else self._there(c)
            w = self._generator.mapping.w(self._there(z), classes)
            return np.ascontiguousarray(w.cpu().numpy())

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
    ) -> Float32[np.ndarray, "n channels r r"]:
        """See Backend."""
        import torch

        if self._fast is not None:
            image = self._fast.image(ws, noises, transform)
            return np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        with torch.inference_mode():
            return np.ascontiguousarray(
                self._image(ws, noises, transform, statistics).cpu().numpy()
            )

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        statistics: Statistics | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """See Backend."""
        import torch

        if self._fast is not None:
            how = (effort.resolution, effort.proceed, effort.rough)
            return bytes_of(self._fast.image(ws, noises, transform, *how))
        with torch.inference_mode():
            image = self._image(ws, noises, transform, statistics)
            pixels = to_bytes(image)
            return np.ascontiguousarray(pixels.cpu().numpy())

    @property
    def exits(self) -> tuple[int, ...]:
        """See Backend."""
        return () if self._fast is None else self._fast.exits

    @property
    def has_rough(self) -> bool:
        """See Backend."""
        return self._fast is not None and self._fast.has_rough

    @contextmanager
    def by_modules(self) -> Iterator[None]:
        """Leave the kernels aside, so that whoever listens to the modules hears every layer."""
        fast, self._fast = self._fast, None
        try:
            yield
        finally:
            self._fast = fast

    def _ready_fast(self) -> None:
        if self._make_fast is not None and self.device == "cpu":
            self._fast = self._make_fast()

    def _image(
        self,
        ws: np.ndarray[Any, Any],
        noises: Noises,
        transform: Transform | None,
        statistics: Statistics | None,
    ) -> Any:
        """The picture; where the card's memory does not do, in halves, then on the processor."""
        import torch

        try:
            return self._whole(ws, noises, transform, statistics)
        except torch.OutOfMemoryError as error:
            if self.device == "cpu":
                raise BackendError(
                    "This machine has not enough memory for this render.",
                    "Close other programs, or render fewer or smaller pictures at once.",
                ) from error
        # Outside the handler, whose error would keep the failed render's memory.
        torch.cuda.empty_cache()
        if len(ws) > 1:
            self.notice = "The graphics card is short of memory: rendering fewer at once."
            half = len(ws) // 2
            parts = (slice(None, half), slice(half, None))
            images = [
                self._image(ws[p], _rows(noises, p), transform, statistics).cpu() for p in parts
            ]
            return torch.cat(images)
        self.notice = "The graphics card is out of memory: the processor renders now."
        self.device = "cpu"
        self._generator.to("cpu")
        self._ready_fast()
        return self._whole(ws, noises, transform, statistics)

    def _whole(
        self,
        ws: np.ndarray[Any, Any],
        noises: Noises,
        transform: Transform | None,
        statistics: Statistics | None,
    ) -> Any:
        maps = [self._there(noise) for noise in noises]
        given = {"transform": transform, "statistics": statistics}
        extras = {name: self._there(x) for name, x in given.items() if x is not None}
        return self._generator.synthesis.with_noises(self._there(ws), maps, **extras).float()

    def _there(self, array: np.ndarray[Any, Any]) -> Any:
        import torch

        writable = array if array.flags.writeable else array.copy()
        return torch.from_numpy(writable).to(self.device)


def _rows(noises: Noises, rows: slice) -> Noises:
    """The noise of some pictures; one map for all stays."""
    return [noise if len(noise) == 1 else noise[rows] for noise in noises]


def to_bytes(image: Any) -> Any:
    """Image float32 NCHW in [-1, 1] to uint8 NHWC: round(127.5 x + 127.5), clipped."""
    import torch

    scaled = (image * 127.5 + 127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1)
