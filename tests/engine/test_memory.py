"""What a plan changes in a picture: little. Tiny random networks, and a made-up card."""

from __future__ import annotations

import weakref
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.denoising import Texts, TextWeight
from engine.diffusion.card import Card
from engine.diffusion.half_weights import large_weights
from engine.diffusion.latent_parts import AutoencoderKL, filled
from engine.diffusion.tiles import tiled
from engine.errors import ModelError
from engine.models.diffusion import housing
from engine.models.diffusion.decoder import Decoder
from engine.models.diffusion.denoiser import Denoiser
from engine.models.diffusion.memory_plan import Needs, Plan, Room
from engine.models.diffusion.open_published import open_published
from engine.models.library import ModelLibrary
from engine.services.diffuse import workshop
from engine.services.diffusion import Place
from engine.services.needs import needs_of_kept, runs, runs_here
from tests.engine.published import apart, bring, node_of, rendered
from tests.engine.test_control_folder import bring_control, follows, guided, write_control
from tests.engine.test_editing_folders import picture
from tests.random_pipeline import UNET, VAE, write_random_pipeline, write_random_sdxl

PLAIN = Plan("cpu", "float32", 0, False, 1, 0)
CPU = torch.device("cpu")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def model(home: Path, tmp_path: Path) -> Denoiser:
    write_random_pipeline(tmp_path / "tiny")
    return bring(home, tmp_path / "tiny")


def told_to(patch: pytest.MonkeyPatch, plan: Plan) -> None:
    """Let models be opened by this plan."""
    patch.setattr(housing, "plan_for", lambda needs, room, where: plan)


def pictured(home: Path, model: Denoiser, **more: Any) -> np.ndarray:
    diffuse_again()
    return rendered(home, node_of(model, conditioning=Texts((TextWeight("a hat"),)), **more))


def diffuse_again() -> None:
    """Forget what is open."""
    workshop.cache_clear()


def test_weights_held_in_bfloat16_draw_nearly_the_same_picture(
    home: Path, model: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pictured(home, model)
    told_to(monkeypatch, replace(PLAIN, weights="bfloat16"))
    thin = open_published(model.info)
    assert 0 < apart(pictured(home, thin), plain) < 0.02
    assert thin.digest != model.digest  # no run shares states with one of the other
    assert (model.how, thin.how) == ("", "bfloat16 weights on the processor")


def test_two_bytes_hold_a_large_weight_and_it_answers_in_float32() -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8))
    tensors = {name: value.numpy() for name, value in net.state_dict().items()}
    made = filled(net, tensors, "it", torch.bfloat16)
    assert large_weights(net) == {"0.weight"}
    sizes = {tuple(p.shape): p.element_size() for p in made.parameters()}
    assert sizes == {(8, 8): 2, (8,): 4}
    expected = torch.from_numpy(tensors["0.weight"]).bfloat16().float()
    assert torch.equal(made[0].weight, expected)
    assert made(torch.zeros(1, 8)).dtype == torch.float32


def test_the_autoencoder_stays_float32(model: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    told_to(monkeypatch, replace(PLAIN, weights="bfloat16"))
    thin: Any = open_published(model.info)
    assert {p.element_size() for p in thin.decoder.vae.parameters()} == {4}
    assert 2 in {p.element_size() for p in thin.unet.parameters()}


def test_a_picture_in_tiles_is_the_whole_one_in_the_middle_and_has_no_seams() -> None:
    torch.manual_seed(0)
    net = AutoencoderKL(**VAE).eval().requires_grad_(False)
    codes = torch.nn.functional.interpolate(torch.randn(1, 4, 24, 24), (48, 48), mode="bicubic")
    whole = Decoder(net, 4).pixels(codes)
    cut = Decoder(net, 4, tile=64).pixels(codes)
    assert cut.shape == whole.shape == (1, 3, 96, 96)
    spread = float(whole.std())
    assert float((cut - whole).abs().mean()) < 0.1 * spread
    middle = (..., slice(44, 52), slice(44, 52))
    assert float((cut - whole)[middle].abs().mean()) < 0.1 * spread
    # Nowhere does the picture jump more than the whole one does.
    for axis in (-1, -2):
        jumps = (cut.diff(dim=axis) - whole.diff(dim=axis)).abs().max()
        assert float(jumps) < 0.2 * float(whole.diff(dim=axis).abs().max())


def test_codes_in_tiles_are_about_those_of_the_whole_picture() -> None:
    torch.manual_seed(0)
    net = AutoencoderKL(**VAE).eval().requires_grad_(False)
    pixels = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8) * 2 - 1, (96, 96))
    whole, cut = Decoder(net, 4).codes(pixels), Decoder(net, 4, tile=64).codes(pixels)
    assert cut.shape == whole.shape == (1, 4, 48, 48)
    assert float((cut - whole).abs().mean()) < 0.15 * float(whole.std())


@pytest.mark.parametrize(("height", "width"), [(16, 40), (33, 17), (50, 50)])
@pytest.mark.parametrize("scale", [Fraction(1), Fraction(4)])
def test_what_each_place_makes_alone_does_not_depend_on_tiles(
    height: int, width: int, scale: Fraction
) -> None:
    seen: list[tuple[int, ...]] = []

    def run(x: Tensor) -> Tensor:
        seen.append(tuple(x.shape[-2:]))
        return x.repeat_interleave(int(scale), -1).repeat_interleave(int(scale), -2)

    x = torch.randn(1, 2, height, width)
    assert torch.allclose(tiled(run, x, 16, scale), run(x), atol=1e-5)
    assert max(max(shape) for shape in seen[:-1]) <= 16


def test_tiles_let_a_gradient_through() -> None:
    x = torch.randn(1, 2, 20, 20, requires_grad=True)
    tiled(lambda part: 3 * part, x, 8, Fraction(1)).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.full_like(x, 3.0))


def test_on_a_card_one_group_of_networks_is_there_at_a_time() -> None:
    card = Card(CPU, apart=True)
    text, unet, helper = (card.placed(nn.Linear(2, 2), group) for group in ("text", "unet", "unet"))
    x = torch.ones(1, 2)
    text(x)
    assert card.here == {text}
    unet(x)
    assert card.here == {unet, helper}
    all_there = Card(CPU, apart=False)
    first, second = (all_there.placed(nn.Linear(2, 2), group) for group in "ab")
    first(x), second(x)
    assert all_there.here == {first, second}


def test_what_a_card_answers_in_half_precision_comes_back_as_float32() -> None:
    net = Card(CPU, apart=False).placed(nn.Linear(64, 64), "unet", torch.bfloat16)
    net.requires_grad_(False)
    x = torch.randn(4, 64)
    exact = x @ net.weight.T + net.bias
    found = net(x)
    assert found.dtype == torch.float32
    assert 0 < float((found - exact).abs().max()) < 0.05


def test_a_card_without_room_says_what_to_do() -> None:
    class Full(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match="not enough memory left") as caught:
        Card(CPU, apart=False).placed(Full(), "unet")(torch.zeros(1))
    assert caught.value.remedy


@pytest.mark.parametrize("sdxl", [False, True])
def test_a_model_on_a_card_draws_nearly_the_same_picture(
    sdxl: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sdxl:
        write_random_sdxl(tmp_path / "tiny", {})
    else:
        write_random_pipeline(tmp_path / "tiny")
    model = bring(home, tmp_path / "tiny")
    plain = pictured(home, model)
    told_to(monkeypatch, Plan("cuda", "float16", 0, True, 1, 1))
    monkeypatch.setattr(housing, "Card", lambda device, apart: Card(CPU, apart))
    assert 0 < apart(pictured(home, model), plain) < 0.02


def test_a_controlnet_that_leaves_less_room_has_the_model_opened_again() -> None:
    needs = Needs({"unet.": 10**9}, 512, 0)
    room = Room(8 * 10**9)
    place = housing.Housing(needs, room, housing.plan_for(needs, room, "it"), None)
    assert place.suits(0, "it")
    assert place.suits(10**8, "it")
    assert not place.suits(6 * 10**8, "it")
    with pytest.raises(ModelError, match="with its ControlNets"):
        place.suits(10**10, "it")


def test_a_control_has_the_model_opened_thinner_and_the_first_one_let_go(
    home: Path, tmp_path: Path, model: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_control(tmp_path / "tiny-edges", UNET)
    info = bring_control(home, tmp_path / "tiny-edges")
    node = guided(model, follows(info))
    diffuse_again()
    roomy = rendered(home, node, controls=(picture(),))
    assert model.housing is not None
    room = Room(model.housing.plan.ram)  # for the model alone
    monkeypatch.setattr(housing, "room_now", lambda: room)
    diffuse_again()
    shop = workshop(Place(home, home / "bundled"))
    rendered(home, guided(model))
    (alone,) = shop.networks.values()
    assert alone.housing is not None
    assert alone.housing.plan.weights == "float32"
    gone = weakref.ref(alone)
    del alone
    narrow = rendered(home, node, controls=(picture(),))
    assert gone() is None
    (thin,) = shop.networks.values()
    assert thin.housing is not None
    assert thin.housing.plan.weights == "bfloat16"
    assert 0 < apart(narrow, roomy) < 0.02


def test_what_is_here_tells_how_it_would_run(home: Path, model: Denoiser) -> None:
    info = ModelLibrary(home, home / "bundled").denoisers()[0]
    needs = needs_of_kept(info)
    assert model.housing is not None
    assert needs == model.housing.needs
    assert "float" in runs_here(info)
    assert runs_here(replace(info, bundled=True)) == ""
    tall = replace(needs, parts={"unet.": 10**13})
    assert runs(tall, info.name).startswith("not at this moment: ")
