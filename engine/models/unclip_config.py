"""What a card says of an unCLIP model (Ramesh et al., 2022). No torch here.

Such a model is six networks in one file of weights: a text encoder ("text."), a prior from texts to
what a CLIP would say of such a picture ("prior."), a bridge that tells the decoder both
("bridge."), the decoder of small pictures ("decoder."), and two that enlarge them ("first.", and
"last." for the last step). The settings of all but the bridge are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Schedule
from engine.errors import CheckpointError
from engine.models.latent_config import Settings, check_settings, refuse
from engine.perception.clip.config import TextSizes, read_config

UNCLIP = "unclip-diffusion"
TEXT, PRIOR, BRIDGE, DECODER = "text.", "prior.", "bridge.", "decoder."
FIRST, LAST = "first.", "last."
SETTINGS = ("prior", "bridge", "decoder", "first", "last")
SCHEDULES = ("thinking", "drawing", "enlarging")


@dataclass(frozen=True)
class UnclipConfig:
    """text: sizes of the encoder; pad: see LatentConfig. prior, bridge, decoder, first, last:
    settings. thinking, drawing, enlarging: the noise of prior, decoder and the last two. bound: of
    what the prior says."""

    text: TextSizes
    prior: Settings
    bridge: Settings
    decoder: Settings
    first: Settings
    last: Settings
    thinking: Schedule
    drawing: Schedule
    enlarging: Schedule
    pad: int | None = None
    bound: float = 5.0

    @property
    def width(self) -> int:
        """Numbers of what a CLIP says of a picture, or of a whole text."""
        return int(self.prior["embedding_dim"])

    @property
    def side(self) -> int:
        """Of the small pictures."""
        return int(self.decoder["sample_size"])

    @property
    def large(self) -> int:
        """Of the enlarged ones."""
        return int(self.first["sample_size"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain: dict[str, Any] = {name: dict(getattr(self, name)) for name in SETTINGS}
        plain |= {name: getattr(self, name).to_dict() for name in SCHEDULES}
        return {**plain, "text": asdict(self.text), "pad": self.pad, "bound": self.bound}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> UnclipConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        try:
            known: dict[str, Any] = {name: plain[name] for name in SETTINGS}
            known |= {name: Schedule(**plain[name]) for name in SCHEDULES}
            known |= {"pad": plain.get("pad"), "bound": float(plain.get("bound", 5.0))}
            config = cls(read_config({"text_config": plain["text"]}, where).text, **known)
            for name in SETTINGS:
                check_settings(dict(getattr(config, name)), where)
            _check_together(config, where)
        except CheckpointError as error:
            refuse(where, error.what)
        except (KeyError, TypeError, ValueError) as error:
            refuse(where, f"its settings are incomplete: {str(error)[:120]}")
        return config


def _check_together(config: UnclipConfig, where: str) -> None:
    """Raises ModelError where one network is told something else than another says."""
    decoder, bridge, width = config.decoder, config.bridge, config.width
    pairs = {
        "the width of its tokens": (config.text.hidden_size, width),
        "the tokens of its prior": (
            config.prior.get("num_embeddings", 77), config.text.max_position_embeddings),
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
    for what, (got, wanted) in pairs.items():
        if got != wanted:
            refuse(where, f"{what}: {str(got)[:40]!r} where {str(wanted)[:40]!r} is needed")
    if not 0 < config.side <= config.large <= 4096 or not 0 < width < 65536:
        refuse(where, f"its pictures have {config.side} and {config.large} px")


def unclip_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = UnclipConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(
        folder, card, bundled, config.large, latent=True, own_encoder=True
    )  # fmt: skip
