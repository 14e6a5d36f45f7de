"""Every family goes the whole way: a published file is converted, kept, and rendered alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.image.pixels import largest_difference
from engine.models.folder import write_model_folder
from engine.models.library import ModelLibrary
from engine.models.opened import open_model
from engine.models.published.convert import convert
from tests.random_classics import Tensors, hf_biggan, tf_progan, tf_stylegan1, torch_biggan

KINDS: dict[str, tuple[str, Tensors]] = {
    "progan": ("progan", tf_progan(16, 8, 12, 3, fused=True)),
    "stylegan1": ("stylegan1", tf_stylegan1(16, 8, 12)),
    "biggan, deep": ("biggan", hf_biggan()),
    "biggan": ("biggan", torch_biggan()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_published_file_becomes_a_model_that_both_backends_render(
    kind: str, tmp_path: Path
) -> None:
    family, tensors = KINDS[kind]
    raw = RawCheckpoint("torch-zip", (RawNetwork("", "", tensors, {}),), {}, "0" * 64)
    config, ours = convert(raw, "file")
    assert config.family == family
    write_model_folder(tmp_path / "models" / "kept", config, ours, {"name": "kept"})
    info = ModelLibrary(tmp_path, tmp_path / "none").find("kept")
    z = np.random.RandomState(0).randn(2, info.z_dim).astype(np.float32)
    c = np.eye(2, info.c_dim, dtype=np.float32) if info.c_dim else None
    pictures = []
    for backend in ("onnx", "torch"):
        model = open_model(info, backend)  # type: ignore[arg-type]
        pictures.append(model.pixels(model.map(z, c)))
    assert pictures[0].shape[0] == 2
    assert largest_difference(pictures[0][0], pictures[1][0]) <= 2
    assert np.ptp(pictures[0]) > 10
