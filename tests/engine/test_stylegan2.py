"""The StyleGAN2 generator and discriminator compute what the papers say."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from engine.errors import ModelError
from engine.gan.discriminator import Discriminator, minibatch_deviation
from engine.gan.layers import (
    EqualLinear,
    binomial_filter,
    downsample2,
    second_moment_normalised,
    upsample2,
)
from engine.gan.stylegan2 import Generator, StyleConv
from engine.gan.stylegan2_config import StyleGAN2Config

SMALL = StyleGAN2Config(
    z_dim=12, w_dim=10, resolution=16, channels={4: 12, 8: 10, 16: 8}, mapping_layers=3
)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(3)
    made = Generator(SMALL).eval()
    with torch.no_grad():
        made.mapping.w_avg.normal_()
        for name, parameter in made.named_parameters():
            if name.endswith(("bias", "noise_strength")):
                parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def test_ws_and_images_have_the_published_shapes(generator: Generator) -> None:
    z = torch.randn(3, 12)
    ws = generator.mapping(z)
    assert SMALL.num_ws == 6
    assert ws.shape == (3, 6, 10)
    assert generator.synthesis(ws).shape == (3, 3, 16, 16)
    assert generator.synthesis(ws, resolution=8).shape == (3, 3, 8, 8)
    assert generator(z).dtype == torch.float32


def test_a_64_pixel_generator_takes_ten_ws() -> None:
    assert StyleGAN2Config().num_ws == 10


def test_the_keys_are_those_of_the_published_layout(generator: Generator) -> None:
    keys = set(generator.state_dict())
    layer = {"weight", "bias", "affine.weight", "affine.bias"}
    extra = {"noise_const", "noise_strength", "resample_filter"}
    expected = {"mapping.w_avg", "synthesis.b4.const"}
    expected |= {f"mapping.fc{n}.{part}" for n in range(3) for part in ("weight", "bias")}
    for size in (4, 8, 16):
        expected |= {f"synthesis.b{size}.resample_filter"}
        expected |= {f"synthesis.b{size}.torgb.{part}" for part in layer}
        for conv in ("conv1",) if size == 4 else ("conv0", "conv1"):
            expected |= {f"synthesis.b{size}.{conv}.{part}" for part in layer | extra}
    assert keys == expected


def test_psi_zero_is_the_average_and_psi_one_changes_nothing(generator: Generator) -> None:
    z = torch.randn(2, 12)
    w = generator.mapping.w(z)
    assert torch.equal(generator.mapping(z, psi=1.0)[:, 3], w)
    average = generator.mapping(z, psi=0.0)
    assert torch.allclose(average, generator.mapping.w_avg.expand(2, 6, 10))


def test_cutoff_leaves_the_later_layers_alone(generator: Generator) -> None:
    z = torch.randn(2, 12)
    w = generator.mapping.w(z)
    ws = generator.mapping(z, psi=0.5, cutoff=2)
    middle = (w + generator.mapping.w_avg) / 2
    assert torch.allclose(ws[:, :2], middle[:, None].expand(2, 2, 10), atol=1e-6)
    assert torch.equal(ws[:, 2:], w[:, None].expand(2, 4, 10))


def test_tracking_moves_the_average_toward_the_batch(generator: Generator) -> None:
    target = torch.ones(5, 10)
    for _ in range(2000):
        generator.mapping.track(target)
    assert torch.allclose(generator.mapping.w_avg, torch.ones(10), atol=1e-3)


def test_z_is_normalised_so_its_length_does_not_matter(generator: Generator) -> None:
    z = torch.randn(2, 12)
    assert torch.allclose(second_moment_normalised(z).square().mean(dim=1), torch.ones(2))
    assert torch.allclose(generator.mapping.w(z), generator.mapping.w(7 * z), atol=1e-5)


def test_the_learning_rate_multiplier_does_not_change_the_starting_scale() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 300)
    slow = EqualLinear(300, 200, lr_multiplier=0.01)(x)
    assert slow.std().item() == pytest.approx(1.0, rel=0.05)


def test_demodulation_gives_unit_variance_for_unit_inputs() -> None:
    torch.manual_seed(0)
    conv = StyleConv(64, 32, 8, 16, up=False, clamp=None)
    styles = torch.rand(4, 64) * 3 + 0.1
    weights = conv.weight[None] * styles[:, None, :, None, None]
    lengths = weights.square().sum(dim=(2, 3, 4)).sqrt()
    assert torch.allclose(conv.demodulation(styles) * lengths, torch.ones(4, 32), atol=1e-5)
    scaled = torch.randn(4, 64, 32, 32) * styles[:, :, None, None]
    out = F.conv2d(scaled, conv.weight) * conv.demodulation(styles)[:, :, None, None]
    assert out.std().item() == pytest.approx(1.0, rel=0.05)


def by_the_paper(
    conv: StyleConv, x: torch.Tensor, w: torch.Tensor, noise: torch.Tensor
) -> torch.Tensor:
    """Modulate the weights of each image, demodulate them, convolve; up-sample by zeros."""
    results = []
    for one, style in zip(x, conv.affine(w), strict=True):
        weight = conv.weight * style[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if conv.up:
            channels, size, _ = one.shape
            zeros = torch.zeros(channels, 2 * size, 2 * size)
            zeros[:, ::2, ::2] = one
            # A true convolution (kernel turned) over the zero-filled picture, then the filter.
            wide = F.conv2d(F.pad(zeros[None], (2, 1, 2, 1)), weight.flip(2, 3))
            filtered = F.pad(wide.transpose(0, 1), (1, 1, 1, 1))
            result = F.conv2d(filtered, 4 * binomial_filter()[None, None]).transpose(0, 1)
        else:
            result = F.conv2d(one[None], weight, padding=1)
        results.append(result)
    y = torch.cat(results) + noise + conv.bias[None, :, None, None]
    return F.leaky_relu(y, 0.2) * math.sqrt(2)


@pytest.mark.parametrize("up", [False, True])
def test_the_fast_form_equals_the_papers(up: bool) -> None:
    torch.manual_seed(1)
    conv = StyleConv(6, 5, 7, 16, up=up, clamp=None)
    with torch.no_grad():
        conv.bias.normal_()
        conv.noise_strength.fill_(0.7)
    size = 8 if up else 16
    x, w = torch.randn(3, 6, size, size), torch.randn(3, 7)
    noise = conv.noise("const", 3)
    assert noise is not None
    assert torch.allclose(conv(x, w, noise), by_the_paper(conv, x, w, noise), atol=2e-5)


def test_up_and_down_sampling_keep_a_flat_picture_flat() -> None:
    flat = torch.full((1, 2, 8, 8), 0.5)
    up = upsample2(flat, binomial_filter())
    assert torch.allclose(up[:, :, 2:-2, 2:-2], torch.full((1, 2, 12, 12), 0.5), atol=1e-6)
    down = downsample2(flat, binomial_filter())
    assert torch.allclose(down[:, :, 1:-1, 1:-1], torch.full((1, 2, 2, 2), 0.5), atol=1e-6)


def test_noise_modes_differ_and_constant_noise_repeats(generator: Generator) -> None:
    ws = generator.mapping(torch.randn(2, 12))
    const, again = generator.synthesis(ws), generator.synthesis(ws)
    assert torch.equal(const, again)
    assert not torch.allclose(const, generator.synthesis(ws, "none"), atol=1e-3)
    torch.manual_seed(5)
    first = generator.synthesis(ws, "random")
    assert not torch.allclose(first, generator.synthesis(ws, "random"), atol=1e-3)
    torch.manual_seed(5)
    assert torch.equal(first, generator.synthesis(ws, "random"))


def test_given_noises_are_what_constant_mode_uses(generator: Generator) -> None:
    ws = generator.mapping(torch.randn(2, 12))
    noises = [layer.noise("const", 1) for layer in generator.synthesis.noise_layers()]
    assert len(noises) == SMALL.num_ws - 1
    assert torch.equal(generator.synthesis.with_noises(ws, noises), generator.synthesis(ws))


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch(generator: Generator) -> None:
    ws = generator.mapping(torch.randn(4, 12))
    alone = generator.synthesis(ws[2:3])
    assert torch.allclose(generator.synthesis(ws)[2:3], alone, atol=1e-5)


def test_a_new_block_fades_in_from_the_size_below(generator: Generator) -> None:
    ws = generator.mapping(torch.randn(2, 12))
    below = generator.synthesis(ws, resolution=8)
    faint = generator.synthesis(ws, top_gain=0.0)
    assert torch.allclose(faint, upsample2(below, binomial_filter()), atol=1e-5)


def test_a_class_changes_the_picture_of_a_conditional_model() -> None:
    torch.manual_seed(0)
    config = StyleGAN2Config(
        z_dim=8, w_dim=8, c_dim=3, resolution=8, channels={4: 8, 8: 8}, mapping_layers=2
    )
    made = Generator(config)
    z, classes = torch.randn(1, 8), torch.eye(3)
    assert "mapping.embed.weight" in made.state_dict()
    assert not torch.allclose(made(z, classes[:1]), made(z, classes[1:2]), atol=1e-4)


def test_the_config_survives_a_card_and_refuses_nonsense() -> None:
    assert StyleGAN2Config.from_dict(SMALL.to_dict()) == SMALL
    assert SMALL.to_dict()["num_ws"] == 6
    with pytest.raises(ModelError, match="num_ws"):
        StyleGAN2Config.from_dict(SMALL.to_dict() | {"num_ws": 7})
    with pytest.raises(ModelError, match="Unknown"):
        StyleGAN2Config.from_dict(SMALL.to_dict() | {"depth": 7})
    with pytest.raises(ModelError, match="power of two"):
        StyleGAN2Config(resolution=48)
    with pytest.raises(ModelError, match="lacks"):
        StyleGAN2Config(resolution=128)


def test_the_discriminator_judges_every_size_it_grows_through() -> None:
    torch.manual_seed(0)
    judge = Discriminator(16, {4: 8, 8: 8, 16: 6})
    for size in (4, 8, 16):
        assert judge(torch.randn(8, 3, size, size)).shape == (8,)


def test_a_fading_discriminator_starts_as_the_one_of_half_the_size() -> None:
    torch.manual_seed(0)
    judge = Discriminator(16, {4: 8, 8: 8, 16: 6})
    images = torch.randn(4, 3, 16, 16)
    below = judge(F.avg_pool2d(images, 2))
    assert torch.allclose(judge(images, top_gain=0.0), below, atol=1e-5)
    assert not torch.allclose(judge(images), below, atol=1e-3)


def test_minibatch_deviation_sees_when_a_group_is_all_alike() -> None:
    alike = torch.randn(1, 3, 4, 4).expand(4, 3, 4, 4)
    varied = torch.randn(4, 3, 4, 4)
    planes = minibatch_deviation(torch.cat([alike, varied]), 4)[:, -1]
    assert planes[:4].max() < 1e-3
    assert planes[4:].min() > 0.3
