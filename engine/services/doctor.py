"""What this machine has and lacks, each with the command that mends it."""

from __future__ import annotations

import ctypes.util
import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.backends.device import cuda_device, machine, onnx_providers
from engine.backends.kernels.library import kernels
from engine.errors import AtelierError
from engine.models.bundled import bundled_folder
from engine.models.library import ModelLibrary, load_tensors
from engine.services.engines import Engines
from engine.services.trustmark_folder import letters_in

PACKAGES = (
    "numpy",
    "onnxruntime-gpu" if sys.platform != "darwin" else "onnxruntime",
    "torch",
    "PySide6-Essentials",
    "c2pa-python",
    "cryptography",
    "keyring",
    "llvmlite",
    "pillow",
    "safetensors",
)
DEBIAN_PACKAGES = "debian-packages.txt"
NEEDED_MIB = 500


@dataclass(frozen=True)
class Check:
    """One thing looked at. ok None: good to have, and nothing fails without it.

    remedy: the command that mends it, or "".
    """

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def examine(home: Path, library: ModelLibrary) -> tuple[Check, ...]:
    """Look at everything. Imports neither torch nor Qt."""
    return (
        _python(),
        *_packages(),
        *_compute(),
        _keyring(),
        *_signing(home),
        *_trustmark(home),
        *_window(),
        _home(home),
        _disk(home),
        *_models(library, Engines(home)),
    )


def _trustmark(home: Path) -> Iterator[Check]:
    """The networks of TrustMark, where there are some: whether they pass their self test."""
    from engine.services.trustmark import TrustMarks

    marks = TrustMarks(home)
    letters = ", ".join(letters_in(marks.folder))
    if not letters:
        return
    try:
        marks.writer()
    except AtelierError as error:
        yield Check("TrustMark", False, error.what, error.remedy)
    else:
        yield Check("TrustMark", True, f"{letters}, in {marks.folder}; the self test passed")


def _python() -> Check:
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    remedy = "" if ok else "Install Python 3.11, 3.12 or 3.13, then: make setup"
    here = machine()
    where = f"{here.system}, {here.processor}, {here.cores} cores, {here.memory_gib} GiB"
    return Check("Python", ok, f"{platform.python_version()} on {where}", remedy)


def _packages() -> Iterator[Check]:
    for package in PACKAGES:
        try:
            yield Check(package, True, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            remedy = f"pip install -c constraints.txt '{package}'"
            yield Check(package, False, "not installed", remedy)


def _compute() -> Iterator[Check]:
    try:
        names = [name.removesuffix("ExecutionProvider") for name in onnx_providers()]
        yield Check("ONNX Runtime", True, f"runs on {', '.join(names)}")
    except (ImportError, OSError) as error:
        yield Check("ONNX Runtime", False, str(error)[:120], "make setup")
    found = kernels()
    words = "none; ONNX Runtime and torch render instead"
    if found is not None:
        words = f"compiled for vectors of {found.lanes} numbers"
    yield Check("Own kernels", True if found else None, words)
    gpu = cuda_device()
    yield Check("GPU", True if gpu else None, gpu or "none; everything runs on the processor")


def _keyring() -> Check:
    from engine.provenance.vault import system_vault

    if system_vault() is not None:
        return Check("Keyring", True, "keeps the passphrase of the signing key")
    remedy = "export with --passphrase-file FILE, or: sudo apt-get install -y gnome-keyring"
    return Check("Keyring", None, "none that works here", remedy)


def _signing(home: Path) -> Iterator[Check]:
    """Identity and ledger, where there are some; looking makes neither."""
    from engine.provenance.keys import Identity

    try:
        status = Identity(home).status()
    except AtelierError as error:
        yield Check("Signing identity", False, error.what, error.remedy)
    else:
        if status.exists:
            late = status.expires < dt.date.today().isoformat()
            remedy = "python main.py identity --renew" if late else ""
            yield Check("Signing identity", not late, f"{status.name}, {status.expires}", remedy)
    path = home / "ledger.sqlite3"
    if path.exists():
        yield _ledger(path)


def _ledger(path: Path) -> Check:
    from engine.provenance.ledger import Ledger

    try:
        ledger = Ledger(path)
    except AtelierError as error:
        return Check("Ledger", False, error.what, error.remedy)
    if ledger.problems:
        remedy = "restore it from a backup, or move it away to begin a new one"
        return Check("Ledger", False, ledger.problems[0], remedy)
    return Check("Ledger", True, "whole, and as it was signed")


def _window() -> Iterator[Check]:
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if sys.platform.startswith("linux"):
        found = display or "none"
        remedy = "" if display else "python main.py --offscreen, or python main.py demo --out DIR"
        yield Check("Display", True if display else None, found, remedy)
        yield from _debian()


def _debian() -> Iterator[Check]:
    listing = bundled_folder().parent / DEBIAN_PACKAGES
    if shutil.which("apt-get") is None or not listing.is_file():
        return
    missing = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and not line.startswith("#"):
            thing, package, use = words
            if use in ("window", "display") and not _is_there(thing):
                missing.append(package)
    if missing:
        command = f"sudo apt-get install -y {' '.join(missing)}"
        yield Check("Debian packages", False, f"{len(missing)} missing for the window", command)
    else:
        yield Check("Debian packages", True, "all that the window needs")


def _is_there(thing: str) -> bool:
    if thing.startswith("fonts/"):
        return any(Path("/usr/share/fonts").glob("*/*"))
    if ".so" not in thing:
        return shutil.which(thing) is not None
    try:
        ctypes.CDLL(thing)
    except OSError:
        return ctypes.util.find_library(thing.removeprefix("lib").partition(".so")[0]) is not None
    return True


def _home(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        remedy = "set LATENT_ATELIER_HOME to a folder that you can write to"
        return Check("Data folder", False, f"{home}: {error.strerror or error}", remedy)
    return Check("Data folder", True, str(home))


def _disk(home: Path) -> Check:
    folder = next((one for one in (home, *home.parents) if one.is_dir()), Path("/"))
    free = shutil.disk_usage(folder).free // 2**20
    ok = free >= NEEDED_MIB
    return Check(
        "Disk", ok, f"{free} MiB free", "" if ok else f"free {NEEDED_MIB} MiB under {folder}"
    )


def _models(library: ModelLibrary, engines: Engines) -> Iterator[Check]:
    for info in library.models():
        kind = "Bundled model" if info.bundled else "Imported model"
        try:
            load_tensors(info)
        except AtelierError as error:
            yield Check(f"{kind} {info.name}", False, error.what, error.remedy)
            continue
        found = f"{info.resolution} px, weights {info.sha256[:16]}... as the card says"
        found += f"; renders on {engines.of(info).words}"
        yield Check(f"{kind} {info.name}", True, found)
    for name, problem in library.problems().items():
        yield Check(f"Model {name}", False, problem.what, problem.remedy)
    if not any(info.bundled for info in library.models()):
        remedy = "install the program again, or: python main.py train portraits-stylegan2"
        yield Check("Bundled models", False, "none", remedy)
