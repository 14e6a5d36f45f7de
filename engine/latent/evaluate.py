"""A latent expression becomes ws.

Expressions in z are worked out in z and mapped once, at the place where something in w needs them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from engine.errors import DirectionError, ModelError, RecipeError, StoreError
from engine.latent.arithmetic import combine
from engine.latent.interpolate import lerp, slerp
from engine.latent.mixing import chosen_layers, mix
from engine.latent.seeds import z_from_seed
from engine.latent.truncation import truncate
from engine.recipe import (
    Arithmetic,
    Blend,
    Computed,
    Latent,
    Mix,
    Move,
    Seed,
    Stored,
    Truncate,
)

Z = Float32[np.ndarray, "1 z_dim"]
Ws = Float32[np.ndarray, "1 num_ws w_dim"]
Styles = Float32[np.ndarray, "1 style_dim"]
Key = tuple[Latent, bytes]


@runtime_checkable
class LatentSpace(Protocol):
    """What the maths needs to know of a model."""

    @property
    def z_dim(self) -> int: ...

    @property
    def w_dim(self) -> int: ...

    @property
    def num_ws(self) -> int: ...

    @property
    def w_avg(self) -> Float32[np.ndarray, " w_dim"]: ...

    def map(
        self, z: Float32[np.ndarray, "n z_dim"], c: Float32[np.ndarray, "n c_dim"] | None
    ) -> Float32[np.ndarray, "n num_ws w_dim"]:
        """The mapping network without truncation (psi 1)."""
        ...


@runtime_checkable
class StyleSpace(LatentSpace, Protocol):
    """A LatentSpace whose layers' affine maps make styles of ws."""

    def styles(
        self, ws: Float32[np.ndarray, "n num_ws w_dim"]
    ) -> Float32[np.ndarray, "n style_dim"]:
        """The styles of every layer, one after another."""
        ...


class Memo(MutableMapping[Key, Ws]):
    """Remembers the ws of the last expressions in z of one model; safe in several threads."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, Ws] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, key: Key) -> Ws:
        with self._lock:
            self._kept.move_to_end(key)
            return self._kept[key]

    def __setitem__(self, key: Key, ws: Ws) -> None:
        with self._lock:
            self._kept[key] = ws
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)

    def __delitem__(self, key: Key) -> None:
        with self._lock:
            del self._kept[key]

    def __iter__(self) -> Iterator[Key]:
        with self._lock:
            return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)


def evaluate(
    latent: Latent,
    space: LatentSpace,
    array: Callable[[str], np.ndarray[Any, Any]],
    c: Float32[np.ndarray, "1 c_dim"] | None = None,
    memo: MutableMapping[Key, Ws] | None = None,
    average: Float32[np.ndarray, " w_dim"] | None = None,
) -> Ws:
    """The ws of a latent expression, float32 [1, num_ws, w_dim]; the caller must not write to it.

    array: gives the stored array of a SHA-256. c: the class vector of a conditional model. memo:
    remembers what was mapped, so that a slider along a direction costs no mapping; one memo serves
    one model. average: what truncation pulls toward, the space's own when None. Raises
    DirectionError for a direction of another space, ModelError for a stored latent of another
    space, RecipeError for layers, psi or cutoff that the model lacks.
    """
    centre = space.w_avg if average is None else average
    return _Evaluation(space, array, c, memo, centre).ws(latent)


def evaluate_styles(
    latent: Latent,
    space: StyleSpace,
    array: Callable[[str], np.ndarray[Any, Any]],
    c: Float32[np.ndarray, "1 c_dim"] | None = None,
    memo: MutableMapping[Key, Ws] | None = None,
) -> Styles:
    """The styles of a latent expression in any space, float32 [1, style_dim]; see `evaluate`."""
    return _Styles(_Evaluation(space, array, c, memo, space.w_avg), space).of(latent)


@dataclass(frozen=True)
class _Evaluation:
    space: LatentSpace
    array: Callable[[str], np.ndarray[Any, Any]]
    c: Float32[np.ndarray, "1 c_dim"] | None
    memo: MutableMapping[Key, Ws] | None
    average: Float32[np.ndarray, " w_dim"]

    def ws(self, node: Latent) -> Ws:
        if node.space == "z":
            return self.mapped(node)
        match node:
            case Stored():
                return self.stored(node)
            case Computed():
                return self.stored(node.stored)
            case Blend(a, b, t):
                return lerp(self.ws(a), self.ws(b), t)
            case Arithmetic(terms):
                return combine([(x.weight, [self.ws(e) for e in x.exemplars]) for x in terms])
            case Mix(base, source, layers, amount):
                return mix(self.ws(base), self.ws(source), layers, amount)
            case Move():
                return self.moved(node)
            case Truncate(base, psi, cutoff):
                return truncate(self.ws(base), self.average, psi=psi, cutoff=cutoff)
        raise _unknown(node)

    def z(self, node: Latent) -> Z:
        match node:
            case Seed(n):
                return z_from_seed(n, self.space.z_dim)
            case Stored():
                return self.stored(node)
            case Computed():
                return self.stored(node.stored)
            case Blend(a, b, t, _, curve):
                return (slerp if curve == "slerp" else lerp)(self.z(a), self.z(b), t)
            case Arithmetic(terms):
                return combine([(x.weight, [self.z(e) for e in x.exemplars]) for x in terms])
            case Move(base, direction, strength):
                return self.z(base) + np.float32(strength) * self.direction(direction, "z")
        raise _unknown(node)

    def mapped(self, node: Latent) -> Ws:
        key = (node, b"" if self.c is None else self.c.tobytes())
        if self.memo is not None and (known := self.memo.get(key)) is not None:
            return known
        ws: Ws = self.space.map(self.z(node), self.c)
        if self.memo is not None:
            ws.setflags(write=False)
            self.memo[key] = ws
        return ws

    def stored(self, node: Stored) -> Float32[np.ndarray, batch * rest]:
        vector = self.array(node.sha256)
        dim = self.space.z_dim if node.kind == "z" else self.space.w_dim
        layers = self.space.num_ws
        fits = vector.shape == (dim,) or (node.kind == "w" and vector.shape == (layers, dim))
        if not fits:
            raise ModelError(
                f"This stored latent has the shape {list(vector.shape)}, "
                f"but the model takes {node.kind} of {dim} values and has {layers} layers.",
                "Use the model that the latent was made with.",
            )
        if not np.isfinite(vector).all():
            raise ModelError("This stored latent holds values that are not numbers.")
        if node.kind == "w" and vector.ndim == 1:
            vector = np.broadcast_to(vector, (layers, dim))
        return vector.astype(np.float32)[None]

    def moved(self, node: Move) -> Ws:
        base = self.ws(node.base)
        direction = self.direction(node.direction, "w")
        step = np.float32(node.strength) * direction
        if node.layers is None:
            return base + step
        layers = chosen_layers(node.layers, self.space.num_ws)
        out = base.copy()
        out[:, layers] += step if step.ndim == 1 else step[layers]
        return out

    def direction(self, sha256: str, kind: str) -> Float32[np.ndarray, "*shape"]:
        """[z_dim], [w_dim] or [num_ws, w_dim], checked against the space."""
        try:
            vector = self.array(sha256)
        except StoreError as error:
            raise DirectionError(error.what, error.remedy) from error
        dim = self.space.z_dim if kind == "z" else self.space.w_dim
        remedy = "Choose a direction found on this model."
        if vector.ndim not in ((1,) if kind == "z" else (1, 2)) or not np.isfinite(vector).all():
            raise DirectionError(f"This is no direction in {kind}: {list(vector.shape)}.", remedy)
        if vector.shape[-1] != dim:
            raise DirectionError(
                f"This direction is for {kind} of {vector.shape[-1]} values, "
                f"but the model makes {dim}.",
                remedy,
            )
        if vector.ndim == 2 and vector.shape[0] != self.space.num_ws:
            raise DirectionError(
                f"This direction is for {vector.shape[0]} layers, "
                f"but the model has {self.space.num_ws}.",
                remedy,
            )
        return vector.astype(np.float32, copy=False)


@dataclass(frozen=True)
class _Styles:
    """Expressions in the space of styles; what is in z or w is worked out there first."""

    inner: _Evaluation
    space: StyleSpace

    def of(self, node: Latent) -> Styles:
        if node.space != "s":
            return self.space.styles(self.inner.ws(node))
        match node:
            case Stored(sha256):
                return self.vector(sha256)[None]
            case Blend(a, b, t):
                return lerp(self.of(a), self.of(b), t)
            case Arithmetic(terms):
                return combine([(x.weight, [self.of(e) for e in x.exemplars]) for x in terms])
            case Move(base, direction, strength):
                styles = self.of(base)
                step = self.vector(direction)
                if step.shape != styles.shape[1:]:
                    raise DirectionError(
                        f"This direction is for {len(step)} style channels, "
                        f"but the model has {styles.shape[1]}.",
                        "Choose a direction found on this model.",
                    )
                return styles + np.float32(strength) * step
        raise _unknown(node)

    def vector(self, sha256: str) -> Float32[np.ndarray, " style_dim"]:
        vector = self.inner.array(sha256)
        if vector.ndim != 1 or not np.isfinite(vector).all():
            raise DirectionError(f"This is no vector of styles: {list(vector.shape)}.")
        return vector.astype(np.float32, copy=False)


def _unknown(node: Latent) -> RecipeError:
    return RecipeError(
        f"The latent {node.op!r} cannot be evaluated here.",
        "A newer version of the program may be able to.",
    )
