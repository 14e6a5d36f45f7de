"""Trains the CLIP of Portraits: drawn portraits and their captions in one space.

Locked-image tuning (Zhai et al., 2022): the attribute network has learnt to look, so that each
picture is looked at once; a head and a small text transformer learn to agree by InfoNCE.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from engine.cancel import CancelToken
from engine.frame import OnProgress, Progress
from engine.models.folder import write_folder
from engine.perception.attributes import SIZE, AttributeNetwork
from engine.perception.clip import bpe
from engine.perception.clip.config import ClipConfig, TextSizes, VisionSizes
from engine.perception.clip.model import ClipNetwork
from engine.perception.clip.open import FAMILY
from engine.perception.clip.portraits_tower import PortraitsTower
from engine.perception.clip.tokenizer import Tokenizer
from engine.perception.reader import open_reader, stored_tensors, to_input
from engine.portraits.attributes import sample
from engine.portraits.captions import say
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.checkpoint import load_state, save_state
from engine.training.clip_pairs import Pairs, info_nce
from engine.training.hardware import keep_freed_memory
from engine.training.looked_once import looked_once
from engine.training.regression import machine, one_cycle

NAME = "portraits-clip"
TITLE = "Portraits CLIP"
STATE = "clip.pt"
SAVE_S = 120.0
READ = 4000  # captions that the vocabulary is learnt from


@dataclass(frozen=True)
class ClipSpec:
    """One run. steps: batches in all; batch: texts in each, crowd: pictures, which cost little;
    whole: share of batches whose captions tell everything.

    width, layers, context: of the text transformer; dim: of the common space; merges: of the
    vocabulary. noise: deviation of what is added to what the attribute network saw, in shares of
    each value's own, so that the head does not lean on single values.
    """

    work: Path
    attributes: Path
    steps: int = 3000
    batch: int = 96
    crowd: int = 768
    rate: float = 3e-3
    whole: float = 0.5
    width: int = 96
    layers: int = 2
    context: int = 64
    dim: int = 64
    merges: int = 800
    noise: float = 0.1
    portraits: int = 20_000
    data_seed: int = 0
    seed: int = 0
    minutes: float | None = None
    cache: Path | None = None


def train_clip(
    spec: ClipSpec,
    folder: Path,
    progress: OnProgress,
    cancel: CancelToken,
    source: Source | None = None,
) -> Path:
    """Train, or go on with the run in `spec.work`, and write `folder`.

    When stopped, what was learnt so far is written and kept for going on. Raises TrainingError or
    ModelError where files cannot be read or written.
    """
    spec.work.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    torch.set_num_threads(1)  # the steps are small: more threads only wait for one another
    torch.manual_seed(spec.seed)
    table = sample(spec.data_seed, np.arange(spec.portraits))
    tokenizer = bpe.learn(
        (say(table[i % len(table)], i, i % 2 == 0).text for i in range(READ)), spec.merges
    )
    network = ClipNetwork(config_of(spec, len(tokenizer.vocab), tokenizer.end))
    tower = network.vision_model
    assert isinstance(tower, PortraitsTower)
    reader = open_reader(spec.attributes)
    assert isinstance(reader.network, AttributeNetwork)
    tower.take(reader.network)
    for part in (tower.body, tower.hidden, tower.norm):
        part.eval().requires_grad_(False)
    pictures = drawn_pictures(
        source or portraits_source(), spec.cache or default_folder(), seed=spec.data_seed,
        count=spec.portraits, size=SIZE, cancel=cancel,
        on_drawn=lambda done, count: progress(Progress("Drawing portraits", done / count)),
    )  # fmt: skip
    seen = _seen(spec, reader.sha256, tower, pictures, progress, cancel)
    steps = _fit(spec, network, tokenizer, Pairs(seen, table, spec.noise), progress, cancel)
    facts = {
        "steps": steps, "batch": spec.batch, "eyes": reader.sha256, "machine": machine(),
    }  # fmt: skip
    return write_clip(spec, folder, network, tokenizer, facts)


def config_of(spec: ClipSpec, vocab_size: int, end: int) -> ClipConfig:
    """The sizes of a run's network."""
    width = spec.width
    text = TextSizes(
        vocab_size=vocab_size, hidden_size=width, intermediate_size=4 * width,
        num_hidden_layers=spec.layers, num_attention_heads=max(1, width // 32),
        max_position_embeddings=spec.context, hidden_act="gelu", eos_token_id=end,
    )  # fmt: skip
    vision = VisionSizes(hidden_size=2 * width, num_attention_heads=1, image_size=SIZE)
    half = (0.5, 0.5, 0.5)
    return ClipConfig(text, vision, spec.dim, "portraits", half, half)


def _seen(
    spec: ClipSpec,
    eyes: str,
    tower: PortraitsTower,
    pictures: np.ndarray,
    progress: OnProgress,
    cancel: CancelToken,
) -> Tensor:
    """What the locked part sees of every picture; looked at once for a run. eyes: its digest."""
    path = spec.work / f"seen-{eyes[:16]}-{spec.data_seed}-{len(pictures)}.npy"

    def told(done: float) -> None:
        cancel.check()
        progress(Progress("Looking at the portraits", done))

    return looked_once(path, pictures, lambda part: tower.seen(to_input(part)), told)


def _fit(
    spec: ClipSpec,
    network: ClipNetwork,
    tokenizer: Tokenizer,
    pairs: Pairs,
    progress: OnProgress,
    cancel: CancelToken,
) -> int:
    """AdamW under one cycle of the learning rate; returns the steps in all."""
    optimiser = torch.optim.AdamW(_groups(network), spec.rate, (0.9, 0.98))
    step = _restore(spec, network, optimiser)
    batches = pairs.batches(spec, tokenizer, step)
    tower: Any = network.vision_model
    began = told = saved = time.monotonic()
    first, mean = step, 0.0
    share = _share(spec, first, began)
    while (done := share(step)) < 1.0 and not cancel.cancelled:
        for group in optimiser.param_groups:
            group["lr"] = spec.rate * one_cycle(done)
        seen, ids, fits = next(batches)
        images = normalize(network.visual_projection(tower.read(seen)), dim=1)
        scale = network.logit_scale.clamp(max=math.log(100)).exp()
        loss = info_nce(images, network.texts(ids), scale, fits)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean += (float(loss.detach()) - mean) * max(0.02, 1 / (step - first))
        now = time.monotonic()
        if now - told > 5:
            told = now
            left = (now - began) * (1 - done) / max(done, 1e-6)
            progress(Progress(f"step {step}, loss {mean:.3f}", done, left))
        if now - saved > SAVE_S:
            saved = now
            _save(spec, network, optimiser, step)
    _save(spec, network, optimiser, step)
    return step


def _share(spec: ClipSpec, first: int, began: float) -> Callable[[int], float]:
    def share(step: int) -> float:
        done = step / spec.steps
        if spec.minutes is None:
            return done
        return max(done, (time.monotonic() - began) / (60 * spec.minutes))

    return share


def _groups(network: ClipNetwork) -> list[dict[str, Any]]:
    """Matrices decay, the rest does not (Radford et al., 2021)."""
    learning = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": 0.05},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]


def _save(spec: ClipSpec, network: ClipNetwork, optimiser: Any, step: int) -> None:
    state = {"step": step, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
    save_state(spec.work / STATE, state)


def _restore(spec: ClipSpec, network: ClipNetwork, optimiser: Any) -> int:
    path = spec.work / STATE
    if not path.is_file():
        return 0
    state = load_state(path)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def write_clip(
    spec: ClipSpec,
    folder: Path,
    network: ClipNetwork,
    tokenizer: Tokenizer,
    trained: dict[str, Any],
) -> Path:
    """Write weights, tokenizer and a card; `evaluate` measures it."""
    facts = {
        "name": NAME,
        "title": TITLE,
        "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
        "command": f"python main.py train {NAME}",
        "seed": spec.seed,
        "trained": trained,
        "scores": {},
        "licence": "Apache-2.0",
    }
    plain = network.config.to_dict()
    write_folder(
        folder, FAMILY, plain, stored_tensors(network), facts, tokenizer.write, replace=True
    )
    return folder
