"""Products of bfloat16 matrices in the tile registers of newer x86 processors (AMX).

A tile register holds 16 lines of 64 bytes; one instruction adds the product of two of them, 32
numbers deep, to a third one of floats. Numbers keep 8 significant bits, which is enough for
previews; sums are floats. Where more is wanted, each number is split in two, what it is nearest to
and what is left, and three products come within some 1e-5 of that of floats (Henry, Tang and
Heinecke, 2019); they take a sixth of the time that floats would.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int16

from engine.backends.kernels.gemm import COLUMNS
from engine.backends.kernels.memory import aligned

if TYPE_CHECKING:
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

DEPTH = 32  # of one instruction; channels that come in are a multiple
BLOCK = 2 * COLUMNS  # rows and columns of the block in registers; both are a multiple
_SUMS, _LEFT, _RIGHT = ((0, 1), (2, 3)), (4, 5), (6, 7)  # the eight registers
# Of each sum its register, and which 16 rows and columns of the block it holds.
_BLOCKS = tuple((tile, r, v) for r, line in enumerate(_SUMS) for v, tile in enumerate(line))
# Which parts of split numbers are multiplied, nearest (0) or left (1); the fourth is too small.
_SPLIT_PRODUCTS = ((0, 0), (0, 1), (1, 0))
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
    return aligned(np.swapaxes(pairs, -1, -2)).reshape(*batch, count, k // 2, 32)


def split_panels(
    panels: Float32[np.ndarray, "*batch panels k 16"],
) -> Int16[np.ndarray, "two *batch panels half 32"]:
    """As `tile_panels`: of the nearest bfloat16 numbers, then of what is left."""
    nearest = tile_panels(panels)
    *batch, count, half, _ = nearest.shape
    bits = nearest.view(np.uint16).astype(np.uint32).reshape(*batch, count, half, COLUMNS, 2) << 16
    taken = np.swapaxes(bits.view(np.float32), -1, -2).reshape(panels.shape)
    return aligned(np.stack([nearest, tile_panels(panels - taken)]))


def emit_gemm_tiles(module: ir.Module, lanes: int, split: bool = False) -> Emit:
    """gemm_tiles: as gemm_short, of bfloat16 numbers and with sums of floats. m and n are
    multiples of 32, and so is k. split (gemm_split): a and b hold numbers split in two: each row
    of a its k nearest numbers, then what is left of them; b the same, b_step floats on."""
    from engine.backends.kernels.emit import Emit

    e = Emit(module, f"gemm_{'split' if split else 'tiles'}", "piipipiiiiii", lanes)
    a, lda, a_step, b, b_step, c, ldc, c_step, m, k, n, count = e.args
    tiles = _Tiles(e)
    half = e.b.ashr(k, e.number(1))
    tiles.begin()
    with e.loop(count) as index, e.loop(n, step=BLOCK) as column:
        panel = e.at(b, (index, b_step), (column, half))
        with e.loop(m, step=BLOCK) as row:
            start = e.at(a, (index, a_step), (row, lda))
            tiles.zero_sums()
            with e.loop(half, step=COLUMNS) as depth:
                for left_part, right_part in _SPLIT_PRODUCTS if split else ((0, 0),):
                    tiles.products(
                        e.at(start, depth, (half, left_part)), lda,
                        e.at(panel, (depth, COLUMNS), (b_step, right_part)), (half, COLUMNS),
                    )  # fmt: skip
            tiles.store_sums(e.at(c, (index, c_step), (row, ldc), column), ldc)
    tiles.end()
    e.done()
    return e


def emit_conv_tiles(module: ir.Module, lanes: int) -> Emit:
    """conv_tiles(a, b, c, lines, width, k, n): a 3x3 convolution of bfloat16 pixels.

    a: lines + 2 lines of width + 2 pixels of k numbers; b: the packed panels of each tap; c:
    lines of `width` pixels of n floats. width, k and n are multiples of 32.
    """
    from engine.backends.kernels.emit import Emit

    e = Emit(module, "conv_tiles", "pppiiii", lanes)
    a, b, c, lines, width, k, n = e.args
    tiles = _Tiles(e)
    half = e.b.ashr(k, e.number(1))
    a_line = e.b.mul(e.sum(width, 2), half)
    tiles.begin()
    for tap in range(9):
        # One tap after another, so that what its block of columns holds stays near.
        with e.loop(n, step=BLOCK) as column:
            panel = e.at(b, (half, n, tap), (column, half))
            with e.loop(lines) as line, e.loop(width, step=BLOCK) as pixel:
                out = e.at(c, (e.sum((line, width), pixel), n), column)
                tiles.zero_sums() if tap == 0 else tiles.load_sums(out, n)
                there = (e.sum(line, tap // 3), a_line), (e.sum(pixel, tap % 3), half)
                with e.loop(half, step=COLUMNS) as depth:
                    right = e.at(panel, (depth, COLUMNS))
                    tiles.products(e.at(a, *there, depth), half, right, (half, COLUMNS))
                tiles.store_sums(out, n)
    tiles.end()
    e.done()
    return e


def emit_scale_tiles(module: ir.Module, lanes: int, split: bool = False) -> Emit:
    """scale_tiles(x, pixels, channels, scale, y): pixels times scale by channel, as bfloat16
    numbers, two in the place of a float. split (scale_split): each pixel's nearest numbers, then
    what is left of them."""
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

    e = Emit(module, f"scale_{'split' if split else 'tiles'}", "piipp", lanes)
    x, pixels, channels, scale, y = e.args
    wide = ir.VectorType(ir.IntType(32), lanes)
    half, shift = (ir.Constant(wide, [n] * lanes) for n in (0x8000, 16))

    def nearest(value: Any) -> Any:
        return e.b.lshr(e.b.add(e.b.bitcast(value, wide), half), shift)

    def put(upper: Any, *place: Any) -> None:
        narrow = e.b.trunc(upper, ir.VectorType(ir.IntType(16), lanes))
        e.store(narrow, y, e.b.ashr(e.sum(*place), e.number(1)))

    with e.loop(pixels) as pixel, e.loop(channels, step=lanes) as channel:
        value = e.b.fmul(e.load(x, (pixel, channels), channel), e.load(scale, channel))
        upper = nearest(value)
        put(upper, (pixel, channels, 1 + split), channel)
        if split:
            left = e.b.fsub(value, e.b.bitcast(e.b.shl(upper, shift), e.vector))
            put(nearest(left), (pixel, channels, 2), channels, channel)
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

    def zero_sums(self) -> None:
        for tile, *_ in _BLOCKS:
            self._call("tilezero", self._number(tile))

    def load_sums(self, place: Any, apart: Any) -> None:
        """From 32 lines of 32 floats, so far apart."""
        for tile, r, v in _BLOCKS:
            self._load(tile, self._e.at(place, (apart, r * COLUMNS), v * COLUMNS), apart)

    def store_sums(self, place: Any, apart: Any) -> None:
        """To 32 lines of 32 floats, so far apart."""
        for tile, r, v in _BLOCKS:
            there = self._e.at(place, (apart, r * COLUMNS), v * COLUMNS)
            number, lines = self._number(tile), self._bytes(apart)
            self._call("tilestored64", number, self._pointer(there), lines)

    def products(self, left: Any, lda: Any, right: Any, apart: tuple[Any, ...]) -> None:
        """Add what 32 rows, lda apart, make of 32 columns in two panels, to the four sums."""
        e = self._e
        for r, tile in enumerate(_LEFT):
            self._load(tile, e.at(left, (lda, r * COLUMNS)), lda)
        for v, tile in enumerate(_RIGHT):
            self._load(tile, e.at(right, (*apart, v)), e.number(COLUMNS))
        for r, one in enumerate(_LEFT):
            for v, other in enumerate(_RIGHT):
                self._call("tdpbf16ps", *map(self._number, (_SUMS[r][v], one, other)))

    def _load(self, tile: int, place: Any, apart: Any) -> None:
        number, lines = self._number(tile), self._bytes(apart)
        self._call("tileloadd64", number, self._pointer(place), lines)

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
