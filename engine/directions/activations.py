"""Principal directions of early activations, for generators whose latent is one Gaussian.

Härkönen et al. (2020, "GANSpace", section 2.2): the latent itself has no preferred axes there, so
the components are sought in the activations of an early layer and carried back by regression.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

from engine.errors import DirectionError

LIMIT = 20_000  # values of an activation map that are kept; more are averaged away


def carried_back(
    z: Float[np.ndarray, "n dim"], activations: Float[np.ndarray, "n features"], count: int
) -> Float32[np.ndarray, "count dim"]:
    """Directions in z, ordered by falling variance of the activations that they move.

    Principal coordinates x of the activations, then least squares of z on x (equation 1); each
    direction has unit length, as one standard deviation of z. Signs as in `ganspace`.
    """
    a = activations.astype(np.float64) - activations.mean(0, dtype=np.float64)
    u, s, _ = np.linalg.svd(a, full_matrices=False)
    x = u[:, :count] * s[:count]  # [n count]
    centred = z.astype(np.float64) - z.mean(0, dtype=np.float64)
    found = np.linalg.lstsq(x, centred, rcond=None)[0]  # [count dim]
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    largest = np.abs(found).argmax(1)
    return np.asarray(found * np.sign(found[np.arange(len(found)), largest])[:, None], np.float32)


def early_activations(
    generator: object, run: Callable[[], object], layer: int = 1, tried: int = 6
) -> Float32[np.ndarray, "n features"]:
    """What an early layer of a torch synthesis network gives while `run` runs.

    The layer is the first from `layer` on, among the weighted modules, whose activations differ
    from picture to picture: a learned constant tells nothing. Raises DirectionError where none
    of the `tried` ones does.
    """
    from torch import nn

    synthesis = generator.synthesis  # type: ignore[attr-defined]
    modules = [
        m for m in synthesis.modules() if isinstance(getattr(m, "weight", None), nn.Parameter)
    ]
    found: dict[object, list[np.ndarray]] = {}

    def keep(module: object, _inputs: object, output: object) -> None:
        found.setdefault(module, []).append(_flat(output))

    hooks = [m.register_forward_hook(keep) for m in modules[layer : layer + tried]]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    for module in modules[layer : layer + tried]:
        seen = np.concatenate(found[module]) if module in found else np.zeros((1, 1))
        if len(seen) > 1 and float(seen.std(0).max()) > 1e-6:
            return np.asarray(seen, np.float32)
    raise DirectionError(
        "No early layer of this generator reacts to its latent.", "Use --method sefa or ganspace."
    )


def _flat(output: object) -> Float32[np.ndarray, "n features"]:
    from torch import Tensor
    from torch.nn.functional import adaptive_avg_pool2d

    assert isinstance(output, Tensor)
    x = output.float()
    if x.ndim == 4 and x[0].numel() > LIMIT:
        side = max(1, int((LIMIT / x.shape[1]) ** 0.5))
        x = adaptive_avg_pool2d(x, side)
    return np.asarray(x.flatten(1).cpu().numpy())
