"""How latent diffusion models read texts: a CLIP's text tower, or two. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from engine.models.diffusion.latent_config import LatentConfig
from engine.perception.bert import BertTower
from engine.perception.clip.text_tower import PooledTower, TextTower
from engine.perception.clip.tokenizer import Tokenizer
from engine.perception.wordpiece import WordPiece


class Encoder:
    """The text encoder of a model. context: tokens of a text. pad: see LatentConfig."""

    def __init__(
        self,
        tower: TextTower | BertTower,
        tokenizer: Tokenizer | WordPiece,
        context: int,
        pad: int | None,
    ) -> None:
        self.tower, self.tokenizer, self.context, self.pad = tower, tokenizer, context, pad

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n tokens width"]:
        """What it makes of every token."""
        return self.tower.states(self.ids(texts))

    def ids(self, texts: Sequence[str]) -> Int64[Tensor, "n tokens"]:
        """Tokens, filled up behind the end with what the model was trained on."""
        ids = torch.from_numpy(self.tokenizer.tokens(texts, self.context).ids)
        if self.pad is None:
            return ids
        ended = (ids == self.tokenizer.end).cumsum(1)
        return torch.where(ended > 1, self.pad, ids)

    def kept(self, texts: Sequence[str]) -> Bool[Tensor, "n tokens"]:
        """Which tokens are the text's own, its end among them, and no filling."""
        ids = torch.from_numpy(self.tokenizer.tokens(texts, self.context).ids)
        ends = (ids == self.tokenizer.end).int()
        return ends.cumsum(1) - ends == 0


class TwinEncoder:
    """Two encoders side by side (Podell et al., 2023): what every token is before their last
    layers, and what the second makes of the whole text. first: None for a refiner's one."""

    def __init__(self, first: Encoder | None, second: Encoder, config: LatentConfig) -> None:
        assert config.second is not None
        assert isinstance(second.tower, PooledTower)
        self.first, self.second, self.pooled = first, second, second.tower
        self._widths = config.text_width, config.second.projection

    def read(self, texts: Sequence[str]) -> Float[Tensor, "n numbers"]:
        """All of it in one row, so that texts are blended as rows; see `parts`."""
        inner, whole = self.pooled.both(self.second.ids(texts))
        if self.first is not None:
            assert isinstance(self.first.tower, TextTower)
            inner = torch.cat([self.first.tower.inner(self.first.ids(texts)), inner], dim=2)
        return torch.cat([inner.flatten(1), whole], dim=1)

    def parts(
        self, rows: Float[Tensor, "n numbers"]
    ) -> tuple[Float[Tensor, "n tokens width"], Float[Tensor, "n projection"]]:
        """What every token is, and the whole text."""
        width, projection = self._widths
        return rows[:, :-projection].reshape(len(rows), -1, width), rows[:, -projection:]
