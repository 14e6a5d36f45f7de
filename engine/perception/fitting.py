"""Whether tensors from a file are those of a network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import nn

Tensors = Mapping[str, np.ndarray]


def misfit(net: nn.Module, tensors: Tensors, left_out: tuple[str, ...] = ()) -> str | None:
    """The first thing that is wrong with tensors for a network, in words; None where all fits.

    A tensor may be missing, of another shape, no floats or no finite numbers, or unknown to the
    network, which may be without memory. left_out: ends of names that count on neither side.
    """
    wanted = {
        name: tuple(value.shape)
        for name, value in net.state_dict().items()
        if not name.endswith(left_out)
    }
    for name, shape in wanted.items():
        array = tensors.get(name)
        if array is None:
            return f"lacks the tensor {name!r}"
        if array.shape != shape:
            return f"has {name!r} of the shape {list(array.shape)}, expected {list(shape)}"
        if array.dtype.kind != "f":
            return f"has {name!r} of type {array.dtype}, expected floats"
        if not np.isfinite(array).all():
            return f"has values in {name!r} that are no finite numbers"
    extra = sorted(name for name in set(tensors) - set(wanted) if not name.endswith(left_out))
    return f"has the tensor {extra[0][:80]!r}, which its config does not name" if extra else None
