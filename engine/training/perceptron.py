"""Very small networks for points of the plane, with backpropagation written out.

For layers this small the machinery of automatic differentiation costs several times what the
layers compute; losses, which are few numbers, still go through it. All weights of a network are
parts of one flat vector, and so are their gradients: an optimiser's step is a handful of
operations, and a checkpoint three vectors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.training_spec import Activation, Network, Optimiser

LEAK = 0.2


@dataclass
class Pass:
    """What a forward pass leaves behind. inputs: of each layer. kinks: the activation's slope
    behind each layer but the last."""

    inputs: list[Tensor]
    kinks: list[Tensor]


class Perceptron:
    """Affine layers with an activation between them; matrices [out, in] and biases [out].

    Not recorded by autograd: `backward` and `penalise` say what the gradients are. They add to
    `gradient`, which `clear` sets to zero.
    """

    def __init__(self, sizes: Sequence[int], activation: Activation, rng: torch.Generator) -> None:
        self.activation = activation
        shapes = list(zip(sizes[1:], sizes, strict=False))  # [out, in]
        self.flat = torch.zeros(sum(out * (fan_in + 1) for out, fan_in in shapes))
        self.gradient = torch.zeros_like(self.flat)
        self._layers = _parts(self.flat, shapes)
        self._gradients = _parts(self.gradient, shapes)
        for index, (matrix, _) in enumerate(self._layers):
            # He et al. (2015); neither tanh nor the last layer halves the variance.
            halves = index < len(shapes) - 1 and activation != "tanh"
            deviation = math.sqrt((2.0 if halves else 1.0) / matrix.shape[1])
            matrix.normal_(0.0, deviation, generator=rng)

    def clear(self) -> None:
        """Forget the gradients."""
        self.gradient.zero_()

    def __call__(self, x: Float[Tensor, "n inside"]) -> Float[Tensor, "n out"]:
        for matrix, bias in self._layers[:-1]:
            x = self._activate(F.linear(x, matrix, bias))
        return F.linear(x, *self._layers[-1])

    def forward(self, x: Float[Tensor, "n inside"]) -> tuple[Float[Tensor, "n out"], Pass]:
        """The outputs, and what `backward` needs."""
        left = Pass([x], [])
        for matrix, bias in self._layers[:-1]:
            x = self._activate(F.linear(x, matrix, bias))
            left.inputs.append(x)
            left.kinks.append(self._slope(x))
        return F.linear(x, *self._layers[-1]), left

    def backward(
        self,
        left: Pass,
        found: Float[Tensor, "n out"],
        *,
        own: bool = True,
        bends: Sequence[Tensor] = (),
    ) -> Float[Tensor, "n inside"]:
        """The loss's gradient at the inputs, given it at the outputs.

        own: whether the gradients of the weights are added. bends: what further comes to each
        layer's affine output but the last one's.
        """
        for index in reversed(range(len(self._layers))):
            matrix, _ = self._layers[index]
            if index < len(left.kinks):
                found = found * left.kinks[index]
                if bends:
                    found = found + bends[index]
            if own:
                of_matrix, of_bias = self._gradients[index]
                of_matrix.addmm_(found.T, left.inputs[index])
                of_bias.add_(found.sum(0))
            found = found @ matrix
        return found

    def slope(self, left: Pass) -> tuple[Float[Tensor, "n inside"], list[Tensor]]:
        """The gradient of the one output at each input; and, on the way there, that at the
        output of each layer but the last, for `penalise`."""
        n = left.inputs[0].shape[0]
        found = self._layers[-1][0].expand(n, -1)
        way = [found]
        for index in reversed(range(len(left.kinks))):
            found = (found * left.kinks[index]) @ self._layers[index][0]
            way.append(found)
        return way[-1], way[-2::-1] if len(way) > 1 else []

    def penalise(self, left: Pass, way: list[Tensor], found: Float[Tensor, "n inside"]) -> None:
        """Add the gradients of a penalty on the slope, given its own gradient there.

        The slope is a product of matrices and kinks; each matrix stands in it once, and each kink
        moves with its layer's output where the activation is curved.
        """
        bends = []
        for index, kink in enumerate(left.kinks):
            matrix, _ = self._layers[index]
            below = way[index] * kink  # what was multiplied by this matrix on the way down
            self._gradients[index][0].addmm_(below.T, found)
            up = found @ matrix.T
            bends.append(up * way[index] * self._curve(left.inputs[index + 1]))
            found = up * kink
        self._gradients[-1][0].add_(found.sum(0, keepdim=True))
        if self.activation == "tanh":
            silent = torch.zeros(found.shape[0], 1)
            self.backward(left, silent, bends=bends)

    def _activate(self, x: Tensor) -> Tensor:
        if self.activation == "tanh":
            return x.tanh_()
        return x.relu_() if self.activation == "relu" else F.leaky_relu_(x, LEAK)

    def _slope(self, y: Tensor) -> Tensor:
        """The activation's derivative, from its value."""
        if self.activation == "tanh":
            return 1 - y * y
        leak = 0.0 if self.activation == "relu" else LEAK
        return (y > 0).to(y.dtype).mul_(1 - leak).add_(leak)

    def _curve(self, y: Tensor) -> Tensor | float:
        """The activation's second derivative, from its value."""
        return -2 * y * (1 - y * y) if self.activation == "tanh" else 0.0


def hidden(inside: int, network: Network, out: int) -> list[int]:
    """The sizes of a network of that many hidden layers."""
    return [inside, *[network.width] * network.layers, out]


class Descent:
    """Steps of an optimiser over one flat vector."""

    def __init__(self, wanted: Optimiser, network: Perceptron) -> None:
        self.wanted = wanted
        self.network = network
        self.mean = torch.zeros_like(network.flat)
        self.square = torch.zeros_like(network.flat)
        self.count = 0

    def step(self) -> None:
        """One step along the network's gradient, which is cleared."""
        wanted, gradient, weights = self.wanted, self.network.gradient, self.network.flat
        self.count += 1
        if wanted.kind == "sgd":  # with momentum as Polyak (1964) has it
            self.mean.mul_(wanted.beta1).add_(gradient)
            weights.add_(self.mean, alpha=-wanted.rate)
        else:  # Algorithm 1 of Kingma and Ba (2015)
            self.mean.lerp_(gradient, 1 - wanted.beta1)
            self.square.mul_(wanted.beta2).addcmul_(gradient, gradient, value=1 - wanted.beta2)
            rate = wanted.rate / (1 - wanted.beta1**self.count)
            scale = math.sqrt(1 - wanted.beta2**self.count)
            weights.addcdiv_(self.mean, self.square.sqrt().div_(scale).add_(1e-8), value=-rate)
        self.network.clear()

    def state(self) -> tuple[Tensor, ...]:
        """Weights and what the optimiser remembers."""
        count = torch.tensor(self.count)
        return (self.network.flat.clone(), self.mean.clone(), self.square.clone(), count)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """The inverse of `state`."""
        for mine, kept in zip((self.network.flat, self.mean, self.square), state, strict=False):
            mine.copy_(kept)
        self.count = int(state[3])


def _parts(flat: Tensor, shapes: Sequence[tuple[int, int]]) -> list[tuple[Tensor, Tensor]]:
    """Matrices and biases as views of one vector."""
    parts, start = [], 0
    for out, fan_in in shapes:
        matrix = flat[start : start + out * fan_in].view(out, fan_in)
        start += out * fan_in
        parts.append((matrix, flat[start : start + out]))
        start += out
    return parts
