"""A pipeline's folder written once more as one file, with the names of the original code."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

State = dict[str, Tensor]
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0",
          "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1",
          "conv_shortcut": "skip_connection"}  # fmt: skip
UNET = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
        "mid_block.attentions.0": "middle_block.1"}  # fmt: skip
VAE = {"mid_block.attentions.0.group_norm": "mid.attn_1.norm",
       "mid_block.attentions.0.to_q": "mid.attn_1.q", "mid_block.attentions.0.to_k": "mid.attn_1.k",
       "mid_block.attentions.0.to_v": "mid.attn_1.v",
       "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
       "mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2",
       "conv_norm_out": "norm_out"}  # fmt: skip


def write_original(folder: Path, file: Path, *, open_clip: bool = False) -> None:
    """open_clip: the text encoder as in 2.x, with a layer more that nobody looks at."""
    unet, vae, text = (
        load_file(folder / part / "model.safetensors") for part in ("unet", "vae", "text_encoder")
    )
    layers = len({key.split(".")[3] for key in unet if key.startswith("down_blocks.0.resnets.")})
    levels = len({key.split(".")[2] for key in vae if key.startswith("encoder.down_blocks.")})
    state = {f"model.diffusion_model.{unet_name(k, layers)}": v for k, v in unet.items()}
    for key, value in vae.items():
        name = vae_name(key, levels)
        square = value[:, :, None, None] if ".attn_1." in name and value.ndim == 2 else value
        state[f"first_stage_model.{name}"] = square
    state |= open_clip_text(text) if open_clip else clip_text(text)
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    state["alphas_cumprod"] = torch.cumprod(1 - betas, 0).float()
    state["model_ema.num_updates"] = torch.tensor(7)
    save_file({k: v.contiguous() for k, v in state.items()}, file)


def unet_name(name: str, layers: int) -> str:
    for new, old in UNET.items():
        if name.startswith(f"{new}."):
            return old + name.removeprefix(new)
    middle = re.match(r"mid_block\.resnets\.(\d)\.(\w+)\.(\w+)$", name)
    if middle:
        return f"middle_block.{2 * int(middle[1])}.{RESNET[middle[2]]}.{middle[3]}"
    found = re.match(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)$", name)
    assert found
    side, level, kind, layer, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    row = "input" if side == "down" else "output"
    at = level * (layers + 1) + layer + (1 if side == "down" else 0)
    if kind == "resnets":
        part, last = rest.rsplit(".", 1)
        return f"{row}_blocks.{at}.0.{RESNET[part]}.{last}"
    if kind == "attentions":
        return f"{row}_blocks.{at}.1.{rest}"
    if kind == "downsamplers":
        return f"input_blocks.{(level + 1) * (layers + 1)}.0.op.{rest.removeprefix('conv.')}"
    # After a level's last resnet, and after its attention where it has one.
    place = 2 if "CrossAttn" in UP[level] else 1
    return f"output_blocks.{(level + 1) * (layers + 1) - 1}.{place}.{rest}"


UP = ("UpBlock2D", "CrossAttnUpBlock2D")


def vae_name(name: str, levels: int) -> str:
    side, _, rest = name.partition(".")
    for new, old in VAE.items():
        rest = rest.replace(new, old)
    rest = rest.replace("conv_shortcut", "nin_shortcut")
    found = re.match(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)$", rest)
    if found:
        level = int(found[2]) if found[1] == "down" else levels - 1 - int(found[2])
        inner = f"block.{found[4]}" if found[3] == "resnets" else found[3].removesuffix("rs")
        rest = f"{found[1]}.{level}.{inner}.{found[5]}"
    return f"{side}.{rest}"


def clip_text(text: State) -> State:
    return {f"cond_stage_model.transformer.{name}": value for name, value in text.items()}


def open_clip_text(text: State) -> State:
    bare = {name.removeprefix("text_model."): value for name, value in text.items()}
    place = "cond_stage_model.model."
    found = {f"{place}positional_embedding": bare["embeddings.position_embedding.weight"],
             f"{place}token_embedding.weight": bare["embeddings.token_embedding.weight"],
             f"{place}text_projection": torch.ones(4, 4), f"{place}logit_scale": torch.ones(()),
             f"{place}ln_final.weight": bare["final_layer_norm.weight"],
             f"{place}ln_final.bias": bare["final_layer_norm.bias"]}  # fmt: skip
    count = len({key.split(".")[2] for key in bare if key.startswith("encoder.layers.")})
    parts = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc",
             "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
    for index in range(count + 1):
        here, there = f"encoder.layers.{min(index, count - 1)}", f"transformer.resblocks.{index}"
        for kind in ("weight", "bias"):
            for new, old in parts.items():
                found[f"{place}{there}.{old}.{kind}"] = bare[f"{here}.{new}.{kind}"].clone()
            three = [bare[f"{here}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            found[f"{place}{there}.attn.in_proj_{kind}"] = torch.cat(three)
    return found
