"""DCGAN, ProGAN, StyleGAN and BigGAN compute what their papers say, and know their own layouts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backends.torch_backend import TorchBackend
from engine.errors import CheckpointError, ModelError
from engine.gan import biggan, equalised, progan, stylegan1
from engine.gan.biggan_config import BigGANConfig, Block, statistics_at
from engine.gan.dcgan_config import DCGANConfig
from engine.gan.progan_config import ProGANConfig
from engine.gan.stylegan1_config import StyleGAN1Config
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.layouts import biggan as biggan_layout
from engine.models.layouts import dcgan as dcgan_layout
from engine.models.layouts import progan as progan_layout
from engine.models.layouts import stylegan1 as stylegan1_layout
from engine.training import stylegan2_game
from engine.training.hardware import choose_hardware
from engine.training.options import Stage, TrainStyleGAN2

DCGAN = DCGANConfig(z_dim=7, channels=(12, 8, 6), img_channels=3)
PROGAN = ProGANConfig(z_dim=7, resolution=16, channels={4: 10, 8: 8, 16: 6})
STYLEGAN = StyleGAN1Config(
    z_dim=9, w_dim=10, resolution=16, channels={4: 12, 8: 10, 16: 8}, mapping_layers=3
)
BIGGAN = BigGANConfig(
    z_dim=6,
    class_dim=5,
    c_dim=4,
    channel_width=4,
    blocks=(Block(False, 16, 8), Block(True, 8, 2), Block(False, 2, 2), Block(True, 2, 1)),
    attention=1,
)
DCGAN_SIZES = [
    DCGAN,
    DCGANConfig(z_dim=100, channels=(16, 8, 4, 2, 2), img_channels=1),
    DCGANConfig(z_dim=3, channels=(4, 4, 4, 4), bias=True, rgb_bias=True),
    DCGANConfig(z_dim=5, channels=(6, 4), extra=(2, 0)),
]
PROGAN_SIZES = [
    PROGAN,
    ProGANConfig(z_dim=5, resolution=4, channels={4: 3}, img_channels=1),
    ProGANConfig(z_dim=8, resolution=32, channels={4: 8, 8: 8, 16: 8, 32: 4}),
]
STYLEGAN_SIZES = [
    STYLEGAN,
    replace(STYLEGAN, c_dim=3, img_channels=1, hidden_dim=6),
    replace(STYLEGAN, resolution=8, channels={4: 5, 8: 3}, mapping_layers=8, growing=False),
]
BIGGAN_SIZES = [
    BIGGAN,
    replace(BIGGAN, blocks=(Block(False, 16, 4), Block(True, 4, 1)), attention=0, n_stats=11),
    replace(
        BIGGAN,
        deep=False,
        z_dim=12,
        blocks=(Block(True, 16, 8), Block(True, 8, 4), Block(True, 4, 1)),
        attention=2,
        n_stats=1,
    ),
]
LAYOUTS: list[tuple[Any, Any]] = [
    *((dcgan_layout, config) for config in DCGAN_SIZES),
    *((progan_layout, config) for config in PROGAN_SIZES),
    *((stylegan1_layout, config) for config in STYLEGAN_SIZES),
    *((biggan_layout, config) for config in BIGGAN_SIZES),
]
FIRSTS = [LAYOUTS[0], LAYOUTS[4], LAYOUTS[7], LAYOUTS[10]]
named = pytest.mark.parametrize(
    ("layout", "config"), LAYOUTS, ids=[f"{c.family}-{c.resolution}" for _, c in LAYOUTS]
)
firsts = pytest.mark.parametrize(
    ("layout", "config"), FIRSTS, ids=[config.family for _, config in FIRSTS]
)


def made(layout: Any, config: Any) -> Any:
    """A generator all of whose numbers differ from where training starts."""
    torch.manual_seed(3)
    # BigGAN's weights are of spectral norm 1; far larger ones would only saturate its tanh.
    spread = 0.1 if config.family == "biggan" else 0.3
    generator = layout.new_generator(config).eval()
    with torch.no_grad():
        for name, tensor in [*generator.named_parameters(), *generator.named_buffers()]:
            if name.endswith(("running_var", "running_vars")):
                tensor.uniform_(0.5, 2.0)
            elif tensor.is_floating_point() and not name.endswith("noise_strength"):
                tensor.add_(spread * torch.randn_like(tensor))
    return generator


def tensors_of(generator: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in generator.state_dict().items()}


def zeros(layout: Any, config: Any) -> dict[str, np.ndarray]:
    return {n: np.zeros(shape, np.float32) for n, shape in layout.shapes_of(config).items()}


# --- layouts -------------------------------------------------------------------------------


@named
def test_the_layout_names_just_the_tensors_that_the_generator_has(layout: Any, config: Any) -> None:
    has = {
        name: tuple(tensor.shape)
        for name, tensor in layout.new_generator(config).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert has == layout.shapes_of(config)


@named
def test_the_sizes_are_read_back_from_the_shapes(layout: Any, config: Any) -> None:
    tensors = zeros(layout, config)
    assert layout.recognises(tensors)
    assert layout.infer_config(tensors) == config
    assert layout.average(tensors).shape == (config.w_dim,)


@named
def test_a_config_survives_a_card(layout: Any, config: Any) -> None:
    assert layout.read_config(config.to_dict()) == config
    with pytest.raises(ModelError, match="Unknown"):
        layout.read_config(config.to_dict() | {"depth": 7})
    with pytest.raises(ModelError, match="num_ws"):
        layout.read_config(config.to_dict() | {"num_ws": 99})


@firsts
def test_a_tensor_that_does_not_fit_is_named(layout: Any, config: Any) -> None:
    whole = zeros(layout, config)
    for name in whole:
        lacking = {other: array for other, array in whole.items() if other != name}
        with pytest.raises(CheckpointError) as caught:
            layout.infer_config(lacking, "f.pt")
        assert "f.pt" in caught.value.what
        assert caught.value.remedy
    for name, array in whole.items():
        with pytest.raises(CheckpointError):
            layout.infer_config(whole | {name: np.zeros((*array.shape, 2), np.float32)})
    first = next(iter(whole))
    with pytest.raises(CheckpointError, match=first):
        layout.infer_config({n: a for n, a in whole.items() if n != first})
    with pytest.raises(CheckpointError, match="'stray'"):
        layout.infer_config(whole | {"stray": np.zeros(2, np.float32)})
    with pytest.raises(CheckpointError, match="expected floats"):
        layout.infer_config(whole | {first: whole[first].astype(np.int32)})


@firsts
def test_no_family_takes_another_for_its_own(layout: Any, config: Any) -> None:
    tensors = zeros(layout, config)
    others = {other for other, _ in FIRSTS} - {layout}
    assert not any(other.recognises(tensors) for other in others)


def test_the_published_networks_have_their_published_numbers_of_parameters() -> None:
    def parameters(layout: Any, config: Any, *others: str) -> int:
        shapes = layout.shapes_of(config).items()
        return sum(math.prod(shape) for name, shape in shapes if not name.endswith(others))

    plan = {size: min(512, 16384 // size) for size in (4, 8, 16, 32, 64, 128, 256, 512, 1024)}
    grown = ProGANConfig(z_dim=512, resolution=1024, channels=plan)
    assert parameters(progan_layout, grown, "none") == 23_079_115
    styled = StyleGAN1Config(z_dim=512, w_dim=512, resolution=1024, channels=plan)
    buffers = ("w_avg", "noise_const", "noise_strength")
    assert parameters(stylegan1_layout, styled, *buffers) == 26_219_627
    widths = [(16, 16), (16, 16), (16, 16), (16, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
    deep = BigGANConfig(
        z_dim=128,
        class_dim=128,
        c_dim=1000,
        channel_width=128,
        blocks=tuple(Block(index % 2 == 1, *pair) for index, pair in enumerate(widths)),
        attention=8,
    )
    millions = parameters(biggan_layout, deep, "running_means", "running_vars") / 1e6
    assert millions == pytest.approx(50.4, abs=0.05)


def test_nonsense_configs_are_refused() -> None:
    with pytest.raises(ModelError, match="power of two"):
        ProGANConfig(resolution=48)
    with pytest.raises(ModelError, match="channel plan"):
        StyleGAN1Config(resolution=128)
    with pytest.raises(ModelError, match="z_dim"):
        DCGANConfig(z_dim=0)
    with pytest.raises(ModelError, match="channel plan"):
        DCGANConfig(channels=())
    with pytest.raises(ModelError, match="mapping_lr"):
        StyleGAN1Config(mapping_lr=0.0)
    with pytest.raises(ModelError, match="last block"):
        replace(BIGGAN, blocks=(Block(True, 16, 2),), attention=0)
    with pytest.raises(ModelError, match="block 1 must take 8"):
        replace(BIGGAN, blocks=(Block(True, 16, 8), Block(True, 4, 1)))
    with pytest.raises(ModelError, match="attention"):
        replace(BIGGAN, attention=4)
    with pytest.raises(ModelError, match="lacks fields"):
        BigGANConfig.from_dict({"blocks": [[True, 16, 1]]})


# --- every family --------------------------------------------------------------------------


@firsts
def test_the_torch_backend_runs_every_family_as_it_is(layout: Any, config: Any) -> None:
    generator = made(layout, config)
    z = np.random.RandomState(0).randn(2, config.z_dim).astype(np.float32)
    c = np.eye(config.c_dim, dtype=np.float32)[:2] if config.c_dim else None
    classes = () if c is None else (torch.from_numpy(c),)
    with torch.inference_mode():
        direct = generator(torch.from_numpy(z), *classes).numpy()
    backend = TorchBackend(generator, "cpu")
    w = backend.map(z, c)
    assert w.shape == (2, config.w_dim)
    tensors = tensors_of(generator)
    noises = [tensors[f"{name}.noise_const"][None, None] for name, _ in layout.noisy_layers(config)]
    image = backend.synthesize(np.repeat(w[:, None], config.num_ws, axis=1), noises)
    assert image.shape == (2, config.img_channels, config.resolution, config.resolution)
    np.testing.assert_allclose(image, direct, atol=1e-5)


@firsts
def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch(layout: Any, config: Any) -> None:
    generator = made(layout, config)
    ws = torch.randn(3, config.num_ws, config.w_dim)
    silent = [None] * len(generator.synthesis.noise_layers())
    with torch.inference_mode():
        together = generator.synthesis.with_noises(ws, silent)
        alone = generator.synthesis.with_noises(ws[1:2], silent)
    assert torch.allclose(together[1:2], alone, atol=1e-5)


# --- layers --------------------------------------------------------------------------------


def test_the_fused_up_convolution_is_repeated_pixels_then_a_convolution() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 5, 6, 7), torch.randn(4, 5, 3, 3)
    plain = F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), weight, padding=1)
    assert torch.allclose(equalised.upscale_conv(x, weight), plain, atol=1e-5)


def test_repeating_and_blurring_is_bilinear_inside_the_picture() -> None:
    x = torch.randn(1, 2, 6, 6)
    smooth = equalised.blur(equalised.upsample_nearest(x))
    bilinear = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(smooth[..., 1:-1, 1:-1], bilinear[..., 1:-1, 1:-1], atol=1e-5)


def test_adain_sets_the_mean_and_deviation_of_every_map() -> None:
    torch.manual_seed(0)
    x = 5.0 * torch.randn(3, 4, 16, 16) + 2.0
    style = torch.randn(3, 8)
    y = equalised.adain(x, style)
    assert torch.allclose(y.mean(dim=(2, 3)), style[:, 4:], atol=1e-5)
    spread = y.var(dim=(2, 3), unbiased=False).sqrt()
    assert torch.allclose(spread, (style[:, :4] + 1).abs(), atol=1e-4)


def test_a_flat_map_takes_the_styles_bias_alone() -> None:
    style = torch.randn(2, 6)
    y = equalised.adain(torch.full((2, 3, 4, 4), 0.7), style)
    assert torch.allclose(y, style[:, 3:, None, None].expand(2, 3, 4, 4), atol=2e-3)


def test_pixel_norm_gives_every_pixel_unit_mean_square() -> None:
    x = 9.0 * torch.randn(2, 6, 3, 3)
    assert torch.allclose(equalised.pixel_norm(x).square().mean(dim=1), torch.ones(2, 3, 3))


def test_equalised_layers_keep_the_variance_at_the_start() -> None:
    torch.manual_seed(0)
    slow = equalised.GainLinear(300, 200, gain=math.sqrt(2), lr_multiplier=0.01)
    assert slow(torch.randn(400, 300)).std().item() == pytest.approx(math.sqrt(2), rel=0.05)
    conv = equalised.GainConv(64, 32, gain=1.0)
    inside = conv(torch.randn(4, 64, 16, 16))[..., 1:-1, 1:-1]
    assert inside.std().item() == pytest.approx(1.0, rel=0.05)


# --- DCGAN ---------------------------------------------------------------------------------


def dcgan_by_the_paper(t: dict[str, Tensor], z: Tensor) -> Tensor:
    x, index = z[:, :, None, None], 0
    while f"main.{index + 1}.weight" in t:
        stride, padding = (1, 0) if index == 0 else (2, 1)
        x = F.conv_transpose2d(x, t[f"main.{index}.weight"], None, stride, padding)
        mean, var = t[f"main.{index + 1}.running_mean"], t[f"main.{index + 1}.running_var"]
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        gain, bias = t[f"main.{index + 1}.weight"], t[f"main.{index + 1}.bias"]
        x = (x * gain[:, None, None] + bias[:, None, None]).clamp(min=0)
        index += 3
    return torch.tanh(F.conv_transpose2d(x, t[f"main.{index}.weight"], None, 2, 1))


def test_dcgan_is_transposed_convolutions_and_standing_batch_norms() -> None:
    generator = made(dcgan_layout, DCGAN)
    z = torch.randn(4, 7)
    image = generator(z)
    assert image.shape == (4, 3, 32, 32)
    assert torch.allclose(image, dcgan_by_the_paper(generator.synthesis.state_dict(), z), atol=1e-5)
    with pytest.raises(ModelError, match="32 px only"):
        generator.synthesis(z[:, None], resolution=16)


# --- ProGAN --------------------------------------------------------------------------------


def test_progan_shows_every_resolution() -> None:
    generator = made(progan_layout, PROGAN)
    assert isinstance(generator, progan.Generator)
    z = torch.randn(2, 7)
    pictures = generator.images(z)
    assert {size: tuple(p.shape) for size, p in pictures.items()} == {
        size: (2, 3, size, size) for size in (4, 8, 16)
    }
    for size, picture in pictures.items():
        assert torch.equal(generator(z, resolution=size), picture)
    with pytest.raises(ModelError, match="px, got 32"):
        generator(z, resolution=32)


def test_a_new_progan_block_fades_in_from_repeated_pixels() -> None:
    generator = made(progan_layout, PROGAN)
    z = torch.randn(2, 7)
    below = generator(z, resolution=8).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(generator(z, top_gain=0.0), below, atol=1e-6)
    assert torch.allclose(
        generator(z, top_gain=0.25), below * 0.75 + generator(z) * 0.25, atol=1e-5
    )


def test_the_length_of_z_does_not_matter_to_progan() -> None:
    generator = made(progan_layout, PROGAN)
    z = torch.randn(2, 7)
    assert torch.allclose(generator(z), generator(5 * z), atol=1e-4)


# --- StyleGAN ------------------------------------------------------------------------------


def test_psi_zero_is_the_average_and_cutoff_spares_later_layers() -> None:
    mapping = made(stylegan1_layout, STYLEGAN).mapping
    z = torch.randn(2, 9)
    w = mapping.w(z)
    assert torch.equal(mapping(z)[:, 5], w)
    assert torch.allclose(mapping(z, psi=0.0), mapping.w_avg.expand(2, 6, 10))
    ws = mapping(z, psi=0.5, cutoff=2)
    assert torch.allclose(ws[:, 0], (w + mapping.w_avg) / 2, atol=1e-6)
    assert torch.equal(ws[:, 2], w)


def test_stylegan_noise_modes_differ_and_given_noises_are_used() -> None:
    generator = made(stylegan1_layout, STYLEGAN)
    assert isinstance(generator, stylegan1.Generator)
    ws = generator.mapping(torch.randn(2, 9))
    const = generator.synthesis(ws)
    assert torch.equal(const, generator.synthesis(ws))
    assert not torch.allclose(const, generator.synthesis(ws, "none"), atol=1e-3)
    torch.manual_seed(5)
    first = generator.synthesis(ws, "random")
    assert not torch.allclose(first, generator.synthesis(ws, "random"), atol=1e-3)
    noises = [layer.noise("const", 1) for layer in generator.synthesis.noise_layers()]
    assert len(noises) == STYLEGAN.num_ws
    assert torch.equal(generator.synthesis.with_noises(ws, noises), const)


def test_a_new_stylegan_block_fades_in_where_every_resolution_paints() -> None:
    generator = made(stylegan1_layout, STYLEGAN)
    ws = generator.mapping(torch.randn(2, 9))
    below = generator.synthesis(ws, resolution=8)
    assert below.shape == (2, 3, 8, 8)
    faint = generator.synthesis(ws, top_gain=0.0)
    assert torch.allclose(faint, equalised.upsample_nearest(below), atol=1e-6)
    single = made(stylegan1_layout, STYLEGAN_SIZES[2])
    with pytest.raises(ModelError, match="no picture of 4 px"):
        single.synthesis(torch.randn(1, 4, 10), resolution=4)


def test_each_w_styles_its_own_layer_alone() -> None:
    generator = made(stylegan1_layout, STYLEGAN)
    ws = generator.mapping(torch.randn(1, 9)).clone()
    before = generator.synthesis(ws, resolution=8)
    ws[:, 4:] += 1.0
    assert torch.equal(generator.synthesis(ws, resolution=8), before)
    assert not torch.allclose(generator.synthesis(ws), generator.synthesis(ws * 1.01), atol=1e-4)


def test_gradients_reach_every_weight_of_stylegan() -> None:
    generator = made(stylegan1_layout, replace(STYLEGAN, c_dim=2)).requires_grad_(True)
    generator(torch.randn(2, 9), torch.eye(2)).square().mean().backward()
    for name, parameter in generator.named_parameters():
        if "torgb" not in name or "r16" in name:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


def test_the_trainer_of_stylegan2_trains_stylegan_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_stylegan(config: StyleGAN2Config) -> stylegan1.Generator:
        sizes = {"z_dim", "w_dim", "resolution", "channels", "mapping_layers"}
        return stylegan1.Generator(StyleGAN1Config(**{n: getattr(config, n) for n in sizes}))

    monkeypatch.setattr(stylegan2_game, "Generator", first_stylegan)
    game = stylegan2_game.StyleGAN2Game(
        TrainStyleGAN2(
            work=tmp_path / "work", cache=tmp_path / "cache", resolution=16, batch=8, z_dim=8,
            w_dim=8, mapping_layers=2, channel_base=128, channel_max=8, device="cpu",
            stages=(Stage(16, 16),),
        ),
        choose_hardware("cpu"),
    )  # fmt: skip
    generator: Any = game.generator
    before = {name: p.clone() for name, p in generator.named_parameters()}
    for fade in (0.5, 1.0):
        losses = game.step(torch.rand(8, 3, 16, 16) * 2 - 1, 16, fade)
        assert all(torch.isfinite(value) for value in losses.values())
    for name, weight in generator.named_parameters():
        if "torgb" not in name:
            assert not torch.equal(before[name], weight), name


# --- BigGAN --------------------------------------------------------------------------------


def test_blending_classes_is_blending_one_hot_vectors() -> None:
    generator = made(biggan_layout, BIGGAN)
    assert isinstance(generator, biggan.Generator)
    z, one, other = torch.randn(1, 6), torch.eye(4)[:1], torch.eye(4)[3:]
    half = generator.map(z, (one + other) / 2)
    assert torch.allclose(half, (generator.map(z, one) + generator.map(z, other)) / 2, atol=1e-6)
    assert torch.equal(half[:, :6], z)
    assert not torch.allclose(generator(z, one), generator(z, other), atol=1e-3)


def test_the_truncation_chooses_the_statistics() -> None:
    table = np.arange(51, dtype=np.float32)

    def between(truncation: float) -> float:
        return float(statistics_at(truncation, 51) @ table)

    assert between(0.0) == 0.0
    assert between(1.0) == 50.0
    assert between(0.5) == 25.0
    assert between(0.41) == pytest.approx(20.5)
    generator = made(biggan_layout, BIGGAN)
    z, c = torch.randn(1, 6), torch.eye(4)[:1]
    assert not torch.allclose(generator(z, c, 0.3), generator(z, c, 0.9), atol=1e-3)
    with pytest.raises(ModelError, match="truncation"):
        generator(z, c, 1.5)


def test_each_biggan_block_takes_a_conditioning_of_its_own() -> None:
    generator = made(biggan_layout, BIGGAN)
    ws = generator.mapping(torch.randn(1, 6), torch.eye(4)[:1]).clone()
    before = generator.synthesis(ws)
    for index in range(BIGGAN.num_ws):
        changed = ws.clone()
        changed[:, index] += 1.0
        assert not torch.allclose(generator.synthesis(changed), before, atol=1e-4), index
