"""What this machine has to compute with."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache

_PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "torch",
    "llvmlite",
    "numpy",
    "pillow",
    "c2pa-python",
)
_CUDA_LIBRARIES = ("libcudart.so", "libcublas.so", "libcudnn.so")


@dataclass(frozen=True)
class Machine:
    """cores: physical ones this process may use. gpu: name of the first CUDA device, or None."""

    system: str
    processor: str
    cores: int
    memory_gib: float
    gpu: str | None


@cache
def machine() -> Machine:
    """This machine, looked at once."""
    import psutil

    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=physical_cores(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=cuda_device(),
    )


@cache
def physical_cores() -> int:
    """Physical cores that this process may run on; at least 1."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))


@cache
def cuda_device() -> str | None:
    """The name of the first CUDA device as its driver tells it, or None; loads no framework."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return None
    count, handle = ctypes.c_int(0), ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or count.value < 1:
        return None
    name = ctypes.create_string_buffer(128)
    if driver.cuDeviceGet(ctypes.byref(handle), 0):
        return None
    driver.cuDeviceGetName(name, 128, handle)
    return name.value.decode(errors="replace")


@cache
def onnx_providers() -> tuple[str, ...]:
    """The ONNX Runtime providers that really work here, best first.

    The GPU package lists CUDA on every machine; asking for it without driver or libraries would
    print an error and fall back, so it is only named when both are there.
    """
    import onnxruntime

    built_in = onnxruntime.get_available_providers()
    names = []
    if "CUDAExecutionProvider" in built_in and cuda_device() and _cuda_libraries():
        names.append("CUDAExecutionProvider")
    return (*names, "CPUExecutionProvider")


def versions() -> dict[str, str]:
    """Versions of Python and of what computes and signs pictures; nothing is imported for it."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cuda_libraries() -> bool:
    if sys.platform == "win32":
        return ctypes.util.find_library("cudart64_12") is not None
    import onnxruntime

    # Loads what the nvidia-* packages brought along, and says nothing where there are none.
    if any(_installed(f"nvidia-{part}-cu12") for part in ("cudnn", "cublas")):
        onnxruntime.preload_dlls()
    return all(_loads(name) for name in _CUDA_LIBRARIES)


def _loads(stem: str) -> bool:
    for major in ("13", "12", "9"):
        try:
            ctypes.CDLL(f"{stem}.{major}")
        except OSError:
            continue
        return True
    return False


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
