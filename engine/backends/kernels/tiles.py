"""Products of bfloat16 matrices in the tile registers of newer x86 processors (AMX), for previews.

A tile register holds 16 lines of 64 bytes; one instruction adds the product of two of them, 32
numbers deep, to a third one of floats. Numbers keep 8 significant bits, sums are floats.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int16

from engine.backends.kernels.gemm import COLUMNS

if TYPE_CHECKING:
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

DEPTH = 32  # of one instruction; channels that come in are a multiple
BLOCK = 2 * COLUMNS  # rows and columns of the block in registers; both are a multiple
_SUMS, _LEFT, _RIGHT = ((0, 1), (2, 3)), (4, 5), (6, 7)  # the eight registers
_LINE = 64  # bytes of a register's line
# Linux grants the registers' state to a process that asks for it: arch_prctl(2).
_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18


def granted(features: dict[str, bool]) -> bool:
    """Whether the processor has such registers and the system lets this process use them."""
    if not (features.get("amx-tile") and features.get("amx-bf16") and features.get("avx512f")):
        return False
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).syscall
    except (OSError, AttributeError):
        return False
    numbers = (ctypes.c_long(n) for n in (_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA))
    return int(call(*numbers)) == 0


def tile_panels(
    panels: Float32[np.ndarray, "*batch panels k 16"],
) -> Int16[np.ndarray, "*batch panels half 32"]:
    """Packed panels as the bits of bfloat16 numbers, two rows side by side. k is even."""
    *batch, count, k, _ = panels.shape
    bits = np.ascontiguousarray(panels, np.float32).view(np.uint32)
    nearest = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).view(np.int16)
    pairs = nearest.reshape(*batch, count, k // 2, 2, COLUMNS)
    return np.ascontiguousarray(np.swapaxes(pairs, -1, -2)).reshape(*batch, count, k // 2, 32)


def emit_gemm_tiles(module: ir.Module, lanes: int) -> Emit:
    """gemm_tiles: as gemm_short, of bfloat16 numbers and with sums of floats. m and n are
    multiples of 32, and so is k."""
    from engine.backends.kernels.emit import Emit

    e = Emit(module, "gemm_tiles", "piipipiiiiii", lanes)
    a, lda, a_step, b, b_step, c, ldc, c_step, m, k, n, count = e.args
    tiles = _Tiles(e)
    half = e.b.ashr(k, e.number(1))
    tiles.begin()
    with e.loop(count) as index, e.loop(n, step=BLOCK) as column:
        panel = e.at(b, (index, b_step), (column, half))
        with e.loop(m, step=BLOCK) as row:
            start = e.at(a, (index, a_step), (row, lda))
            for tile in (tile for line in _SUMS for tile in line):
                tiles.zero(tile)
            with e.loop(half, step=COLUMNS) as depth:
                for r, tile in enumerate(_LEFT):
                    tiles.load(tile, e.at(start, depth, (lda, r * COLUMNS)), lda)
                for v, tile in enumerate(_RIGHT):
                    place = e.at(panel, (depth, COLUMNS), (half, v * COLUMNS))
                    tiles.load(tile, place, e.number(COLUMNS))
                for r, left in enumerate(_LEFT):
                    for v, right in enumerate(_RIGHT):
                        tiles.add_product(_SUMS[r][v], left, right)
            out = e.at(c, (index, c_step), (row, ldc), column)
            for r, line in enumerate(_SUMS):
                for v, tile in enumerate(line):
                    tiles.store(tile, e.at(out, (ldc, r * COLUMNS), v * COLUMNS), ldc)
    tiles.end()
    e.done()
    return e


def emit_scale_tiles(module: ir.Module, lanes: int) -> Emit:
    """scale_tiles(x, pixels, channels, scale, y): pixels times scale by channel, as bfloat16
    numbers, two in the place of a float."""
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

    e = Emit(module, "scale_tiles", "piipp", lanes)
    x, pixels, channels, scale, y = e.args
    wide = ir.VectorType(ir.IntType(32), lanes)
    half, shift = (ir.Constant(wide, [n] * lanes) for n in (0x8000, 16))
    with e.loop(pixels) as pixel, e.loop(channels, step=lanes) as channel:
        place = e.sum((pixel, channels), channel)
        value = e.b.bitcast(e.b.fmul(e.load(x, place), e.load(scale, channel)), wide)
        upper = e.b.lshr(e.b.add(value, half), shift)
        nearest = e.b.trunc(upper, ir.VectorType(ir.IntType(16), lanes))
        e.store(nearest, y, e.b.ashr(place, e.number(1)))
    e.done()
    return e


class _Tiles:
    """The instructions; registers go by their numbers, distances between lines count floats."""

    def __init__(self, e: Emit) -> None:
        from llvmlite import ir

        self._e, self._ir = e, ir
        self._byte = ir.IntType(8)
        # Palette 1; from byte 16 the bytes of each register's lines, from byte 48 their number.
        wanted = bytearray(64)
        wanted[0] = 1
        for tile in range(8):
            wanted[16 + 2 * tile], wanted[48 + tile] = _LINE, COLUMNS
        kind = ir.ArrayType(self._byte, len(wanted))
        self._shape = ir.GlobalVariable(e.function.module, kind, f"{e.function.name}_shape")
        self._shape.global_constant = True
        self._shape.initializer = ir.Constant(kind, wanted)

    def begin(self) -> None:
        self._call("ldtilecfg", self._pointer(self._shape))

    def end(self) -> None:
        self._call("tilerelease")

    def zero(self, tile: int) -> None:
        self._call("tilezero", self._number(tile))

    def load(self, tile: int, place: Any, apart: Any) -> None:
        self._call("tileloadd64", self._number(tile), self._pointer(place), self._bytes(apart))

    def store(self, tile: int, place: Any, apart: Any) -> None:
        self._call("tilestored64", self._number(tile), self._pointer(place), self._bytes(apart))

    def add_product(self, total: int, left: int, right: int) -> None:
        self._call("tdpbf16ps", *(self._number(tile) for tile in (total, left, right)))

    def _call(self, name: str, *operands: Any) -> None:
        full, module = f"llvm.x86.{name}", self._e.function.module
        if full not in module.globals:
            kind = self._ir.FunctionType(self._ir.VoidType(), [value.type for value in operands])
            self._ir.Function(module, kind, full)
        self._e.b.call(module.globals[full], operands)

    def _number(self, tile: int) -> Any:
        return self._ir.Constant(self._byte, tile)

    def _pointer(self, place: Any) -> Any:
        return self._e.b.bitcast(place, self._byte.as_pointer())

    def _bytes(self, floats: Any) -> Any:
        return self._e.b.mul(floats, self._e.number(4))
