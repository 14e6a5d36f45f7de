"""The StyleGAN3 generator computes what the paper says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal

from engine.errors import ModelError
from engine.gan.stylegan3 import FourierInput, Generator, StyleLayer
from engine.gan.stylegan3_config import StyleGAN3Config
from engine.gan.stylegan3_filters import down_sample, low_pass, radial_low_pass, up_sample

FULL = StyleGAN3Config(resolution=1024, channels=(8,) * 14, z_dim=8, w_dim=8)
SMALL = StyleGAN3Config(8, 8, 0, 32, (12, 10, 8, 8, 6))


def by_zeros(
    x: torch.Tensor, taps: np.ndarray, up: int, down: int, padding: tuple[int, int]
) -> torch.Tensor:
    """Zeros after each sample, padding or cutting, a true convolution, every down-th sample."""
    n, c, h, w = x.shape
    wide = torch.zeros(n, c, h * up, w * up)
    wide[:, :, ::up, ::up] = x
    wide = F.pad(wide, (*padding, *padding))
    square = np.outer(taps, taps) if taps.ndim == 1 else taps
    kernel = torch.from_numpy(square).float().flip(0, 1) * up**2
    y = F.conv2d(wide.reshape(n * c, 1, *wide.shape[2:]), kernel[None, None])
    return y.reshape(n, c, *y.shape[2:])[:, :, ::down, ::down]


@pytest.mark.parametrize("up", [1, 2, 4])
@pytest.mark.parametrize("padding", [(9, 8), (-3, -2), (0, 13)])
@pytest.mark.parametrize("channels", [3, 33])
def test_up_sampling_is_zeros_and_a_convolution(
    up: int, padding: tuple[int, int], channels: int
) -> None:
    torch.manual_seed(0)
    taps = np.random.RandomState(0).rand(6 * up)
    x = torch.randn(2, channels, 19, 19)
    found = up_sample(x, torch.from_numpy(taps).float(), up, padding)
    wanted = by_zeros(x, taps, up, 1, padding)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("down", [1, 2, 4])
@pytest.mark.parametrize("square", [False, True])
def test_down_sampling_is_a_convolution_and_every_so_many(down: int, square: bool) -> None:
    torch.manual_seed(0)
    taps = np.random.RandomState(0).rand(*((12, 12) if square else (12,)))
    x = torch.randn(2, 5, 75, 75)
    found = down_sample(x, torch.from_numpy(taps).float(), down)
    wanted = by_zeros(x, taps, 1, down, (0, 0))
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("taps", [6, 12, 24])
def test_the_sinc_filter_is_scipys(taps: int) -> None:
    found = low_pass(taps, 3.0, 2.5, 16.0)
    wanted = signal.firwin(taps, cutoff=3.0, width=2.5, fs=16.0)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert low_pass(1, 3.0, 2.5, 16.0) is None


def test_the_radial_filter_is_nearly_the_same_in_every_direction() -> None:
    taps = radial_low_pass(24, 4.0, 3.0, 32.0)
    assert taps.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(taps, taps.T)
    np.testing.assert_allclose(taps, taps[::-1])
    line = low_pass(24, 4.0, 3.0, 32.0)
    assert line is not None
    unlike = []
    for square in (taps, np.outer(line, line)):
        spectrum = np.abs(np.fft.fft2(square, (256, 256)))
        unlike.append(abs(spectrum[0, 32] - spectrum[23, 23]))  # both an eighth of the rate away
    assert unlike[0] < 0.05
    assert unlike[0] < unlike[1] / 3


def test_the_layers_are_those_of_the_paper() -> None:
    """The names of the published 1024 px configuration, its figure 4 and table of layers."""
    sizes = [layer.after.size for layer in FULL.layers]
    assert sizes == [36, 36, 52, 52, 84, 148, 148, 276, 276, 532, 1044, 1044, 1044, 1024, 1024]
    assert FULL.num_ws == 16
    assert FULL.layers[0].name == "L0_36_8"
    assert FULL.layers[-1].name == "L14_1024_3"


def test_a_layer_puts_out_the_size_that_it_is_planned_for() -> None:
    torch.manual_seed(0)
    for config in (FULL, SMALL):
        for layer in config.layers[:6]:
            module = StyleLayer(config, layer)
            x = torch.randn(1, layer.before.channels, layer.before.size, layer.before.size)
            out = module(x, torch.randn(1, 8))
            assert out.shape[1:] == (layer.after.channels, layer.after.size, layer.after.size)


def test_a_layer_is_modulated_weights_between_two_filters() -> None:
    torch.manual_seed(1)
    layer = SMALL.layers[2]
    module = StyleLayer(SMALL, layer)
    with torch.no_grad():
        module.bias.normal_()
        module.magnitude_ema.fill_(0.6)
    x, w = torch.randn(2, layer.before.channels, *(layer.before.size,) * 2), torch.randn(2, 8)
    up, down = module.up_filter, module.down_filter
    assert up is not None
    assert down is not None
    for one, style, got in zip(x, module.affine(w), module(x, w), strict=True):
        weight = module.weight * style[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True)).sqrt()
        y = F.conv2d(one[None] / math.sqrt(0.6), weight, module.bias, padding=2)
        y = by_zeros(y, up.numpy(), layer.up, 1, layer.padding)
        y = F.leaky_relu(y, 0.2) * math.sqrt(2)
        y = by_zeros(y, down.numpy(), 1, layer.down, (0, 0))
        assert torch.allclose(got, y[0], atol=1e-4)


def test_the_input_is_what_its_frequencies_say() -> None:
    torch.manual_seed(2)
    made = FourierInput(SMALL).eval()
    with torch.no_grad():
        made.affine.weight.normal_()
    w, user = torch.randn(1, 8), torch.tensor([[0.6, -0.8, 0.1], [0.8, 0.6, -0.2], [0, 0, 1.0]])
    c, s, x, y = made.affine(w)[0] / made.affine(w)[0, :2].norm()
    turn = torch.stack([torch.stack([c, -s, c * 0]), torch.stack([s, c, c * 0]), torch.eye(3)[2]])
    move = torch.eye(3)
    move[0, 2], move[1, 2] = -x, -y
    whole = turn @ move @ user
    place = torch.tensor(
        [(5 + 0.5 - made.size / 2) / made.rate, (9 + 0.5 - made.size / 2) / made.rate]
    )
    point = whole[:2, :2] @ place + whole[:2, 2]
    lengths = (made.freqs @ whole[:2, :2]).norm(dim=1)
    fade = 1 - (lengths - made.bandwidth) / (made.rate / 2 - made.bandwidth)
    waves = torch.sin(2 * math.pi * (made.freqs @ point + made.phases)) * fade.clamp(0, 1)
    wanted = made.weight @ waves / math.sqrt(len(waves))
    assert torch.allclose(made(w, user)[0, :, 9, 5], wanted, atol=1e-4)


def test_a_shift_by_whole_pixels_shifts_the_picture() -> None:
    torch.manual_seed(3)
    made = Generator(SMALL).eval()
    ws = made.mapping(torch.randn(1, 8))
    user = torch.eye(3)
    user[0, 2] = 4 / 32
    with torch.no_grad():
        still, moved = made.synthesis(ws), made.synthesis(ws, user)
    inside = (slice(None), slice(None), slice(4, -4))
    there, here = moved[inside][..., 4:-8], still[inside][..., 8:-4]
    assert (there - here).abs().max() < 0.02 * still.abs().max()
    assert (still[..., 4:-8] - still[..., 8:-4]).abs().max() > 0.2 * still.abs().max()


def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch() -> None:
    torch.manual_seed(4)
    made = Generator(SMALL).eval()
    ws = made.mapping(torch.randn(3, 8))
    assert torch.allclose(made.synthesis(ws)[1:2], made.synthesis(ws[1:2]), atol=1e-5)
    assert torch.equal(made.synthesis(ws, torch.eye(3)), made.synthesis(ws))


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": ()}, {"num_critical": 0}, {"num_critical": 5}, {"resolution": 4},
        {"first_cutoff": 40.0}, {"first_stopband": 1.0}, {"margin_size": -1},
        {"conv_kernel": 2}, {"lrelu_upsampling": 3}, {"output_scale": float("nan")},
        {"first_stopband": float("inf")},
    ],
)  # fmt: skip
def test_a_config_that_makes_no_generator_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="StyleGAN3"):
        StyleGAN3Config.from_dict(SMALL.to_dict() | {"num_ws": None} | wrong)
    with pytest.raises(ModelError, match="num_ws"):
        StyleGAN3Config.from_dict(SMALL.to_dict() | {"num_ws": 3})
    with pytest.raises(ModelError, match="Unknown"):
        StyleGAN3Config.from_dict(SMALL.to_dict() | {"depth": 3})
