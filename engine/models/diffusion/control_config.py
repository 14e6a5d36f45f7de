"""What a card says of a ControlNet (Zhang et al., 2023), and which models it fits. No torch here.

It is a trainable copy of the half of a U-Net that leads to its middle, with the settings of
diffusers' class; its answers are added to those of the model itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from engine.controlling import ControlInfo, Follows
from engine.errors import ModelError
from engine.models.diffusion.latent_config import LATENT, LatentConfig
from engine.models.diffusion.part_settings import Settings, check_settings

CONTROL = "control"
GRAPH = "control.onnx"
CHANNELS = (320, 640, 1280, 1280)  # of diffusers' classes, where a file says nothing
READS = (16, 32, 96, 256)  # likewise, of what reads the picture


@dataclass(frozen=True)
class ControlConfig:
    """net: the settings of diffusers' ControlNetModel. follows: what it was taught to follow, ""
    where that is not known."""

    net: Settings
    follows: Follows = ""

    @property
    def scale(self) -> int:
        """Pixels of a side of its picture for each place of a code."""
        return 1 << (len(self.net.get("conditioning_embedding_out_channels") or READS) - 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"net": dict(self.net), "follows": self.follows}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> ControlConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            net = dict(plain["net"])
            check_settings(net, where)
            assert len(net.get("conditioning_embedding_out_channels") or READS) < 8
            follows = plain.get("follows", "")
            assert follows in get_args(Follows)
            sees, odd = net.get("conditioning_channels", 3), net.get("class_embed_type")
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise _odd(where, f"its settings are incomplete: {str(error)[:120]}") from error
        if sees != 3 or odd is not None or net.get("num_class_embeds"):
            raise _odd(where, f"it sees {str(sees)[:20]} channels, and classes {str(odd)[:20]}")
        if net.get("encoder_hid_dim_type") or net.get("encoder_hid_dim"):
            raise _odd(where, "it turns texts into something else")
        if net.get("global_pool_conditions"):
            raise _odd(where, "it follows a picture as a whole, and no places in it")
        return cls(net, follows)

    def misfit(self, base: LatentConfig) -> str:
        """Why it cannot help a model, in words; "" where it can."""
        unet, net = base.unet, self.net
        pairs = {
            "attends to {} numbers a token": (
                net.get("cross_attention_dim", 1280), unet.get("cross_attention_dim", 1280)),
            "takes codes of {} channels": (net.get("in_channels", 4), base.channels),
            "has levels of {} channels": tuple(
                list(part.get("block_out_channels", CHANNELS)) for part in (net, unet)),
            "has {} layers a level": tuple(
                part.get("layers_per_block", 2) for part in (net, unet)),
            "is told {} beside texts": tuple(_beside_texts(part) for part in (net, unet)),
            "is told {} numbers of sizes": tuple(
                part.get("projection_class_embeddings_input_dim") or 0 for part in (net, unet)),
            "takes pictures {} times as large as codes": (self.scale, base.scale),
        }  # fmt: skip
        wrong = (w.format(mine) + f", not {its}" for w, (mine, its) in pairs.items() if mine != its)
        return next(wrong, "")


def _beside_texts(part: Settings) -> str:
    told = part.get("addition_embed_type")
    return "nothing" if told in (None, "text") else str(told)


def control_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> ControlInfo:
    """What the rest needs to know of a ControlNet without loading it. Raises ModelError."""
    config = ControlConfig.from_dict(card["config"], folder.name)
    return ControlInfo(
        card["name"], card["title"], card["weights_sha256"], bundled, folder, card, config.follows
    )


def misfit_of(control: ControlInfo, family: str, base: Mapping[str, Any], where: str) -> str:
    """Why a ControlNet cannot help the model with that family and config; "" where it can."""
    if family != LATENT:
        return "helps models of Stable Diffusion alone"
    config = ControlConfig.from_dict(control.card["config"], control.name)
    return config.misfit(LatentConfig.from_dict(base, where))


def _odd(where: str, words: str) -> ModelError:
    return ModelError(
        f"{where} is no ControlNet that is read here: {words}.",
        "Give the folder of a ControlNet for Stable Diffusion, as diffusers writes it.",
    )
