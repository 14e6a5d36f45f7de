"""A small StyleGAN2 with random weights in a real model folder, so that tests need no training.

Its ONNX graphs lie in tests/golden/random-faces, since an export takes ten seconds of computing;
`python tests/random_model.py` exports them again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import write_safetensors
from engine.directions.library import write_directions
from engine.frame import DirectionInfo, ModelInfo
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.card import (
    MAPPING,
    SYNTHESIS,
    WEIGHTS,
    info_of,
    read_card,
    write_card,
)
from engine.models.stylegan2_layout import shapes_of

NAME = "random-faces"
GOLDEN = Path(__file__).parent / "golden" / NAME
CONFIG = StyleGAN2Config(
    z_dim=16, w_dim=16, resolution=16, channels={4: 16, 8: 16, 16: 8}, mapping_layers=2
)

TINY = StyleGAN2Config(z_dim=8, w_dim=8, c_dim=2, resolution=4, channels={4: 8}, mapping_layers=1)


def random_tensors(config: StyleGAN2Config = CONFIG, seed: int = 0) -> dict[str, np.ndarray]:
    """float16 tensors of every name, with styles near 1 and filters as they must be."""
    source = np.random.RandomState(seed)
    line = np.array([1, 3, 3, 1])
    tensors = {}
    for name, shape in shapes_of(config).items():
        values = source.randn(*shape)
        if name.endswith("resample_filter"):
            values = np.outer(line, line) / 64
        elif name.endswith("affine.bias"):
            values = 1 + 0.1 * values
        elif name.endswith("noise_strength"):
            values = np.array(0.1)
        elif name.startswith("mapping.fc") and name.endswith("weight"):
            values = values * 100
        elif "torgb.weight" in name:
            values = values * 0.3
        tensors[name] = values.astype(np.float16)
    return tensors


def write_random_model(folder: Path, name: str = NAME, seed: int = 0) -> ModelInfo:
    """Write weights, graphs, card and two directions into `folder`/`name`."""
    place = folder / name
    place.mkdir(parents=True)
    tensors = random_tensors(seed=seed)
    write_safetensors(place / WEIGHTS, tensors)
    for graph in (MAPPING, SYNTHESIS):
        shutil.copy(GOLDEN / graph, place / graph)
    card = {
        "name": name,
        "version": 1,
        "title": "Random faces",
        "family": CONFIG.family,
        "config": CONFIG.to_dict(),
        "weights_sha256": weights_sha256(tensors),
        "licence": "Apache-2.0",
    }
    write_card(place, card)
    info = info_of(place, read_card(place), bundled=False)
    source = np.random.RandomState(seed + 1)
    found = [
        (
            DirectionInfo(label.lower(), label, "", info.sha256, method, -3.0, 3.0),
            source.randn(CONFIG.w_dim).astype(np.float32) * 0.3,
        )
        for label, method in (("Smile", "named"), ("Principal 1", "ganspace"))
    ]
    write_directions(place, found)
    return info


if __name__ == "__main__":
    from engine.models.folder import write_graphs

    write_graphs(GOLDEN, CONFIG, random_tensors())
