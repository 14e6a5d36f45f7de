"""What the folders of published pipelines have in common, as diffusers writes them.

The parts are subfolders; the name of the pipeline stands in `model_index.json`. What else lies
there (a safety checker) is left alone. A pipeline of one network may keep it beside the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.checkpoints.folder import read_json
from engine.checkpoints.raw import RawCheckpoint, RawNetwork
from engine.diffusion.schedule import Kind, Prediction, Schedule, Variance
from engine.errors import ModelError
from engine.models.diffusion.part_settings import refuse
from engine.perception.byte_pairs import BytePairs
from engine.perception.clip.tokenizer import Tokenizer
from engine.perception.unigram import Unigram
from engine.perception.wordpiece import WordPiece

INDEX = "model_index.json"
PREDICTIONS: Mapping[str, Prediction] = {
    "epsilon": "epsilon", "v_prediction": "v", "sample": "x0",
}  # fmt: skip
SCHEDULES: Mapping[str, Kind] = {
    "linear": "linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "cosine",
}  # fmt: skip
VARIANCES: Mapping[str, Variance] = {  # the others are small here
    "fixed_large": "fixed_large", "learned_range": "learned_range",
}  # fmt: skip
# Those that step through the betas of a training; others belong to another kind of model.
SCHEDULERS = frozenset(
    f"{name}Scheduler"
    for name in ("DDPM", "DDIM", "PNDM", "LMSDiscrete", "EulerDiscrete", "EulerAncestralDiscrete",
                 "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "DPMSolverMultistep",
                 "DPMSolverSinglestep", "DPMSolverSDE", "DEISMultistep", "UniPCMultistep", "LCM")
)  # fmt: skip
LCM = "LCMScheduler"
# The names of a self-attention before diffusers 0.15; its weights were 1 x 1 convolutions once.
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


class Config(Protocol):
    """What a card says of a model."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A folder that was read. family: of its card. tensors: by the names of a card's weights."""

    family: str
    config: Config
    tensors: Mapping[str, np.ndarray]
    tokenizer: Tokenizer | WordPiece | Unigram | BytePairs | None = None


def part_of(raw: RawCheckpoint, where: str, *names: str) -> RawNetwork:
    """The part that goes by the first of these names that there is. Raises ModelError."""
    parts = {network.name: network for network in raw.networks}
    for name in names:
        if name in parts:
            return parts[name]
    refuse(where, f"the part {names[0]!r} is missing, or has no .safetensors file")


def settings_of(part: RawNetwork) -> dict[str, Any]:
    """Without what names the program that wrote the file, and without nested values."""
    return {
        name: value
        for name, value in part.init.items()
        if not name.startswith("_") and not isinstance(value, dict)
    }


def scheduler_of(path: Path, where: str, part: str = "scheduler") -> dict[str, Any]:
    """What a folder says of its scheduler. Raises ModelError for one of another kind."""
    places = (path / part / "scheduler_config.json", path / "scheduler_config.json")
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        refuse(where, f"the part {part!r} is missing")
    plain = read_json(file)
    kind = plain.get("_class_name")
    if kind is not None and kind not in SCHEDULERS:
        refuse(where, f"its scheduler is {str(kind)[:60]!r}")
    return plain


def schedule_of(
    plain: Mapping[str, Any], where: str, learned: bool = False
) -> tuple[Schedule, Prediction]:
    """What the settings of a scheduler say of the training. learned: whether the network says
    something of its variance, which counts where the settings ask for it. Raises ModelError."""
    named, predicts = plain.get("beta_schedule", "linear"), plain.get("prediction_type", "epsilon")
    if named not in SCHEDULES or predicts not in PREDICTIONS:
        refuse(where, f"its schedule is {str(named)[:40]!r}, predicting {str(predicts)[:40]!r}")
    for odd in ("trained_betas", "rescale_betas_zero_snr"):
        if plain.get(odd):
            refuse(where, f"its schedule has {odd}")
    kind = SCHEDULES[named]
    steps, offset = plain.get("num_train_timesteps", 1000), plain.get("steps_offset", 0)
    ends = (plain.get("beta_start", 1e-4), plain.get("beta_end", 0.02))
    if type(steps) is not int or not all(isinstance(end, float) for end in ends):
        refuse(where, f"its schedule has {str(steps)[:20]} steps and betas of {str(ends)[:40]}")
    # The betas stand as they are for any number of steps; a Schedule states them for 1000.
    first, last = (end * steps / 1000 for end in ends)
    variance = VARIANCES.get(str(plain.get("variance_type")), "fixed_small")
    if variance == "learned_range" and not learned:
        variance = "fixed_small"
    try:
        made = Schedule(kind, steps, first=first, last=last, variance=variance, offset=offset)
    except ModelError:
        words = f"{steps} steps, betas of {str(ends)[:40]} and an offset of {str(offset)[:20]}"
        refuse(where, f"its schedule has {words}")
    return made, PREDICTIONS[predicts]


def pad_of(folder: Path, tokenizer: Tokenizer) -> int | None:
    """The token after a text's end; published tokenizers write it as a word or as an object."""
    file = folder / "special_tokens_map.json"
    named = read_json(file).get("pad_token") if file.is_file() else None
    word = named.get("content") if isinstance(named, dict) else named
    return tokenizer.vocab.get(word) if isinstance(word, str) else None


def colours_of(path: Path) -> dict[str, Any]:
    """What a folder says of the pictures that its eyes were taught on, by the names of CLIP's
    settings."""
    file = path / "feature_extractor" / "preprocessor_config.json"
    told = read_json(file) if file.is_file() else {}
    return {name: told[name] for name in ("image_mean", "image_std") if name in told}


def tower_tensors(tensors: Mapping[str, np.ndarray], prefix: str = "") -> dict[str, np.ndarray]:
    """Tensors of a tower of CLIP as cards name them: without the tower's own name, and without the
    numbers 0, 1, 2... that older files store. prefix: before all names."""
    return {
        prefix + name.removeprefix("text_model."): array
        for name, array in tensors.items()
        if not name.endswith("position_ids")
    }


def today(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors by the names of today, with the shapes of today."""
    return {_today(name): _flat(name, array) for name, array in tensors.items()}


def _today(name: str) -> str:
    head, _, last = name.rpartition(".")
    before, dot, part = head.rpartition(".")
    if ".attentions." in name and part in OLD_ATTENTION:
        return f"{before}{dot}{OLD_ATTENTION[part]}.{last}"
    return name


def _flat(name: str, array: np.ndarray) -> np.ndarray:
    """A 1 x 1 convolution of an old self-attention as the matrix that it is."""
    inside = ".attentions." in name and ".spatial_norm." not in name
    old = inside and array.ndim == 4 and array.shape[2:] == (1, 1)
    return array[:, :, 0, 0] if old else array
