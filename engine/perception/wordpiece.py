"""WordPiece, the tokenizer of BERT (Devlin et al., 2018), from its published list of words.

A text is put into lower case without accents and split at blanks and signs; from every word the
longest known beginning is taken, again and again, where what goes on is marked `##`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.errors import CheckpointError
from engine.perception.clip.tokenizer import MAX_BYTES, MAX_TEXT, Tokens

WORDS = "vocab.txt"
PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
GOES_ON = "##"
LONGEST = 100  # letters of a word that is looked at
# What stands alone like a word: ideographs.
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF),
              (0x2F800, 0x2FA1F))  # fmt: skip


class WordPiece:
    """Text to token numbers. vocab: number of each word."""

    def __init__(self, vocab: Mapping[str, int], where: str = "") -> None:
        """where: for messages. Raises CheckpointError where a word is missing."""
        self.vocab = dict(vocab)
        for needed in (PAD, UNKNOWN, START, END):
            if needed not in self.vocab:
                raise _refusal(where, f"lacks the word {needed}")
        self.end = self.vocab[END]

    def encode(self, text: str) -> list[int]:
        """Token numbers without start and end."""
        return [number for word in _words(text[:MAX_TEXT]) for number in self._numbers(word)]

    def tokens(self, texts: Sequence[str], context: int) -> Tokens:
        """Each text between start and end, filled up; one that is too long loses its end."""
        ids = np.full((len(texts), context), self.vocab[PAD], np.int64)
        cut = []
        for row, text in enumerate(texts):
            told = self.encode(text)
            cut.append(len(told) > context - 2)
            whole = [self.vocab[START], *told[: context - 2], self.end]
            ids[row, : len(whole)] = whole
        return Tokens(ids, tuple(texts), tuple(cut))

    def _numbers(self, word: str) -> list[int]:
        unknown, found, at = self.vocab[UNKNOWN], [], 0
        if len(word) > LONGEST:
            return [unknown]
        while at < len(word):
            mark = GOES_ON if at else ""
            ends = range(len(word), at, -1)
            end = next((end for end in ends if mark + word[at:end] in self.vocab), None)
            if end is None:
                return [unknown]
            found.append(self.vocab[mark + word[at:end]])
            at = end
        return found

    def write(self, folder: Path) -> tuple[str]:
        """Write the published file; returns its name."""
        words = sorted(self.vocab, key=self.vocab.__getitem__)
        (folder / WORDS).write_text("\n".join(words) + "\n", encoding="utf-8")
        return (WORDS,)


def read_wordpiece(folder: Path) -> WordPiece:
    """From vocab.txt, a word a line. Raises CheckpointError."""
    try:
        data = (folder / WORDS).read_bytes()
        words = data.decode().split("\n") if len(data) <= MAX_BYTES else []
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(folder.name, f"has no {WORDS} that can be read") from error
    words = [word.removesuffix("\r") for word in words]
    if words and not words[-1]:
        words.pop()
    if len(set(words)) != len(words):
        raise _refusal(folder.name, f"has a {WORDS} with a word twice")
    return WordPiece({word: number for number, word in enumerate(words)}, folder.name)


def _words(text: str) -> Iterator[str]:
    """The words and signs of a text, in lower case and without accents."""
    word = ""
    plain = "".join(_kept(letter) for letter in text)
    for letter in unicodedata.normalize("NFD", plain).lower():
        if unicodedata.category(letter) == "Mn":
            continue
        if letter == " " or _is_sign(letter) or _is_ideograph(letter):
            yield from (one for one in (word, letter.strip()) if one)
            word = ""
        else:
            word += letter
    if word:
        yield word


def _kept(letter: str) -> str:
    if letter.isspace():
        return " "
    unseen = unicodedata.category(letter)[0] == "C" or letter == "�"
    return "" if unseen else letter


def _is_sign(letter: str) -> bool:
    ascii_sign = letter.isascii() and letter.isprintable() and not letter.isalnum()
    return ascii_sign or unicodedata.category(letter)[0] == "P"


def _is_ideograph(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in IDEOGRAPHS)


def _refusal(where: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{where or 'The tokenizer'} {words}.", "Fetch the folder again, with all its files."
    )
