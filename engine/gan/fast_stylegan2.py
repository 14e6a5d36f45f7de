"""The StyleGAN2 synthesis by compiled kernels, from NumPy arrays alone: it needs no torch.

It computes what `engine.gan.stylegan2.Synthesis` does, for the `skip` and `orig` architectures
with the usual low-pass filter. What it made of the lower layers is kept, so that a picture which
differs in the upper layers only, or a full picture after its preview, begins where they part.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.library import Kernels, address
from engine.backends.kernels.memory import zeros
from engine.gan.fast_conv import Finish, FlatConv
from engine.gan.fast_doubling import DoublingConv
from engine.gan.fast_maps import Hands, Map, Rooms, padded, wide
from engine.gan.fast_ways import BINOMIAL, ROUGH_FROM, doubling, flat, rough
from engine.gan.stylegan2_config import StyleGAN2Config

Tensors = Mapping[str, np.ndarray]
SQRT2 = math.sqrt(2.0)
LEAK = 0.2
KEPT_BYTES = 48 * 2**20  # of lower features, at most, for one picture


def can_run(config: StyleGAN2Config, tensors: Tensors) -> bool:
    """Whether this synthesis knows all that such a generator does."""
    usual = np.outer(BINOMIAL, BINOMIAL)
    filters = [array for name, array in tensors.items() if name.endswith("resample_filter")]
    return (
        config.architecture != "resnet"
        and config.img_channels <= 4
        and all(f.shape == usual.shape and np.allclose(f, usual, atol=1e-6) for f in filters)
    )


@dataclass(frozen=True, eq=False)
class _Affine:
    """w to styles."""

    weight: Float32[np.ndarray, "out w_dim"]
    bias: Float32[np.ndarray, " out"]

    @staticmethod
    def of(tensors: Tensors, name: str) -> _Affine:
        weight = tensors[f"{name}.weight"]
        return _Affine(weight * np.float32(1 / math.sqrt(weight.shape[1])), tensors[f"{name}.bias"])

    def __call__(self, w: Float32[np.ndarray, "n w_dim"]) -> Float32[np.ndarray, "n out"]:
        return np.asarray(w @ self.weight.T + self.bias, np.float32)


@dataclass(frozen=True, eq=False)
class _Layer:
    """A modulated convolution. power: the squares of the weights, summed over the taps."""

    affine: _Affine
    conv: FlatConv | DoublingConv
    power: Float32[np.ndarray, "out in"]
    bias: Float32[np.ndarray, " padded"]

    def rough(self, size: int, tiles: bool) -> _Layer:
        """The same for previews."""
        return replace(self, conv=rough(self.conv, size, tiles))

    def styles(
        self, w: Float32[np.ndarray, "n w_dim"]
    ) -> tuple[Float32[np.ndarray, "n ins"], Float32[np.ndarray, "n outs"]]:
        """What scales the channels that come in and those that go out, gain included."""
        styles = self.affine(w)
        scale = 1 / np.sqrt(np.square(styles) @ self.power.T + np.float32(1e-8))
        return wide(styles, styles.shape[1]), wide(scale * np.float32(SQRT2), scale.shape[1])


@dataclass(frozen=True, eq=False)
class _Painter:
    """toRGB: weights [in, 4], of which the image channels come first."""

    affine: _Affine
    weight: Float32[np.ndarray, "in 4"]
    bias: Float32[np.ndarray, " 4"]

    def weights(self, w: Float32[np.ndarray, "n w_dim"]) -> Float32[np.ndarray, "n padded+1 4"]:
        """For each picture 4 floats a channel, then the bias."""
        styles = self.affine(w) * np.float32(1 / math.sqrt(len(self.weight)))
        made = np.zeros((len(w), padded(len(self.weight)) + 1, 4), np.float32)
        made[:, : len(self.weight)] = styles[..., None] * self.weight
        made[:, -1] = self.bias
        return made


@dataclass(frozen=True, eq=False)
class _Block:
    size: int
    layers: tuple[_Layer, ...]
    painter: _Painter | None
    channels: int


@dataclass(frozen=True, eq=False)
class _State:
    """After a block: features, unless it was the last one, and the picture so far."""

    size: int
    x: Map | None
    image: Float32[np.ndarray, "n lines pixels 4"]


@dataclass(eq=False)
class Kept:
    """Lower features of the picture made last, from small to large, and what they were made from:
    noises up to the largest."""

    ws: np.ndarray | None = None
    noises: Sequence[np.ndarray] = ()
    states: list[_State] = field(default_factory=list)


class FastSynthesis:
    """ws and noises to pictures. m: outputs a side of a tile, 4 or 6. threads: at once.

    One instance may be used from several threads at once.
    """

    def __init__(
        self, kernels: Kernels, config: StyleGAN2Config, tensors: Tensors, threads: int, m: int = 6
    ) -> None:
        self.config = config
        self._kernels = kernels
        self._hands = Hands.so_many(threads)
        self._limit = float("inf") if config.conv_clamp is None else float(config.conv_clamp)
        self._const = tensors["synthesis.b4.const"]
        self._blocks = [self._block(tensors, size, m) for size in config.resolutions]
        self._kept = Kept()
        self._rooms = Rooms()

    @property
    def gains_by_rough(self) -> bool:
        """Whether `rough` has something to offer."""
        return self._kernels.short and self.config.resolution >= ROUGH_FROM

    def rough(self) -> FastSynthesis | None:
        """The same synthesis for previews, in whole numbers at the higher resolutions, with the
        lower ones and all weights that it does not change shared. None where this processor gains
        nothing by it."""
        if not self.gains_by_rough:
            return None
        other, tiles = copy.copy(self), self._kernels.tiles
        other._kept, other._rooms = Kept(), Rooms()
        other._blocks = [
            replace(block, layers=tuple(each.rough(block.size, tiles) for each in block.layers))
            for block in self._blocks
        ]
        return other

    def _block(self, tensors: Tensors, size: int, m: int) -> _Block:
        prefix = f"synthesis.b{size}"
        names = ("conv1",) if size == 4 else ("conv0", "conv1")
        layers = tuple(self._layer(tensors, f"{prefix}.{name}", size, m) for name in names)
        painter = None
        if self.config.paints(size):
            weight = np.zeros((self.config.channels[size], 4), np.float32)
            weight[:, : self.config.img_channels] = tensors[f"{prefix}.torgb.weight"][..., 0, 0].T
            bias = np.zeros(4, np.float32)
            bias[: self.config.img_channels] = tensors[f"{prefix}.torgb.bias"]
            painter = _Painter(_Affine.of(tensors, f"{prefix}.torgb.affine"), weight, bias)
        return _Block(size, layers, painter, self.config.channels[size])

    def _layer(self, tensors: Tensors, name: str, size: int, m: int) -> _Layer:
        weight = tensors[f"{name}.weight"]
        tiles = self._kernels.tiles
        conv: FlatConv | DoublingConv
        conv = doubling(weight, tiles) if name.endswith("conv0") else flat(weight, size, m, tiles)
        bias = wide(tensors[f"{name}.bias"] * np.float32(SQRT2), len(weight))
        power = np.square(weight).sum(axis=(2, 3))
        return _Layer(_Affine.of(tensors, f"{name}.affine"), conv, power, bias)

    def __call__(
        self,
        ws: Float32[np.ndarray, "n num_ws w_dim"],
        noises: Sequence[Float32[np.ndarray, "_ 1 _ _"]],
        resolution: int | None = None,
        proceed: Callable[[], None] | None = None,
    ) -> Float32[np.ndarray, "n size size 4"]:
        """The picture of `resolution`, the full one when None: float32, nominally [-1, 1], NHWC.

        Of the four channels the model's own come first. proceed: asked between the layers; what
        it raises ends the work.
        """
        top = resolution or self.config.resolution
        state, start = self._begin(ws, noises, top)
        kept: list[_State] = []
        begun, room = state, KEPT_BYTES
        for block in self._blocks:
            if block.size > top:
                break
            count = len(block.layers)
            if state is None or block.size > state.size:
                before = state
                last = block.size == self.config.resolution
                state = self._step(
                    block, state, ws[:, start:], noises[start : start + count], proceed, last
                )
                start += count
                if before is not None and before is not begun and before not in kept:
                    assert before.x is not None
                    self._rooms.give_back(before.x)
                if state.x is not None:
                    room -= state.x.values.nbytes + state.image.nbytes
                if state.x is not None and room > 0:
                    kept.append(state)
        assert state is not None
        self._keep(ws, noises, kept)
        return state.image[:, 1:-1, 1:-1]

    def forget(self) -> None:
        """Let go of the features kept of the picture made last."""
        self._kept = Kept()

    def _step(
        self,
        block: _Block,
        state: _State | None,
        ws: Float32[np.ndarray, "n layers w_dim"],
        noises: Sequence[np.ndarray],
        proceed: Callable[[], None] | None,
        last: bool,
    ) -> _State:
        n, size = len(ws), block.size
        if state is None:
            x = self._rooms.lend(n, 4, 4, self._const.shape[0])
            x.inside[..., : len(self._const)] = self._const.transpose(1, 2, 0)
            image = np.zeros((n, 4, 4, 4), np.float32)
        else:
            assert state.x is not None
            x, image = state.x, state.image
        for index, layer in enumerate(block.layers):
            if proceed is not None:
                proceed()
            styles, scale = layer.styles(ws[:, index])
            noise = zeros((1, size, size))
            if noises:
                noise = np.multiply(noises[index][:, 0], np.float32(SQRT2), order="C")
            finish = Finish(scale, layer.bias, noise, LEAK, self._limit)
            if last and isinstance(layer.conv, FlatConv) and not layer.conv.few:
                image = self._last(layer.conv, x, styles, finish, block, ws[:, index + 1], image)
                self._rooms.give_back(x)
                return _State(size, None, image)
            made = self._rooms.lend(n, size, size, block.channels)
            layer.conv.run(self._kernels, self._hands, x, styles, finish, made)
            if state is None or x is not state.x:
                self._rooms.give_back(x)
            x = made
        if block.painter is not None:
            weights = block.painter.weights(ws[:, len(block.layers)])
            below, image = self._canvas(image, n, size)
            for picture in range(n):
                self._paint(weights, picture, x.first(picture), x.row, (0, size), below, image)
        return _State(size, x, image)

    def _last(
        self, conv: FlatConv, x: Map, styles: np.ndarray, finish: Finish, block: _Block,
        w: np.ndarray, image: np.ndarray,
    ) -> Float32[np.ndarray, "n lines pixels 4"]:  # fmt: skip
        """The last layer and its toRGB, band by band: its features are never there as a whole."""
        assert block.painter is not None
        weights = block.painter.weights(w)
        below, made = self._canvas(image, len(w), block.size)

        def use(picture: int, first: int, count: int, features: int, row: int) -> None:
            self._paint(weights, picture, features, row, (first, count), below, made)

        conv.bands(self._kernels, self._hands, x, styles, finish, use)
        return made

    @staticmethod
    def _canvas(
        below: Float32[np.ndarray, "n h w 4"], n: int, size: int
    ) -> tuple[Float32[np.ndarray, "n h w 4"], Float32[np.ndarray, "n lines pixels 4"]]:
        """The picture of half the size, and room for the one to come."""
        if below.shape[1] != size // 2 + 2:  # the one picture of the `orig` architecture
            below = np.zeros((n, size // 2 + 2, size // 2 + 2, 4), np.float32)
        return below, np.zeros((n, size + 2, size + 2, 4), np.float32)

    def _paint(
        self, weights: np.ndarray, picture: int, features: int, row: int, lines: tuple[int, int],
        below: np.ndarray, image: np.ndarray,
    ) -> None:  # fmt: skip
        first, count = lines
        self._kernels.paint(
            features, row, count, image.shape[2] - 2, weights.shape[1] - 1,
            address(weights, picture), address(below, picture, first // 2), below.shape[2] * 4,
            address(image, picture, 1 + first, 1), image.shape[2] * 4, self._limit,
        )  # fmt: skip

    def _begin(
        self, ws: np.ndarray, noises: Sequence[np.ndarray], top: int
    ) -> tuple[_State | None, int]:
        """The latest kept state that these ws and noises lead to as well, and its layers."""
        kept = self._kept
        if kept.ws is None or kept.ws.shape != ws.shape:
            return None, 0
        found: tuple[_State | None, int] = (None, 0)
        start = 0
        known = {state.size: state for state in kept.states}
        for block in self._blocks:
            end = start + len(block.layers)
            if block.size > kept.states[-1].size:
                break
            pairs = zip(kept.noises[start:end], noises[start:end], strict=True)
            same = np.array_equal(kept.ws[:, start : end + 1], ws[:, start : end + 1])
            same = same and all(np.array_equal(a, b) for a, b in pairs)
            if block.size > top or not same:
                break
            start = end
            if block.size in known:
                found = known[block.size], start
        return found

    def _keep(self, ws: np.ndarray, noises: Sequence[np.ndarray], states: list[_State]) -> None:
        old = self._kept
        found, _ = self._begin(ws, noises, self.config.resolution)
        if found is not None:
            states = [state for state in old.states if state.size <= found.size] + states
        if states:
            top = states[-1].size
            count = sum(len(block.layers) for block in self._blocks if block.size <= top)
            self._kept = Kept(ws.copy(), [noise.copy() for noise in noises[:count]], states)
