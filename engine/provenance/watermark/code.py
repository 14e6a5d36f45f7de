"""An id as signs that bear errors: 40 bits, a keyed check of 24, a convolutional code of rate 1/4.

The code has constraint length 7 and the generators 135, 135, 147, 163 (octal), the best known of
their kind (Larsen, 1973); it is decoded from soft values (Viterbi, 1967).
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
from jaxtyping import Float, Int8

ID_BITS = 40
CHECK_BITS = 24
MEMORY = 6
GENERATORS = (0o135, 0o135, 0o147, 0o163)
STEPS = ID_BITS + CHECK_BITS + MEMORY
SIGNS = STEPS * len(GENERATORS)
# Ships with the program: it keeps chance hits away, and forgers not at all.
KEY = b"Latent Atelier watermark check, first version"


def encode(id: int) -> Int8[np.ndarray, " 280"]:
    """The signs (+1 for 0, -1 for 1) that carry an id of 40 bits."""
    state, signs = 0, []
    for bit in [*_bits(id, ID_BITS), *_bits(check(id), CHECK_BITS), *[0] * MEMORY]:
        signs += list(_OUT[state, bit])
        state = _NEXT[state, bit]
    return np.array(signs, np.int8)


def decode(soft: Float[np.ndarray, " 280"]) -> tuple[int | None, float]:
    """The id that soft signs carry, or None where its check fails; and how well the signs fit.

    The fit is the correlation of the soft signs with those of the most likely word, 0 to 1.
    """
    values = soft.astype(np.float64).reshape(STEPS, len(GENERATORS))
    score = np.full(1 << MEMORY, -np.inf)
    score[0] = 0.0
    choice = np.empty((STEPS, 1 << MEMORY), np.int8)
    for step in range(STEPS):
        reach = score[_FROM] + (_FROM_OUT @ values[step])  # [state, which of two]
        choice[step] = reach.argmax(1)
        score = reach.max(1)
    bits, state = [], 0
    for step in range(STEPS - 1, -1, -1):
        bits.append(state >> (MEMORY - 1))
        state = _FROM[state, choice[step, state]]
    word = 0
    for bit in bits[::-1][: ID_BITS + CHECK_BITS]:
        word = word << 1 | int(bit)
    id, found = word >> CHECK_BITS, word & ((1 << CHECK_BITS) - 1)
    fit = float(score[0] / (np.linalg.norm(soft) * np.sqrt(SIGNS) + 1e-12))
    return (id if found == check(id) else None), fit


def check(id: int) -> int:
    """24 bits of a keyed hash of the id."""
    digest = hmac.new(KEY, id.to_bytes(5, "big"), hashlib.sha256).digest()
    return int.from_bytes(digest[:3], "big")


def _bits(value: int, count: int) -> list[int]:
    return [value >> place & 1 for place in range(count - 1, -1, -1)]


def _trellis() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    states = 1 << MEMORY
    following = np.empty((states, 2), np.int64)
    out = np.empty((states, 2, len(GENERATORS)), np.int8)
    back: list[list[tuple[int, int]]] = [[] for _ in range(states)]
    for state in range(states):
        for bit in (0, 1):
            register = bit << MEMORY | state  # the newest bit stands highest
            following[state, bit] = register >> 1
            out[state, bit] = [1 - 2 * ((register & g).bit_count() & 1) for g in GENERATORS]
            back[register >> 1].append((state, bit))
    source = np.array([[state for state, _ in pairs] for pairs in back])
    signs = np.array([[out[state, bit] for state, bit in pairs] for pairs in back], np.float64)
    return following, out, source, signs


_NEXT, _OUT, _FROM, _FROM_OUT = _trellis()
