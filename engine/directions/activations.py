"""Principal directions of early activations, for generators whose latent is one Gaussian.

Härkönen et al. (2020, "GANSpace", section 2.2): the latent itself has no preferred axes there, so
the components are sought in the activations of an early layer and carried back by regression.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

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
    generator: object, run: Callable[[], object], layer: int = 1
) -> Float32[np.ndarray, "n features"]:
    """What the `layer`-th weighted module of a torch synthesis network gives while `run` runs."""
    from torch import nn

    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    modules = [m for m in generator.synthesis.modules() if isinstance(m, kinds)]  # type: ignore[attr-defined]
    if not modules:  # layers of this program's own kinds
        modules = [m for m in generator.synthesis.modules() if hasattr(m, "weight")]  # type: ignore[attr-defined]
    module = modules[min(layer, len(modules) - 1)]
    found: list[np.ndarray] = []

    def keep(_module: object, _inputs: object, output: object) -> None:
        found.append(_flat(output))

    hook = module.register_forward_hook(keep)
    try:
        run()
    finally:
        hook.remove()
    return np.concatenate(found)


def _flat(output: object) -> Float32[np.ndarray, "n features"]:
    from torch import Tensor
    from torch.nn.functional import adaptive_avg_pool2d

    assert isinstance(output, Tensor)
    x = output.float()
    if x.ndim == 4 and x[0].numel() > LIMIT:
        side = max(1, int((LIMIT / x.shape[1]) ** 0.5))
        x = adaptive_avg_pool2d(x, side)
    return np.asarray(x.flatten(1).cpu().numpy())
