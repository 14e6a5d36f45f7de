"""Perturbed-attention guidance: places that see nothing but themselves, and diffusers' pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention, PAGIdentitySelfAttnProcessor2_0
from diffusers.pipelines.pag.pipeline_pag_sd import StableDiffusionPAGPipeline
from torch import nn

from engine.cancel import CancelToken
from engine.denoising import Classes, ClassifierFree, Denoise, PerturbedAttention, Texts, TextWeight
from engine.diffusion.attention import Perturbation
from engine.diffusion.guidance import Perturbed, coefficients, perturbed_attention
from engine.diffusion.noise import noise_of
from engine.diffusion.unet import PixelUNet
from engine.diffusion.unet_config import UNetConfig
from engine.errors import ModelError, RecipeError
from engine.models.bundled import bundled_folder
from engine.models.card import read_card
from engine.models.diffusion.denoisers import denoiser_info
from engine.models.diffusion.graph import answered
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.diffusion.open_denoiser import PixelDenoiser
from engine.models.library import ModelLibrary
from engine.recipe import ClassWeight, ModelRef, Seed
from engine.services import diffuse
from engine.services.check_denoise import check_denoise
from engine.services.diffusion import Place
from engine.services.import_pipeline import import_pipeline
from tests.engine.test_pipeline_folder import PROMPT, published
from tests.random_pipeline import write_random_pipeline

SMALL = UNetConfig(16, channels=(16, 32, 32), classes=2)


@pytest.mark.parametrize("residual", [True, False])
def test_a_perturbed_place_is_as_diffusers_perturbs_it(residual: bool) -> None:
    torch.manual_seed(0)
    norm = 4 if residual else None
    layer = Attention(16, heads=2, dim_head=8, norm_num_groups=norm, residual_connection=residual)
    x = torch.randn(4, 16, 5, 3) if residual else torch.randn(4, 15, 16)
    holder = nn.ModuleDict({"attn1": layer})
    with torch.no_grad():
        plain = layer(x)
        perturbation = Perturbation.of(holder)
        with perturbation.told(torch.tensor([False, False, True, True])):
            mine = layer(x)
        torch.testing.assert_close(layer(x), plain, atol=0, rtol=0)
        layer.set_processor(PAGIdentitySelfAttnProcessor2_0())
        theirs = layer(x)
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)


def test_only_attention_among_places_is_perturbed() -> None:
    pair = nn.ModuleDict({"attn1": Attention(16), "attn2": Attention(16, 8)})
    whole = nn.ModuleDict({"block": pair})
    before = pair["attn2"].processor
    Perturbation.of(whole)
    assert pair["attn2"].processor is before
    assert pair["attn1"].processor is not before


def test_pictures_of_one_batch_are_perturbed_one_by_one() -> None:
    torch.manual_seed(0)
    net = PixelUNet(SMALL).eval()
    for values in net.unet.get_submodule("conv_out").parameters():
        nn.init.normal_(values, std=0.1)
    x, t, c = torch.randn(2, 3, 16, 16), torch.tensor([300.0, 300.0]), torch.eye(3)[:2]
    with torch.no_grad():
        plain, half = net(x, t, c), net(x, t, c, perturbed=torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(half[0], plain[0], atol=1e-6, rtol=1e-5)
    assert float((half[1] - plain[1]).abs().max()) > 1e-4


def test_it_moves_away_from_the_perturbed_answer() -> None:
    shares = coefficients("c", [perturbed_attention("c", 1.5)])
    assert shares == {"c": 2.5, Perturbed("c"): -1.5}


def test_the_graph_and_torch_perturb_alike() -> None:
    folder = bundled_folder() / "portraits-ddpm"
    info = denoiser_info(folder, read_card(folder), bundled=True)
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    asked = [((1, 1.0),), Perturbed(((1, 1.0),)), Perturbed(())]
    quick = PixelDenoiser(info, "onnx").predict(x, 400.0, asked)
    slow = PixelDenoiser(info, "torch").predict(x, 400.0, asked)
    torch.testing.assert_close(quick, slow, atol=1e-4, rtol=1e-4)
    assert float((quick[0] - quick[1]).abs().max()) > 1e-3


class OldGraph:
    """One that was written before."""

    def get_inputs(self) -> list[object]:
        return []


def test_a_graph_of_before_says_so() -> None:
    with pytest.raises(ModelError, match="before self-attention could be perturbed"):
        answered(OldGraph(), {"t": torch.zeros(1)}, torch.ones(1) > 0)


def _no_array(digest: str) -> np.ndarray:
    raise AssertionError(digest)


def test_our_loop_makes_the_pictures_of_the_published_pipeline(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "tiny-sd"
    write_random_pipeline(folder)
    import_pipeline(home, folder, None, lambda progress: None, CancelToken())
    model = LatentDenoiser(ModelLibrary(home, home / "bundled").denoisers()[0])
    assert model.info.usual_pag == 3.0
    node = Denoise(
        ModelRef(model.info.name, model.info.sha256), Seed(3), Texts((TextWeight(PROMPT),)),
        (ClassifierFree(4.0), PerturbedAttention(3.0)), "ddim", 6, "trailing",
    )  # fmt: skip
    place = Place(home, home / "bundled")
    made = diffuse.denoise_image(place, node, None, fresh=True).pixels
    plain = published(folder)
    theirs = StableDiffusionPAGPipeline(
        plain.vae, None, None, plain.unet, plain.scheduler, None, None,
        requires_safety_checker=False,
    )  # fmt: skip
    theirs.set_progress_bar_config(disable=True)
    wanted, none = (model.texts.of([told]) for told in (((PROMPT, 1.0),), ()))
    with torch.no_grad():
        picture = theirs(
            prompt_embeds=wanted, negative_prompt_embeds=none, guidance_scale=4.0, pag_scale=3.0,
            num_inference_steps=6, latents=noise_of(Seed(3), model.shape, _no_array),
            output_type="np",
        ).images[0]  # fmt: skip
    assert np.abs(made / 255 - picture).max() < 0.51 / 255  # bytes round
    unperturbed = replace(node, guidance=node.guidance[:1])
    assert not np.array_equal(made, diffuse.denoise_image(place, unperturbed, None).pixels)


def test_a_model_without_self_attention_refuses(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ModelLibrary(home, bundled_folder())
    info = next(one for one in library.denoisers() if one.name == "portraits-ddpm")
    node = Denoise(
        ModelRef(info.name, info.sha256), Seed(0), Classes((ClassWeight(1),)),
        (PerturbedAttention(),),
    )  # fmt: skip
    check_denoise(node, library)
    monkeypatch.setattr(library, "denoiser", lambda ref: replace(info, usual_pag=0.0))
    with pytest.raises(RecipeError, match="no self-attention"):
        check_denoise(node, library)
