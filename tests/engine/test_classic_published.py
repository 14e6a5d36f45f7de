"""Published ProGAN, StyleGAN and BigGAN files make here the pictures that they made there."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import CheckpointError
from engine.models.layouts import biggan as biggan_layout
from engine.models.layouts import dcgan as dcgan_layout
from engine.models.layouts import progan as progan_layout
from engine.models.layouts import stylegan1 as stylegan1_layout
from engine.models.published import hf_biggan, tf_progan, tf_stylegan1, torch_biggan, torch_dcgan
from tests import random_classics

Named = dict[str, Tensor]
SQRT2 = math.sqrt(2)


def built(layout: Any, config: Any, tensors: dict[str, np.ndarray]) -> Any:
    """As the program builds it: without numbers of its own, then filled."""
    with torch.device("meta"):
        generator = layout.new_generator(config)
    state = {n: torch.from_numpy(np.array(a, np.float32)) for n, a in tensors.items()}
    generator.load_state_dict(state, strict=True, assign=True)
    return generator.eval().requires_grad_(False)


def in_double(tensors: dict[str, np.ndarray]) -> Named:
    return {name: torch.from_numpy(array.astype(np.float64)) for name, array in tensors.items()}


def normed(x: Tensor) -> Tensor:
    return x / (x.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()


def dense(t: Named, name: str, x: Tensor, gain: float, speed: float = 1.0) -> Tensor:
    weight = t[f"{name}/weight"]
    return x @ weight * (gain * speed / math.sqrt(weight.shape[0]))


def conv(t: Named, name: str, x: Tensor, gain: float = SQRT2) -> Tensor:
    weight = t[f"{name}/weight"]
    scale = gain / math.sqrt(math.prod(weight.shape[:3]))
    return F.conv2d(x, weight.permute(3, 2, 0, 1) * scale, padding=weight.shape[0] // 2)


def fused_conv(kernel: Tensor, x: Tensor) -> Tensor:
    """The kernel [3, 3, out, in] padded, summed over four shifts, scattered with stride 2."""
    padded = F.pad(kernel.permute(2, 3, 0, 1), (1, 1, 1, 1))
    four = padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
    size = 2 * x.shape[2]
    out = torch.zeros(len(x), len(four), size + 2, size + 2, dtype=x.dtype)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            patch = torch.einsum("nc,ocij->noij", x[:, :, i, j], four)
            out[:, :, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += patch
    return out[:, :, 1:-1, 1:-1]


def doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def biased(t: Named, name: str, x: Tensor) -> Tensor:
    return x + t[f"{name}/bias"].reshape(1, -1, *[1] * (x.ndim - 2))


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize("levels", [3, 4, 5])
def test_a_dcgan_of_the_tutorials_layout_makes_its_pictures(levels: int, wrapper: str) -> None:
    torch.manual_seed(levels)
    layers: list[torch.nn.Module] = []
    widths = [6, *(2 ** (levels - index) for index in range(levels))]
    for index, (before, after) in enumerate(itertools.pairwise(widths)):
        step = (1, 0) if index == 0 else (2, 1)
        layers.append(torch.nn.ConvTranspose2d(before, after, 4, *step, bias=False))
        layers += [torch.nn.BatchNorm2d(after), torch.nn.ReLU()]
    layers += [torch.nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1), torch.nn.Tanh()]
    theirs = torch.nn.Sequential(*layers)
    theirs(torch.randn(8, 6, 1, 1))  # moves the running statistics
    stored = {f"{wrapper}main.{n}": a.numpy() for n, a in theirs.state_dict().items()}
    assert torch_dcgan.recognises(stored)
    config, tensors = torch_dcgan.convert(stored)
    assert (config.z_dim, config.resolution, config.img_channels) == (6, 4 << levels, 1)
    assert (config.bias, config.rgb_bias) == (False, True)
    z = torch.randn(2, 6)
    picture = built(dcgan_layout, config, tensors)(z)
    assert torch.allclose(picture, theirs.eval()(z[:, :, None, None]), atol=1e-6)
    name = f"{wrapper}main.1.running_var"
    with pytest.raises(CheckpointError, match=name):
        torch_dcgan.convert({n: a for n, a in stored.items() if n != name})
    with pytest.raises(CheckpointError, match=f"{wrapper}main.99.weight"):
        torch_dcgan.convert(stored | {f"{wrapper}main.99.weight": np.zeros(2, np.float32)})


def progan_by_the_paper(t: Named, z: Tensor, resolution: int, fused: bool) -> dict[int, Tensor]:
    x = dense(t, "4x4/Dense", normed(z), SQRT2 / 4).reshape(len(z), -1, 4, 4)
    x = normed(lrelu(biased(t, "4x4/Dense", x)))
    x = normed(lrelu(biased(t, "4x4/Conv", conv(t, "4x4/Conv", x))))
    pictures, size = {}, 4
    while True:
        rgb = f"ToRGB_lod{int(math.log2(resolution // size))}"
        pictures[size] = biased(t, rgb, conv(t, rgb, x, gain=1.0))
        size *= 2
        if size > resolution:
            return pictures
        name = f"{size}x{size}/Conv0" + ("_up" if fused else "")
        if fused:
            kernel = t[f"{name}/weight"]
            x = fused_conv(kernel * (SQRT2 / math.sqrt(9 * kernel.shape[3])), x)
        else:
            x = conv(t, name, doubled(x))
        x = normed(lrelu(biased(t, name, x)))
        name = f"{size}x{size}/Conv1"
        x = normed(lrelu(biased(t, name, conv(t, name, x))))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("colours", [1, 3])
def test_a_tensorflow_progan_makes_the_papers_pictures(fused: bool, colours: int) -> None:
    stored = random_classics.tf_progan(16, 9, 6, colours, fused=fused)
    assert tf_progan.recognises(stored)
    config, tensors = tf_progan.convert(stored)
    assert (config.z_dim, config.resolution, config.img_channels) == (6, 16, colours)
    z = torch.randn(2, 6, dtype=torch.float64)
    expected = progan_by_the_paper(in_double(stored), z, 16, fused)
    pictures = built(progan_layout, config, tensors).images(z.float())
    assert set(pictures) == set(expected)
    for size, picture in pictures.items():
        assert torch.allclose(picture.double(), expected[size], atol=1e-4), size


def stylegan_by_the_paper(t: Named, ws: Tensor, resolution: int, fused_from: int) -> Tensor:
    def epilogue(x: Tensor, name: str, index: int) -> Tensor:
        strength = t[f"{name}/Noise/weight"].reshape(1, -1, 1, 1)
        x = lrelu(biased(t, name, x + t[f"G_synthesis/noise{index}"] * strength))
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(2, 3), keepdim=True) + 1e-8).sqrt()
        style = biased(t, f"{name}/StyleMod", dense(t, f"{name}/StyleMod", ws[:, index], 1.0))
        ys, yb = style.reshape(len(ws), 2, -1, 1, 1).unbind(1)
        return x * (ys + 1) + yb

    x = epilogue(t["G_synthesis/4x4/Const/const"], "G_synthesis/4x4/Const", 0)
    x = epilogue(conv(t, "G_synthesis/4x4/Conv", x), "G_synthesis/4x4/Conv", 1)
    size, index = 8, 2
    tent = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype)
    while size <= resolution:
        name = f"G_synthesis/{size}x{size}/Conv0_up"
        if size >= fused_from:
            kernel = t[f"{name}/weight"]
            scale = SQRT2 / math.sqrt(9 * kernel.shape[2])
            x = fused_conv(kernel.transpose(2, 3) * scale, x)
        else:
            x = conv(t, name, doubled(x))
        taps = (torch.outer(tent, tent) / 16).expand(x.shape[1], 1, 3, 3)
        x = epilogue(F.conv2d(x, taps, padding=1, groups=x.shape[1]), name, index)
        name = f"G_synthesis/{size}x{size}/Conv1"
        x = epilogue(conv(t, name, x), name, index + 1)
        size, index = size * 2, index + 2
    return biased(t, "G_synthesis/ToRGB_lod0", conv(t, "G_synthesis/ToRGB_lod0", x, gain=1.0))


@pytest.mark.parametrize("fused", [True, False, "auto"])
@pytest.mark.parametrize("labels", [0, 3])
def test_a_tensorflow_stylegan_makes_the_papers_pictures(fused: bool | str, labels: int) -> None:
    stored = random_classics.tf_stylegan1(16, 9, 7, labels=labels)
    assert tf_stylegan1.recognises(stored)
    config, tensors = tf_stylegan1.convert(stored, init={"fused_scale": fused})
    assert (config.resolution, config.c_dim, config.growing) == (16, labels, True)
    generator, t = built(stylegan1_layout, config, tensors), in_double(stored)

    z, c = torch.randn(2, 7, dtype=torch.float64), torch.eye(3, dtype=torch.float64)[:2]
    x = torch.cat([z, c @ t["G_mapping/LabelConcat/weight"]], dim=1) if labels else z
    w = normed(x)
    for index in range(3):
        name = f"G_mapping/Dense{index}"
        w = lrelu(dense(t, name, w, SQRT2, 0.01) + 0.01 * t[f"{name}/bias"])
    mapped = generator.mapping.w(z.float(), c.float() if labels else None)
    assert torch.allclose(mapped.double(), w, atol=1e-5)

    assert torch.equal(generator.mapping.w_avg, torch.from_numpy(stored["dlatent_avg"]))
    ws = torch.randn(2, config.num_ws, 7, dtype=torch.float64)
    expected = stylegan_by_the_paper(t, ws, 16, 8 if fused is True else 128)
    assert torch.allclose(generator.synthesis(ws.float()).double(), expected, atol=1e-4)


def test_a_stylegan_whose_last_resolution_alone_paints_is_read_too() -> None:
    stored = random_classics.tf_stylegan1(8, 5, 4)
    last = {name: a for name, a in stored.items() if "ToRGB_lod1" not in name}
    config, tensors = tf_stylegan1.convert({f"Gs/{name}": array for name, array in last.items()})
    bare = {name.removeprefix("G_"): array for name, array in last.items()}
    assert tf_stylegan1.convert(bare)[0] == config
    assert not config.growing
    ws = torch.randn(1, 4, 4)
    whole = built(stylegan1_layout, *tf_stylegan1.convert(stored)).synthesis(ws)
    assert torch.equal(built(stylegan1_layout, config, tensors).synthesis(ws), whole)


def test_tensorflow_networks_built_otherwise_are_refused() -> None:
    grown = random_classics.tf_progan(8, 5, 4, 3, fused=True)
    with pytest.raises(CheckpointError, match="use_pixelnorm = False"):
        tf_progan.convert(grown, init={"use_pixelnorm": False})
    styled = random_classics.tf_stylegan1(8, 5, 4)
    with pytest.raises(CheckpointError, match="blur_filter = None"):
        tf_stylegan1.convert(styled, init={"blur_filter": None})
    with pytest.raises(CheckpointError, match="fused_scale = 3"):
        tf_stylegan1.convert(styled, init={"fused_scale": 3})
    usual = {"blur_filter": (1, 2, 1), "fused_scale": "auto", "mapping_lrmul": 0.02}
    assert tf_stylegan1.convert(styled, init=usual)[0].mapping_lr == 0.02


@pytest.mark.parametrize("which", ["progan", "stylegan1"])
def test_every_tensorflow_tensor_that_is_missing_or_bent_is_refused_by_its_name(which: str) -> None:
    convert: Any = {"progan": tf_progan.convert, "stylegan1": tf_stylegan1.convert}[which]
    stored = (
        random_classics.tf_progan(8, 5, 4, 3, fused=True)
        if which == "progan"
        else random_classics.tf_stylegan1(8, 5, 4)
    )
    for name in set(stored) - {"lod"}:
        with pytest.raises(CheckpointError):
            convert({n: a for n, a in stored.items() if n != name})
        with pytest.raises(CheckpointError) as caught:
            convert(stored | {name: stored[name][..., None]})
        assert name in caught.value.what
    with pytest.raises(CheckpointError, match="'8x8/Extra'"):
        convert(stored | {"8x8/Extra": np.zeros(3, np.float32)})


def test_a_published_biggan_makes_the_pictures_of_the_package() -> None:
    stored = random_classics.hf_biggan()
    assert hf_biggan.recognises(stored)
    config, tensors = hf_biggan.convert(stored, config_json=random_classics.BIGGAN)
    generator = built(biggan_layout, config, tensors)
    z, classes = (torch.from_numpy(array) for array in random_classics.biggan_inputs())
    kept = np.load(random_classics.GOLDEN, allow_pickle=False)
    fresh = random_classics.biggan_of_the_package() or {name: kept[name] for name in kept}
    for truncation in random_classics.TRUNCATIONS:
        picture = generator(z, classes, truncation).numpy()
        assert picture.shape == (3, 3, 16, 16)
        np.testing.assert_allclose(picture, kept[str(truncation)], atol=1e-4)
        np.testing.assert_allclose(picture, fresh[str(truncation)], atol=1e-4)


def test_biggan_sizes_are_the_same_with_and_without_its_config_file() -> None:
    stored = random_classics.hf_biggan()
    config, _ = hf_biggan.convert(stored, config_json=random_classics.BIGGAN)
    assert hf_biggan.convert(stored)[0] == config
    assert (config.resolution, config.num_ws, config.w_dim) == (16, 5, 12)
    with pytest.raises(CheckpointError, match="resolution"):
        hf_biggan.convert(stored, config_json=random_classics.BIGGAN | {"output_dim": 128})


def test_spectral_norm_is_divided_out() -> None:
    stored = random_classics.hf_biggan()
    name = "generator.layers.0.conv_1.weight"
    u, v = stored[f"{name}_u"], stored[f"{name}_v"]
    _, tensors = hf_biggan.convert(stored)
    name = name.replace("generator", "synthesis")
    assert u @ tensors[name].reshape(len(u), -1) @ v == pytest.approx(1.0, abs=1e-5)
    assert name + "_u" not in tensors


def test_biggan_tensors_that_do_not_fit_are_named() -> None:
    stored = random_classics.hf_biggan()
    name = "generator.gen_z.weight_u"
    with pytest.raises(CheckpointError, match=name):
        hf_biggan.convert({n: a for n, a in stored.items() if n != name})
    with pytest.raises(CheckpointError, match=name):
        hf_biggan.convert(stored | {name: np.ones(3, np.float32)})
    with pytest.raises(CheckpointError, match="spectral norm"):
        hf_biggan.convert(stored | {name: np.zeros_like(stored[name])})
    for lost in ("generator.layers.0.conv_2.weight_orig", "embeddings.weight", "generator.bn.bias"):
        with pytest.raises(CheckpointError, match=f"'{lost}'"):
            hf_biggan.convert({n: a for n, a in stored.items() if n != lost})
    bias = "generator.layers.1.conv_0.bias"
    with pytest.raises(CheckpointError, match=bias):
        hf_biggan.convert(stored | {bias: np.zeros(99, np.float32)})


def biggan_by_the_paper(t: Named, z: Tensor, y: Tensor) -> Tensor:
    """BigGAN with u0 as it lies in the file; z in four chunks, y the embedded class."""

    def weight(name: str) -> Tensor:
        matrix = t[f"{name}.weight"].flatten(1)
        v = F.normalize(t[f"{name}.u0"] @ matrix, dim=1)
        u = F.normalize(v @ matrix.T, dim=1)
        return t[f"{name}.weight"] / (v @ matrix.T @ u.T).squeeze()

    def norm(x: Tensor, name: str, gain: Tensor, bias: Tensor) -> Tensor:
        mean, var = t[f"{name}.stored_mean"], t[f"{name}.stored_var"]
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return (x * gain[..., None, None] + bias[..., None, None]).relu()

    def filtered(x: Tensor, name: str) -> Tensor:
        kernel = weight(name)
        return F.conv2d(x, kernel, t.get(f"{name}.bias"), padding=kernel.shape[2] // 2)

    chunks = z.split(3, dim=1)
    x = (chunks[0] @ weight("linear").T + t["linear.bias"]).reshape(len(z), -1, 4, 4)
    for index in range(3):
        name, cond = f"blocks.{index}.0", torch.cat([y, chunks[index + 1]], dim=1)
        h = x
        for number in (1, 2):
            bn = f"{name}.bn{number}"
            gain, bias = cond @ weight(f"{bn}.gain").T, cond @ weight(f"{bn}.bias").T
            h = norm(h, bn, 1 + gain, bias)
            h = filtered(doubled(h) if number == 1 else h, f"{name}.conv{number}")
        x = h + filtered(doubled(x), f"{name}.conv_sc")
        if index == 1:
            theta = filtered(x, "blocks.1.1.theta").flatten(2)
            phi = F.max_pool2d(filtered(x, "blocks.1.1.phi"), 2).flatten(2)
            g = F.max_pool2d(filtered(x, "blocks.1.1.g"), 2).flatten(2)
            beta = torch.einsum("nki,nkj->nij", theta, phi).softmax(dim=2)
            seen = torch.einsum("nij,nvj->nvi", beta, g).reshape(len(x), 8, *x.shape[2:])
            x = x + t["blocks.1.1.gamma"] * filtered(seen, "blocks.1.1.o")
    x = norm(x, "output_layer.0", t["output_layer.0.gain"], t["output_layer.0.bias"])
    return torch.tanh(filtered(x, "output_layer.2"))


def test_a_biggan_with_hierarchical_latents_makes_the_papers_pictures() -> None:
    stored = random_classics.torch_biggan()
    assert torch_biggan.recognises(stored)
    config, tensors = torch_biggan.convert(stored)
    assert (config.deep, config.resolution, config.z_dim, config.num_ws) == (False, 32, 12, 4)
    generator = built(biggan_layout, config, tensors)
    torch.manual_seed(0)
    z, c = torch.randn(2, 12, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[1:3]
    t = in_double(stored)
    expected = biggan_by_the_paper(t, z, c @ t["shared.weight"])
    picture = generator(z.float(), c.float()).double()
    assert picture.std() > 0.1
    assert torch.allclose(picture, expected, atol=1e-4)
    for name in stored:
        if not name.endswith("sv0"):
            with pytest.raises(CheckpointError, match=name):
                torch_biggan.convert({n: a for n, a in stored.items() if n != name})
