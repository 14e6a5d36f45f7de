"""Learns a byte-pair vocabulary from texts (Sennrich et al., 2016), laid out as CLIP's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from engine.perception.clip.tokenizer import (
    CLOSE,
    END,
    START,
    Pair,
    Tokenizer,
    byte_letters,
    cleaned,
    join,
    pieces,
    symbols,
)


def learn(texts: Iterable[str], merges: int) -> Tokenizer:
    """The tokenizer whose merges join the pairs that stand together most often.

    merges: at most; none are made of pairs that stand together once. Ties go by the alphabet, so
    that the same texts give the same vocabulary.
    """
    counts = Counter(piece for text in texts for piece in pieces(cleaned(text)))
    words = {symbols(piece): count for piece, count in counts.items()}
    learnt: list[Pair] = []
    for _ in range(merges):
        pairs = Counter[Pair]()
        for parts, count in words.items():
            for pair in pairwise(parts):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        learnt.append(best)
        words = {join(parts, best): count for parts, count in words.items()}
    letters = byte_letters()
    tokens = [*letters, *(letter + CLOSE for letter in letters)]
    tokens += dict.fromkeys(a + b for a, b in learnt)
    return Tokenizer({t: i for i, t in enumerate([*tokens, START, END])}, learnt)
