"""What a card says of an unCLIP model (Ramesh et al., 2022). No torch here.

Such a model is six networks in one file of weights: a text encoder ("text."), a prior from texts to
what a CLIP would say of such a picture ("prior."), a bridge that tells the decoder both
("bridge."), the decoder of small pictures ("decoder."), and two that enlarge them ("first.", and
"last." for the last step). The settings of all but the bridge are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.part_settings import Settings, agree, reading, refuse
from engine.models.diffusion.prior_config import PriorConfig
from engine.perception.clip.config import read_config

UNCLIP = "unclip-diffusion"
TEXT, PRIOR, BRIDGE, DECODER = "text.", "prior.", "bridge.", "decoder."
FIRST, LAST = "first.", "last."


@dataclass(frozen=True, kw_only=True)
class UnclipConfig(PriorConfig):
    """bridge, decoder, first, last: settings. drawing, enlarging: the noise of the decoder, and of
    the last two."""

    bridge: Settings
    decoder: Settings
    first: Settings
    last: Settings
    drawing: Schedule
    enlarging: Schedule
    SETTINGS = ("prior", "bridge", "decoder", "first", "last")
    SCHEDULES = ("thinking", "drawing", "enlarging")

    @property
    def side(self) -> int:
        """Of the small pictures."""
        return int(self.decoder["sample_size"])

    @property
    def large(self) -> int:
        """Of the enlarged ones."""
        return int(self.first["sample_size"])

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> UnclipConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            text = read_config({"text_config": plain["text"]}, where).text
            config = cls(text=text, **cls.told(plain, where))
            _check_together(config, where)
        return config


def _check_together(config: UnclipConfig, where: str) -> None:
    """Raises ModelError where one network is told something else than another says."""
    decoder, bridge, width = config.decoder, config.bridge, config.width
    pairs = config.reads | {
        "what its bridge takes": (bridge["clip_embeddings_dim"], width),
        "the tokens of its decoder": (
            bridge["cross_attention_dim"], decoder["cross_attention_dim"]),
        "the time of its decoder": (
            bridge["time_embed_dim"], 4 * decoder["block_out_channels"][0]),
        "its small pictures": (decoder["in_channels"], 3),
        "its classes": (decoder.get("class_embed_type"), "identity"),
        "what it enlarges": (config.first["in_channels"], 6),
        "its last step": (
            [config.last[name] for name in ("in_channels", "sample_size")],
            [config.first[name] for name in ("in_channels", "sample_size")]),
    }  # fmt: skip
    agree(pairs, where)
    if not 0 < config.side <= config.large <= 4096 or not 0 < width < 65536:
        refuse(where, f"its pictures have {config.side} and {config.large} px")


def unclip_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = UnclipConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(
        folder, card, bundled, config.large, latent=True, own_encoder=True
    )  # fmt: skip
