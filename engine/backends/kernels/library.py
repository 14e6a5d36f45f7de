"""Compiles the kernels for the processor at hand, once a process, and makes them callable.

Calls release the interpreter, so renders of several threads run side by side.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from engine.backends.kernels.tiles import granted

_KINDS = {"p": ctypes.c_void_p, "q": ctypes.c_void_p, "i": ctypes.c_int64, "f": ctypes.c_float}
_LOCK = threading.Lock()
_KERNELS: list[Any] = []


class Kernels:
    """The compiled functions, by name; see the emitters for what their arguments mean.

    Pointers are passed as addresses (`address`). lanes: floats a vector of this processor holds.
    short: whether there are kernels of 16-bit whole numbers. tiles: and of bfloat16 tiles.
    """

    def __init__(self, engine: Any, functions: dict[str, str], lanes: int) -> None:
        self._engine = engine  # owns the code
        self.lanes = lanes
        self.short = "gemm_short" in functions
        self.tiles = "gemm_tiles" in functions
        for name, kinds in functions.items():
            kind = ctypes.CFUNCTYPE(None, *(_KINDS[letter] for letter in kinds))
            setattr(self, name, kind(engine.get_function_address(name)))

    gemm: Callable[..., None]
    upsample: Callable[..., None]
    paint: Callable[..., None]
    filtered: Callable[..., None]
    winograd4_input: Callable[..., None]
    winograd4_output: Callable[..., None]
    winograd6_input: Callable[..., None]
    winograd6_output: Callable[..., None]
    # Only where `short`:
    gemm_short: Callable[..., None]
    scale_short: Callable[..., None]
    upsample_short: Callable[..., None]
    winograd6_input_short: Callable[..., None]
    winograd6_output_short: Callable[..., None]
    # Only where `tiles`:
    gemm_tiles: Callable[..., None]
    gemm_split: Callable[..., None]
    conv_tiles: Callable[..., None]
    finish: Callable[..., None]
    scale_tiles: Callable[..., None]
    scale_split: Callable[..., None]


def address(array: np.ndarray, *index: int) -> int:
    """Where an element of the array lies."""
    place: int = array.ctypes.data
    for i, stride in zip(index, array.strides, strict=False):
        place += i * stride
    return place


def kernels() -> Kernels | None:
    """The kernels, or None where the processor or the installation lacks what they need."""
    with _LOCK:
        if not _KERNELS:
            _KERNELS.append(_compiled())
        found: Kernels | None = _KERNELS[0]
        return found


def lanes_here(features: dict[str, bool], machine: str) -> int:
    """How many floats a vector takes, 0 where there is no fused multiply-add."""
    if machine in ("arm64", "aarch64"):
        return 4
    if features.get("fma") and features.get("avx2"):
        return 16 if features.get("avx512f") else 8
    return 0


def fit_here() -> bool:
    """Whether `kernels` finds what it needs; told without the second that compiling takes."""
    return _vectors()[0] > 0


def _vectors() -> tuple[int, bool, bool]:
    """Floats a vector takes here, 0 without the compiler package; whether there are kernels of
    16-bit whole numbers, and of tiles."""
    try:
        import llvmlite.binding as llvm
    except ImportError:
        return 0, False, False
    return _of_processor(llvm)


@cache
def _of_processor(llvm: Any) -> tuple[int, bool, bool]:
    """Asked once: it is wanted at every render."""
    features = dict(llvm.get_host_cpu_features())
    lanes = lanes_here(features, platform.machine().lower())
    short = lanes == 8 or (lanes == 16 and bool(features.get("avx512bw")))
    return lanes, short, short and lanes == 16 and granted(features)


def _compiled() -> Kernels | None:
    lanes, short, tiles = _vectors()
    return compiled(lanes, short, tiles) if lanes else None


def compiled(lanes: int, short: bool = False, tiles: bool = False) -> Kernels:
    """The kernels with vectors of so many floats; LLVM splits those that are too wide here.

    short: those of whole numbers as well, which an x86 processor of that width has. tiles: those
    of bfloat16 tiles as well, where they are granted.
    """
    import llvmlite.binding as llvm
    from llvmlite import ir

    from engine.backends.kernels.filtered import emit_filtered
    from engine.backends.kernels.gemm import emit_gemm
    from engine.backends.kernels.short import emit_gemm_short, emit_scale_short
    from engine.backends.kernels.tiles import emit_conv_tiles, emit_gemm_tiles, emit_scale_tiles
    from engine.backends.kernels.upsample import emit_finish, emit_paint, emit_upsample
    from engine.backends.kernels.winograd import emit_winograd_input, emit_winograd_output

    module = ir.Module("kernels")
    written = [
        emit(module, lanes) for emit in (emit_gemm, emit_upsample, emit_paint, emit_filtered)
    ]
    for m in (4, 6):
        written += [emit_winograd_input(module, lanes, m), emit_winograd_output(module, lanes, m)]
    if short:
        written += [emit_gemm_short(module, lanes), emit_upsample(module, lanes, True)]
        written.append(emit_scale_short(module, lanes))
        written.append(emit_winograd_input(module, lanes, 6, True))
        written.append(emit_winograd_output(module, lanes, 6, True))
    if tiles:
        written += [emit_conv_tiles(module, lanes), emit_finish(module, lanes)]
        for split in (False, True):
            written.append(emit_gemm_tiles(module, lanes, split))
            written.append(emit_scale_tiles(module, lanes, split))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    return Kernels(engine, {one.function.name: one.kinds for one in written}, lanes)
