"""The generators beside a plain formulation of themselves, on the same weights, in one run.

One thread each, by that thread's own processor time, so that whatever else the machine does does
not enter. Rivals take turns; a ratio is the median over the turns. The weights are random, with
noise and biases that are not zero.
"""

from __future__ import annotations

import copy
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.figures import Figure

ROOT = Path(__file__).parents[2]
Work = Callable[[], np.ndarray]
PEAK = ((128, 256), (256, 128), (512, 64))  # channels and pixels a side


def measure() -> Iterator[Figure]:
    """Every figure of the suite."""
    import torch

    torch.set_num_threads(1)
    peak = convolution_peak()
    yield Figure("peak of a plain convolution, one thread", peak, "GFLOP/s")
    yield from stylegan2(256, peak, turns=5, at_least=2.0, preview_at_least=3.2)
    yield from grid(8, 256)
    yield from stylegan2(1024, peak, turns=3, at_least=2.5, preview_at_least=3.5)
    yield from bundled()
    yield from shortcuts()
    yield from stylegan3("T", peak, at_least=5.0)
    yield from stylegan3("R", peak, at_least=3.0)
    yield from memory()


def stylegan2(
    size: int, peak: float, turns: int, at_least: float, preview_at_least: float
) -> Iterator[Figure]:
    """One picture at full precision, and as a preview."""
    rivals = Rivals(stylegan2_config(size))
    yield from rivals.compare(f"StyleGAN2 {size} px", turns, at_least)
    yield from rivals.beside_floor(f"StyleGAN2 {size} px", peak)
    yield from rivals.compare_preview(f"StyleGAN2 {size} px, preview", turns, preview_at_least)


def bundled() -> Iterator[Figure]:
    """How near previews of the trained models come, all layers that can be rough at that size."""
    from engine.backends.backend import Effort
    from engine.models.library import ModelLibrary
    from engine.models.opened import can_run_native, open_model

    for info in ModelLibrary(Path("none")).models():
        if info.family != "stylegan2" or not can_run_native(info):
            continue
        model = open_model(info, "native")
        z = np.random.RandomState(0).randn(16, info.z_dim).astype(np.float32)
        ws = model.map(z, psi=0.7)
        pair = [model.pixels(ws, effort=Effort(rough=rough)).astype(float) for rough in (0, 1)]
        error = np.square(pair[0] - pair[1]).mean(axis=(1, 2, 3)).max()
        psnr = 10 * np.log10(255**2 / max(error, 1e-3))
        yield Figure(f"preview of {info.name}, worst of 16", float(psnr), "dB", at_least=35)


def grid(pictures: int, size: int) -> Iterator[Figure]:
    """Several pictures at once."""
    rivals = Rivals(stylegan2_config(size), pictures)
    name = f"StyleGAN2 {size} px, grid of {pictures}"
    yield from rivals.compare(name, 2, 2.5)
    yield from rivals.compare_preview(f"{name}, preview", 2, 4.0)


def stylegan3(kind: str, peak: float, at_least: float) -> Iterator[Figure]:
    """One picture of 256 px."""
    rivals = Rivals(stylegan3_config(256, kind == "R"))
    yield from rivals.compare(f"StyleGAN3-{kind} 256 px", 1, at_least)
    yield from rivals.beside_floor(f"StyleGAN3-{kind} 256 px", peak)


def shortcuts() -> Iterator[Figure]:
    """Early exits, and changed upper layers over kept lower features, of a 1024 px model."""
    rivals = Rivals(stylegan2_config(1024))
    fast = rivals.fast
    full, early, again = [], {32: [], 64: []}, []
    for _ in range(5):
        full.append(_seconds(fast.anew))
        for size, taken in early.items():
            taken.append(_seconds(lambda size=size: fast.preview(size)))
        fast.anew()
        fine = rivals.fine_changed()
        again.append(_seconds(lambda fine=fine: fast.image(fine)))
        apart = np.abs(fast.image(fine) - fast.anew(ws=fine)).max()
    whole = statistics.median(full)
    for size, bar in ((32, 0.06), (64, 0.18)):
        share = statistics.median(early[size]) / whole
        yield Figure(f"early exit at {size} px of 1024", share, "of full", at_most=bar)
    share = statistics.median(again) / whole
    yield Figure("layers from 256 px up changed, 1024 px", share, "of full", at_most=0.70)
    yield Figure("... largest error against anew", float(apart), "absolute", at_most=0.0)


def memory() -> Iterator[Figure]:
    """The most memory that a process needs to open a 1024 px model and render it once."""
    ours, plain = (_peak_mib(kind) for kind in ("native", "plain"))
    yield Figure("peak memory, 1024 px", ours, "MiB")
    yield Figure("peak memory, 1024 px, plain", plain, "MiB")
    yield Figure("peak memory to plain", ours / plain, "ratio", at_most=1.0)


class Fast:
    """The compiled kernels on one thread."""

    def __init__(self, config: Any, tensors: dict[str, np.ndarray], ws: np.ndarray) -> None:
        from engine.gan.fast import fast_generator
        from engine.models.families import family_of

        made = fast_generator(config, tensors, threads=1)
        assert made is not None, "this machine has no fused multiply-add"
        self._made, self._ws = made, ws
        self._noises = [
            (tensors[f"{name}.noise_const"] * tensors[f"{name}.noise_strength"])[None, None]
            for name, _ in family_of(config).noisy_layers(config)
        ]

    def image(self, ws: np.ndarray) -> np.ndarray:
        """The whole picture, over what is kept of the one before."""
        return self._made.image(ws, self._noises)

    def preview(self, size: int | None = None) -> np.ndarray:
        """A preview of lower precision, as a drag asks for it, without anything kept."""
        self._made.forget()
        return self._made.image(self._ws, self._noises, None, size, rough=True)

    def anew(self, ws: np.ndarray | None = None) -> np.ndarray:
        """Without anything kept of the picture before."""
        self._made.forget()
        return self.image(self._ws if ws is None else ws)


class Rivals:
    """One generator with random weights, plain and fast."""

    def __init__(self, config: Any, pictures: int = 1) -> None:
        import torch

        from engine.models.torch_generator import build_generator
        from tests.benchmarks.plain import plain

        tensors = random_weights(config)
        self.generator = build_generator(config, tensors)
        z = np.random.RandomState(0).randn(pictures, config.z_dim).astype(np.float32)
        with torch.inference_mode():
            self.ws = self.generator.mapping(torch.from_numpy(z))
        self.plain = plain(self.generator)
        self.fast = Fast(config, tensors, self.ws.numpy())
        self.config = config

    def slow(self) -> np.ndarray:
        """The plain picture, NHWC."""
        picture: np.ndarray = self.plain(self.ws).numpy().transpose(0, 2, 3, 1)
        return picture

    def compare(self, name: str, turns: int, at_least: float) -> Iterator[Figure]:
        """Ratio of the times, and how far apart the pictures are."""
        fast, slow = self.fast.anew(), None
        pairs = []
        for _ in range(turns):
            began = time.thread_time()
            slow = self.slow()
            pairs.append((time.thread_time() - began, _seconds(self.fast.anew)))
        assert slow is not None
        apart = np.abs(fast - slow).max() / np.ptp(slow)
        ratio = statistics.median(a / b for a, b in pairs)
        self.taken_s = statistics.median(b for _, b in pairs)
        yield Figure(name, self.taken_s * 1000, "ms")
        yield Figure(f"{name}, plain", statistics.median(a for a, _ in pairs) * 1000, "ms")
        yield Figure(f"{name}, plain to ours", ratio, "ratio", at_least=at_least)
        yield Figure("... largest error", float(apart), "of range", at_most=1e-3)

    def compare_preview(self, name: str, turns: int, at_least: float) -> Iterator[Figure]:
        """As compare, with previews; how far they are from full precision."""
        preview, full = self.fast.preview(), self.fast.anew()
        pairs = []
        for _ in range(turns):
            began = time.thread_time()
            self.slow()
            pairs.append((time.thread_time() - began, _seconds(self.fast.preview)))
        yield Figure(name, statistics.median(b for _, b in pairs) * 1000, "ms")
        ratio = statistics.median(a / b for a, b in pairs)
        yield Figure(f"{name}, plain to ours", ratio, "ratio", at_least=at_least)
        apart = np.sqrt(np.square(preview - full).mean()) / full.std()
        yield Figure("... rms error over deviation, random weights", float(apart), "share")

    def beside_floor(self, name: str, peak: float) -> Iterator[Figure]:
        """The time beside that of the plain arithmetic at the peak; Winograd's needs less."""
        gflop = operations(self.generator, self.ws) / 1e9
        yield Figure(f"{name}, arithmetic of the plain form", gflop, "GFLOP")
        yield Figure(f"{name}, to the arithmetic floor", self.taken_s * peak / gflop, "ratio")

    def fine_changed(self) -> np.ndarray:
        """ws that differ from 256 px up only."""
        fine = self.ws.numpy().copy()
        first = 2 * self.config.resolutions.index(256)
        fine[:, first:] += 0.1
        return fine


def convolution_peak() -> float:
    """GFLOP/s of torch's 3x3 convolution where it runs best, channels-last."""
    import torch

    best = 0.0
    with torch.inference_mode():
        for channels, side in PEAK:
            layout = torch.channels_last
            x = torch.randn(1, channels, side, side).contiguous(memory_format=layout)
            w = torch.randn(channels, channels, 3, 3).contiguous(memory_format=layout)
            taken = [
                _seconds(lambda x=x, w=w: torch.conv2d(x, w, padding=1))  # type: ignore[misc]
                for _ in range(5)
            ]
            best = max(best, 2 * 9 * channels**2 * side**2 / min(taken) / 1e9)
    return best


def operations(generator: Any, ws: Any) -> float:
    """Floating-point operations of every convolution and matrix product of the synthesis."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from tests.benchmarks.plain import plain

    work = plain(copy.deepcopy(generator).to("meta"))  # counts without computing
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work(torch.empty(ws.shape, device="meta"))
    return float(counter.get_total_flops())


def stylegan2_config(size: int) -> Any:
    """The published plan of channels (config F), 512 wide."""
    from engine.gan.stylegan2_config import StyleGAN2Config

    plan = {1 << k: min(32768 >> k, 512) for k in range(2, size.bit_length())}
    return StyleGAN2Config(512, 512, 0, size, plan, mapping_layers=8)


def stylegan3_config(size: int, rotation: bool) -> Any:
    """The published plan of T, or of R with twice the channels and 1x1 convolutions."""
    from engine.gan.stylegan3_config import StyleGAN3Config

    base, most = (65536, 1024) if rotation else (32768, 512)
    share = np.minimum(np.arange(14) / 12, 1.0)
    cutoffs = 2.0 * (size / 4) ** share
    channels = tuple(int(n) for n in np.rint(np.minimum(base / 2 / cutoffs, most)))
    return StyleGAN3Config(
        resolution=size, channels=channels, radial=rotation, conv_kernel=1 if rotation else 3
    )


def random_weights(config: Any) -> dict[str, np.ndarray]:
    """Random tensors; noise strengths and biases are not zero."""
    import torch

    from engine.models.families import family_of

    torch.manual_seed(0)
    generator = family_of(config).new_generator(config)
    with torch.no_grad():
        for name, value in generator.state_dict().items():
            if name.startswith("synthesis") and name.endswith(("bias", "noise_strength")):
                value.add_(0.1 * torch.randn_like(value))
    return {name: value.numpy() for name, value in generator.state_dict().items()}


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


_CHILD = """
import sys
import numpy as np
from tests.benchmarks import gan
config = gan.stylegan2_config(1024)
path = sys.argv[2]
if sys.argv[1] == "make":
    np.savez(path, **gan.random_weights(config))
    raise SystemExit
with np.load(path) as file:
    tensors = {name: file[name] for name in file.files}
ws = np.random.RandomState(0).randn(1, config.num_ws, 512).astype(np.float32)
if sys.argv[1] == "native":
    gan.Fast(config, tensors, ws).anew()
else:
    import torch
    from engine.models.torch_generator import build_generator
    from tests.benchmarks.plain import plain
    torch.set_num_threads(1)
    plain(build_generator(config, tensors))(torch.from_numpy(ws))
print(gan.peak_mib())
"""


def peak_mib() -> float:
    """The most memory this process ever held. What its parent held before it began is in
    getrusage's figure, so that is only asked where /proc is not there."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _peak_mib(kind: str) -> float:
    import tempfile

    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        path = str(Path(folder) / "weights.npz")
        for step in ("make", kind):
            done = subprocess.run(
                [sys.executable, "-c", _CHILD, step, path],
                cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
    return float(done.stdout)
