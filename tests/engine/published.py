"""Brings a published pipeline's folder here and renders it from a Recipe, in floats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.cancel import CancelToken
from engine.denoising import Denoise
from engine.diffusion.noise import noise_of
from engine.errors import AtelierError
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.open_published import open_published
from engine.models.library import ModelLibrary
from engine.recipe import ModelRef, Recipe, Seed
from engine.services import diffuse
from engine.services.diffusion import Place, Source
from engine.services.import_other import import_other, is_other

NOISE, ADDED = 3, 7  # seeds of what a run begins with, and of what is added on the way


def bring(home: Path, folder: Path) -> Denoiser:
    """Import a folder as `import` does, and open what came of it."""
    assert is_other(folder)
    import_other(home, folder, None, lambda progress: None, CancelToken())
    return open_published(ModelLibrary(home, home / "bundled").denoisers()[-1])


def refused(home: Path, folder: Path) -> str:
    """What an import says that must fail and leave nothing."""
    with pytest.raises(AtelierError) as caught:
        import_other(home, folder, None, lambda progress: None, CancelToken())
    assert not list((home / "models").glob("*"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def node_of(model: Denoiser, **more: Any) -> Denoise:
    """A picture of it. more: of Denoise."""
    settings: dict[str, Any] = {"sampler": "ddim", "steps": 6, "spacing": "leading", **more}
    ref = ModelRef(model.info.name, model.info.sha256)
    return Denoise(ref, Seed(NOISE), noise_seed=ADDED, **settings)


def rendered(
    home: Path,
    node: Denoise,
    source: Source | None = None,
    controls: tuple[np.ndarray, ...] = (),
    fresh: bool = True,
) -> np.ndarray:
    """What a Recipe is rendered to before it becomes bytes, [height, width, 3] in [0, 1]."""
    seen: list[Tensor] = []
    plain = diffuse.to_pixels

    def listening(x0: Tensor) -> Any:
        seen.append(x0)
        return plain(x0)

    again = Recipe.from_json(Recipe(node).canonical).image
    assert again == node
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffuse, "to_pixels", listening)
        place = Place(home, home / "bundled")
        diffuse.denoise_image(place, node, None, fresh=fresh, source=source, controls=controls)
    return np.asarray((seen[-1][0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy())


def apart(made: np.ndarray, theirs: Any) -> float:
    """The largest difference of two pictures, of 1; `pytest -rP` shows it."""
    assert made.std() > 0.005
    found = float(np.abs(made - theirs).max())
    sys.stdout.write(f"apart by at most {found:.1e}\n")
    return found


def begun(model: Denoiser) -> Tensor:
    """The noise that such a picture begins with."""
    return noise_of(Seed(NOISE), model.shape, _no_array)


def added() -> torch.Generator:
    """What random samplers draw from."""
    return torch.Generator().manual_seed(ADDED)


def given(patch: pytest.MonkeyPatch, pipeline: Any, noise: Tensor) -> None:
    """Let a pipeline that takes no noise begin with this one."""
    module = __import__(type(pipeline).__module__, fromlist=["randn_tensor"])
    patch.setattr(module, "randn_tensor", lambda *shape, **more: noise.clone())


def _no_array(sha256: str) -> np.ndarray:
    raise AssertionError(sha256)
