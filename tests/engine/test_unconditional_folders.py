"""Published folders of DDPM, DDIM and unconditional LDM: the same pictures as diffusers' own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vq_model import VQModel
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.pipelines.ddim.pipeline_ddim import DDIMPipeline
from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline
from diffusers.pipelines.deprecated.latent_diffusion_uncond.pipeline_latent_diffusion_uncond import (  # noqa: E501
    LDMPipeline,
)
from safetensors.torch import load_file, save_file

from engine.services.diffusion import Source
from tests.engine.published import added, apart, begun, bring, given, node_of, refused, rendered
from tests.random_pipeline import write_json, write_part

WEIGHTS = "diffusion_pytorch_model.safetensors"
UNET: dict[str, Any] = {
    "_class_name": "UNet2DModel", "sample_size": 12, "in_channels": 3, "out_channels": 3,
    "layers_per_block": 1, "block_out_channels": [16, 32], "norm_num_groups": 8,
    "attention_head_dim": None, "downsample_padding": 0, "flip_sin_to_cos": False,
    "freq_shift": 1, "norm_eps": 1e-6, "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
}  # fmt: skip
VQ: dict[str, Any] = {
    "_class_name": "VQModel", "block_out_channels": [8, 16], "norm_num_groups": 4,
    "sample_size": 24, "num_vq_embeddings": 32, "latent_channels": 3, "scaling_factor": 0.5,
    "down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2,
}  # fmt: skip
SCHEDULER: dict[str, Any] = {
    "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02, "clip_sample": True,
    "num_train_timesteps": 1000,
}  # fmt: skip


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if not name.startswith("_")}


def write_pixels(folder: Path, kind: str, *, flat: bool = False, old: bool = False,
                 net: dict[str, Any] | None = None, **schedule: Any) -> None:  # fmt: skip
    """flat: network and scheduler lie beside the index, as in the first published folders."""
    torch.manual_seed(0)
    net = {**UNET, **(net or {})}
    place = folder if flat else folder / "unet"
    write_part(place, UNet2DModel(**plain(net)), net, old=old, weights=WEIGHTS)
    _scheduler(folder if flat else folder / "scheduler", kind, schedule)
    index = {"scheduler": ["diffusers", f"{kind}Scheduler"], "unet": ["diffusers", "UNet2DModel"]}
    write_json(folder / "model_index.json", {"_class_name": f"{kind}Pipeline", **index})


def write_codes(folder: Path) -> None:
    torch.manual_seed(0)
    write_part(folder / "unet", UNet2DModel(**plain(UNET)), UNET, weights=WEIGHTS)
    write_part(folder / "vqvae", VQModel(**plain(VQ)), VQ, weights=WEIGHTS)
    _scheduler(folder / "scheduler", "DDIM", {"beta_schedule": "scaled_linear",
                                              "clip_sample": False})  # fmt: skip
    index = {"scheduler": ["diffusers", "DDIMScheduler"], "unet": ["diffusers", "UNet2DModel"],
             "vqvae": ["diffusers", "VQModel"]}  # fmt: skip
    write_json(folder / "model_index.json", {"_class_name": "LDMPipeline", **index})


def _scheduler(folder: Path, kind: str, more: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    told = {"_class_name": f"{kind}Scheduler", **SCHEDULER, **more}
    write_json(folder / "scheduler_config.json", told)


def published(kind: type[Any], folder: Path) -> Any:
    pipeline = kind.from_pretrained(folder, local_files_only=True, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large"])
@pytest.mark.parametrize("flat", [False, True])
def test_ddpm_folders_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, variance: str, flat: bool
) -> None:
    folder = tmp_path / "tiny-ddpm"
    write_pixels(folder, "DDPM", flat=flat, old=flat, variance_type=variance)
    model = bring(home, folder)
    made = rendered(home, node_of(model, sampler="ddpm", steps=40))
    pipeline = published(DDPMPipeline, folder)
    given(monkeypatch, pipeline, begun(model))
    theirs = pipeline(generator=added(), num_inference_steps=40, output_type="np").images[0]
    assert apart(made, theirs) < 1e-4


@pytest.mark.parametrize(("eta", "predicts"), [(0.0, "epsilon"), (0.7, "v_prediction")])
def test_ddim_folders_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, eta: float, predicts: str
) -> None:
    folder = tmp_path / "tiny-ddim"
    write_pixels(folder, "DDIM", prediction_type=predicts, steps_offset=1)
    model = bring(home, folder)
    made = rendered(home, node_of(model, steps=12, eta=eta))
    pipeline = published(DDIMPipeline, folder)
    given(monkeypatch, pipeline, begun(model))
    theirs = pipeline(
        generator=added(), eta=eta, num_inference_steps=12, output_type="np",
        use_clipped_model_output=True,
    ).images[0]  # fmt: skip
    assert apart(made, theirs) < 1e-4


def test_unconditional_codes_make_the_pictures_of_the_published_pipeline(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_codes(tmp_path / "tiny-ldm")
    model = bring(home, tmp_path / "tiny-ldm")
    assert model.info.resolution == 24
    made = rendered(home, node_of(model, steps=8))
    pipeline = published(LDMPipeline, tmp_path / "tiny-ldm")
    given(monkeypatch, pipeline, begun(model))
    theirs = pipeline(num_inference_steps=8, output_type="np").images[0]
    assert apart(made, theirs) < 1e-4


def test_one_channel_is_shown_as_grey_and_drawn_anew(tmp_path: Path, home: Path) -> None:
    write_pixels(tmp_path / "digits", "DDPM", net={"in_channels": 1, "out_channels": 1})
    model = bring(home, tmp_path / "digits")
    pixels = np.random.RandomState(0).randint(0, 256, (12, 12, 3)).astype(np.uint8)
    made = rendered(home, node_of(model, steps=20), Source(pixels, 0.05))
    assert np.array_equal(made[:, :, 0], made[:, :, 2])
    grey = pixels.mean(2) / 255
    assert np.corrcoef(made[:, :, 0].ravel(), grey.ravel())[0, 1] > 0.8


def _config(part: str, **changes: Any) -> Any:
    def change(folder: Path) -> None:
        file = folder / part
        write_json(file, {**json.loads(file.read_text()), **changes})

    return change


def _nan(folder: Path) -> None:
    state = load_file(folder / "unet" / WEIGHTS)
    name = next(iter(state))
    save_file({**state, name: state[name] * float("nan")}, folder / "unet" / WEIGHTS)


def _program(folder: Path) -> None:
    (folder / "unet" / "unet.py").write_text("raise SystemExit('code ran')")


def _pickle(folder: Path) -> None:
    (folder / "unet" / WEIGHTS).rename(folder / "unet" / "diffusion_pytorch_model.bin")


NET, SCHEDULE = "unet/config.json", "scheduler/scheduler_config.json"
BROKEN = {
    "no U-Net": (lambda folder: shutil.rmtree(folder / "unet"), "part 'unet' is missing"),
    "no schedule": (lambda folder: shutil.rmtree(folder / "scheduler"), "'scheduler' is missing"),
    "no decoder": (lambda folder: shutil.rmtree(folder / "vqvae"), "part 'vqvae' is missing"),
    "no numbers": (_nan, "not finite"),
    "a program": (_program, "a program or a pickle"),
    "a pickle": (_pickle, "a program or a pickle"),
    "another network": (_config(NET, _class_name="UNet1DModel"), "U-Net is 'UNet1DModel'"),
    "another size": (_config(NET, block_out_channels=[16, 64]), "of the shape"),
    "no square": (_config(NET, sample_size=[8, 12]), "no squares"),
    "classes": (_config(NET, num_class_embeds=10), "num_class_embeds = '10'"),
    "five channels": (_config(NET, in_channels=5), "takes 5 channels"),
    "another decoder": (_config("vqvae/config.json", latent_channels=4), "decoder takes 4"),
    "a scheduler of another kind": (
        _config(SCHEDULE, _class_name="ScoreSdeVeScheduler"), "its scheduler is 'ScoreSdeVe",
    ),
    "betas of its own": (_config(SCHEDULE, trained_betas=[0.1, 0.2]), "has trained_betas"),
    "an offset out of reach": (_config(SCHEDULE, steps_offset=-4), "offset of -4"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_codes(tmp_path / "tiny-ldm")
    damage(tmp_path / "tiny-ldm")
    assert words in refused(home, tmp_path / "tiny-ldm")
