"""Products in tile registers, where the processor has them and the system grants them."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from engine.backends.kernels.gemm import pack
from engine.backends.kernels.library import Kernels, address, kernels
from engine.backends.kernels.memory import LINE, aligned, empty, zeros
from engine.backends.kernels.tiles import granted, split_panels, tile_panels
from engine.backends.kernels.winograd import winograd_taps, winograd_weights
from engine.gan.fast_conv import Finish, FlatConv
from engine.gan.fast_doubling import DoublingConv
from engine.gan.fast_maps import Hands, Map, Rooms
from engine.gan.fast_tiles import SplitDoublingConv, SplitFewConv, TileDoublingConv, TileFlatConv

HANDS = Hands.so_many(1)
FILTER = np.array([0.25, 0.75, 0.75, 0.25], np.float32)


@pytest.fixture(scope="module")
def here() -> Kernels:
    """The kernels of this processor, tiles among them."""
    found = kernels()
    if found is None or not found.tiles:
        pytest.skip("this processor has no tile registers, or the system keeps them")
    return found


def test_they_multiply_what_was_rounded(here: Kernels) -> None:
    source = np.random.RandomState(0)
    a, b = (source.randn(2, *shape).astype(np.float32) for shape in ((32, 64), (64, 96)))
    a, b = ((x.view(np.uint32) & 0xFFFF0000).view(np.float32) for x in (a, b))  # bfloat16 already
    left, ones = np.zeros(a.shape, np.int16), np.ones(64, np.float32)
    here.scale_tiles(address(a), 64, 64, address(ones), address(left))
    packed, c = tile_panels(pack(b)), np.zeros((2, 32, 96), np.float32)
    here.gemm_tiles(
        address(left), 32, 32 * 32, address(packed), 32 * 96, address(c), 96, 32 * 96,
        32, 64, 96, 2,
    )  # fmt: skip
    np.testing.assert_allclose(c, a @ b, rtol=0, atol=1e-4)


def test_scaling_rounds_to_the_nearest(here: Kernels) -> None:
    values = np.array([[1.0, 1.003, -3.14159, 1e-30] * 4], np.float32)
    left, scale = np.zeros((1, 16), np.int16), np.full(16, 2.0, np.float32)
    here.scale_tiles(address(values), 1, 16, address(scale), address(left))
    kept = (left.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_allclose(kept, 2 * values, rtol=2**-8)


def test_tiles_want_the_processor_and_the_system() -> None:
    assert not granted({"amx-tile": True, "amx-bf16": False, "avx512f": True})
    assert not granted({})


def test_split_numbers_multiply_as_floats_do(here: Kernels) -> None:
    source = np.random.RandomState(0)
    a, b = source.randn(32, 512).astype(np.float32), source.randn(512, 96).astype(np.float32)
    left, scale = np.zeros((32, 1024), np.int16), source.rand(512).astype(np.float32)
    here.scale_split(address(a), 32, 512, address(scale), address(left))
    packed, c = split_panels(pack(b)), np.zeros((32, 96), np.float32)
    here.gemm_split(
        address(left), 512, 0, address(packed), packed.strides[0] // 4, address(c), 96, 0,
        32, 512, 96, 1,
    )  # fmt: skip
    np.testing.assert_allclose(c, (a * scale) @ b, rtol=0, atol=1e-5 * np.abs(c).max())


def test_winograd_weights_give_their_taps_back() -> None:
    weight = np.random.RandomState(0).randn(20, 16, 3, 3).astype(np.float32)
    taps = winograd_taps(winograd_weights(weight, 6, 16), 6)
    np.testing.assert_allclose(
        taps[..., :20], weight.transpose(2, 3, 1, 0).reshape(9, 16, 20), atol=1e-4
    )


def _map(size: int, channels: int) -> Map:
    lent = Rooms().lend(2, size, size, channels)
    lent.inside[:] = np.random.RandomState(1).randn(2, size, size, channels)
    return lent


def _around(outs: int, size: int) -> tuple[np.ndarray, Finish]:
    """Styles of 64 channels, and what follows the sums."""
    source = np.random.RandomState(2)
    styles, scale = source.rand(2, 64), source.rand(2, outs)
    bias, noise = source.randn(outs), source.randn(2, size, size)
    made = [array.astype(np.float32) for array in (styles + 0.5, scale + 0.5, bias, noise)]
    return made[0], Finish(*made[1:], slope=0.2)


def _off(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.sqrt(np.square(made - wanted).mean()) / wanted.std())


def test_a_flat_convolution_by_tiles(here: Kernels) -> None:
    weight = np.random.RandomState(0).randn(96, 64, 3, 3).astype(np.float32)
    exact = FlatConv(weight, 6, few=False)
    x, (styles, finish) = _map(64, 64), _around(96, 64)
    wanted, made = (Rooms().lend(2, 64, 64, 96) for _ in range(2))
    exact.run(here, HANDS, x, styles, finish, wanted)
    tiles = TileFlatConv(exact)
    tiles.run(here, HANDS, x, styles, finish, made)
    assert 1e-4 < _off(made.inside, wanted.inside) < 6e-3

    banded = np.zeros((2, 64, 64 * 96), np.float32)

    def use(picture: int, first: int, count: int, start: int, row: int) -> None:
        kind = ctypes.c_float * (count * row)
        banded[picture, first : first + count] = np.reshape(kind.from_address(start), (-1, row))

    tiles.bands(here, HANDS, x, styles, finish, use)
    assert np.array_equal(banded.reshape(made.inside.shape), made.inside)


def test_a_flat_convolution_of_few_pixels(here: Kernels) -> None:
    weight = np.random.RandomState(0).randn(96, 64, 3, 3).astype(np.float32)
    exact = FlatConv(weight, 6, few=True)
    x, (styles, finish) = _map(12, 64), _around(96, 12)
    made = []
    for conv in (exact, SplitFewConv(exact)):
        out = Rooms().lend(2, 12, 12, 96)
        conv.run(here, HANDS, x, styles, finish, out)
        made.append(out.inside)
    assert 0 < _off(made[1], made[0]) < 1e-5


@pytest.mark.parametrize("size", [8, 32])
def test_doubling_convolutions_by_tiles(here: Kernels, size: int) -> None:
    weight = np.random.RandomState(0).randn(32, 64, 3, 3).astype(np.float32)
    exact = DoublingConv(weight, FILTER * 2)
    split = SplitDoublingConv(exact)
    x, (styles, finish) = _map(size, 64), _around(32, 2 * size)
    made = []
    for conv in (exact, split, TileDoublingConv(split)):
        out = Rooms().lend(2, 2 * size, 2 * size, 32)
        conv.run(here, HANDS, x, styles, finish, out)
        made.append(out.inside)
    assert _off(made[1], made[0]) < 1e-5
    assert 1e-4 < _off(made[2], made[0]) < 6e-3


def test_memory_begins_with_a_line() -> None:
    for made in (empty((3, 5)), zeros(7, np.int16), aligned(np.arange(9.0)[::2])):
        assert made.ctypes.data % LINE == 0
    assert np.array_equal(aligned(np.arange(9.0)[::2]), np.arange(9.0)[::2])
    assert not zeros((4, 4)).any()
