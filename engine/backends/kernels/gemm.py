"""Matrix products with a matrix that was packed beforehand, in the manner of Goto and van de
Geijn (2008): a block of rows by a panel of columns stays in registers over the whole sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from engine.backends.kernels.memory import aligned

if TYPE_CHECKING:
    from llvmlite import ir

    from engine.backends.kernels.emit import Emit

ROWS = 6  # of the block in registers; the caller pads its rows to a multiple
COLUMNS = 16  # of the panel; channels are padded to a multiple


def pack(b: Float32[np.ndarray, "*batch k n"]) -> Float32[np.ndarray, "*batch panels k 16"]:
    """Panels of 16 columns, one after another, the last one filled up with zeros."""
    *batch, k, n = b.shape
    panels = -(-n // COLUMNS)
    padded = np.zeros((*batch, k, panels * COLUMNS), np.float32)
    padded[..., :n] = b
    split = padded.reshape(*batch, k, panels, COLUMNS)
    return aligned(np.moveaxis(split, -2, -3))


def emit_gemm(module: ir.Module, lanes: int) -> Emit:
    """gemm(a, lda, a_step, b, b_step, c, ldc, c_step, m, k, n, count, scale, bias).

    count products c = a b, each a step further. a: m rows of k values, lda apart; b: packed;
    c: m rows of n values, ldc apart. m is a multiple of 6, n of 16.
    """
    from engine.backends.kernels.emit import Emit

    e = Emit(module, "gemm", "piipipiiiiii", lanes)
    a, lda, a_step, b, b_step, c, ldc, c_step, m, k, n, count = e.args
    vectors = COLUMNS // lanes
    sums = [[e.place(e.vector) for _ in range(vectors)] for _ in range(ROWS)]
    with e.loop(count) as index, e.loop(n, step=COLUMNS) as column:
        panel = e.at(b, (index, b_step), (column, k))
        with e.loop(m, step=ROWS) as row:
            start = e.at(a, (index, a_step), (row, lda))
            rows = [e.at(start, (lda, r)) for r in range(ROWS)]
            for place in (place for line in sums for place in line):
                e.b.store(e.splat(0.0), place)
            with e.loop(k) as depth:
                _step(e, panel, rows, sums, depth, vectors, lanes)
            out = e.at(c, (index, c_step), (row, ldc), column)
            for r in range(ROWS):
                for v in range(vectors):
                    e.store(e.b.load(sums[r][v]), out, (ldc, r), v * lanes)
    e.done()
    return e


def _step(
    e: Emit,
    panel: Any,
    rows: list[Any],
    sums: list[list[Any]],
    depth: Any,
    vectors: int,
    lanes: int,
) -> None:
    right = [e.load(panel, (depth, COLUMNS), v * lanes) for v in range(vectors)]
    for r, line in enumerate(rows):
        left = e.splat(e.scalar(line, depth))
        for v in range(vectors):
            e.b.store(e.fma(left, right[v], e.b.load(sums[r][v])), sums[r][v])
