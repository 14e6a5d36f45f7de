"""Editing works on every family of generator, not on StyleGAN2 alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import write_safetensors
from engine.errors import ModelError
from engine.frame import Progress
from engine.gan.dcgan_config import DCGANConfig
from engine.gan.progan_config import ProGANConfig
from engine.gan.stylegan1_config import StyleGAN1Config
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.models.card import WEIGHTS, write_card
from engine.models.families import family_of
from engine.recipe import Generate, Move, Recipe, Seed, Truncate
from engine.services.clips import import_clip
from engine.services.drag import drag, recipe_of_step
from engine.services.edit_text import edit_text, recipe_at
from engine.services.find import find
from engine.services.invert import invert
from engine.studio import Studio
from engine.wishes import DirectionWish, DragWish, InvertWish, TextPair, TextWish
from tests.clip_files import published_config, random_tensors, write_published

CONFIGS: dict[str, Any] = {
    "dcgan": DCGANConfig(z_dim=12, channels=(32, 16, 16), img_channels=3),
    "progan": ProGANConfig(z_dim=12, resolution=16, channels={4: 16, 8: 16, 16: 16}),
    "stylegan1": StyleGAN1Config(
        z_dim=12, w_dim=12, resolution=16, channels={4: 16, 8: 16, 16: 16}, mapping_layers=2
    ),
    "stylegan3": StyleGAN3Config(12, 12, 0, 16, (16, 16, 16, 16)),
}  # fmt: skip


def quiet(progress: Progress) -> None:
    """Nobody watches."""


@pytest.fixture(params=sorted(CONFIGS))
def name(request: pytest.FixtureRequest, home: Path) -> str:
    """A random model of a family, as an import of this test's own home."""
    config = CONFIGS[request.param]
    torch.manual_seed(0)
    generator = family_of(config).new_generator(config)
    tensors = {k: v.detach().numpy().astype(np.float32) for k, v in generator.state_dict().items()
               if not k.endswith("num_batches_tracked")}  # fmt: skip
    folder = home / "models" / request.param
    folder.mkdir(parents=True)
    write_safetensors(folder / WEIGHTS, tensors)
    card = {"name": request.param, "title": request.param, "family": config.family,
            "config": config.to_dict(), "weights_sha256": weights_sha256(tensors)}  # fmt: skip
    write_card(folder, card)
    return str(request.param)


def test_directions_inversion_and_dragging(name: str, home: Path) -> None:
    studio = Studio(home)
    ref = studio.ref(name)
    found = [
        *find(home, name, DirectionWish("sefa", count=2), quiet, CancelToken()),
        *find(home, name, DirectionWish("activations", count=2), quiet, CancelToken()),
    ]
    assert len(found) == 4
    studio.refresh()
    start = Recipe(Generate(ref, Truncate(Seed(1), 0.7)))
    moved = Recipe(Generate(ref, Move(Truncate(Seed(1), 0.7), found[0].sha256, 3.0,
                                      found[0].layers)))  # fmt: skip
    assert (studio.render(moved).pixels != studio.render(start).pixels).any()
    wish = InvertWish(name, start, steps=3, perceptual=False, tune_steps=2)
    inverted = invert(home, wish, quiet, CancelToken(), lambda _: None)
    assert studio.render(inverted.recipe).pixels.shape == studio.render(start).pixels.shape
    pulled = DragWish(start, ((0.4, 0.5),), ((0.7, 0.5),), (), 2)
    steps = drag(home, pulled, quiet, CancelToken(), lambda _: None)
    assert studio.render(recipe_of_step(steps, 1)).backend in ("onnx", "native", "torch")


def test_a_text_edits_any_generator_and_says_where_there_are_no_styles(
    name: str, home: Path, tmp_path: Path
) -> None:
    config = published_config()
    folder = write_published(tmp_path / "published", config, random_tensors(config))
    import_clip(home, folder, "small", quiet, CancelToken())
    studio = Studio(home)
    start = Recipe(Generate(studio.ref(name), Truncate(Seed(1), 0.7)))
    pair = TextPair("a face with glasses", "a face", "small", 0.0)
    wish = TextWish(start, pair, "optimise", 2.0, 2)
    found = edit_text(home, wish, quiet, CancelToken(), lambda _: None)
    made = recipe_at(found, studio.store, 1.0, 0.0)
    assert studio.render(made).pixels.shape == studio.render(start).pixels.shape
    if name in ("dcgan", "progan"):
        styled = TextWish(start, pair, "direction")
        with pytest.raises(ModelError, match="no styles"):
            edit_text(home, styled, quiet, CancelToken(), lambda _: None)
