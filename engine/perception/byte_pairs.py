"""GPT-2's byte-pair tokenizer (Radford et al., 2019), which GLIDE reads texts with.

A text is split into words with the blank before them, numbers, signs and white space; the UTF-8
bytes of each become printable characters, which the merges join, the earliest learnt first.
"""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.errors import CheckpointError
from engine.perception.clip.tokenizer import (
    ENDINGS,
    MAX_BYTES,
    MAX_TEXT,
    Pair,
    Tokens,
    byte_letters,
    join,
)

VOCABS, MERGES = ("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")


class BytePairs:
    """Text to token numbers; the last one of the vocabulary fills up. merges: in order."""

    def __init__(self, vocab: Mapping[str, int], merges: Sequence[Pair], where: str = "") -> None:
        """where: for messages. Raises CheckpointError where a byte or a joined pair is no token."""
        self.vocab, self.merges = dict(vocab), tuple(merges)
        needed = (*byte_letters(), *(a + b for a, b in self.merges))
        absent = next((token for token in needed if token not in self.vocab), None)
        if absent is not None or sorted(self.vocab.values()) != list(range(len(self.vocab))):
            raise _refusal(where, f"has a vocabulary without {str(absent)[:40]!r}, or with holes")
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.end = len(self.vocab) - 1

    def encode(self, text: str) -> list[int]:
        """Token numbers."""
        letters = byte_letters()
        found = []
        for piece in pieces(text[:MAX_TEXT]):
            parts = tuple(letters[value] for value in piece.encode())
            found += [self.vocab[token] for token in self._joined(parts)]
        return found

    def _joined(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        last = len(self.merges)
        while len(parts) > 1:
            best = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, last))
            if best not in self._ranks:
                break
            parts = join(parts, best)
        return parts

    def tokens(self, texts: Sequence[str], context: int) -> Tokens:
        """Each text, filled up; one that is too long loses its end. The filling is the same number
        as the end, and `kept` tells how much of a text is its own."""
        ids = np.full((len(texts), context), self.end, np.int64)
        cut = []
        for row, text in enumerate(texts):
            told = self.encode(text)
            cut.append(len(told) > context)
            ids[row, : min(len(told), context)] = told[:context]
        return Tokens(ids, tuple(texts), tuple(cut))

    def write(self, folder: Path) -> tuple[str, str]:
        """Write the two published files; returns their names."""
        text = json.dumps(self.vocab, ensure_ascii=False)
        (folder / VOCABS[0]).write_text(text, encoding="utf-8")
        lines = ["#version: 0.2", *(f"{a} {b}" for a, b in self.merges)]
        (folder / MERGES[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return VOCABS[0], MERGES[0]


def read_byte_pairs(folder: Path) -> BytePairs:
    """From the two published files, packed by gzip or not. Raises CheckpointError."""
    where = folder.name
    try:
        vocab = json.loads(_text(folder, VOCABS))
        lines = _text(folder, MERGES).splitlines()
    except (ValueError, RecursionError, EOFError) as error:
        raise _refusal(where, "has a damaged tokenizer") from error
    if not isinstance(vocab, dict) or not all(type(v) is int for v in vocab.values()):
        raise _refusal(where, "has a vocabulary that is no list of tokens with their numbers")
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#version")]
    if any(len(row) != 2 for row in rows):
        raise _refusal(where, "has a merge that is no pair")
    return BytePairs(vocab, [(a, b) for a, b in rows], where)


def _text(folder: Path, names: Sequence[str]) -> str:
    for name in names:
        try:
            if (folder / name).is_file():
                with (folder / name).open("rb") as file:
                    data = file.read(MAX_BYTES + 1)
            elif (folder / f"{name}.gz").is_file():
                with gzip.open(folder / f"{name}.gz") as packed:
                    data = packed.read(MAX_BYTES + 1)
            else:
                continue
        except OSError as error:
            raise _refusal(folder.name, f"has a {name} that cannot be read") from error
        if len(data) > MAX_BYTES:
            raise _refusal(folder.name, f"has a {name} of more than {MAX_BYTES} bytes")
        return data.decode()
    raise _refusal(folder.name, f"has no {' or '.join(names)}")


def pieces(text: str) -> Iterator[str]:
    """Words, numbers and runs of signs, each with the one blank before it, and what is left of
    white space."""
    at, size = 0, len(text)
    while at < size:
        ending = next((e for e in ENDINGS if text.startswith(e, at)), "")
        first = at + (text[at] == " " and at + 1 < size)
        end = at + len(ending)
        if not ending and not text[first].isspace():
            kind, end = _kind(text[first]), first
            while end < size and _kind(text[end]) == kind:
                end += 1
        elif not ending:
            end = at
            while end < size and text[end].isspace():
                end += 1
            if end < size and end - at > 1:
                end -= 1  # the last one goes with what follows
        yield text[at:end]
        at = end


def _kind(letter: str) -> str:
    if letter.isspace():
        return "blank"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(letter)[0], "sign")


def _refusal(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where or 'The tokenizer'} {words}.",
        "Put GLIDE's encoder.json and vocab.bpe beside the file.",
    )
