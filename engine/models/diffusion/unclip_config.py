"""What a card says of an unCLIP model (Ramesh et al., 2022). No torch here.

Such a model is networks in one file of weights: a text encoder ("text."), a bridge that tells the
decoder what a CLIP says of text and picture ("bridge."), the decoder of small pictures
("decoder."), and two that enlarge them ("first.", and "last." for the last step). What a CLIP says
of the picture is thought of by a prior for each text ("prior."), or seen by the CLIP's own eyes
("eyes.") of a picture that the new one is to be like. The settings of all but the bridge and the
towers are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.part_settings import Settings, agree, reading, refuse
from engine.models.diffusion.prior_config import PriorConfig, ReadingConfig
from engine.perception.clip.config import ClipConfig, VisionSizes, read_config

UNCLIP, UNCLIP_LIKE = "unclip-diffusion", "unclip-variations"
TEXT, PRIOR, BRIDGE, DECODER = "text.", "prior.", "bridge.", "decoder."
FIRST, LAST, EYES = "first.", "last.", "eyes."
STAGES = ("bridge", "decoder", "first", "last")


@dataclass(frozen=True, kw_only=True)
class StagedConfig(ReadingConfig):
    """bridge, decoder, first, last: settings. drawing, enlarging: the noise of the decoder, and of
    the last two."""

    bridge: Settings
    decoder: Settings
    first: Settings
    last: Settings
    drawing: Schedule
    enlarging: Schedule
    SETTINGS: ClassVar[tuple[str, ...]] = STAGES
    SCHEDULES: ClassVar[tuple[str, ...]] = ("drawing", "enlarging")

    @property
    def side(self) -> int:
        """Of the small pictures."""
        return int(self.decoder["sample_size"])

    @property
    def large(self) -> int:
        """Of the enlarged ones."""
        return int(self.first["sample_size"])

    @property
    def seen(self) -> int:
        """Numbers of what a CLIP says of a picture, or of a whole text."""
        return int(self.bridge["clip_embeddings_dim"])

    @property
    def told_on(self) -> dict[str, tuple[Any, Any]]:
        """What the networks tell one another, see `agree`."""
        decoder, bridge = self.decoder, self.bridge
        return {
            "the width of its tokens": (self.text.hidden_size, self.seen),
            "the tokens of its decoder": (
                bridge["cross_attention_dim"], decoder["cross_attention_dim"]),
            "the time of its decoder": (
                bridge["time_embed_dim"], 4 * decoder["block_out_channels"][0]),
            "its small pictures": (decoder["in_channels"], 3),
            "its classes": (decoder.get("class_embed_type"), "identity"),
            "what it enlarges": (self.first["in_channels"], 6),
            "its last step": (
                [self.last[name] for name in ("in_channels", "sample_size")],
                [self.first[name] for name in ("in_channels", "sample_size")]),
        }  # fmt: skip

    def check(self, more: dict[str, tuple[Any, Any]], where: str) -> None:
        """Raises ModelError where one network is told something else than another says."""
        agree(self.told_on | more, where)
        if not 0 < self.side <= self.large <= 4096 or not 0 < self.seen < 65536:
            refuse(where, f"its pictures have {self.side} and {self.large} px")


@dataclass(frozen=True, kw_only=True)
class UnclipConfig(StagedConfig, PriorConfig):
    """One that thinks of a picture for each text."""

    SETTINGS = ("prior", *STAGES)
    SCHEDULES = ("thinking", "drawing", "enlarging")

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> UnclipConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            text = read_config({"text_config": plain["text"]}, where).text
            config = cls(text=text, **cls.told(plain, where))
            more = config.reads | {"what its bridge takes": (config.seen, config.width)}
            config.check(more, where)
        return config


@dataclass(frozen=True, kw_only=True)
class UnclipLikeConfig(StagedConfig):
    """One that draws pictures like another. eyes: sizes of the CLIP's picture tower. mean, std: of
    the pictures that it was taught on, in [0, 1]."""

    eyes: VisionSizes
    mean: tuple[float, ...] = ClipConfig.mean
    std: tuple[float, ...] = ClipConfig.std

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        colours = {"image_mean": list(self.mean), "image_std": list(self.std)}
        return {**super().to_dict(), "eyes": asdict(self.eyes), **colours}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> UnclipLikeConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            towers = {"text_config": plain["text"], "vision_config": plain["eyes"]}
            towers |= {name: plain[name] for name in ("image_mean", "image_std") if name in plain}
            clip = read_config(towers, where)
            config = cls(
                text=clip.text, eyes=clip.vision, mean=clip.mean, std=clip.std,
                **cls.told(plain, where),
            )  # fmt: skip
            config.check({}, where)
        return config


def unclip_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = UnclipConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(
        folder, card, bundled, config.large, latent=True, own_encoder=True
    )  # fmt: skip


def unclip_like_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """As unclip_info, of one that draws pictures like another."""
    config = UnclipLikeConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(folder, card, bundled, config.large, latent=True, shown="like")
