"""Products in tile registers, where the processor has them and the system grants them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.backends.kernels.gemm import pack
from engine.backends.kernels.library import Kernels, address, kernels
from engine.backends.kernels.tiles import granted, tile_panels


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
