"""One file with all of Stable Diffusion 1.x or 2.x, as its makers wrote it (Rombach et al., 2022).

Such a file has no settings: they follow from the shapes of its tensors, and from what all such
models have in common. What shapes cannot tell, whether a 2.x model predicts epsilon or v, has to
be said or tried. The words of the tokenizer are in no such file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.checkpoints.raw import RawCheckpoint
from engine.diffusion.schedule import Prediction, Schedule
from engine.errors import ModelError
from engine.models.diffusion.latent_config import LATENT, TEXT, UNET, VAE, LatentConfig
from engine.models.diffusion.part_settings import part_called
from engine.models.published.original_names import clip_names, unet_names, vae_names
from engine.models.published.pipeline_parts import Pipeline, tower_tensors
from engine.perception.clip.tokenizer import Tokenizer

ORIGINAL_UNET, ORIGINAL_VAE = "model.diffusion_model.", "first_stage_model."
CLIP, OPEN_CLIP = "cond_stage_model.transformer.", "cond_stage_model.model."
HEADS_OF_OLD, HEAD = 8, 64  # 1.x has 8 heads at each level; 2.x and the encoders have 64 wide ones
PAD = "!"  # what fills a text up before OpenCLIP's tower: its token 0
MATCHES = 1e-3
BETAS = Schedule("scaled_linear", 1000, first=0.00085, last=0.012, offset=1)
SIDES: Mapping[Prediction, int] = {"epsilon": 64, "v": 96}  # of the codes: 512 and 768 px
_MORE = "Give the pipeline's folder instead, as diffusers writes it."


def is_original(names: frozenset[str]) -> bool:
    """Whether a file with these tensors is one of these."""
    return any(name.startswith(ORIGINAL_UNET) for name in names)


def vocabulary_of(raw: RawCheckpoint, where: str) -> int:
    """How many words the tokenizer has to know. Raises ModelError."""
    try:
        return int(_text(raw.networks[0].tensors)[1]["vocab_size"])
    except (KeyError, ValueError) as error:
        raise _incomplete(where, error) from error


def tells_prediction(raw: RawCheckpoint, where: str) -> bool:
    """Whether it follows from the file what its model predicts. Raises ModelError."""
    try:
        return not _text(raw.networks[0].tensors)[2]
    except (KeyError, ValueError) as error:
        raise _incomplete(where, error) from error


def read_single_file(
    raw: RawCheckpoint, where: str, tokenizer: Tokenizer, predicts: Prediction | None
) -> Pipeline:
    """What such a file is. predicts: None for epsilon, as all of 1.x do.

    Raises ModelError for what is missing, and for another kind of model.
    """
    tensors = raw.networks[0].tensors
    try:
        words, sizes, second = _text(tensors)
        prediction = predicts or "epsilon"
        _check_betas(tensors, where)
        unet, vae = part_called(tensors, ORIGINAL_UNET), part_called(tensors, ORIGINAL_VAE)
        settings, coder = _unet(unet, SIDES[prediction]), _vae(vae)
    except (KeyError, IndexError, ValueError) as error:
        raise _incomplete(where, error) from error
    plain = {
        "unet": settings, "vae": coder, "text": sizes, "schedule": asdict(BETAS),
        "prediction": prediction, "pad": tokenizer.vocab.get(PAD, 0) if second else None,
    }  # fmt: skip
    named = unet_names(unet, settings["layers_per_block"])
    coded = vae_names(vae, len(coder["block_out_channels"]))
    found = {UNET + name: array for name, array in named.items()}
    found |= {VAE + name: array for name, array in coded.items() if _coder(name)}
    found |= {TEXT + name: array for name, array in words.items()}
    return Pipeline(LATENT, LatentConfig.from_dict(plain, where), found, tokenizer)


def _incomplete(where: str, error: Exception) -> ModelError:
    words = f"{where} is no whole Stable Diffusion 1.x or 2.x: it lacks {str(error)[:120]}."
    return ModelError(words, _MORE)


def _coder(name: str) -> bool:
    """Of what taught an autoencoder, files keep the discriminator."""
    return not name.startswith(("loss.", "model_ema."))


def _text(tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, Any], bool]:
    """The text tower, its sizes, and whether it is OpenCLIP's. Raises KeyError for what lacks."""
    second = any(name.startswith(OPEN_CLIP) for name in tensors)
    if second:
        given = part_called(tensors, OPEN_CLIP)
        # The last layer is left out: the one before it, normed, is what the U-Net attends to.
        kept = range(_count(given, r"transformer\.resblocks\.(\d+)\.") - 1)
        words = clip_names(given, kept)
        words.pop("text_projection.weight", None)
    else:
        words = tower_tensors(part_called(tensors, CLIP))
    vocabulary, width = words["embeddings.token_embedding.weight"].shape
    sizes = {
        "vocab_size": vocabulary, "hidden_size": width,
        "intermediate_size": len(words["encoder.layers.0.mlp.fc1.weight"]),
        "num_hidden_layers": _count(words, r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(1, width // HEAD),
        "max_position_embeddings": len(words["embeddings.position_embedding.weight"]),
        "hidden_act": "gelu" if second else "quick_gelu", "eos_token_id": vocabulary - 1,
    }  # fmt: skip
    return words, sizes, second


def _unet(tensors: Mapping[str, np.ndarray], side: int) -> dict[str, Any]:
    """The settings of the U-Net. Raises KeyError for a tensor that lacks."""
    blocks = _count(tensors, r"input_blocks\.(\d+)\.")
    halved = [i for i in range(blocks) if f"input_blocks.{i}.0.op.weight" in tensors]
    layers = halved[0] - 1 if halved else blocks - 1
    if layers < 1:
        raise KeyError("input_blocks.1.0.in_layers.2.weight")
    firsts = range(1, blocks, layers + 1)
    channels = [len(tensors[f"input_blocks.{i}.0.out_layers.3.weight"]) for i in firsts]
    attends = [f"input_blocks.{i}.1.proj_in.weight" in tensors for i in firsts]
    linear = tensors["middle_block.1.proj_in.weight"].ndim == 2
    inner = "middle_block.1.transformer_blocks.0.attn2.to_k.weight"
    down = ["CrossAttnDownBlock2D" if here else "DownBlock2D" for here in attends]
    up = ["CrossAttnUpBlock2D" if here else "UpBlock2D" for here in reversed(attends)]
    return {
        "sample_size": side,
        "in_channels": tensors["input_blocks.0.0.weight"].shape[1],
        "out_channels": len(tensors["out.2.weight"]),
        "layers_per_block": layers,
        "block_out_channels": channels,
        "down_block_types": down,
        "up_block_types": up,
        "cross_attention_dim": tensors[inner].shape[1],
        "use_linear_projection": linear,
        "attention_head_dim": [c // HEAD for c in channels] if linear else HEADS_OF_OLD,
    }


def _vae(tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The settings of the autoencoder. Raises KeyError for a tensor that lacks."""
    levels = _count(tensors, r"encoder\.down\.(\d+)\.")
    channels = [len(tensors[f"encoder.down.{i}.block.0.conv2.weight"]) for i in range(levels)]
    return {
        "block_out_channels": channels,
        "layers_per_block": _count(tensors, r"encoder\.down\.0\.block\.(\d+)\."),
        "latent_channels": tensors["decoder.conv_in.weight"].shape[1],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def _count(tensors: Mapping[str, np.ndarray], pattern: str) -> int:
    """How many numbers there are at a place of the names, from 0. Raises KeyError for none."""
    found = {int(m[1]) for name in tensors if (m := re.match(pattern, name))}
    if not found or found != set(range(len(found))):
        raise KeyError(pattern.replace("\\", "").replace("(d+)", "0"))
    return len(found)


def _check_betas(tensors: Mapping[str, np.ndarray], where: str) -> None:
    """Raises ModelError where the file tells of another training schedule."""
    told = tensors.get("alphas_cumprod")
    if told is None:
        return
    same = told.shape == (BETAS.steps,) and np.allclose(told, BETAS.alphas_cumprod, atol=MATCHES)
    if not same:
        raise ModelError(f"{where} was trained with a schedule that is not known here.", _MORE)
