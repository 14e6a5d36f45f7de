"""Files of guided diffusion: the same predictions as diffusers' U-Net, classifier, upsampler."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from safetensors.torch import save_file
from torch import Tensor, nn

import main
from engine.cancel import CancelToken
from engine.denoising import Classes, Classifier
from engine.diffusion.adm import Encoder, Pool
from engine.errors import RecipeError
from engine.models.diffusion.adm import AdmDenoiser, network_of
from engine.models.diffusion.adm_config import AdmConfig, adm_config
from engine.models.diffusion.open_denoiser import open_classifier
from engine.models.library import ModelLibrary
from engine.recipe import ClassWeight, ModelRef
from engine.services.diffusion import Source
from engine.services.import_other import import_other, is_other
from tests.engine.published import apart, bring, node_of, refused, rendered

CLASSES = 5
MAKER = AdmConfig("maker", 32, (32, 128), 2, (False, True), 64, CLASSES, 6)
LARGE = AdmConfig("maker", 32, (32, 64, 64, 128), 1, (False, False, False, True), 256, 0, 6)
UPSAMPLER = AdmConfig("upsampler", 32, (32, 32, 64), 1, (False, False, True), 128, CLASSES, 6)
JUDGE = AdmConfig("classifier", 32, (32, 64), 2, (False, True), 64, 7, 7)


def random_state(config: AdmConfig) -> dict[str, Tensor]:
    torch.manual_seed(0)
    net = network_of(config).to_empty(device="cpu")
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return net.state_dict()


def write_guided(path: Path, config: AdmConfig) -> Path:
    torch.save(random_state(config), path)
    return path


RESNET = {"in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj",
          "out_layers.0": "norm2", "out_layers.3": "conv2",
          "skip_connection": "conv_shortcut"}  # fmt: skip


PLACE = r"(input_blocks\.(\d+)|middle_block|output_blocks\.(\d+))\.(\d)\.(.+)"


def as_diffusers(state: dict[str, Tensor], config: AdmConfig) -> dict[str, Tensor]:
    """The tensors by the names of diffusers, written for this comparison alone."""
    plain = {"time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
             "label_emb": "class_embedding", "input_blocks.0.0": "conv_in",
             "out.0": "conv_norm_out", "out.2": "conv_out"}  # fmt: skip
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        head, _, last = name.rpartition(".")
        if head in plain:
            found[f"{plain[head]}.{last}"] = value
            continue
        match = re.match(
            r"(input_blocks\.(\d+)|middle_block|output_blocks\.(\d+))\.(\d)\.(.+)", head
        )
        assert match
        place = _place(match, config, state)
        part = match[5]
        if part in RESNET:
            found[f"{place}.{RESNET[part]}.{last}"] = value
        elif part == "norm":
            found[f"{place}.group_norm.{last}"] = value
        elif part == "proj_out":
            found[f"{place}.to_out.0.{last}"] = value.squeeze(-1)
        else:
            for letter, piece in zip("qkv", _parted(value.squeeze(-1), config), strict=True):
                found[f"{place}.to_{letter}.{last}"] = piece
    return found


def _parted(qkv: Tensor, config: AdmConfig) -> list[Tensor]:
    if config.apart:
        return list(qkv.chunk(3))
    heads = qkv.shape[0] // 3 // 64
    rows = qkv.view(heads, 3, -1, *qkv.shape[1:])
    return [rows[:, index].flatten(0, 1) for index in range(3)]


def _place(match: re.Match[str], config: AdmConfig, state: dict[str, Tensor]) -> str:
    index = int(match[4])
    if match[1] == "middle_block":
        return "mid_block.attentions.0" if index == 1 else f"mid_block.resnets.{index // 2}"
    if match[2]:
        level, layer = divmod(int(match[2]) - 1, config.blocks + 1)
        if layer == config.blocks:
            return f"down_blocks.{level}.downsamplers.0"
        return f"down_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}"
    level, layer = divmod(int(match[3]), config.blocks + 1)
    if index and f"{match[1]}.{index}.qkv.weight" not in state:
        return f"up_blocks.{level}.upsamplers.0"
    return f"up_blocks.{level}.{'attentions' if index else 'resnets'}.{layer}"


def theirs_of(state: dict[str, Tensor], config: AdmConfig) -> UNet2DModel:
    kinds = ["Attn" if here else "Resnet" for here in config.attends]
    net = UNet2DModel(
        sample_size=config.side, in_channels=3, out_channels=6, layers_per_block=config.blocks,
        block_out_channels=config.channels, resnet_time_scale_shift="scale_shift",
        down_block_types=[f"{k}DownBlock2D" if k == "Attn" else "ResnetDownsampleBlock2D"
                          for k in kinds],
        up_block_types=[f"{k}UpBlock2D" if k == "Attn" else "ResnetUpsampleBlock2D"
                        for k in reversed(kinds)],
        downsample_type="resnet", upsample_type="resnet", attention_head_dim=64,
        attn_norm_num_groups=32, num_class_embeds=config.classes or None,
    )  # fmt: skip
    net.load_state_dict(as_diffusers(state, config))
    return net.eval()


@pytest.mark.parametrize("config", [MAKER, LARGE])
def test_a_published_model_predicts_what_diffusers_network_predicts(
    tmp_path: Path, home: Path, config: AdmConfig
) -> None:
    model = bring(home, write_guided(tmp_path / "tiny.pt", config))
    assert isinstance(model, AdmDenoiser)
    assert model.config == config
    assert model.info.resolution == config.side
    assert model.schedule.kind == ("cosine" if config is MAKER else "linear")
    theirs = theirs_of(random_state(config), config)
    x = torch.randn(1, 3, config.side, config.side, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([3]) if config.classes else None
    with torch.no_grad():
        wanted = theirs(x, 300, class_labels=labels).sample
    condition = ((3, 1.0),) if config.classes else ()
    ours = model.predict(x, 300.0, [condition])[0]
    assert wanted.shape[1] == 6  # the picture, and what it says of the variance
    assert float(wanted.std()) > 0.01
    assert apart(ours.numpy(), wanted.numpy()) < 1e-4


def test_classes_are_blended_and_no_class_is_all_of_them(tmp_path: Path, home: Path) -> None:
    model = bring(home, write_guided(tmp_path / "tiny.pt", MAKER))
    assert isinstance(model, AdmDenoiser)
    rows = model._shares([((1, 0.5), (2, 0.5)), ()], 1)
    assert rows is not None
    assert rows.tolist() == [[0.0, 0.5, 0.5, 0.0, 0.0], pytest.approx([0.2] * CLASSES)]
    node = node_of(model, steps=1, conditioning=Classes((ClassWeight(2),)))
    assert rendered(home, node).shape == (64, 64, 3)


def test_a_classifier_guides_it(tmp_path: Path, home: Path) -> None:
    model = bring(home, write_guided(tmp_path / "tiny.pt", MAKER))
    write_guided(tmp_path / "judge.pt", JUDGE)
    assert is_other(tmp_path / "judge.pt")
    import_other(home, tmp_path / "judge.pt", None, lambda progress: None, CancelToken())
    (info,) = ModelLibrary(home, home / "bundled").classifiers()
    assert (info.resolution, len(info.classes)) == (64, 7)
    judge: Any = open_classifier(info)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    said = judge.log_probabilities(x, 500.0)
    torch.testing.assert_close(said.exp().sum(1), torch.ones(2))
    term = Classifier(ModelRef(info.name, info.sha256), 4, 50.0)
    node, guided = (
        node_of(model, steps=2, spacing="trailing", guidance=terms) for terms in ((), (term,))
    )
    assert np.abs(rendered(home, node) - rendered(home, guided)).max() > 1e-3


def test_the_pooling_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    pool, theirs = Pool(128, 2, 9), nn.MultiheadAttention(128, 2, batch_first=True)
    for parameter in pool.parameters():
        nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(pool.qkv_proj.weight[:, :, 0])
        theirs.in_proj_bias.copy_(pool.qkv_proj.bias)
        theirs.out_proj.weight.copy_(torch.eye(128))
        x = torch.randn(3, 128, 2, 2)
        flat = x.flatten(2)
        flat = torch.cat([flat.mean(2, keepdim=True), flat], 2) + pool.positional_embedding
        told = flat.transpose(1, 2)
        wanted = theirs(told, told, told)[0][:, 0] @ pool.c_proj.weight[:, :, 0].T
        torch.testing.assert_close(pool(x), wanted + pool.c_proj.bias, atol=1e-5, rtol=1e-5)


def test_an_upsampler_enlarges_four_times(tmp_path: Path, home: Path) -> None:
    model = bring(home, write_guided(tmp_path / "up.pt", UPSAMPLER))
    assert isinstance(model, AdmDenoiser)
    assert (model.info.resolution, model.info.begins_px) == (128, 32)
    small = np.random.RandomState(0).randint(0, 256, (32, 32, 3)).astype(np.uint8)
    node = node_of(model, steps=1, conditioning=Classes((ClassWeight(1),)))
    one, other = (rendered(home, node, Source(p, 1.0)) for p in (small, 255 - small))
    assert one.shape == (128, 128, 3)
    assert np.abs(one - other).max() > 1e-3
    with pytest.raises(RecipeError, match="was given none"):
        rendered(home, node)


def test_old_files_without_scales_and_with_convolutions_between_levels_are_read() -> None:
    config = AdmConfig(
        "maker", 32, (32, 64, 64), 2, (False, True, True), 64, 0, 6, scales=False, moves=False
    )
    state = {name: value.numpy() for name, value in random_state(config).items()}
    assert adm_config(state, "here") == config
    x = torch.randn(1, 3, 64, 64)
    net: Any = network_of(config).to_empty(device="cpu")
    net.load_state_dict(random_state(config))
    assert net.draw(x, torch.tensor([5.0])).shape == (1, 6, 64, 64)
    assert isinstance(net, Encoder)


@pytest.mark.parametrize("config", [
    AdmConfig("maker", 192, (192, 384, 576, 768), 3, (False, True, True, True), 64, 1000, 6),
    AdmConfig("maker", 256, (256, 256, 512, 768, 1024), 2, (False, False, True, True, True),
              128, 1000, 6),
    AdmConfig("maker", 256, (256, 256, 512, 512, 1024, 1024), 2, (False,) * 3 + (True,) * 3,
              256, 0, 6),
    AdmConfig("maker", 256, (128, 256, 256, 512, 512, 1024, 1024), 2,
              (False,) * 4 + (True,) * 3, 512, 1000, 6),
    AdmConfig("upsampler", 192, (192, 192, 384, 384, 768, 768), 2, (False,) * 3 + (True,) * 3,
              256, 1000, 6),
    AdmConfig("classifier", 128, (128, 256, 384, 512), 4, (False, True, True, True), 64, 1000,
              1000),
    AdmConfig("classifier", 128, (128, 128, 256, 256, 512, 512), 2, (False,) * 3 + (True,) * 3,
              256, 1000, 1000),
])  # fmt: skip
def test_the_published_sizes_follow_from_their_shapes(config: AdmConfig) -> None:
    empty = np.zeros(1, np.float16)
    shapes = network_of(config).state_dict().items()
    state = {name: np.broadcast_to(empty, tuple(value.shape)) for name, value in shapes}
    assert adm_config(state, "here") == config


def _drop(name: str) -> Callable[[dict[str, Tensor]], Any]:
    return lambda state: state.pop(name)


BROKEN: dict[str, tuple[Callable[[dict[str, Tensor]], Any], str]] = {
    "a tensor less": (_drop("middle_block.0.in_layers.0.bias"), "lacks the tensor"),
    "a level less": (_drop("input_blocks.1.0.out_layers.3.weight"), "lacks"),
    "a tensor more": (lambda state: state.update(more=torch.ones(2)), "does not name"),
    "no numbers": (
        lambda state: state.update({"out.2.bias": torch.full((6,), float("nan"))}), "not finite",
    ),
    "another shape": (
        lambda state: state.update({"time_embed.2.bias": torch.ones(9)}), "of the shape",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    state = dict(random_state(MAKER))
    damage(state)
    torch.save(state, tmp_path / "tiny.pt")
    assert words in refused(home, tmp_path / "tiny.pt")


def test_files_of_others_are_none(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "w.pt")
    (tmp_path / "no.pt").write_bytes(b"PK nothing")
    save_file(dict(random_state(JUDGE)), tmp_path / "judge.safetensors")
    assert [is_other(tmp_path / name) for name in ("w.pt", "no.pt", "judge.safetensors")] == [
        False, False, True,
    ]  # fmt: skip


def test_the_command_line_keeps_one(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_guided(tmp_path / "tiny.pt", MAKER)
    assert main.main(["import", str(tmp_path / "tiny.pt"), "--name", "adm"]) == 0
    assert "adm: guided diffusion" in capsys.readouterr().out
    out = str(tmp_path / "made.png")
    made = ["render", "--model", "adm", "--seed", "1", "--class", "2", "--steps", "1"]
    assert main.main([*made, "--out", out]) == 0
    assert main.main([*made, "--prompt", "a hat", "--out", out]) == 1
    assert "reads no texts" in capsys.readouterr().err
