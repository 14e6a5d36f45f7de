"""Drag points: motion supervision and tracking, and what is kept of a drag."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.editing.drag import DragSettings, FeatureTap, begin, drag, mask_of, reached
from engine.editing.generator import Differentiable, differentiable
from engine.editing.invert import Spread, spread
from engine.errors import RecipeError
from engine.frame import Progress
from engine.models.opened import Model
from engine.recipe import Computed, Generate, Move, Noise, Recipe, Seed, Truncate
from engine.services.drag import drag as run_drag
from engine.services.drag import recipe_of_step
from engine.studio import Studio
from engine.wishes import DragFrame, DragWish
from tests.random_model import NAME


def quiet(progress: Progress) -> None:
    """Nobody watches."""


class Blob(torch.nn.Module):
    """A picture of one soft spot, whose place is the first two numbers of w."""

    def __init__(self) -> None:
        super().__init__()
        self.spot = Spot()
        self.paint = torch.nn.Identity()

    def with_noises(self, ws: torch.Tensor, noises: object) -> torch.Tensor:
        return self.paint(self.spot(ws)[:, :3])


class Spot(torch.nn.Module):
    """Sixteen maps of the spot, each of another size, at 64 px."""

    def forward(self, ws: torch.Tensor) -> torch.Tensor:
        place = 0.5 + 0.1 * ws.mean(1)[:, :2]
        line = (torch.arange(64) + 0.5) / 64
        far = (line[None, None, :] - place[:, 0, None, None]) ** 2 + (
            line[None, :, None] - place[:, 1, None, None]
        ) ** 2
        sizes = torch.linspace(0.03, 0.12, 16)
        return torch.exp(-far[:, None] / (2 * sizes[None, :, None, None] ** 2))


class Holder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.synthesis = Blob()


@pytest.fixture
def net() -> Differentiable:
    return Differentiable(Holder(), (), None, 4, 6)


@pytest.fixture
def around() -> Spread:
    return spread(np.random.RandomState(0).randn(500, 6).astype(np.float32))


def test_a_handle_is_brought_to_its_target(net: Differentiable, around: Spread) -> None:
    ws = np.zeros((4, 6), np.float32)
    tap = FeatureTap(net, torch.from_numpy(ws)[None])
    handles = np.array([[0.5, 0.5]], np.float32)
    state = begin(net, tap, around, ws, handles, handles + np.float32([[0.1, -0.06]]))
    settings = DragSettings(steps=150)
    seen: list[int] = []
    drag(tap, around, state, settings, None, CancelToken(), lambda s, _: seen.append(s.step))
    assert bool(reached(state, settings, tap.side).all())
    moved = 0.5 + 0.1 * around.ws(state.v).mean(0)[:2]
    assert torch.allclose(moved, torch.tensor([0.6, 0.44]), atol=0.02)
    assert len(seen) < 150


def test_what_the_mask_leaves_out_is_held(net: Differentiable, around: Spread) -> None:
    ws = np.zeros((4, 6), np.float32)
    tap = FeatureTap(net, torch.from_numpy(ws)[None])
    handles = np.array([[0.5, 0.5]], np.float32)
    far = []
    for mask in (None, mask_of(np.float32([[0.1, 0.1, 0.05]]), tap.side)):
        state = begin(net, tap, around, ws, handles, handles + np.float32([[0.1, 0.0]]))
        settings = DragSettings(steps=40, hold=300.0)
        drag(tap, around, state, settings, mask, CancelToken(), lambda *_: None)
        far.append(float(around.ws(state.v).mean(0)[0]))
    assert abs(far[1]) < 0.5 * abs(far[0])


def test_a_mask_is_the_union_of_its_discs() -> None:
    mask = mask_of(np.float32([[0.25, 0.25, 0.1], [0.75, 0.75, 0.1]]), 64)
    assert mask is not None
    assert mask[0, 0, 16, 16] == mask[0, 0, 48, 48] == 1
    assert mask[0, 0, 32, 32] == 0
    assert mask_of(np.zeros((0, 3), np.float32), 64) is None


def test_points_that_cannot_be_dragged_are_refused(net: Differentiable, around: Spread) -> None:
    ws = np.zeros((4, 6), np.float32)
    tap = FeatureTap(net, torch.from_numpy(ws)[None])
    none, out = np.zeros((0, 2), np.float32), np.float32([[1.5, 0.5]])
    with pytest.raises(RecipeError, match="a handle and a target"):
        begin(net, tap, around, ws, none, none)
    with pytest.raises(RecipeError, match="within"):
        begin(net, tap, around, ws, out, out)


def test_a_layer_to_look_at_is_found(studio: Studio) -> None:
    model: Model = studio.open(NAME, "torch")
    net = differentiable(model, Noise())
    ws = torch.from_numpy(model.map(sample_w(model, 1, 0)[:, :16])[:1])
    features, image = FeatureTap(net, ws)(ws)
    assert features.shape[-1] == 128
    assert image.shape == (1, 3, 16, 16)


def test_every_step_of_a_drag_is_a_recipe(studio: Studio) -> None:
    start = Recipe(Generate(studio.ref(NAME), Truncate(Seed(4), 0.7)))
    wish = DragWish(start, ((0.4, 0.5),), ((0.7, 0.5),), ((0.5, 0.5, 0.4),), steps=5)
    frames: list[DragFrame] = []
    done = run_drag(studio.home, wish, quiet, CancelToken(), frames.append)
    assert len(done.steps) == 5
    assert frames[0].pixels.shape == (16, 16, 3)
    last = recipe_of_step(done, 4)
    assert isinstance(last.image, Generate)
    found = last.image.latent
    assert isinstance(found, Computed)
    assert {item.name for item in found.settings} == {"step", "handles", "targets", "mask"}
    assert found.latents == (Truncate(Seed(4), 0.7),)
    assert recipe_of_step(done, -1) == start
    assert (studio.render(last).pixels != studio.render(start).pixels).any()


def test_a_picture_of_style_channels_is_not_dragged(studio: Studio) -> None:
    styled = Recipe(Generate(studio.ref(NAME), Move(Seed(1), "a" * 64, 1.0, None, "s")))
    with pytest.raises(RecipeError, match="style channels"):
        run_drag(studio.home, DragWish(styled, ((0.5, 0.5),), ((0.6, 0.5),)), quiet,
                 CancelToken(), lambda _: None)  # fmt: skip
