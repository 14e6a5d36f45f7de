"""Previews that leave the network early: alike on every backend, shown while a hand drags."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.backends.backend import Effort
from engine.cancel import CancelToken
from engine.errors import Cancelled
from engine.frame import RenderSettings
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.image.pixels import largest_difference
from engine.models.family import Tensors
from engine.models.folder import write_model_folder
from engine.models.opened import can_run_native, open_model
from engine.recipe import Generate, Recipe, Seed
from engine.services.preview_pace import PreviewPace
from engine.studio import Studio
from tests.random_checkpoints import random_tensors

LARGE = StyleGAN2Config(
    z_dim=8, w_dim=8, resolution=256, mapping_layers=1,
    channels={4: 16, 8: 16, 16: 16, 32: 8, 64: 8, 128: 4, 256: 4},
)  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model of 256 px, exported once."""
    home = tmp_path_factory.mktemp("large")
    tensors: Tensors = random_tensors(LARGE)
    write_model_folder(home / "models" / "large", LARGE, tensors, {"name": "large"})
    return home


def test_exported_graphs_give_early_exits_that_their_manifest_names(large: Path) -> None:
    info = Studio(large).library.find("large")
    onnx = open_model(info, "onnx")
    assert onnx.backend.exits == (32, 64)
    told = json.loads((info.folder / "graphs.json").read_text())
    outputs = [port["name"] for port in told["files"]["synthesis.onnx"]["outputs"]]
    assert outputs == ["image", "pixels", "pixels_32", "pixels_64"]
    assert told["weights_sha256"] == info.sha256
    assert told["checked_against_torch"]["largest_difference_of_255"] <= 2
    ws = onnx.map(np.random.RandomState(0).randn(1, 8).astype(np.float32))
    assert onnx.pixels(ws, effort=Effort(32)).shape == (1, 32, 32, 3)


def test_every_backend_leaves_early_with_the_same_picture(large: Path) -> None:
    info = Studio(large).library.find("large")
    if not can_run_native(info):
        pytest.skip("this processor has no fused multiply-add, so there is one backend only")
    onnx, native = open_model(info, "onnx"), open_model(info, "native")
    ws = onnx.map(np.random.RandomState(0).randn(1, 8).astype(np.float32))
    for size in onnx.backend.exits:
        early = [model.pixels(ws, effort=Effort(size))[0] for model in (onnx, native)]
        assert early[0].shape == (size, size, 3)
        assert largest_difference(early[0], early[1]) <= 1
        assert np.ptp(early[0]) > 10


def test_a_preview_is_an_early_exit_and_the_picture_at_rest_is_whole(large: Path) -> None:
    studio = Studio(large)
    recipe = Recipe(Generate(studio.ref("large"), Seed(3)))
    preview = studio.render(recipe, RenderSettings(quality="preview"))
    assert preview.quality == "preview"
    assert preview.pixels.shape == (256, 256, 3)
    full = studio.render(recipe)
    assert full.quality == "full"
    assert not np.array_equal(preview.pixels, full.pixels)
    np.testing.assert_array_equal(full.pixels, studio.render_anew(recipe).pixels)
    # The whole picture is at hand now, so a preview need not be less.
    assert studio.render(recipe, RenderSettings(quality="preview")).quality == "full"


def test_a_render_after_its_preview_has_the_bytes_of_one_made_alone(large: Path) -> None:
    first, second = Studio(large), Studio(large)
    recipe = Recipe(Generate(first.ref("large"), Seed(4)))
    first.render(recipe, RenderSettings(quality="preview"))
    after = first.render(recipe).pixels
    np.testing.assert_array_equal(after, second.render(recipe).pixels)


def test_cancelled_work_stops_between_the_layers(large: Path) -> None:
    studio = Studio(large, backend="native")
    info = studio.library.find("large")
    if not can_run_native(info):
        pytest.skip("this processor has no fused multiply-add")
    model = studio.open("large")
    asked = []

    class Impatient(CancelToken):
        def check(self) -> None:
            asked.append(True)
            if len(asked) == 5:
                raise Cancelled

    ws = model.map(np.zeros((1, 8), np.float32))
    with pytest.raises(Cancelled):
        model.pixels(ws, effort=Effort(proceed=Impatient().check))
    assert len(asked) == 5


def test_previews_grow_as_far_as_the_machine_keeps_up() -> None:
    pace, exits = PreviewPace(budget_s=0.1), (32, 64, 128, 256, 512)
    assert pace.size("m", exits, 1024) == 64
    pace.took("m", 64, 0.02)
    assert pace.size("m", exits, 1024) == 128
    pace.took("m", 128, 0.09)
    assert pace.size("m", exits, 1024) == 128
    pace.took("fast", 64, 0.001)
    pace.took("fast", 1024, 0.05)
    assert pace.size("fast", exits, 1024) is None
    assert pace.size("small", (4, 8, 16, 32), 64) is None
    assert pace.size("no exits", (), 1024) is None
