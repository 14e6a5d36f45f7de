"""Products of 16-bit whole numbers for previews: two to an instruction where float has one.

Both sides are rounded to whole numbers of at most 13 bits, so that sums of some hundred products
stay within 32 bits. It needs an x86 processor, whose instruction for it adds neighbouring pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int16, Shaped

from engine.backends.kernels.gemm import COLUMNS, ROWS
from engine.backends.kernels.memory import aligned

if TYPE_CHECKING:
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

RIGHT = 4095.0  # the largest whole number of the packed side
_INSTRUCTIONS = {8: "llvm.x86.avx2.pmadd.wd", 16: "llvm.x86.avx512.pmaddw.d.512"}


def short_panels(
    panels: Float32[np.ndarray, "*batch panels k 16"], units: Shaped[np.ndarray, ...]
) -> Int16[np.ndarray, "*batch panels half 32"]:
    """Packed panels as whole numbers of the given units, two rows side by side. k is even."""
    *batch, count, k, _ = panels.shape
    whole = np.rint(panels / units).astype(np.int16)
    pairs = whole.reshape(*batch, count, k // 2, 2, COLUMNS)
    return aligned(np.swapaxes(pairs, -1, -2)).reshape(*batch, count, k // 2, 32)


def emit_gemm_short(module: ir.Module, lanes: int) -> Emit:
    """gemm_short: as gemm, of whole numbers. lda, a_step, b_step count pairs; a: 16 bits, c: 32."""
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

    e = Emit(module, "gemm_short", "piipipiiiiii", lanes)
    a, lda, a_step, b, b_step, c, ldc, c_step, m, k, n, count = e.args
    vectors = COLUMNS // lanes
    whole, short = ir.VectorType(ir.IntType(32), lanes), ir.VectorType(ir.IntType(16), 2 * lanes)
    pairs = ir.Function(module, ir.FunctionType(whole, [short, short]), _INSTRUCTIONS[lanes])
    sums = [[e.place(whole) for _ in range(vectors)] for _ in range(ROWS)]
    half = e.b.ashr(k, e.number(1))
    with e.loop(count) as index, e.loop(n, step=COLUMNS) as column:
        panel = e.at(b, (index, b_step), (column, half))
        with e.loop(m, step=ROWS) as row:
            start = e.at(a, (index, a_step), (row, lda))
            rows = [e.at(start, (lda, r)) for r in range(ROWS)]
            for place in (place for line in sums for place in line):
                e.b.store(ir.Constant(whole, None), place)
            with e.loop(half) as depth:
                right = [
                    _shorts(e, e.load(panel, (depth, COLUMNS), v * lanes), short)
                    for v in range(vectors)
                ]
                for r, line in enumerate(rows):
                    left = _shorts(e, e.splat(e.scalar(line, depth)), short)
                    for v in range(vectors):
                        both = e.b.call(pairs, [left, right[v]])
                        e.b.store(e.b.add(e.b.load(sums[r][v]), both), sums[r][v])
            out = e.at(c, (index, c_step), (row, ldc), column)
            for r in range(ROWS):
                for v in range(vectors):
                    value = e.b.bitcast(e.b.load(sums[r][v]), e.vector)
                    e.store(value, out, (ldc, r), v * lanes)
    e.done()
    return e


def emit_scale_short(module: ir.Module, lanes: int) -> Emit:
    """scale_short(x, pixels, channels, scale, y): pixels times scale by channel, as 16-bit whole
    numbers, two in the place of a float."""
    from engine.backends.kernels.emit import Emit
    from engine.backends.kernels.winograd import MOST

    e = Emit(module, "scale_short", "piipp", lanes)
    x, pixels, channels, scale, y = e.args
    with e.loop(pixels) as pixel, e.loop(channels, step=lanes) as channel:
        place = e.sum((pixel, channels), channel)
        value = e.b.fmul(e.load(x, place), e.load(scale, channel))
        e.store(e.whole(value, MOST), y, e.b.ashr(place, e.number(1)))
    e.done()
    return e


def _shorts(e: Emit, value: Any, kind: Any) -> Any:
    return e.b.bitcast(value, kind)
