"""Small random generators in published layouts, the same ones on every machine.

`python -m tests.random_classics` writes tests/golden/biggan/ anew; it needs the package
`pytorch-pretrained-biggan`, which makes the numbers that are kept there.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "biggan" / "pictures.npz"
PACKAGE = "pytorch_pretrained_biggan"
TRUNCATIONS = (0.1, 0.4, 0.405, 0.7, 1.0)
BIGGAN: dict[str, Any] = {
    "output_dim": 16,
    "z_dim": 6,
    "class_embed_dim": 6,
    "channel_width": 4,
    "num_classes": 5,
    "layers": [[False, 16, 8], [True, 8, 4], [False, 4, 2], [True, 2, 1]],
    "attention_layer_position": 2,
    "eps": 1e-4,
    "n_stats": 51,
}
Tensors = dict[str, np.ndarray]


def tf_progan(resolution: int, channels: int, z_dim: int, colours: int, *, fused: bool) -> Tensors:
    """A ProGAN in the TensorFlow layout; every resolution has `channels` feature maps or fewer."""
    draw = np.random.RandomState(11)
    widths = {4: channels}
    made = {
        "lod": np.zeros((), np.float32),
        "4x4/Dense/weight": draw.randn(z_dim, channels * 16),
        "4x4/Dense/bias": draw.randn(channels),
        "4x4/Conv/weight": draw.randn(3, 3, channels, channels),
        "4x4/Conv/bias": draw.randn(channels),
    }
    size = 8
    while size <= resolution:
        below, here = widths[size // 2], max(3, widths[size // 2] - 2)
        widths[size] = here
        first = f"{size}x{size}/Conv0" + ("_up" if fused else "")
        made[f"{first}/weight"] = draw.randn(3, 3, *((here, below) if fused else (below, here)))
        made[f"{first}/bias"] = draw.randn(here)
        made[f"{size}x{size}/Conv1/weight"] = draw.randn(3, 3, here, here)
        made[f"{size}x{size}/Conv1/bias"] = draw.randn(here)
        size *= 2
    for lod, size in enumerate(sorted(widths, reverse=True)):
        made[f"ToRGB_lod{lod}/weight"] = draw.randn(1, 1, widths[size], colours)
        made[f"ToRGB_lod{lod}/bias"] = draw.randn(colours)
    return {name: np.asarray(array, np.float32) for name, array in made.items()}


def tf_stylegan1(resolution: int, channels: int, width: int, *, labels: int = 0) -> Tensors:
    """A StyleGAN in the TensorFlow layout, of three mapping layers."""
    draw = np.random.RandomState(12)
    made = {"lod": np.zeros(()), "dlatent_avg": draw.randn(width)}
    if labels:
        made["G_mapping/LabelConcat/weight"] = draw.randn(labels, width)
    for index in range(3):
        fan_in = width * 2 if labels and index == 0 else width
        made[f"G_mapping/Dense{index}/weight"] = draw.randn(fan_in, width) * 100
        made[f"G_mapping/Dense{index}/bias"] = draw.randn(width) * 10
    made["G_synthesis/4x4/Const/const"] = draw.randn(1, channels, 4, 4)
    size, index, below = 4, 0, channels
    while size <= resolution:
        here = channels if size == 4 else max(3, below - 2)
        names = ("Const", "Conv") if size == 4 else ("Conv0_up", "Conv1")
        for fan_in, name in zip((below, here), names, strict=True):
            layer = f"G_synthesis/{size}x{size}/{name}"
            if name != "Const":
                made[f"{layer}/weight"] = draw.randn(3, 3, fan_in, here)
            made[f"{layer}/bias"] = draw.randn(here)
            made[f"{layer}/Noise/weight"] = draw.randn(here)
            made[f"{layer}/StyleMod/weight"] = draw.randn(width, 2 * here)
            made[f"{layer}/StyleMod/bias"] = draw.randn(2 * here)
            made[f"G_synthesis/noise{index}"] = draw.randn(1, 1, size, size)
            index += 1
        lod = (resolution // size).bit_length() - 1
        made[f"G_synthesis/ToRGB_lod{lod}/weight"] = draw.randn(1, 1, here, 3)
        made[f"G_synthesis/ToRGB_lod{lod}/bias"] = draw.randn(3)
        size, below = size * 2, here
    return {name: np.asarray(array, np.float32) for name, array in made.items()}


def hf_biggan() -> Tensors:
    """A BigGAN-deep of the sizes BIGGAN in the published layout, with spectral norms of its own."""
    draw = np.random.RandomState(13)
    width, cond = BIGGAN["channel_width"], 2 * BIGGAN["z_dim"]
    made: dict[str, Any] = {"embeddings.weight": draw.randn(BIGGAN["z_dim"], 5)}
    _normed(made, draw, "generator.gen_z", 256 * width, cond)
    attention, place = BIGGAN["attention_layer_position"], 0
    for index, (_, before, after) in enumerate(BIGGAN["layers"]):
        if index == attention:
            name, wide = f"generator.layers.{place}", before * width
            made[f"{name}.gamma"] = np.array([0.7])
            for part, shape in (("theta", (wide // 8, wide)), ("phi", (wide // 8, wide))):
                _normed(made, draw, f"{name}.snconv1x1_{part}", *shape, 1, 1, bias=False)
            _normed(made, draw, f"{name}.snconv1x1_g", wide // 2, wide, 1, 1, bias=False)
            _normed(made, draw, f"{name}.snconv1x1_o_conv", wide, wide // 2, 1, 1, bias=False)
            place += 1
        _hf_block(made, draw, f"generator.layers.{place}", before * width, after * width, cond)
        place += 1
    _statistics(made, draw, "generator.bn", width)
    made["generator.bn.weight"] = 1 + 0.2 * draw.randn(width)
    made["generator.bn.bias"] = draw.randn(width)
    _normed(made, draw, "generator.conv_to_rgb", width, width, 3, 3)
    return {name: np.asarray(array, np.float32) for name, array in made.items()}


def _hf_block(
    made: dict[str, Any], draw: Any, name: str, before: int, after: int, cond: int
) -> None:
    middle = before // 4
    for index, channels in enumerate((before, middle, middle, middle)):
        _statistics(made, draw, f"{name}.bn_{index}", channels)
        _normed(made, draw, f"{name}.bn_{index}.scale", channels, cond, bias=False)
        _normed(made, draw, f"{name}.bn_{index}.offset", channels, cond, bias=False)
    shapes = ((middle, before, 1, 1), (middle, middle, 3, 3), (middle, middle, 3, 3))
    for index, shape in enumerate((*shapes, (after, middle, 1, 1))):
        _normed(made, draw, f"{name}.conv_{index}", *shape)


def _statistics(made: dict[str, Any], draw: Any, name: str, channels: int) -> None:
    made[f"{name}.running_means"] = draw.randn(BIGGAN["n_stats"], channels)
    made[f"{name}.running_vars"] = 0.5 + draw.rand(BIGGAN["n_stats"], channels)


def _normed(made: dict[str, Any], draw: Any, name: str, *shape: int, bias: bool = True) -> None:
    """A weight with singular vectors after a few steps of power iteration, as training has them."""
    weight = draw.randn(*shape)
    matrix = weight.reshape(shape[0], -1)
    u = draw.randn(shape[0])
    for _ in range(3):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    made |= {f"{name}.weight_orig": weight, f"{name}.weight_u": u, f"{name}.weight_v": v}
    if bias:
        made[f"{name}.bias"] = draw.randn(shape[0])


def torch_biggan() -> Tensors:
    """A BigGAN of 32 pixels, width 4, chunks of 3 and classes of 5, with u0 and sv0."""
    draw = np.random.RandomState(15)
    made: dict[str, Any] = {"shared.weight": draw.randn(4, 5)}

    def layer(name: str, *shape: int, bias: bool = True) -> None:
        made[f"{name}.weight"] = draw.randn(*shape)
        made[f"{name}.u0"] = draw.randn(1, shape[0])
        made[f"{name}.sv0"] = np.ones(1)
        if bias:
            made[f"{name}.bias"] = draw.randn(shape[0])

    def statistics(name: str, channels: int) -> None:
        made[f"{name}.stored_mean"] = draw.randn(channels)
        made[f"{name}.stored_var"] = 0.5 + draw.rand(channels)

    layer("linear", 16 * 64, 3)
    for index, (before, after) in enumerate(((64, 32), (32, 16), (16, 4))):
        name = f"blocks.{index}.0"
        for number, channels in ((1, before), (2, after)):
            statistics(f"{name}.bn{number}", channels)
            layer(f"{name}.bn{number}.gain", channels, 8, bias=False)
            layer(f"{name}.bn{number}.bias", channels, 8, bias=False)
            layer(f"{name}.conv{number}", after, channels, 3, 3)
        layer(f"{name}.conv_sc", after, before, 1, 1)
    made["blocks.1.1.gamma"] = np.array(0.6)
    for part, shape in {"theta": (2, 16), "phi": (2, 16), "g": (8, 16), "o": (16, 8)}.items():
        layer(f"blocks.1.1.{part}", *shape, 1, 1, bias=False)
    statistics("output_layer.0", 4)
    made["output_layer.0.gain"], made["output_layer.0.bias"] = draw.randn(4), draw.randn(4)
    layer("output_layer.2", 3, 4, 3, 3)
    return {name: np.asarray(array, np.float32) for name, array in made.items()}


def biggan_inputs() -> tuple[np.ndarray, np.ndarray]:
    """z and class vectors of three pictures; the first is a blend of two classes."""
    z = np.random.RandomState(14).randn(3, BIGGAN["z_dim"]).astype(np.float32)
    classes = np.eye(BIGGAN["num_classes"], dtype=np.float32)[[0, 2, 4]]
    classes[0, 1], classes[0, 0] = 0.25, 0.75
    return z, classes


def biggan_of_the_package() -> Tensors | None:
    """What the published package makes of these inputs, by truncation; None without it."""
    import torch

    try:
        package = importlib.import_module(PACKAGE)
    except ImportError:
        return None
    model = package.BigGAN(package.BigGANConfig.from_dict(json.loads(json.dumps(BIGGAN))))
    state = {name: torch.from_numpy(array) for name, array in hf_biggan().items()}
    model.load_state_dict(state, strict=True)
    z, classes = (torch.from_numpy(array) for array in biggan_inputs())
    with torch.no_grad():
        return {str(t): model.eval()(z, classes, t).numpy() for t in TRUNCATIONS}


if __name__ == "__main__":
    pictures = biggan_of_the_package()
    if pictures is None:
        raise SystemExit(f"{PACKAGE} is not installed.")
    np.savez_compressed(GOLDEN, allow_pickle=False, **pictures)
