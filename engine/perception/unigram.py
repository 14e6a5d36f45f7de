"""SentencePiece's unigram tokenizer (Kudo, 2018), as T5 has it, from its published files.

A text is split into the known pieces whose scores add up to the most. Blanks are letters of their
own, written `▁`, and one stands before the text.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import CheckpointError
from engine.perception.clip.tokenizer import MAX_BYTES, MAX_TEXT, Tokens

BLANK = "▁"
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
WHOLE, PROTOBUF = "tokenizer.json", "spiece.model"
PENALTY = 10.0  # of a letter that is in no piece, below the lowest score
NORMAL = 1  # the kind of a piece that texts are made of


class Unigram:
    """Text to token numbers. pieces: each with its score, in the order of their numbers. special:
    numbers of those that no text is made of."""

    def __init__(
        self, pieces: Sequence[tuple[str, float]], special: Sequence[int], where: str = ""
    ) -> None:
        """where: for messages. Raises CheckpointError where a needed piece is missing."""
        self.pieces, self.special = tuple(pieces), tuple(sorted(set(special)))
        self.vocab = {piece: number for number, (piece, _) in enumerate(self.pieces)}
        for needed in (PAD, END, UNKNOWN):
            if needed not in self.vocab:
                raise _refusal(where, f"lacks the piece {needed}")
        self.end, self.pad, self._unknown = (self.vocab[w] for w in (END, PAD, UNKNOWN))
        hidden = {*self.special, self.end, self.pad, self._unknown}
        self._known = {
            piece: (number, score)
            for number, (piece, score) in enumerate(self.pieces)
            if number not in hidden and piece
        }
        self._longest = max(map(len, self._known), default=1)
        self._lost = min((score for _, score in self._known.values()), default=0.0) - PENALTY

    def encode(self, text: str) -> list[int]:
        """Token numbers without the end; letters that are in no piece are one unknown together."""
        plain = " ".join(unicodedata.normalize("NFKC", text[:MAX_TEXT]).split())
        letters = BLANK + plain.replace(" ", BLANK) if plain else ""
        found: list[int] = []
        for number in self._best(letters):
            if number != self._unknown or found[-1:] != [self._unknown]:
                found.append(number)
        return found

    def _best(self, letters: str) -> list[int]:
        """The pieces whose scores add up to the most (Viterbi)."""
        size = len(letters)
        best = [0.0] + [-np.inf] * size
        came: list[tuple[int, int]] = [(0, 0)] * (size + 1)
        for at in range(size):
            for end in range(at + 1, min(size, at + self._longest) + 1):
                known = self._known.get(letters[at:end])
                if known is not None and best[at] + known[1] > best[end]:
                    best[end], came[end] = best[at] + known[1], (at, known[0])
            if letters[at] not in self._known and best[at] + self._lost > best[at + 1]:
                best[at + 1], came[at + 1] = best[at] + self._lost, (at, self._unknown)
        found = []
        while size:
            size, number = came[size]
            found.append(number)
        return found[::-1]

    def tokens(self, texts: Sequence[str], context: int) -> Tokens:
        """Each text and its end, filled up; one that is too long loses what does not fit."""
        ids = np.full((len(texts), context), self.pad, np.int64)
        cut = []
        for row, text in enumerate(texts):
            told = self.encode(text)
            cut.append(len(told) > context - 1)
            whole = [*told[: context - 1], self.end]
            ids[row, : len(whole)] = whole
        return Tokens(ids, tuple(texts), tuple(cut))

    def write(self, folder: Path) -> tuple[str]:
        """Write a file that `read_unigram` reads; returns its name."""
        special = [{"id": number} for number in self.special]
        model = {"type": "Unigram", "vocab": [list(one) for one in self.pieces]}
        text = json.dumps({"added_tokens": special, "model": model}, ensure_ascii=False)
        (folder / WHOLE).write_text(text, encoding="utf-8")
        return (WHOLE,)


def read_unigram(folder: Path) -> Unigram:
    """From tokenizer.json, or from SentencePiece's own file. Raises CheckpointError."""
    where = folder.name
    file = next((folder / n for n in (WHOLE, PROTOBUF) if (folder / n).is_file()), None)
    if file is None:
        raise _refusal(where, f"has no tokenizer: neither {WHOLE} nor {PROTOBUF}")
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise _refusal(where, f"has a {file.name} of {len(data)} bytes")
        pieces, special = _of_json(data) if file.name == WHOLE else _of_protobuf(data)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, struct.error) as error:
        raise _refusal(where, f"has a damaged {file.name}") from error
    return Unigram(pieces, special, where)


Pieces = list[tuple[str, float]]


def _of_json(data: bytes) -> tuple[Pieces, list[int]]:
    plain: Any = json.loads(data)
    if plain["model"]["type"] != "Unigram":
        raise ValueError("another kind")
    pieces = [(str(piece), float(score)) for piece, score in plain["model"]["vocab"]]
    return pieces, [int(one["id"]) for one in plain.get("added_tokens", ())]


def _of_protobuf(data: bytes) -> tuple[Pieces, list[int]]:
    """The pieces of a ModelProto: its field 1, each with text, score and kind in 1, 2 and 3."""
    pieces: Pieces = []
    special = []
    for field, value in _fields(data):
        if field != 1 or not isinstance(value, bytes):
            continue
        told = dict(_fields(value))
        score = struct.unpack("<f", told.get(2, b"\0\0\0\0"))[0]
        if told.get(3, NORMAL) != NORMAL:
            special.append(len(pieces))
        pieces.append((told[1].decode(), score))
    return pieces, special


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a protobuf message: whole numbers, or bytes."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, at = _number(data, at)
        elif not size:
            raise ValueError("an unknown kind of field")
        if at + size > len(data):
            raise ValueError("a field that is cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    found = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        found |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return found, at
    raise ValueError("a number without an end")


def _refusal(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where or 'The tokenizer'} {words}.", "Fetch the folder again, with all its files."
    )
