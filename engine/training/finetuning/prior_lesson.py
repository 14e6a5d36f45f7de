"""Teaches a prior: from a caption to what a CLIP would say of its picture (Ramesh et al., 2022,
section 2.2). Vectors instead of pictures, so that it takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers.models.transformers.prior_transformer import PriorTransformer
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from engine.cancel import CancelToken
from engine.diffusion.schedule import Schedule
from engine.models.diffusion.eyes import Eyes
from engine.models.diffusion.prior_config import PriorConfig
from engine.models.diffusion.text_encoders import Encoder
from engine.models.diffusion.unclip_stages import Prior
from engine.perception.clip.config import ClipConfig
from engine.perception.clip.model import Clip
from engine.perception.clip.text_tower import PooledTower
from engine.training.noised_run import OnProgress
from engine.training.short_lesson import short_lesson

THINKING = Schedule("cosine")
STEPS, BATCH, RATE = 6_000, 64, 1e-3
HEADS, LAYERS = 3, 4
UNTOLD = 0.1  # share of captions that are withheld


def prior_config(clip: ClipConfig) -> PriorConfig:
    """Of a prior that reads and sees through this CLIP. Its tokens are taken as they are."""
    sizes = clip.text
    settings = {
        "num_attention_heads": HEADS,
        "attention_head_dim": sizes.hidden_size // HEADS,
        "num_layers": LAYERS,
        "embedding_dim": clip.projection_dim,
        "num_embeddings": sizes.max_position_embeddings,
        "encoder_hid_proj_type": None,
    }
    return PriorConfig(text=sizes, prior=settings, thinking=THINKING)


def reader_of(clip: Clip) -> Encoder:
    """The text tower of a CLIP with its way into the common space, as a prior is told of texts."""
    network = clip.network
    tower = PooledTower(network.config.text, clip.dim)
    tower.load_state_dict({
        **network.text_model.state_dict(),
        "text_projection.weight": network.text_projection.weight,
    })  # fmt: skip
    return Encoder(tower.eval().requires_grad_(False), clip.tokenizer, clip.context, None)


def teach_prior(
    clip: Clip,
    eyes: Eyes,
    said: Float[Tensor, "n width"],
    captions: Callable[[Tensor], Sequence[str]],
    seed: int,
    progress: OnProgress,
    cancel: CancelToken,
    steps: int = STEPS,
) -> PriorTransformer:
    """A prior for what the eyes said of pictures.

    captions: one of each of the pictures of these numbers, another one every time. Raises
    Cancelled.
    """
    config, reader = prior_config(clip.network.config), reader_of(clip)
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        net: Any = PriorTransformer(**config.prior)
    Prior(net, config)  # it gives the network its mask
    net.clip_mean.data, net.clip_std.data = eyes.mean.data.clone(), eyes.std.data.clone()
    wanted = (said - eyes.mean) / eyes.std
    alphas, sigmas = (
        torch.tensor(values, dtype=torch.float32) for values in (THINKING.alphas, THINKING.sigmas)
    )
    optimiser = torch.optim.AdamW(net.parameters(), RATE, (0.9, 0.99), weight_decay=1e-3)
    tower = reader.tower
    assert isinstance(tower, PooledTower)
    for _ in short_lesson("the prior", steps, optimiser, RATE, progress, cancel):
        index = torch.randint(0, len(said), (BATCH,), generator=rng)
        untold = (torch.rand(BATCH, generator=rng) < UNTOLD).tolist()
        texts = ["" if no else text for no, text in zip(untold, captions(index), strict=True)]
        with torch.no_grad():
            tokens, whole = tower.read(reader.ids(texts))
        t = torch.randint(0, len(alphas), (BATCH,), generator=rng)
        x0 = wanted[index]
        x = alphas[t, None] * x0 + sigmas[t, None] * torch.randn(x0.shape, generator=rng)
        found = net(x, t, whole, tokens, reader.kept(texts), return_dict=False)[0]
        loss = F.mse_loss(found, x0)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    made: PriorTransformer = net.eval().requires_grad_(False)
    return made
