"""Trains the CLIP of Portraits: drawn portraits and their captions in one space.

Locked-image tuning (Zhai et al., 2022): the attribute network has learnt to look, so that each
picture is looked at once; a head and a small text transformer learn to agree by InfoNCE (van den
Oord et al., 2018; Radford et al., 2021). A short caption fits many portraits: pictures of a batch
that a caption is as true of as of its own do not count against it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

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
from engine.portraits.captions import Said, phrases_of, say
from engine.store import replacing
from engine.training.cache import Source, default_folder, drawn_pictures, portraits_source
from engine.training.checkpoint import load_state, save_state
from engine.training.hardware import keep_freed_memory
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


class Pairs:
    """What is learnt from: what was seen of each picture, its row of the label table, and what can
    be said of it."""

    def __init__(self, seen: Float[Tensor, "n hidden"], table: Float32[np.ndarray, "n columns"]):
        self.seen, self.table = seen, table
        known = [frozenset[str]().union(*phrases_of(row)) for row in table]
        names = sorted(frozenset[str]().union(*known))
        self._places = {phrase: at for at, phrase in enumerate(names)}
        self._has = np.zeros((len(table), len(names)), bool)
        for row, ways in zip(self._has, known, strict=True):
            row[[self._places[phrase] for phrase in ways]] = True

    def fits(self, said: Sequence[Said], rows: np.ndarray) -> Bool[np.ndarray, "said rows"]:
        """Which sentence is true of which picture; as Said.fits."""
        places = self._places
        columns = ([places[phrase] for phrase in one.phrases if phrase] for one in said)
        has = self._has[rows]
        return np.stack([has[:, chosen].all(1) for chosen in columns])

    def batches(
        self, spec: ClipSpec, tokenizer: Tokenizer, first: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """What was seen of `crowd` pictures, tokens for the first `batch` of them, and which text
        fits which picture."""
        spread = self.seen.std(0) * spec.noise
        step = first
        while True:
            source = np.random.RandomState((spec.seed * 7919 + step) % 2**32)
            rows = source.choice(len(self.seen), min(spec.crowd, len(self.seen)), replace=False)
            own = rows[: spec.batch]
            whole = bool(source.rand() < spec.whole)
            said = [say(self.table[i], int(source.randint(2**31)), whole) for i in own]
            texts = tokenizer.tokens([one.text for one in said], spec.context)
            ids = torch.from_numpy(shortest(texts.ids, tokenizer.end))
            seen = self.seen[rows]
            noise = torch.from_numpy(source.randn(*seen.shape).astype(np.float32))
            yield seen + spread * noise, ids, torch.from_numpy(self.fits(said, rows))
            step += 1


def shortest(ids: Int64[np.ndarray, "n context"], end: int) -> Int64[np.ndarray, "n longest"]:
    """The tokens up to the first end of the longest text: what follows is never looked at."""
    return ids[:, : int((ids == end).argmax(1).max()) + 1]


def info_nce(
    images: Float[Tensor, "crowd dim"],
    texts: Float[Tensor, "n dim"],
    scale: Float[Tensor, ""],
    fits: Bool[Tensor, "n crowd"],
) -> Float[Tensor, ""]:
    """The loss of unit vectors, from texts to pictures and back. Picture i is that of text i;
    those beyond the texts are there to be told apart from.

    fits: which text is true of which picture. Where it is not the text's own, it does not count.
    """
    own = torch.zeros_like(fits).fill_diagonal_(True)
    logits = (scale * texts @ images.T).masked_fill(fits & ~own, -math.inf)
    target = torch.arange(len(texts), device=texts.device)
    back = logits[:, : len(texts)].T
    return (cross_entropy(logits, target) + cross_entropy(back, target)) / 2


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
    steps = _fit(spec, network, tokenizer, Pairs(seen, table), progress, cancel)
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
    if path.is_file():
        return torch.from_numpy(np.load(path, allow_pickle=False))
    parts = []
    for start in range(0, len(pictures), 200):
        cancel.check()
        images = to_input(torch.from_numpy(np.array(pictures[start : start + 200])))
        with torch.no_grad():
            parts.append(tower.seen(images))
        progress(Progress("Looking at the portraits", start / len(pictures)))
    found = torch.cat(parts)
    with replacing(path) as file:
        np.save(file, found.numpy())
    return found


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
