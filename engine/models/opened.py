"""An opened generator: the numbers go in and out as NumPy arrays, whichever backend runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from engine.backends.backend import WHOLE, Backend, Effort, Noises, Statistics, Transform
from engine.backends.device import cuda_device, physical_cores
from engine.backends.kernels.library import fit_here
from engine.errors import ModelError
from engine.frame import BackendName, ModelInfo
from engine.latent.noise import layer_noise
from engine.latent.truncation import truncate
from engine.models.card import MAPPING, SYNTHESIS, config_of
from engine.models.families import family_of
from engine.models.family import Tensors
from engine.models.layouts import onnx
from engine.models.library import load_tensors
from engine.recipe import Noise

if TYPE_CHECKING:
    from engine.backends.torch_backend import TorchBackend

NoiseMode = Literal["const", "random", "none"]


class Model:
    """A generator and the backend it runs on. Methods may be called from several threads.

    It is also the LatentSpace that latent expressions are evaluated in.
    """

    def __init__(self, info: ModelInfo, backend: Backend, tensors: Tensors) -> None:
        """tensors: float32, by their published names."""
        self.info = info
        self.backend = backend
        config = config_of(info.card, info.folder)
        family = family_of(config)
        self.w_avg: Float32[np.ndarray, " w_dim"] = family.average(tensors)
        self._transform: Transform | None = None
        if family.TRANSFORM is not None:
            self._transform = tensors[family.TRANSFORM]
        self._statistics_at = partial(family.statistics_at, config)
        layers = family.noisy_layers(config)
        self._noise_shapes = [(size, size) for _, size in layers]
        self._noise_consts = [tensors[f"{name}.noise_const"] for name, _ in layers]
        self._noise_gains = [float(tensors[f"{name}.noise_strength"]) for name, _ in layers]

    @property
    def z_dim(self) -> int:
        """Length of z."""
        return self.info.z_dim

    @property
    def w_dim(self) -> int:
        """Length of w."""
        return self.info.w_dim

    @property
    def num_ws(self) -> int:
        """How many w one picture takes."""
        return self.info.num_ws

    @property
    def noisy_layers(self) -> int:
        """How many layers take noise."""
        return len(self._noise_shapes)

    @property
    def takes_transform(self) -> bool:
        """Whether a 3x3 matrix can move its pictures."""
        return self._transform is not None

    def map(
        self,
        z: Float32[np.ndarray, "n z_dim"],
        c: Float32[np.ndarray, "n c_dim"] | None = None,
        psi: float | Sequence[float] = 1.0,
        cutoff: int | None = None,
    ) -> Float32[np.ndarray, "n num_ws w_dim"]:
        """z to ws, with the first `cutoff` layers (all when None) pulled toward w_avg.

        psi = 1 leaves ws as they are; psi = 0 gives the average. Raises ModelError when the
        arrays do not have the model's sizes.
        """
        z = _checked(z, "z", (self.info.z_dim,))
        if self.info.c_dim:
            classes = np.zeros((len(z), self.info.c_dim), np.float32) if c is None else c
            c = _checked(classes, "c", (self.info.c_dim,))
        elif c is not None and np.size(c):
            raise ModelError(
                f"{self.info.name} knows no classes, got a c of shape {np.shape(c)}.",
                "Leave c out.",
            )
        w = self.backend.map(z, c if self.info.c_dim else None)
        ws = np.repeat(w[:, None], self.info.num_ws, axis=1)
        if cutoff is None and not isinstance(psi, Sequence) and psi == 1.0:
            return ws
        if c is None or self._statistics_at(1.0) is None:
            return truncate(ws, self.w_avg, psi=psi, cutoff=cutoff)
        rows = [
            truncate(ws[i : i + 1], self.average(c[i : i + 1]), psi=psi, cutoff=cutoff)
            for i in range(len(ws))
        ]
        return np.concatenate(rows)

    def average(
        self, c: Float32[np.ndarray, "1 c_dim"] | None = None
    ) -> Float32[np.ndarray, " w_dim"]:
        """The w that truncation pulls toward: the model's own, or, where truncation is of z alone
        (BigGAN), that of the class."""
        if c is None or self._statistics_at(1.0) is None:
            return self.w_avg
        w: Float32[np.ndarray, " w_dim"] = self.backend.map(
            np.zeros((1, self.info.z_dim), np.float32), c
        )[0]
        return w

    def moved(self, inverse: Transform) -> Transform:
        """The matrix for `image` that moves what the model makes by itself; `inverse` takes the
        moved plane back, as engine.latent.motion gives it. Raises ModelError where it cannot."""
        if self._transform is None:
            raise self._immovable()
        own: Transform = self._transform @ inverse
        return own

    def synthesize(
        self,
        ws: Float32[np.ndarray, "n *num_ws w_dim"],
        noise_mode: NoiseMode = "const",
        transform: Transform | None = None,
        truncation: float = 1.0,
    ) -> Float32[np.ndarray, "n channels height width"]:
        """ws, or one w for all layers, to images: float32, nominally [-1, 1], NCHW, sRGB.

        noise_mode: "random" draws from seed 0. transform: a 3x3 matrix that moves the plane which
        the picture is made on, the unit being its width; None takes the model's own. truncation:
        as in `image`. Raises ModelError for shapes that do not fit and where the model takes no
        matrix.
        """
        return self.image(ws, Noise(mode=noise_mode), transform, truncation)

    def image(
        self,
        ws: Float32[np.ndarray, "n *num_ws w_dim"],
        noise: Noise,
        transform: Transform | None = None,
        truncation: float = 1.0,
    ) -> Float32[np.ndarray, "n channels height width"]:
        """As synthesize, with the noise of a Recipe.

        truncation: in [0, 1], what ws were truncated by; chooses BigGAN's batch statistics.
        """
        return self.backend.synthesize(*self.inputs(ws, noise, transform, truncation))

    def pixels(
        self,
        ws: Float32[np.ndarray, "n *num_ws w_dim"],
        noise: Noise | None = None,
        transform: Transform | None = None,
        truncation: float = 1.0,
        effort: Effort = WHOLE,
    ) -> UInt8[np.ndarray, "n height width channels"]:
        """ws to pictures: uint8, NHWC, sRGB. effort: an early exit where the backend has it."""
        inputs = self.inputs(ws, noise or Noise(), transform, truncation)
        return self.backend.pixels(*inputs, effort)

    def styles(
        self, ws: Float32[np.ndarray, "n num_ws w_dim"]
    ) -> Float32[np.ndarray, "n style_dim"]:
        """The styles that the layers make of ws. Raises ModelError where there are none."""
        backend = self._torch()
        inputs, noises, *_ = self.inputs(ws, Noise(mode="none"), None)
        return backend.styles(inputs, noises)

    def pixels_of_styles(
        self, styles: Float32[np.ndarray, "n style_dim"], noise: Noise | None = None
    ) -> UInt8[np.ndarray, "n height width channels"]:
        """Styles to pictures. Raises ModelError where there are none."""
        backend = self._torch()
        ws = np.repeat(np.broadcast_to(self.w_avg, (1, self.num_ws, self.w_dim)), len(styles), 0)
        inputs, noises, *_ = self.inputs(ws, noise or Noise(), None)
        return backend.pixels_of_styles(styles, inputs, noises)

    def _torch(self) -> TorchBackend:
        from engine.backends.torch_backend import TorchBackend

        if not isinstance(self.backend, TorchBackend):
            raise ModelError(
                f"Styles need the torch backend, got {self.backend.name}.", "Choose torch."
            )
        if not self.backend.style_tap.layers or self._transform is not None:
            raise ModelError(
                f"The layers of {self.info.name} have no styles to work on.",
                "Use a method or a direction in w or z.",
            )
        return self.backend

    def inputs(
        self, ws: Any, noise: Noise, transform: Any = None, truncation: float = 1.0
    ) -> tuple[Float32[np.ndarray, "n num_ws w_dim"], Noises, Transform | None, Statistics | None]:
        """What the backend takes for ws and the noise of a Recipe, checked."""
        if np.ndim(ws) == 2:
            w = _checked(ws, "ws", (self.info.w_dim,))
            ws = np.repeat(w[:, None], self.info.num_ws, axis=1)
        ws = _checked(ws, "ws", (self.info.num_ws, self.info.w_dim))
        noises = layer_noise(
            self._noise_shapes, self._noise_consts, noise, len(ws), self._noise_gains
        )
        return ws, noises, self._moved(transform), self._statistics_at(truncation)

    def _moved(self, transform: Any) -> Transform | None:
        if transform is None:
            return self._transform
        if self._transform is None:
            raise self._immovable()
        return _checked(transform, "transform", (3,), rows=3)

    def _immovable(self) -> ModelError:
        return ModelError(
            f"The pictures of {self.info.name} cannot be moved by a matrix.",
            "Leave transform out.",
        )


def open_model(info: ModelInfo, backend: BackendName | None = None) -> Model:
    """Load a model folder. backend None: ONNX where the folder has graphs, else torch.

    Raises ModelError when weights or graphs are missing, damaged or do not fit the card.
    """
    return open_tensors(info, load_tensors(info), backend)


def open_tensors(info: ModelInfo, stored: Tensors, backend: BackendName | None = None) -> Model:
    """As open_model, with tensors that were read and checked before."""
    tensors = {name: array.astype(np.float32, copy=False) for name, array in stored.items()}
    makers = {"onnx": _onnx, "torch": _torch, "native": _native}
    if backend is None and (is_foreign(info) or (info.folder / SYNTHESIS).is_file()):
        backend = "onnx"
    runs = _best(info, tensors) if backend is None else makers[backend](info, tensors)
    return Model(info, runs, tensors)


def _best(info: ModelInfo, tensors: Tensors) -> Backend:
    """For a model without graphs: a graphics card, else the kernels, else torch."""
    if cuda_device() is not None or not can_run_native(info):
        return _torch(info, tensors)
    return _native(info, tensors)


def is_foreign(info: ModelInfo) -> bool:
    """Whether the model is somebody else's graph, which ONNX Runtime alone can run."""
    return info.family == onnx.NAME


def can_run_native(info: ModelInfo) -> bool:
    """Whether compiled kernels may run a model of that family here."""
    return info.family in ("stylegan2", "stylegan3") and fit_here()


def _native(info: ModelInfo, tensors: Tensors) -> Backend:
    from engine.backends.native_backend import NativeBackend
    from engine.gan.fast import fast_generator

    fast = fast_generator(config_of(info.card, info.folder), tensors, physical_cores())
    if fast is None:
        raise ModelError(
            f"The native backend cannot run {info.name} on this machine.",
            "Choose the onnx or the torch backend.",
        )
    return NativeBackend(fast)


def _onnx(info: ModelInfo, tensors: Tensors) -> Backend:
    if is_foreign(info):
        from engine.backends.graph_backend import GraphBackend
        from engine.models.foreign import GRAPH, foreign_config

        return GraphBackend(info.folder / GRAPH, foreign_config(info).ports)
    from engine.backends.onnx_backend import OnnxBackend

    mapping, synthesis = (_graph(info, name) for name in (MAPPING, SYNTHESIS))
    return OnnxBackend(mapping, synthesis, tensors)


def _graph(info: ModelInfo, name: str) -> bytes:
    path: Path = info.folder / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The ONNX graph {path} of {info.name} cannot be read: {error.strerror}.",
            f"Run `export-onnx {info.name}`, or use the torch backend.",
        ) from error


def _torch(info: ModelInfo, tensors: Tensors) -> Backend:
    from engine.backends.torch_backend import TorchBackend
    from engine.gan.fast import fast_generator
    from engine.models.torch_generator import build_generator

    config = config_of(info.card, info.folder)
    return TorchBackend(
        build_generator(config, tensors),
        fast=lambda: fast_generator(config, tensors, physical_cores()),
    )


def _checked(
    array: Any, name: str, shape: tuple[int, ...], rows: int | None = None
) -> np.ndarray[Any, Any]:
    """The array in float32. rows: how many it must have, None for any but none."""
    values = np.ascontiguousarray(array, dtype=np.float32)
    fits = values.ndim == len(shape) + 1 and values.shape[1:] == shape
    if not fits or not len(values) or rows not in (None, len(values)):
        raise ModelError(
            f"{name} must have the shape [{rows or 'batch'}, {', '.join(map(str, shape))}], "
            f"got {list(np.shape(array))}.",
            "Use latents that were made for this model.",
        )
    if not np.isfinite(values).all():
        raise ModelError(f"{name} holds values that are not finite.")
    return values
