"""The compiled kernels make what NumPy and torch make, for every processor that has them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from engine.backends.kernels import library
from engine.backends.kernels.library import Kernels, address, kernels, lanes_here
from engine.backends.torch_backend import TorchBackend
from engine.gan.fast import fast_generator
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.families import family_of
from engine.models.family import Config
from engine.models.torch_generator import build_generator
from tests.random_checkpoints import EVERY, random_tensors

BAR = 1e-4


@pytest.fixture(scope="module")
def here() -> Kernels:
    """The kernels of this processor."""
    found = kernels()
    if found is None:
        pytest.skip("this processor has no fused multiply-add")
    return found


def inputs(config: Config, tensors: dict[str, np.ndarray], n: int) -> tuple[Any, Any, Any]:
    """ws, noises and transform for n pictures."""
    family, source = family_of(config), np.random.RandomState(1)
    ws = source.randn(n, config.num_ws, config.w_dim).astype(np.float32)
    noises = [
        source.randn(n, 1, size, size).astype(np.float32) * 0.3
        for _, size in family.noisy_layers(config)
    ]
    turn = np.array([[0.8, -0.6, 0.1], [0.6, 0.8, -0.2], [0, 0, 1]], np.float32)
    return ws, noises, None if family.TRANSFORM is None else turn


RUN = [name for name, config in EVERY.items() if "resnet" not in name and "filters" not in name]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", RUN)
def test_kernels_make_the_pictures_of_plain_torch(kind: str, threads: int, here: Kernels) -> None:
    config = EVERY[kind]
    tensors = random_tensors(config)
    fast = fast_generator(config, tensors, threads)
    assert fast is not None
    plain = TorchBackend(build_generator(config, tensors), "cpu")
    ws, noises, turn = inputs(config, tensors, 3)
    wanted = plain.synthesize(ws, noises, turn).transpose(0, 2, 3, 1)
    found = fast.image(ws, noises, turn)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < BAR * np.abs(wanted).max()
    z = np.random.RandomState(2).randn(3, config.z_dim).astype(np.float32)
    c = np.eye(3, config.c_dim, dtype=np.float32) if config.c_dim else None
    w = plain.map(z, c)
    assert np.abs(fast.map(z, c) - w).max() < BAR * np.abs(w).max()


@pytest.mark.parametrize("kind", ["StyleGAN2 resnet, classes", "StyleGAN2 odd filters"])
def test_what_the_kernels_do_not_know_is_left_to_torch(kind: str) -> None:
    assert fast_generator(EVERY[kind], random_tensors(EVERY[kind]), 1) is None


def test_kept_features_change_no_byte_whatever_was_made_before(here: Kernels) -> None:
    config = EVERY["StyleGAN2 skip, grey, clamped"]
    tensors = random_tensors(config)
    ws, noises, _ = inputs(config, tensors, 1)
    alone = {}
    fine, noisy = ws.copy(), [noise.copy() for noise in noises]
    fine[:, -1] += 1
    noisy[-1] += 1
    asked = {"ws": (ws, noises), "fine": (fine, noises), "noise": (fine, noisy)}
    for name, how in asked.items():
        fresh = fast_generator(config, tensors, 1)
        assert fresh is not None
        alone[name] = fresh.image(*how)
    assert not np.array_equal(alone["ws"], alone["fine"])
    assert not np.array_equal(alone["fine"], alone["noise"])
    used = fast_generator(config, tensors, 1)
    assert used is not None
    for name in ("ws", "fine", "ws", "noise", "fine", "ws"):
        np.testing.assert_array_equal(used.image(*asked[name]), alone[name])
        used.image(*asked[name], None, 4)
        np.testing.assert_array_equal(used.image(*asked[name]), alone[name])


def test_the_number_of_threads_changes_no_byte(here: Kernels) -> None:
    config = EVERY["StyleGAN3 T, classes"]
    tensors = random_tensors(config)
    ws, noises, turn = inputs(config, tensors, 2)
    made = []
    for threads in (1, 2, 5):
        fast = fast_generator(config, tensors, threads)
        assert fast is not None
        made.append(fast.image(ws, noises, turn))
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


def test_without_the_compiler_package_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_KERNELS", [])
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    assert kernels() is None
    assert not library.fit_here()
    config = EVERY["StyleGAN2 one block"]
    assert fast_generator(config, random_tensors(config), 1) is None


def test_a_vector_is_as_wide_as_the_processor_allows() -> None:
    assert lanes_here({"fma": True, "avx2": True}, "x86_64") == 8
    assert lanes_here({"fma": True, "avx2": True, "avx512f": True, "avx512bw": True}, "amd64") == 16
    assert lanes_here({"sse4.2": True}, "x86_64") == 0
    assert lanes_here({}, "arm64") == 4


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_kernels_for_other_processors_compute_the_same(lanes: int, here: Kernels) -> None:
    other = library.compiled(lanes)
    source = np.random.RandomState(0)
    a, b = source.randn(12, 40).astype(np.float32), source.randn(40, 48).astype(np.float32)
    from engine.backends.kernels.gemm import pack

    c = np.zeros((12, 48), np.float32)
    packed = pack(b)
    other.gemm(address(a), 40, 0, address(packed), 0, address(c), 48, 0, 12, 40, 48, 1)
    np.testing.assert_allclose(c, a @ b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("highest", [(16, 24, 10), (32, 64, 32)], ids=["any", "whole tiles"])
def test_rough_previews_are_near_and_quick_work_stays_exact(
    highest: tuple[int, ...], here: Kernels
) -> None:
    if not here.short:
        pytest.skip("this processor has no products of 16-bit pairs")
    channels = {4: 16, 8: 16, 16: 16, **dict(zip((32, 64, 128), highest, strict=True))}
    config = StyleGAN2Config(8, 8, 0, 128, channels, 1, conv_clamp=256.0)
    tensors = random_tensors(config)
    fast = fast_generator(config, tensors, 2)
    assert fast is not None
    ws, noises, _ = inputs(config, tensors, 2)
    exact = fast.image(ws, noises)
    rough = fast.image(ws, noises, rough=True)
    error = np.sqrt(np.square(rough - exact).mean())
    assert 0 < error < 0.01 * exact.std()
    np.testing.assert_array_equal(fast.image(ws, noises), exact)
    low = fast.image(ws, noises, resolution=16)
    np.testing.assert_array_equal(fast.image(ws, noises, resolution=16, rough=True), low)
