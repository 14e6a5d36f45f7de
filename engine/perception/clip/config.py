"""The sizes of a CLIP, as the published `config.json` states them and as cards keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal, NoReturn, get_args

from engine.errors import CheckpointError
from engine.perception.sizes import check_sizes, known

Act = Literal["quick_gelu", "gelu"]
Tower = Literal["vit", "portraits"]
LEGACY_END = 2  # older configs state this number, and mean the highest one in the text
MEAN = (0.48145466, 0.4578275, 0.40821073)  # of the pictures that CLIP was trained on
STD = (0.26862954, 0.26130258, 0.27577711)
PUBLISHED: Tower = "vit"
PORTRAITS: Tower = "portraits"


@dataclass(frozen=True)
class TextSizes:
    """The text transformer. Defaults are those that a published config may leave out."""

    vocab_size: int = 49408
    hidden_size: int = 512
    intermediate_size: int = 2048
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    max_position_embeddings: int = 77
    hidden_act: Act = "quick_gelu"
    layer_norm_eps: float = 1e-5
    eos_token_id: int = 49407


@dataclass(frozen=True)
class VisionSizes:
    """The vision transformer; of the tower of Portraits hidden_size and image_size alone hold."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    image_size: int = 224
    patch_size: int = 32
    hidden_act: Act = "quick_gelu"
    layer_norm_eps: float = 1e-5


@dataclass(frozen=True)
class ClipConfig:
    """Both towers. tower: "vit" as published, or "portraits". mean, std: of [0, 1] pictures."""

    text: TextSizes = field(default_factory=TextSizes)
    vision: VisionSizes = field(default_factory=VisionSizes)
    projection_dim: int = 512
    tower: Tower = "vit"
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, which `read_config` reads."""
        return {
            "text_config": asdict(self.text),
            "vision_config": asdict(self.vision),
            "projection_dim": self.projection_dim,
            "tower": self.tower,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }


def read_config(plain: Mapping[str, Any], where: str) -> ClipConfig:
    """From a card's config or a published config.json. Raises CheckpointError."""
    text = _part(plain, "text", where)
    vision = _part(plain, "vision", where)
    config = ClipConfig(
        TextSizes(**known(TextSizes, text)),
        VisionSizes(**known(VisionSizes, vision)),
        plain.get("projection_dim", ClipConfig.projection_dim),
        plain.get("tower", PUBLISHED),
        _three(plain, "image_mean", MEAN, where),
        _three(plain, "image_std", STD, where),
    )
    _check(config, where)
    return config


def _part(plain: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """One tower's values; an older config says them once more, and that holds."""
    found: dict[str, Any] = {}
    for key in (f"{name}_config", f"{name}_config_dict"):
        part = plain.get(key) or {}
        if not isinstance(part, Mapping):
            _refuse(where, f"{key} is no object")
        found |= part
    return found


def _three(
    plain: Mapping[str, Any], name: str, default: tuple[float, ...], where: str
) -> tuple[float, ...]:
    value = plain.get(name, default)
    usual = isinstance(value, list | tuple) and len(value) == 3
    if not usual or not all(isinstance(x, float | int) and 0 <= x < 10 for x in value):
        _refuse(where, f"{name} is {str(value)[:40]}")
    return tuple(float(x) for x in value)


def _check(config: ClipConfig, where: str) -> None:
    for part in (config.text, config.vision):
        check_sizes(part, partial(_refuse, where))
        if part.hidden_act not in get_args(Act):
            _refuse(where, f"hidden_act is {str(part.hidden_act)[:40]!r}, which is not known")
        if part.hidden_size % part.num_attention_heads:
            _refuse(where, "hidden_size is no multiple of the heads")
        if max(part.num_hidden_layers, part.num_attention_heads) > 256:
            _refuse(where, "it has more than 256 layers or heads")
    if type(config.projection_dim) is not int or not 0 < config.projection_dim < 65536:
        _refuse(where, f"projection_dim is {str(config.projection_dim)[:40]!r}")
    if config.tower not in (PUBLISHED, PORTRAITS) or not all(config.std):
        _refuse(where, "its picture tower is not known")
    if config.tower == PUBLISHED and config.vision.image_size % config.vision.patch_size:
        _refuse(where, "image_size is no multiple of patch_size")


def _refuse(where: str, words: str) -> NoReturn:
    raise CheckpointError(
        f"{where} is no CLIP that is read here: {words}.",
        "Give a folder as transformers writes it, or train the model again.",
    )
