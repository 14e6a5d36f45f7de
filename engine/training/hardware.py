"""What this machine computes best with: device, number format, and memory that is kept."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.backends.fast_format import casting, fast_format
from engine.errors import TrainingError

_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3


@dataclass(frozen=True)
class Hardware:
    """A device and the number format for convolutions on it (None for plain float32)."""

    device: torch.device
    autocast: torch.dtype | None

    def casting(self) -> torch.autocast:
        """A context in which convolutions use the fast format."""
        return casting(self.device, self.autocast)

    @contextmanager
    def attending(self) -> Iterator[None]:
        """As `casting`, for networks that attend: on a processor the gradient of torch's fused
        attention takes as long as all the rest, and that of plain products a tenth."""
        plain = self.device.type == "cpu"
        with self.casting(), sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            yield


def choose_hardware(wanted: str = "auto") -> Hardware:
    """The device named, or the best one here, with bfloat16 only where it is fast.

    Raises TrainingError when the device named is not there.
    """
    name = wanted
    if wanted == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError("This machine has no CUDA device.", "Train with --device cpu.")
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    return Hardware(device, fast_format(device))


def keep_freed_memory() -> None:
    """Ask glibc to keep large freed blocks for the next step instead of returning them.

    Training frees and takes the same megabytes at every step; without this each step faults
    all their pages in again, which halves the speed of a CPU run. Elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1024 * 1024 * 1024)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_M_TOP_PAD, 64 * 1024 * 1024)
