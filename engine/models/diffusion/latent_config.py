"""What a card says of a latent diffusion model (Rombach et al., 2022). No torch here.

Such a model is three networks in one file of weights: a U-Net for codes ("unet."), an autoencoder
between codes and pixels ("vae."), and a text encoder ("text."), or two ("text_2."; a refiner has
the second alone). The settings of the first two are those of diffusers' classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from engine.denoising import DenoiserInfo
from engine.diffusion.schedule import Prediction, Schedule
from engine.models.diffusion.denoisers import PAG
from engine.models.diffusion.denoisers import UNET as GRAPH
from engine.models.diffusion.eyes_config import EyesConfig
from engine.models.diffusion.part_settings import (
    COLOURS,
    Settings,
    check_settings,
    halvings,
    reading,
    refuse,
)
from engine.models.diffusion.prior_config import PriorConfig
from engine.perception.bert_sizes import BertSizes, read_bert_sizes
from engine.perception.clip.config import TextSizes, read_config

LATENT, AUTOENCODER = "latent-diffusion", "autoencoder"
UNET, VAE, TEXT, TEXT_2 = "unet.", "vae.", "text.", "text_2."
SIZE_IDS = 6  # original size, crop and size, two numbers each (Podell et al., 2023)
SCORED_IDS = 5  # of a refiner: original size, crop, and a score for beauty
PUBLISHED_PAG = 3.0  # of Stable Diffusion (Ahn et al., 2024, section 5)
Decodes = Literal["AutoencoderKL", "VQModel"]
Shown = Literal["", "picture", "masked", "small", "like"]


@dataclass(frozen=True)
class SecondText:
    """A second encoder, whose view of the whole text counts, too. projection: numbers of that
    view. pad: see LatentConfig."""

    text: TextSizes
    projection: int
    pad: int | None = None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> SecondText:
        """From plain values. Raises CheckpointError, LookupError, TypeError or ValueError."""
        sizes = read_config({"text_config": plain["text"]}, where).text
        projection = plain["projection"]
        if type(projection) is not int or not 0 < projection < 65536:
            raise ValueError(f"a projection of {str(projection)[:40]!r}")
        return cls(sizes, projection, plain.get("pad"))


@dataclass(frozen=True)
class LatentConfig:
    """unet, vae: settings. text: sizes of the encoder, None for a refiner's. pad: the token that
    fills a text up; None for the end's. second: another encoder, as SDXL has it. zeros: no text is
    zeros, not the empty text. lcm: the LCM sampler was distilled into it. decodes: diffusers' class
    of the autoencoder. low: the noise in the small picture that an upscaler sees. scored: it is
    told how beautiful the picture is. eyes: of a model that draws pictures like another. prior:
    what thinks of that picture for a text, where it is shown none. tiny: it has a decoder for
    previews."""

    unet: Settings
    vae: Settings
    text: TextSizes | BertSizes | None
    schedule: Schedule
    prediction: Prediction
    pad: int | None = None
    second: SecondText | None = None
    zeros: bool = False
    lcm: bool = False
    decodes: Decodes = "AutoencoderKL"
    low: Schedule | None = None
    scored: bool = False
    eyes: EyesConfig | None = None
    prior: PriorConfig | None = None
    tiny: bool = False

    @property
    def text_width(self) -> int:
        """Numbers of each token that the U-Net attends to."""
        second = None if self.second is None else self.second.text
        return sum(sizes.hidden_size for sizes in (self.text, second) if sizes is not None)

    @property
    def distilled(self) -> int:
        """Numbers of the embedding of a guidance scale that the U-Net takes; 0 for none."""
        return int(self.unet.get("time_cond_proj_dim") or 0)

    @property
    def channels(self) -> int:
        """Numbers at each place of a code."""
        return int(self.unet.get("out_channels", 4))

    @property
    def shown(self) -> Shown:
        """What the U-Net sees beside the noise. Raises ValueError for what is not known."""
        beside = int(self.unet["in_channels"]) - self.channels
        known: Mapping[int, Shown] = {0: "", self.channels: "picture", self.channels + 1: "masked"}
        if self.low is not None:
            known = {COLOURS: "small"}
        if self.eyes is not None:
            known = {0: "like"}
        if beside not in known:
            raise ValueError(f"its U-Net takes {self.unet['in_channels']} channels")
        return known[beside]

    @property
    def side(self) -> int:
        """Of the codes that the U-Net was trained for."""
        return int(self.unet["sample_size"])

    @property
    def scale(self) -> int:
        """Pixels of a side for each place of a code."""
        return halvings(self.vae)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "unet": dict(self.unet),
            "vae": dict(self.vae),
            "text": None if self.text is None else asdict(self.text),
            "schedule": self.schedule.to_dict(),
            "prediction": self.prediction,
            "pad": self.pad,
            "second": None if self.second is None else asdict(self.second),
            "zeros": self.zeros,
            "lcm": self.lcm,
            "decodes": self.decodes,
            "low": None if self.low is None else self.low.to_dict(),
            "scored": self.scored,
            "eyes": None if self.eyes is None else self.eyes.to_dict(),
            "prior": None if self.prior is None else self.prior.to_dict(),
            "tiny": self.tiny,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], where: str) -> LatentConfig:
        """From plain values. Raises ModelError that says what is wrong."""
        with reading(where):
            more, low, eyes = (plain.get(name) for name in ("second", "low", "eyes"))
            text = _text(plain["text"], where)
            config = cls(
                plain["unet"], plain["vae"], text,
                Schedule(**plain["schedule"]),
                plain["prediction"], plain.get("pad"),
                None if more is None else SecondText.from_dict(more, where),
                bool(plain.get("zeros", False)), bool(plain.get("lcm", False)),
                plain.get("decodes", "AutoencoderKL"), None if low is None else Schedule(**low),
                bool(plain.get("scored", False)),
                None if eyes is None else EyesConfig.from_dict(eyes, where),
                _prior(plain.get("prior"), text, where), bool(plain.get("tiny", False)),
            )  # fmt: skip
            for settings in (config.unet, config.vae):
                check_settings(dict(settings), where)
            sizes = (config.channels, config.side, config.scale)
            assert config.shown in get_args(Shown)  # or it raises
        if config.prediction not in ("epsilon", "x0", "v"):
            refuse(where, f"it predicts {str(config.prediction)[:40]!r}")
        if config.decodes not in get_args(Decodes):
            refuse(where, f"its autoencoder is {str(config.decodes)[:40]!r}")
        if not all(0 < size <= 4096 for size in sizes):
            refuse(where, f"its codes have the sizes {sizes}")
        _check_together(config, where)
        return config


def latent_info(folder: Path, card: Mapping[str, Any], bundled: bool) -> DenoiserInfo:
    """What the rest needs to know of such a model without loading it. Raises ModelError."""
    config = LatentConfig.from_dict(card["config"], folder.name)
    return DenoiserInfo.of_card(
        folder,
        card,
        bundled,
        config.side * config.scale,
        lcm=config.lcm,
        latent=True,
        own_encoder=True,
        distilled=bool(config.distilled),
        shown=config.shown,
        source_px=config.side if config.shown == "small" else 0,
        scored=config.scored,
        thinks=config.prior is not None,
        usual_pag=PAG if (folder / GRAPH).is_file() else PUBLISHED_PAG,
    )


def _prior(
    plain: Mapping[str, Any] | None, text: TextSizes | BertSizes | None, where: str
) -> PriorConfig | None:
    """What thinks of a picture for a text, where there is such. Raises LookupError, TypeError,
    ValueError or ModelError."""
    if plain is None:
        return None
    if not isinstance(text, TextSizes):
        raise TypeError("a prior reads through the text encoder of a CLIP")
    return PriorConfig(text=text, **PriorConfig.told(plain, where))


def _text(plain: Mapping[str, Any] | None, where: str) -> TextSizes | BertSizes | None:
    """Sizes of an encoder, by what they say. Raises CheckpointError."""
    if plain is None:
        return None
    if "d_model" in plain:
        return read_bert_sizes(plain, where)
    return read_config({"text_config": plain}, where).text


def _check_together(config: LatentConfig, where: str) -> None:
    """Raises ModelError where the U-Net is told something else than the encoders say."""
    if bool(config.unet.get("num_class_embeds")) != (config.low is not None):
        refuse(where, f"its U-Net has {str(config.unet.get('num_class_embeds'))[:20]} classes")
    eyes = config.eyes
    kind, takes = (None, None) if eyes is None else ("projection", 2 * eyes.projection)
    got = config.unet.get("class_embed_type")
    if got != kind or (takes and config.unet["projection_class_embeddings_input_dim"] != takes):
        refuse(where, f"its U-Net has class_embed_type = {str(got)[:40]!r}, or of another size")
    if config.text is None and config.second is None:
        refuse(where, "it has no text encoder")
    if config.prior is not None and (eyes is None or config.prior.width != eyes.projection):
        refuse(where, "its prior thinks of something else than its eyes see")
    attends = config.unet.get("cross_attention_dim", 1280)
    if isinstance(attends, int) and attends != config.text_width:
        words = f"its U-Net attends to {attends} numbers a token"
        refuse(where, f"{words}, its text encoders make {config.text_width}")
    told = config.unet.get("addition_embed_type")
    if told not in ((None, "text") if config.second is None else ("text_time",)):
        refuse(where, f"its U-Net has addition_embed_type = {str(told)[:40]!r}")
    if config.second is None:
        return
    takes = config.unet.get("projection_class_embeddings_input_dim")
    ids = SCORED_IDS if config.scored else SIZE_IDS
    gets = ids * int(config.unet.get("addition_time_embed_dim") or 0)
    if takes != gets + config.second.projection:
        words = f"its U-Net takes {str(takes)[:20]} numbers of text and sizes"
        refuse(where, f"{words}, and gets {gets + config.second.projection}")
