"""A generator in torch: channels-last, without gradients. It runs the module it is handed.

On the processor the synthesis goes through compiled kernels where the generator has them. A
graphics card that runs out of memory gets smaller batches, then the processor takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Effort, Noises, Transform
from engine.backends.native_backend import Generator
from engine.backends.native_backend import to_bytes as bytes_of
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
    ) -> Float32[np.ndarray, "n channels r r"]:
        """See Backend."""
        import torch

        if self._fast is not None:
            image = self._fast.image(ws, noises, transform)
            return np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        with torch.inference_mode():
            return np.ascontiguousarray(self._image(ws, noises, transform).cpu().numpy())

    def pixels(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Noises,
        transform: Transform | None = None,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n r r channels"]:
        """See Backend."""
        import torch

        if self._fast is not None:
            how = (effort.resolution, effort.proceed, effort.rough)
            return bytes_of(self._fast.image(ws, noises, transform, *how))
        with torch.inference_mode():
            image = self._image(ws, noises, transform)
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

    def _ready_fast(self) -> None:
        if self._make_fast is not None and self.device == "cpu":
            self._fast = self._make_fast()

    def _image(self, ws: np.ndarray[Any, Any], noises: Noises, transform: Transform | None) -> Any:
        """The picture; where the card's memory does not do, in halves, then on the processor."""
        import torch

        try:
            return self._whole(ws, noises, transform)
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
            images = [self._image(ws[p], _rows(noises, p), transform).cpu() for p in parts]
            return torch.cat(images)
        self.notice = "The graphics card is out of memory: the processor renders now."
        self.device = "cpu"
        self._generator.to("cpu")
        self._ready_fast()
        if self._fast is not None:
            image = self._fast.image(ws, noises, transform)
            return torch.from_numpy(np.ascontiguousarray(image.transpose(0, 3, 1, 2)))
        return self._whole(ws, noises, transform)

    def _whole(self, ws: np.ndarray[Any, Any], noises: Noises, transform: Transform | None) -> Any:
        maps = [self._there(noise) for noise in noises]
        moved = {} if transform is None else {"transform": self._there(transform)}
        return self._generator.synthesis.with_noises(self._there(ws), maps, **moved).float()

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
