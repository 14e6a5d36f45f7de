"""Every published layout becomes the generator that it is, or is refused by the tensor's name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.errors import CheckpointError
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.families import family_of
from engine.models.family import Config
from engine.models.published.convert import convert
from tests.random_checkpoints import (
    EVERY,
    STYLEGAN2,
    STYLEGAN3,
    nvidia,
    random_tensors,
    rosinality,
    tensorflow,
)

PLAIN = StyleGAN2Config(8, 10, 0, 16, {4: 10, 8: 8, 16: 6}, 3)


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        assert found[name].shape == array.shape, name
        np.testing.assert_allclose(found[name], array, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", EVERY)
def test_sizes_are_told_by_shapes_and_arguments(kind: str) -> None:
    config, wanted = EVERY[kind], random_tensors(EVERY[kind])
    found, tensors = convert(nvidia(config, wanted), "file")
    assert found == config
    same(tensors, wanted)


@pytest.mark.parametrize("kind", EVERY)
def test_a_config_survives_its_card(kind: str) -> None:
    config = EVERY[kind]
    family = family_of(config)
    assert family.read_config(config.to_dict()) == config
    shapes = {name: array.shape for name, array in random_tensors(config).items()}
    assert family.shapes_of(config) == shapes


@pytest.mark.parametrize("kind", STYLEGAN2)
@pytest.mark.parametrize("prefix", ["", "G_"])
def test_a_tensorflow_checkpoint_is_turned_into_ours(kind: str, prefix: str) -> None:
    config, wanted = STYLEGAN2[kind], random_tensors(STYLEGAN2[kind])
    found, tensors = convert(tensorflow(config, wanted, prefix), "file")
    assert found == config
    same(tensors, wanted)


def test_a_rosinality_checkpoint_is_turned_into_ours() -> None:
    wanted = random_tensors(PLAIN)
    found, tensors = convert(rosinality(PLAIN, wanted), "file")
    assert found == PLAIN
    same(tensors, wanted)


def test_a_missing_average_is_the_mean_over_many_seeds() -> None:
    wanted = random_tensors(PLAIN)
    _, tensors = convert(rosinality(PLAIN, wanted, average=False), "file")
    import torch

    from engine.models.torch_generator import build_generator

    z = torch.from_numpy(np.random.RandomState(5).randn(4000, 8).astype(np.float32))
    mean = build_generator(PLAIN, wanted).mapping.w(z).mean(dim=0).numpy()
    np.testing.assert_allclose(tensors["mapping.w_avg"], mean, atol=0.1 * np.abs(mean).max())


def test_long_filters_that_are_stored_as_a_line_become_a_square() -> None:
    wanted = random_tensors(PLAIN)
    line = np.hanning(10)[1:-1].astype(np.float32)
    line /= line.sum()
    stored = {
        name: line if name.endswith("resample_filter") else array for name, array in wanted.items()
    }
    config, tensors = convert(nvidia(PLAIN, stored), "file")
    assert isinstance(config, StyleGAN2Config)
    assert config.filter_taps == 8
    np.testing.assert_allclose(tensors["synthesis.b8.resample_filter"], np.outer(line, line))


def test_the_flattened_arguments_of_later_code_clamp_unless_told_else() -> None:
    tensors = random_tensors(PLAIN)
    for init, clamp in (
        ({"channel_base": 16384}, 256),
        ({"channel_base": 16384, "conv_clamp": None}, None),
        ({"synthesis_kwargs": {"channel_base": 16384}}, None),
        ({}, None),
    ):
        network = RawNetwork("G_ema", "Generator", tensors, init)
        config, _ = convert(RawCheckpoint("nvidia-pickle", (network,), {}, ""), "file")
        assert isinstance(config, StyleGAN2Config)
        assert config.conv_clamp == clamp


def changed(raw: RawCheckpoint, name: str, array: np.ndarray | None) -> RawCheckpoint:
    networks = []
    for network in raw.networks:
        tensors = dict(network.tensors)
        tensors.pop(name, None)
        if array is not None:
            tensors[name] = array
        networks.append(RawNetwork(network.name, network.class_name, tensors, network.init))
    return RawCheckpoint(raw.format, tuple(networks), raw.extra, raw.source_sha256)


def samples() -> dict[str, RawCheckpoint]:
    configs: dict[str, Config] = {"2": PLAIN, "3": STYLEGAN3["R, grey"]}
    plain = random_tensors(PLAIN)
    return {
        "StyleGAN2": nvidia(PLAIN, plain),
        "StyleGAN3": nvidia(configs["3"], random_tensors(configs["3"])),
        "TensorFlow": tensorflow(PLAIN, plain),
        "rosinality": rosinality(PLAIN, plain),
    }


# Files that leave out what never changes are common: these are filled in.
OPTIONAL = ("lod", ".kernel", "noises.")


@pytest.mark.parametrize("layout", ["StyleGAN2", "StyleGAN3", "TensorFlow", "rosinality"])
def test_a_missing_tensor_is_named(layout: str) -> None:
    raw = samples()[layout]
    for name in raw.networks[-1].tensors:
        if any(part in name for part in OPTIONAL):
            convert(changed(raw, name, None), "file")
            continue
        with pytest.raises(CheckpointError) as caught:
            convert(changed(raw, name, None), "file")
        told = name.rsplit(".", 1)[0] if "L" in name else name
        assert told.replace("_8", "_") in str(caught.value).replace("_8", "_"), name


@pytest.mark.parametrize("layout", ["StyleGAN2", "StyleGAN3", "TensorFlow", "rosinality"])
def test_tensors_of_other_shapes_and_types_are_refused(layout: str) -> None:
    raw = samples()[layout]
    for name, array in raw.networks[-1].tensors.items():
        if name == "lod":
            continue
        others = [np.ones((2,) * 6, np.float32), np.zeros((0, 0), np.float32)]
        others.append(np.ones(array.shape, np.int64))
        for other in others:
            with pytest.raises(CheckpointError, match="file"):
                convert(changed(raw, name, other), "file")
    with pytest.raises(CheckpointError, match=r"evil"):
        convert(changed(raw, "evil.weight", np.ones(3, np.float32)), "file")


NONSENSE: list[Any] = ["x", -1, float("nan"), 1e300, 10**400, [1], {"conv_clamp": "x"}, {}, None]


@pytest.mark.parametrize("layout", ["StyleGAN2", "StyleGAN3", "TensorFlow"])
def test_nonsense_among_the_arguments_never_surprises(layout: str) -> None:
    raw = samples()[layout]
    network = raw.networks[-1]
    names = {
        *network.init, "conv_clamp", "mapping_kwargs", "synthesis_kwargs", "margin_size",
        "resample_kernel", "mapping_lrmul", "filter_size", "first_cutoff",
    }  # fmt: skip
    for name in names:
        for value in NONSENSE:
            init = {**network.init, name: value}
            bad = RawNetwork("G_ema", "", network.tensors, init)
            try:
                config, _ = convert(RawCheckpoint(raw.format, (bad,), {}, ""), "file")
            except CheckpointError:
                continue
            assert family_of(config).read_config(config.to_dict()) == config


def test_another_activation_is_refused() -> None:
    network = RawNetwork(
        "G_ema", "", random_tensors(PLAIN), {"synthesis_kwargs": {"activation": "relu"}}
    )
    with pytest.raises(CheckpointError, match="relu"):
        convert(RawCheckpoint("nvidia-pickle", (network,), {}, ""), "file")


def test_what_holds_no_generator_says_what_it_holds() -> None:
    network = RawNetwork("D", "Discriminator", {"b4.out.weight": np.ones(3, np.float32)}, {})
    for networks in ((), (network,)):
        with pytest.raises(CheckpointError, match="holds no generator"):
            convert(RawCheckpoint("torch-zip", networks, {}, ""), "file")
