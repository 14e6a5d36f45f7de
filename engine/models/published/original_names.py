"""What the tensors of an original Stable Diffusion file are called by diffusers' classes.

The originals (Rombach et al., 2022) number the blocks of the U-Net in one row; diffusers counts
levels, and layers within each. Nothing but names changes, and the shape of 1 x 1 convolutions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

Tensors = Mapping[str, np.ndarray]
RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "emb_layers.1": "time_emb_proj", "skip_connection": "conv_shortcut",
}  # fmt: skip
OUTER = {
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
    "middle_block.1": "mid_block.attentions.0",
}  # fmt: skip
ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
# Of OpenCLIP's text tower.
CLIP_LAYER = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}  # fmt: skip
CLIP_OUTER = {
    "positional_embedding": "embeddings.position_embedding.weight",
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}


def unet_names(tensors: Tensors, layers: int) -> dict[str, np.ndarray]:
    """The U-Net's. layers: resnets of each level on the way down; one more on the way up."""
    return {_unet_name(name, layers): array for name, array in tensors.items()}


def _unet_name(name: str, layers: int) -> str:
    for old, new in OUTER.items():
        if name.startswith(f"{old}."):
            return new + name.removeprefix(old)
    found = re.match(r"middle_block\.([02])\.(.+)$", name)
    if found:
        return f"mid_block.resnets.{int(found[1]) // 2}.{_resnet(found[2])}"
    found = re.match(r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)$", name)
    if not found:
        return name  # what is not known is told when the weights are held against the network
    down, index, part, rest = found[1] == "input", int(found[2]), found[3], found[4]
    level, layer = divmod(index - 1 if down else index, layers + 1)
    place = f"{'down' if down else 'up'}_blocks.{level}"
    if down and rest.startswith("op."):
        return f"{place}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    if not down and rest.startswith("conv."):
        return f"{place}.upsamplers.0.{rest}"
    if part == "0":
        return f"{place}.resnets.{layer}.{_resnet(rest)}"
    return f"{place}.attentions.{layer}.{rest}"


def _resnet(name: str) -> str:
    head, _, last = name.rpartition(".")
    return f"{RESNET.get(head, head)}.{last}"


def vae_names(tensors: Tensors, levels: int) -> dict[str, np.ndarray]:
    """The autoencoder's; the originals count the levels of the decoder from the finest."""
    found = {}
    for name, array in tensors.items():
        new = _vae_name(name, levels)
        flat = ".attentions." in new and array.ndim == 4
        found[new] = array[:, :, 0, 0] if flat else array
    return found


def _vae_name(name: str, levels: int) -> str:
    side, _, rest = name.partition(".")
    rest = re.sub(r"^norm_out\.", "conv_norm_out.", rest)
    rest = rest.replace("nin_shortcut", "conv_shortcut")
    rest = re.sub(r"^mid\.block_([12])\.", lambda m: f"mid_block.resnets.{int(m[1]) - 1}.", rest)
    attention = re.match(r"mid\.attn_1\.(\w+)\.(\w+)$", rest)
    if attention:
        part = ATTENTION.get(attention[1], attention[1])
        rest = f"mid_block.attentions.0.{part}.{attention[2]}"
    block = re.match(r"(down|up)\.(\d+)\.(block\.\d+|downsample|upsample)\.(.+)$", rest)
    if block:
        level = int(block[2]) if block[1] == "down" else levels - 1 - int(block[2])
        inner = block[3].replace("block.", "resnets.")
        inner = inner if inner.startswith("resnets") else f"{inner}rs.0"
        rest = f"{block[1]}_blocks.{level}.{inner}.{block[4]}"
    return f"{side}.{rest}"


def clip_names(tensors: Tensors, layers: Sequence[int]) -> dict[str, np.ndarray]:
    """An OpenCLIP text tower's, of which these layers are kept; its projection is a matrix that is
    multiplied from the right."""
    found: dict[str, np.ndarray] = {}
    for name, array in tensors.items():
        layer = re.match(r"transformer\.resblocks\.(\d+)\.(.+)\.?(weight|bias)$", name)
        if name in CLIP_OUTER:
            found[CLIP_OUTER[name]] = array
        elif name == "text_projection":
            found["text_projection.weight"] = np.ascontiguousarray(array.T)
        elif layer and int(layer[1]) in layers:
            place, part, kind = f"encoder.layers.{layer[1]}", layer[2], layer[3]
            if part == "attn.in_proj_":
                for letter, third in zip("qkv", np.split(array, 3), strict=True):
                    found[f"{place}.self_attn.{letter}_proj.{kind}"] = third
            else:
                part = part.rstrip(".")
                found[f"{place}.{CLIP_LAYER.get(part, part)}.{kind}"] = array
    return found
