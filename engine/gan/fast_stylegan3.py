"""The StyleGAN3 synthesis by compiled kernels, from NumPy arrays alone: it needs no torch.

It computes what `engine.gan.stylegan3.Synthesis` does. A style scales what the layer before puts
out, the demodulation what its own filters take in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.filtered import GROUP, down_table, up_table
from engine.backends.kernels.gemm import pack
from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import empty
from engine.gan.fast_conv import Finish, FlatConv
from engine.gan.fast_maps import Hands, Map, Rooms, padded, parts, rows_padded, wide
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.gan.stylegan3_plan import Layer

Tensors = Mapping[str, np.ndarray]
Transform = Float32[np.ndarray, "3 3"]
SQRT2 = math.sqrt(2.0)
LEAK = 0.2
PIXELS = 252  # at once, of a 1x1 convolution


def can_run(config: StyleGAN3Config, tensors: Tensors) -> bool:
    """Whether this synthesis knows all that such a generator does."""
    last = config.layers[-1]
    return config.conv_kernel in (1, 3) and config.img_channels <= 4 and last.up == last.down == 1


class _Layer:
    """One layer but the last: what is worked out once."""

    def __init__(self, layer: Layer, tensors: Tensors) -> None:
        name = f"synthesis.{layer.name}"
        weight = tensors[f"{name}.weight"]
        weight = weight / np.sqrt(np.square(weight).mean(axis=(1, 2, 3), keepdims=True))
        self.plan = layer
        self.outs, self.ins = padded(weight.shape[0]), padded(weight.shape[1])
        self.flat = FlatConv(weight, 6, few=False) if layer.kernel == 3 else None
        if self.flat is None:
            square = np.zeros((self.ins, weight.shape[0]), np.float32)
            square[: weight.shape[1]] = weight[:, :, 0, 0].T
            self.packed = pack(square)
        self.power = np.square(weight).sum(axis=(2, 3))
        self.gain = np.float32(1 / math.sqrt(float(tensors[f"{name}.magnitude_ema"])))
        self.bias = wide(tensors[f"{name}.bias"], weight.shape[0])
        self.affine = _affine(tensors, f"{name}.affine")
        self._filters(layer, tensors)

    def _filters(self, layer: Layer, tensors: Tensors) -> None:
        before, after = layer.before, layer.after
        up = tensors.get(f"synthesis.{layer.name}.up_filter")
        down = tensors.get(f"synthesis.{layer.name}.down_filter")
        line = np.ones(1) if up is None else up.astype(np.float64) * layer.up
        kernel = np.ones(1) if down is None else np.flip(down.astype(np.float64))
        self.fine = (after.size - 1) * layer.down + kernel.shape[0]
        size = before.size + layer.kernel - 1
        self.lines = up_table(line, layer.up, layer.padding[0], size, self.fine)
        # sqrt(2) passes through the leaky ReLU.
        self.columns = up_table(line * SQRT2, layer.up, layer.padding[0], size, self.fine)
        self.down = down_table(kernel)

    def styles(
        self, w: Float32[np.ndarray, "n w_dim"]
    ) -> tuple[Float32[np.ndarray, "n ins"], Float32[np.ndarray, "n outs"]]:
        """What scales the channels that come in and those that go out."""
        styles = self.affine(w)
        styles = styles / np.sqrt(np.square(styles).mean(axis=1, keepdims=True))
        scale = self.gain / np.sqrt(np.square(styles) @ self.power.T + np.float32(1e-8))
        return wide(styles, styles.shape[1]), wide(scale, scale.shape[1])


@dataclass(frozen=True, eq=False)
class _Affine:
    weight: Float32[np.ndarray, "out w_dim"]
    bias: Float32[np.ndarray, " out"]

    def __call__(self, w: Float32[np.ndarray, "n w_dim"]) -> Float32[np.ndarray, "n out"]:
        return np.asarray(w @ self.weight.T + self.bias, np.float32)


def _affine(tensors: Tensors, name: str) -> _Affine:
    weight = tensors[f"{name}.weight"]
    return _Affine(weight * np.float32(1 / math.sqrt(weight.shape[1])), tensors[f"{name}.bias"])


class FastSynthesis:
    """ws and a transform to pictures. threads: at once.

    One instance may be used from several threads at once.
    """

    def __init__(
        self, kernels: Kernels, config: StyleGAN3Config, tensors: Tensors, threads: int
    ) -> None:
        self.config = config
        self._kernels = kernels
        self._hands = Hands.so_many(threads)
        self._rooms = Rooms()
        self._limit = float("inf") if config.conv_clamp is None else float(config.conv_clamp)
        self._layers = [_Layer(layer, tensors) for layer in config.layers[:-1]]
        self._input = {
            name: tensors[f"synthesis.input.{name}"]
            for name in ("weight", "freqs", "phases", "transform")
        }
        self._motion = _affine(tensors, "synthesis.input.affine")
        last = f"synthesis.{config.layers[-1].name}"
        self._last = {
            name: tensors[f"{last}.{name}"] for name in ("weight", "bias", "magnitude_ema")
        }
        self._last_affine = _affine(tensors, f"{last}.affine")

    def __call__(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        transform: Transform | None = None,
        proceed: Callable[[], None] | None = None,
    ) -> Float32[np.ndarray, "n size size channels"]:
        """The picture: float32, nominally [-1, 1], NHWC.

        proceed: asked between the layers; what it raises ends the work.
        """
        scales = [layer.styles(ws[:, index + 1]) for index, layer in enumerate(self._layers)]
        last = self._last_styles(ws[:, -1])
        x = self._begin(ws[:, 0], transform, scales[0][0])
        for index, layer in enumerate(self._layers):
            if proceed is not None:
                proceed()
            then = scales[index + 1][0] if index + 1 < len(self._layers) else last
            made = self._layer(layer, x, scales[index][1], then)
            self._rooms.give_back(x)
            x = made
        image = self._paint(x)
        self._rooms.give_back(x)
        return image

    def _layer(
        self, layer: _Layer, x: Map, scale: Float32[np.ndarray, "n outs"],
        then: Float32[np.ndarray, "n outs"],
    ) -> Map:  # fmt: skip
        n, after = len(x.values), layer.plan.after
        size = layer.plan.before.size + layer.plan.kernel - 1
        sums = self._rooms.lend(n, size, size, after.channels, 0)
        if layer.flat is None:
            self._products(layer, x, sums)
        else:
            ones = np.ones((n, layer.outs), np.float32)
            nothing = np.zeros((1, size, size), np.float32)
            finish = Finish(ones, np.zeros(layer.outs, np.float32), nothing)
            scaled = np.ones((n, layer.ins), np.float32)
            layer.flat.run(self._kernels, self._hands, x, scaled, finish, sums)
        made = self._rooms.lend(n, after.size, after.size, after.channels, layer.plan.kernel - 1)
        groups = layer.outs // GROUP
        lines, columns, down = layer.lines, layer.columns, layer.down
        products, taps = down.across.shape
        floats = (size + layer.fine + taps * products * after.size) * GROUP

        def work(index: int) -> None:
            picture, group = divmod(index, groups)
            first = group * GROUP
            room = empty(floats)
            self._kernels.filtered(
                sums.first(picture) + 4 * first, sums.row, layer.outs, size,
                address(scale, picture, first), address(layer.bias, first),
                address(lines.start), address(lines.factors), address(lines.total),
                address(columns.start), address(columns.factors), lines.factors.shape[1],
                layer.fine, LEAK, self._limit, address(down.across), address(down.down),
                products, taps, layer.plan.down, made.first(picture) + 4 * first, made.row,
                layer.outs, after.size, after.size, address(then, picture, first), address(room),
            )  # fmt: skip

        self._hands.each(work, n * groups)
        self._rooms.give_back(sums)
        return made

    def _products(self, layer: _Layer, x: Map, sums: Map) -> None:
        """A 1x1 convolution; what lies beside the pictures is multiplied along with them."""
        pixels = x.height * x.values.shape[2]
        spans = parts(pixels, PIXELS)

        def work(index: int) -> None:
            picture, place = divmod(index, len(spans))
            first, last = spans[place]
            self._kernels.gemm(
                x.origin(picture) + 4 * first * layer.ins, layer.ins, 0, address(layer.packed), 0,
                sums.origin(picture) + 4 * first * layer.outs, layer.outs, 0,
                rows_padded(last - first), layer.ins, layer.outs, 1,
            )  # fmt: skip

        self._hands.each(work, len(x.values) * len(spans))

    def _begin(
        self, w: Float32[np.ndarray, "n w_dim"], transform: Transform | None, styles: np.ndarray
    ) -> Map:
        """The sines on the plane that w and the matrix turn and move; see FourierInput."""
        signal = self.config.layers[0].before
        t = self._motion(w)
        t = t / np.sqrt(np.square(t[:, :2]).sum(axis=1, keepdims=True))
        cos, sin = t[:, 0], t[:, 1]
        turn = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2)
        motion = np.concatenate([turn, turn @ -t[:, 2:, None]], axis=2)
        motion = motion @ (self._input["transform"] if transform is None else transform)
        freqs = self._input["freqs"]
        phases = self._input["phases"] + (freqs @ motion[:, :, 2:])[..., 0]
        freqs = freqs @ motion[:, :, :2]
        lengths = np.sqrt(np.square(freqs).sum(axis=2))
        fade = 1 - (lengths - signal.cutoff) / (signal.rate / 2 - signal.cutoff)
        amplitudes = np.clip(fade, 0, 1).astype(np.float32)
        steps = np.arange(signal.size, dtype=np.float32)
        line = (steps + np.float32(0.5 - signal.size / 2)) / np.float32(signal.rate)
        across = freqs[:, None, :, 0] * line[None, :, None]
        down = freqs[:, None, :, 1] * line[None, :, None] + phases[:, None]
        angle = (across[:, None] + down[:, :, None]) * np.float32(2 * math.pi)
        waves = np.sin(angle.astype(np.float32)) * amplitudes[:, None, None]
        weight = self._input["weight"].T / np.float32(math.sqrt(signal.channels))
        kernel = self.config.conv_kernel
        x = self._rooms.lend(len(w), signal.size, signal.size, signal.channels, kernel - 1)
        x.inside[..., : signal.channels] = (waves @ weight) * styles[
            :, None, None, : signal.channels
        ]
        return x

    def _last_styles(self, w: Float32[np.ndarray, "n w_dim"]) -> Float32[np.ndarray, "n ins"]:
        gain = 1 / math.sqrt(float(self._last["magnitude_ema"]))
        gain /= math.sqrt(self._last["weight"][0].size)
        styles = self._last_affine(w) * np.float32(gain)
        return wide(styles, styles.shape[1])

    def _paint(self, x: Map) -> Float32[np.ndarray, "n size size channels"]:
        weight = self._last["weight"][:, :, 0, 0]
        image = x.inside[..., : weight.shape[1]] @ weight.T + self._last["bias"]
        before, after = self.config.layers[-1].padding
        inside = image[:, max(0, -before) :, max(0, -before) :]
        inside = inside[:, : inside.shape[1] - max(0, -after), : inside.shape[2] - max(0, -after)]
        around = (max(0, before), max(0, after))
        image = np.pad(inside, ((0, 0), around, around, (0, 0)))
        image = np.clip(image, -self._limit, self._limit)
        return np.asarray(image * np.float32(self.config.output_scale), np.float32)
