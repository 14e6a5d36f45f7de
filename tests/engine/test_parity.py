"""Every backend makes what the published reference implementations make of the same checkpoints.

The checkpoints hold random weights; the arrays beside them were computed by the published code
(tests/golden/checkpoints). The bar is 1e-4 of the reference's largest absolute value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.backends.kernels.library import kernels
from engine.backends.onnx_backend import OnnxBackend
from engine.frame import BackendName
from engine.models.families import family_of
from engine.models.family import Config, Tensors
from engine.models.opened import Model
from engine.models.to_onnx import export_graphs
from engine.models.torch_generator import build_generator
from engine.recipe import Noise
from engine.services.models import open_path, passing_info, read_checkpoint
from tests.random_checkpoints import STYLEGAN2, STYLEGAN3, random_tensors

GOLDEN = Path(__file__).parent.parent / "golden" / "checkpoints"
FILES = {
    "sg2ada_64": "pkl",
    "sg3t_64_cond10": "pkl",
    "sg3r_64": "pkl",
    "legacy_tf_64": "pkl",
    "rosinality_64": "pt",
}
TRUNCATED: Mapping[str, Mapping[str, Any]] = {
    "psi1": {},
    "psi07": {"psi": 0.7},
    "psi05_cut4": {"psi": 0.5, "cutoff": 4},
}
BAR = 1e-4
Opener = Callable[[str, BackendName], Model]


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, as a share of the reference's largest absolute value."""
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def on_onnx(path: Path, config: Config, tensors: Tensors) -> Model:
    """The generator through freshly exported graphs."""
    graphs = export_graphs(build_generator(config, tensors))
    weights = {name: array.astype(np.float32) for name, array in tensors.items()}
    backend = OnnxBackend(graphs.mapping, graphs.synthesis, weights)
    return Model(passing_info(path, config, tensors), backend, weights)


@pytest.fixture(scope="module")
def opened() -> Opener:
    """The checkpoint on a backend, opened once for the module."""
    known: dict[tuple[str, BackendName], Model] = {}

    def find(name: str, backend: BackendName) -> Model:
        if (name, backend) not in known:
            path = GOLDEN / f"{name}.{FILES[name]}"
            known[name, backend] = (
                on_onnx(path, *read_checkpoint(path))
                if backend == "onnx"
                else open_path(path, backend)
            )
        return known[name, backend]

    return find


def reference(name: str) -> tuple[Mapping[str, np.ndarray], np.ndarray | None]:
    """The stored arrays and the classes among them, None for a model without classes."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    c = arrays.get("c")
    return arrays, c if c is not None and c.shape[1] else None


@pytest.mark.parametrize("backend", ["torch", "onnx", "native"])
@pytest.mark.parametrize("name", FILES)
def test_pictures_are_those_of_the_reference(
    opened: Opener, name: str, backend: BackendName
) -> None:
    if backend == "native" and kernels() is None:
        pytest.skip("this processor has no fused multiply-add")
    model, (arrays, c) = opened(name, backend), reference(name)
    average = arrays.get("w_avg", arrays.get("latent_avg"))
    assert average is not None
    assert apart(model.w_avg, average.reshape(-1)) < 1e-6
    if "w" in arrays:
        assert apart(model.map(arrays["z"], c)[:, -1], arrays["w"]) < BAR
    for key, truncation in TRUNCATED.items():
        if f"img_{key}" not in arrays:
            continue
        ws = model.map(arrays["z"], c, **truncation)
        if f"ws_{key}" in arrays:
            assert apart(ws, arrays[f"ws_{key}"]) < BAR
        assert apart(model.synthesize(ws), arrays[f"img_{key}"]) < BAR
    if "ws_mix" in arrays:
        assert apart(model.synthesize(arrays["ws_mix"]), arrays["img_mix"]) < BAR
    if "img_psi1_nonoise" in arrays:
        silent = model.synthesize(arrays["ws_psi1"], noise_mode="none")
        assert apart(silent, arrays["img_psi1_nonoise"]) < BAR
        assert apart(silent, arrays["img_psi1"]) > 0.01
    if "img_psi1_transform" in arrays:
        moved = model.synthesize(arrays["ws_psi1"], transform=arrays["transform_buffer"])
        assert apart(moved, arrays["img_psi1_transform"]) < BAR
        assert apart(moved, arrays["img_psi1"]) > 0.01


KINDS: dict[str, Config] = {
    "resnet, classes": STYLEGAN2["resnet, classes"],
    "grey, clamped": STYLEGAN2["skip, grey, clamped"],
    "no noise": STYLEGAN2["orig, no noise"],
    "odd filters": STYLEGAN2["odd filters"],
    "StyleGAN3, classes": STYLEGAN3["T, classes"],
    "StyleGAN3, grey": STYLEGAN3["R, grey"],
    "StyleGAN3, clamped": STYLEGAN3["T, clamped"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_agree_on_every_kind(kind: str, tmp_path: Path) -> None:
    config, tensors = KINDS[kind], random_tensors(KINDS[kind])
    here = on_onnx(tmp_path, config, tensors)
    there = Model(here.info, torch_backend(config, tensors), tensors)
    z = np.random.RandomState(0).randn(3, config.z_dim).astype(np.float32)
    c = np.eye(3, config.c_dim, dtype=np.float32) if config.c_dim else None
    ws = there.map(z, c)
    assert apart(here.map(z, c), ws) < 1e-5
    for noise in (Noise(), Noise("none"), Noise("random", 7), Noise("const", 0, 2.5)):
        image = there.image(ws, noise)
        side = config.resolution
        assert image.shape == (3, config.img_channels, side, side)
        assert apart(here.image(ws, noise), image) < BAR
        pixels = here.pixels(ws, noise).astype(int)
        assert pixels.shape == (3, side, side, config.img_channels)
        assert np.abs(pixels - there.pixels(ws, noise)).max() <= 1
    assert np.ptp(pixels, axis=(1, 2)).min() > 3  # else any two backends would agree
    if c is not None:
        assert apart(there.synthesize(there.map(z, c[::-1])), there.synthesize(ws)) > 0.01
    layers = len(family_of(config).noisy_layers(config))
    assert here.noisy_layers == layers
    if layers:
        only = Noise("const", 0, (0.0,) * (layers - 1) + (1.0,))
        assert apart(here.image(ws, only), there.image(ws, only)) < BAR


def test_one_w_stands_for_all_layers(opened: Opener) -> None:
    model = opened("sg2ada_64", "torch")
    arrays, _ = reference("sg2ada_64")
    np.testing.assert_array_equal(
        model.synthesize(arrays["w"]), model.synthesize(arrays["ws_psi1"])
    )


def torch_backend(config: Config, tensors: Tensors) -> Any:
    """The generator in torch."""
    from engine.backends.torch_backend import TorchBackend

    return TorchBackend(build_generator(config, tensors), "cpu")
