"""Published folders of unCLIP with its prior: the same pictures as diffusers' own pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.deprecated.unclip.pipeline_unclip import UnCLIPPipeline
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_unclip import UnCLIPScheduler
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextModelWithProjection

from engine.denoising import ClassifierFree, Texts, TextWeight
from engine.models.bundled import bundled_folder
from engine.models.diffusion.unclip_denoiser import UnclipDenoiser
from engine.models.diffusion.unclip_stages import CLOSELY, ENLARGED, SEED, THOUGHT
from engine.perception.clip.text_tower import PooledTower
from engine.services.diffusion import Source
from tests.engine.published import ADDED, apart, begun, bring, node_of, refused, rendered
from tests.engine.test_editing_folders import picture
from tests.engine.test_sdxl_folder import NEGATIVE, PROMPT, says
from tests.random_pipeline import SIZES, write_json, write_part

WIDTH, TOKENS = SIZES.hidden_size, SIZES.max_position_embeddings
PRIOR = {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 2,
         "embedding_dim": WIDTH, "num_embeddings": TOKENS, "additional_embeddings": 4}  # fmt: skip
BRIDGE = {"clip_embeddings_dim": WIDTH, "time_embed_dim": 64, "cross_attention_dim": 24,
          "clip_extra_context_tokens": 3}  # fmt: skip
DECODER = {
    "sample_size": 8, "in_channels": 3, "out_channels": 6, "layers_per_block": 1,
    "block_out_channels": [16, 32], "norm_num_groups": 8, "cross_attention_dim": 24,
    "attention_head_dim": 8, "resnet_time_scale_shift": "scale_shift",
    "class_embed_type": "identity", "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
}  # fmt: skip
LARGER = {
    "sample_size": 16, "in_channels": 6, "out_channels": 3, "layers_per_block": 1,
    "block_out_channels": [8, 16], "norm_num_groups": 4, "resnet_time_scale_shift": "scale_shift",
    "down_block_types": ["ResnetDownsampleBlock2D"] * 2,
    "up_block_types": ["ResnetUpsampleBlock2D"] * 2, "add_attention": False,
}  # fmt: skip
STAGES: dict[str, dict[str, Any]] = {
    "prior_scheduler": {"prediction_type": "sample", "clip_sample_range": 5.0},
    "decoder_scheduler": {"variance_type": "learned_range"},
    "super_res_scheduler": {},
}
NETS: dict[str, tuple[Callable[..., nn.Module], dict[str, Any]]] = {
    "prior": (PriorTransformer, PRIOR),
    "text_proj": (UnCLIPTextProjModel, BRIDGE),
    "decoder": (UNet2DConditionModel, DECODER),
    "super_res_first": (UNet2DModel, LARGER),
    "super_res_last": (UNet2DModel, LARGER),
}


def write_unclip(folder: Path) -> None:
    for seed, (name, (kind, settings)) in enumerate(NETS.items()):
        torch.manual_seed(seed)
        net = kind(**settings)
        for key in ("clip_mean", "clip_std", "learned_classifier_free_guidance_embeddings"):
            if hasattr(net, key):
                nn.init.uniform_(getattr(net, key), 0.5, 1.5)
        if name == "prior":
            nn.init.normal_(net.positional_embedding, std=0.1)
        write_part(folder / name, net, settings)
    torch.manual_seed(9)
    text = {**vars(SIZES), "model_type": "clip_text_model", "projection_dim": WIDTH}
    write_part(folder / "text_encoder", PooledTower(SIZES, WIDTH), text, prefix="text_model.")
    file = folder / "text_encoder" / "model.safetensors"
    state = load_file(file)
    state["text_projection.weight"] = state.pop("text_model.text_projection.weight")
    save_file(state, file, {"format": "pt"})
    (folder / "tokenizer").mkdir()
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(bundled_folder() / "portraits-clip" / name, folder / "tokenizer" / name)
    for name, told in STAGES.items():
        (folder / name).mkdir()
        plain = {"_class_name": "UnCLIPScheduler", **told}
        write_json(folder / name / "scheduler_config.json", plain)
    write_json(folder / "model_index.json", {"_class_name": "UnCLIPPipeline"})


def heard(told: dict[str, Any]) -> dict[str, Any]:
    """Without a variance that no network says, which is small here."""
    return {k: v for k, v in told.items() if k != "variance_type" or v == "learned_range"}


class Seeded(DDPMScheduler):
    """DDPM at the published timesteps, which adds noise of its own, and leaves out what a network
    says of its variance unless it was told to hear it."""

    def __init__(self, **told: Any) -> None:
        super().__init__(
            beta_schedule="squaredcos_cap_v2", timestep_spacing="linspace", **heard(told)
        )

    def step(self, model_output: Any, timestep: Any, sample: Any, **more: Any) -> Any:
        learned = self.config.variance_type == "learned_range"
        kept = model_output if learned else model_output[:, : sample.shape[1]]
        return super().step(kept, timestep, sample, generator=self.rng)


class Rounded(UnCLIPScheduler):
    """As Seeded, with the published scheduler, which says of itself that DDPM's is to be used: in
    float32 it takes 1 - (1 - alpha) for an alpha of 3e-8."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**heard(told))

    def step(self, model_output: Any, timestep: Any, sample: Any, **more: Any) -> Any:
        learned = self.config.variance_type == "learned_range"
        kept = model_output if learned else model_output[:, : sample.shape[1]]
        return super().step(kept, timestep, sample, **{**more, "generator": self.rng})


def seeded(kind: Any, told: dict[str, Any], seed: int) -> Any:
    found = kind(**told)
    found.rng = torch.Generator().manual_seed(seed)
    return found


class Words:
    """Our tokens in the place of transformers' tokenizer."""

    model_max_length = TOKENS

    def __init__(self, model: UnclipDenoiser) -> None:
        self.encoder = model.encoder

    def __call__(self, texts: str | list[str], **more: Any) -> Any:
        listed = [texts] if isinstance(texts, str) else texts
        ids, kept = self.encoder.ids(listed), self.encoder.kept(listed)
        return SimpleNamespace(input_ids=ids, attention_mask=kept.long())


def theirs_of(folder: Path, model: UnclipDenoiser, kind: Any) -> Any:
    nets: dict[str, Any] = {}
    for name, (net, settings) in NETS.items():
        nets[name] = net(**settings).eval()
        nets[name].load_state_dict(load_file(folder / name / "model.safetensors"))
    encoder = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder").eval()
    seeds = {"prior_scheduler": SEED, "decoder_scheduler": ADDED, "super_res_scheduler": SEED}
    stages = {name: seeded(kind, told, seeds[name]) for name, told in STAGES.items()}
    pipeline = UnCLIPPipeline(tokenizer=Words(model), text_encoder=encoder, **nets, **stages)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(SEED))


def opened(tmp_path: Path, home: Path) -> tuple[Path, UnclipDenoiser]:
    folder = tmp_path / "tiny-karlo"
    write_unclip(folder)
    model = bring(home, folder)
    assert isinstance(model, UnclipDenoiser)
    return folder, model


@pytest.mark.parametrize(("kind", "most"), [(Seeded, 1e-4), (Rounded, 2e-3)])
def test_unclip_makes_the_picture_of_the_published_pipeline(
    tmp_path: Path, home: Path, kind: Any, most: float
) -> None:
    folder, model = opened(tmp_path, home)
    guided = (ClassifierFree(6.0),)
    node = node_of(
        model, sampler="ddpm", spacing="linspace", conditioning=says(PROMPT), guidance=guided
    )
    made = rendered(home, node)
    theirs = theirs_of(folder, model, kind)(
        PROMPT, prior_num_inference_steps=THOUGHT, decoder_num_inference_steps=6,
        super_res_num_inference_steps=ENLARGED, prior_guidance_scale=CLOSELY,
        decoder_guidance_scale=6.0, prior_latents=noise(1, WIDTH), decoder_latents=begun(model),
        super_res_latents=noise(1, 3, 16, 16), output_type="np",
    ).images[0]  # fmt: skip
    assert made.shape == (16, 16, 3)
    assert apart(made, theirs) < most
    other = node_of(model, sampler="ddpm", spacing="linspace", conditioning=says(NEGATIVE))
    assert np.abs(rendered(home, other) - made).max() > 1e-3


def test_blends_of_texts_are_blends_of_what_was_thought(tmp_path: Path, home: Path) -> None:
    _, model = opened(tmp_path, home)
    one, other, half = model.texts.of(
        [((PROMPT, 1.0),), ((NEGATIVE, 1.0),), ((PROMPT, 0.5), (NEGATIVE, 0.5))]
    )
    torch.testing.assert_close(half[:WIDTH], (one[:WIDTH] + other[:WIDTH]) / 2)
    assert float((one[:WIDTH] - other[:WIDTH]).abs().max()) > 1e-3
    nothing = model.texts.of([()])[0, :WIDTH]
    torch.testing.assert_close(nothing, model.bridge.learned_classifier_free_guidance_embeddings)
    both = Texts((TextWeight(PROMPT, 0.5), TextWeight(NEGATIVE, 0.5)))
    assert rendered(home, node_of(model, conditioning=both)).shape == (16, 16, 3)


def test_a_picture_is_drawn_anew_at_the_small_size(tmp_path: Path, home: Path) -> None:
    _, model = opened(tmp_path, home)
    node = node_of(model, conditioning=says(PROMPT))
    made = rendered(home, node, Source(picture(), 0.5))
    assert np.abs(made - rendered(home, node)).max() > 1e-3
    small = torch.zeros(1, 3, 8, 8, requires_grad=True)
    model.pixels(small).sum().backward()
    assert small.grad is not None
    assert float(small.grad.sum()) == pytest.approx(3 * 16 * 16, rel=1e-4)


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no prior": (lambda folder: shutil.rmtree(folder / "prior"), "'prior' is missing"),
    "no last": (
        lambda folder: shutil.rmtree(folder / "super_res_last"), "'super_res_last' is missing",
    ),
    "no noise": (
        lambda folder: shutil.rmtree(folder / "prior_scheduler"), "'prior_scheduler' is missing",
    ),
    "other tokens": (
        lambda folder: write_json(folder / "prior" / "config.json", {**PRIOR, "num_embeddings": 9}),
        "tokens of its prior",
    ),
    "a bridge elsewhere": (
        lambda folder: write_json(
            folder / "text_proj" / "config.json", {**BRIDGE, "cross_attention_dim": 8}
        ),
        "tokens of its decoder",
    ),
    "other weights": (
        lambda folder: write_json(folder / "prior" / "config.json", {**PRIOR, "num_layers": 3}),
        "lacks the tensor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    write_unclip(tmp_path / "tiny-karlo")
    damage(tmp_path / "tiny-karlo")
    assert words in refused(home, tmp_path / "tiny-karlo")
