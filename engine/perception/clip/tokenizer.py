"""CLIP's byte-level byte-pair tokenizer (Radford et al., 2021), from the published files.

A text is put into lower case, its white space into single blanks, and split into words, numbers
and signs. A piece's UTF-8 bytes become printable characters, its last one marked `</w>`; the
merges then join neighbours, the earliest learnt first (Sennrich et al., 2016).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from engine.errors import CheckpointError

START, END = "<|startoftext|>", "<|endoftext|>"
CLOSE = "</w>"
ENDINGS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
VOCAB, MERGES, WHOLE = "vocab.json", "merges.txt", "tokenizer.json"
MAX_BYTES = 32_000_000
MAX_TEXT = 2000

Pair = tuple[str, str]


@dataclass(frozen=True)
class Tokens:
    """Token numbers of some texts, padded with the end's. kept: each text as far as it fitted."""

    ids: Int64[np.ndarray, "n context"]
    kept: tuple[str, ...]
    cut: tuple[bool, ...]


@lru_cache(maxsize=1)
def byte_letters() -> tuple[str, ...]:
    """A printable character for each byte: its own where Latin-1 has one, else one above 255."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (value for value in range(256) if value not in own)
    table = {value: chr(value) for value in own}
    table |= {value: chr(256 + i) for i, value in enumerate(others)}
    return tuple(table[value] for value in range(256))


def cleaned(text: str) -> str:
    """Composed characters, single blanks, lower case."""
    return " ".join(unicodedata.normalize("NFC", text[:MAX_TEXT]).split()).lower()


def pieces(text: str) -> list[str]:
    """The words, numbers (a digit each) and runs of signs of a cleaned text."""
    found: list[str] = []
    at = 0
    while at < len(text):
        ending = next((e for e in ENDINGS if text.startswith(e, at)), "")
        kind = _kind(text[at])
        end = at + (len(ending) or 1)
        if not ending and kind in ("letter", "sign"):
            while end < len(text) and _kind(text[end]) == kind:
                end += 1
        if kind != "blank":
            found.append(text[at:end])
        at = end
    return found


def _kind(letter: str) -> str:
    first = unicodedata.category(letter)[0]
    if letter.isspace():
        return "blank"
    return {"L": "letter", "N": "number"}.get(first, "sign")


def symbols(piece: str) -> tuple[str, ...]:
    """The characters of a piece's bytes, the last one marked."""
    letters = byte_letters()
    found = [letters[value] for value in piece.encode()]
    return (*found[:-1], found[-1] + CLOSE)


class Tokenizer:
    """Text to token numbers. vocab: number of each token. merges: pairs, the first learnt first."""

    def __init__(self, vocab: Mapping[str, int], merges: Sequence[Pair], where: str = "") -> None:
        """where: for messages. Raises CheckpointError where they do not fit together."""
        self.vocab, self.merges = dict(vocab), tuple(merges)
        for needed in (START, END):
            if needed not in self.vocab:
                raise _refusal(where, f"lacks the token {needed}")
        absent = next((a + b for a, b in self.merges if a + b not in self.vocab), None)
        if absent is not None:
            raise _refusal(where, f"joins {absent[:40]!r}, which is no token")
        self.start, self.end = self.vocab[START], self.vocab[END]
        self._known: dict[str, tuple[int, ...]] = {}

    @cached_property
    def _ranks(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def encode(self, text: str) -> list[int]:
        """Token numbers without start and end."""
        return [number for piece in pieces(cleaned(text)) for number in self._numbers(piece)]

    def tokens(self, texts: Sequence[str], context: int) -> Tokens:
        """Each text between start and end; one that is too long loses whole pieces at its end."""
        ids = np.full((len(texts), context), self.end, np.int64)
        kept, cut = [], []
        for row, text in enumerate(texts):
            whole = cleaned(text)
            told: list[int] = []
            words: list[str] = []
            for piece in pieces(whole):
                more = self._numbers(piece)
                if len(told) + len(more) > context - 2:
                    break
                told += more
                words.append(piece)
            ids[row, 0] = self.start
            ids[row, 1 : 1 + len(told)] = told
            cut.append(len(words) < len(pieces(whole)))
            kept.append(_prefix(whole, words) if cut[-1] else whole)
        return Tokens(ids, tuple(kept), tuple(cut))

    def _numbers(self, piece: str) -> tuple[int, ...]:
        if piece not in self._known:
            unknown = self.end  # as published: what the vocabulary lacks
            joined = self._joined(symbols(piece))
            self._known[piece] = tuple(self.vocab.get(token, unknown) for token in joined)
        return self._known[piece]

    def _joined(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        last = len(self.merges)
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, last))
            if best not in self._ranks:
                break
            parts = join(parts, best)
        return parts

    def write(self, folder: Path) -> tuple[str, str]:
        """Write the two published files; returns their names."""
        (folder / VOCAB).write_text(json.dumps(self.vocab, ensure_ascii=False), encoding="utf-8")
        lines = ["#version: 0.2", *(f"{a} {b}" for a, b in self.merges)]
        (folder / MERGES).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return VOCAB, MERGES


def join(parts: tuple[str, ...], pair: Pair) -> tuple[str, ...]:
    """The parts with every such pair of neighbours as one, from the left."""
    found: list[str] = []
    at = 0
    while at < len(parts):
        if parts[at : at + 2] == pair:
            found.append(parts[at] + parts[at + 1])
            at += 2
        else:
            found.append(parts[at])
            at += 1
    return tuple(found)


def read_tokenizer(folder: Path) -> Tokenizer:
    """From vocab.json and merges.txt, or from tokenizer.json. Raises CheckpointError."""
    where = folder.name
    if (folder / VOCAB).is_file() and (folder / MERGES).is_file():
        vocab = _json(folder / VOCAB)
        lines = _text(folder / MERGES).splitlines()
        rows = [line for line in lines if line.strip() and not line.startswith("#version")]
        return Tokenizer(_vocab(vocab, where), _pairs(rows, where), where)
    if (folder / WHOLE).is_file():
        plain = _json(folder / WHOLE)
        model = plain.get("model") if isinstance(plain, dict) else None
        if not isinstance(model, dict) or model.get("end_of_word_suffix") != CLOSE:
            raise _refusal(where, f"has a {WHOLE} that is not CLIP's byte-pair tokenizer")
        merges = model.get("merges")
        if not isinstance(merges, list):
            raise _refusal(where, f"has a {WHOLE} without merges")
        return Tokenizer(_vocab(model.get("vocab"), where), _pairs(merges, where), where)
    raise _refusal(where, f"has no tokenizer: neither {VOCAB} with {MERGES} nor {WHOLE}")


def _vocab(plain: Any, where: str) -> dict[str, int]:
    if not isinstance(plain, dict) or not all(type(v) is int and v >= 0 for v in plain.values()):
        raise _refusal(where, "has a vocabulary that is no list of tokens with their numbers")
    return plain


def _pairs(rows: Sequence[Any], where: str) -> list[Pair]:
    found = []
    for row in rows:
        parts = row.split() if isinstance(row, str) else row
        if not isinstance(parts, list) or len(parts) != 2 or not all(map(_is_text, parts)):
            raise _refusal(where, f"has the merge {str(row)[:40]!r}, which is no pair")
        found.append((parts[0], parts[1]))
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _prefix(text: str, words: Sequence[str]) -> str:
    """The text up to the end of its last kept piece."""
    at = 0
    for piece in words:
        at = text.index(piece, at) + len(piece)
    return text[:at]


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _refusal(path.parent.name, f"has a damaged {path.name}") from error


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise _refusal(path.parent.name, f"has a {path.name} of {len(data)} bytes")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(path.parent.name, f"has a {path.name} that cannot be read") from error


def _refusal(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where or 'The tokenizer'} {words}.", "Fetch the folder again, with all its files."
    )
