"""The upsampler's network and what it makes: levels, sizes, and plain enlarging put back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.denoising import Upscale
from engine.diffusion.efficient_unet import EfficientUNet
from engine.diffusion.enlarge import MISSING, completed, left_out
from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.models.bundled import bundled_folder
from engine.models.library import ModelLibrary
from engine.portraits.classes import NO_CLASS
from engine.recipe import ModelRef, Photo, Seed
from engine.services.bundle_diffusion import bundle
from engine.services.diffuse import upscale_image
from engine.services.diffusion import Place
from engine.services.picture_quality import drawn_faces
from engine.training.checkpoint import load_state
from engine.training.diffusion_spec import SPECS
from engine.training.repainted import Repainter
from engine.training.train_diffusion import train
from engine.training.upsample_run import KEPT, UpsampleRun

CONFIG = UNetConfig(32, channels=(8, 16, 24), upsamples=True)


def test_blocks_double_with_every_level_down() -> None:
    net = EfficientUNet(CONFIG, 15, 12)
    down = [len(part.get_submodule("blocks")._modules) for part in net.down]
    up = [len(part.get_submodule("blocks")._modules) for part in net.up]
    assert (down, up) == ([1, 2, 4], [4, 2, 1])


@pytest.mark.parametrize("side", [32, 64])
def test_it_takes_any_size_and_hears_of_time_and_level(side: int) -> None:
    torch.manual_seed(0)
    net = PixelUNet(CONFIG).eval()
    for values in net.parameters():
        torch.nn.init.normal_(values, std=0.1)
    x, low = torch.randn(2, 3, side, side), torch.randn(2, 3, side // 2, side // 2)
    told = {"t": torch.full((2,), 300.0), "level": torch.full((2,), 50.0)}
    with torch.no_grad():
        out = net(x, low=low, **told)
        assert out.shape == x.shape
        for name in told:
            assert (net(x, low=low, **{**told, name: told[name] + 40}) - out).abs().max() > 1e-4
        assert (net(x, low=low + 1, **told) - out).abs().max() > 1e-4


def test_what_is_left_out_completes_the_picture() -> None:
    large = torch.rand(1, 3, 8, 8) * 2 - 1
    small = torch.nn.functional.avg_pool2d(large, 2)
    assert torch.allclose(completed(left_out(large, small), small), large, atol=1e-6)
    flat = torch.full((1, 3, 8, 8), 0.3)
    assert left_out(flat, flat[:, :, :4, :4]).abs().max() < 1e-5
    assert left_out(flat + MISSING, flat[:, :, :4, :4]).mean() == pytest.approx(1, abs=1e-5)


def test_a_base_repaints_portraits_that_stay_who_they_are() -> None:
    faces = drawn_faces(32, 8, lambda progress: None, CancelToken())
    x0, cancel = torch.from_numpy(faces).float() / 127.5 - 1, CancelToken()
    base = bundled_folder() / "portraits-ddpm"
    made, again = (Repainter(base, 3).repaint(x0, NO_CLASS, cancel) for _ in range(2))
    assert torch.equal(made, again)
    far = (made - x0).abs().mean((1, 2, 3))
    others = (x0.roll(1, 0) - x0).abs().mean((1, 2, 3))
    assert far.min() > 0
    assert far.mean() < others.mean() / 4


def test_it_is_taught_becomes_a_model_and_enlarges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []
    besides = UpsampleRun.besides

    def kept(self: UpsampleRun, *told: Any) -> torch.Tensor:
        found = besides(self, *told)
        looked.append(found.item())
        return found

    monkeypatch.setattr(UpsampleRun, "besides", kept)
    spec = replace(
        SPECS["portraits-upsampler"](tmp_path / "run"), cache=tmp_path / "cache", portraits=8,
        images=16, batch=4, drawn_px=64, crop=8, unet=replace(CONFIG, resolution=64),
    )  # fmt: skip
    train(spec, lambda progress: None, CancelToken())
    assert looked[:2] == [0, 0]  # what is made is looked at when the first lessons are over
    assert min(looked[2:]) > 0
    assert list((tmp_path / "run" / "sheets").glob("*.png"))
    assert np.load(tmp_path / "run" / KEPT).shape == (8, 3, 32, 32)
    assert "rival" in load_state(tmp_path / "run" / "checkpoint.pt")
    card = bundle(spec, tmp_path / "home" / "models" / spec.name, "a machine")
    assert card["trained"]["repainted_by"]["name"] == "portraits-ddpm"
    home = Place(tmp_path / "home", tmp_path / "none")
    (info,) = ModelLibrary(home.home, home.bundled).denoisers()
    flat = np.full((32, 32, 3), 90, np.uint8)
    node = Upscale(Photo("0" * 64), ModelRef(info.name, info.sha256), Seed(1), steps=4)
    made = {name: upscale_image(home, node, flat, name) for name in ("onnx", "torch")}
    assert made["onnx"].shape == (64, 64, 3)
    assert np.abs(made["onnx"].astype(int) - made["torch"]).max() <= 1
    noisy = upscale_image(home, replace(node, level=1.0), flat, "torch")
    assert np.abs(noisy.astype(int) - made["torch"]).max() > 1
