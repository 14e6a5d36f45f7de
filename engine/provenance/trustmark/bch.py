"""Binary BCH codes of length 127 (Bose, Ray-Chaudhuri and Hocquenghem), shortened as needed.

Polynomials over GF(2) are whole numbers, bit i the coefficient of x^i. The field GF(2^7) is built
on x^7 + x^3 + 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

PRIMITIVE = 0b10001001
DEGREE = 7
LENGTH = 2**DEGREE - 1


@dataclass(frozen=True)
class Bch:
    """A code that corrects `errors` wrong bits. checks: how many bits it adds."""

    errors: int
    generator: int

    @property
    def checks(self) -> int:
        """How many check bits a word has."""
        return self.generator.bit_length() - 1

    def encode(self, data: int) -> int:
        """The check bits of a word: the remainder of data * x^checks."""
        return _remainder(data << self.checks, self.generator)

    def correct(self, word: int, length: int) -> tuple[int, int] | None:
        """The nearest word of the code and how many bits were wrong; None where there is none.

        word: data and check bits, `length` of them; what would lie before them is 0. Syndromes,
        then the polynomial of the places by Berlekamp's iteration as Massey (1969) has it, then
        its roots by trying each place (Chien, 1964).
        """
        ones = [place for place in range(length) if word >> place & 1]
        syndromes = [_sum(_EXP[place * n % LENGTH] for place in ones) for n in self._powers]
        if not any(syndromes):
            return word, 0
        locator = _locator(syndromes)
        wrong = [place for place in range(length) if not _value(locator, -place % LENGTH)]
        if len(locator) - 1 > self.errors or len(wrong) != len(locator) - 1:
            return None
        for place in wrong:
            word ^= 1 << place
        return (word, len(wrong)) if not _remainder(word, self.generator) else None

    @property
    def _powers(self) -> range:
        return range(1, 2 * self.errors + 1)


@lru_cache
def bch(errors: int) -> Bch:
    """The code whose generator has alpha, alpha^2 ... alpha^(2 errors) among its roots."""
    generator, done = 1, set[int]()
    for power in range(1, 2 * errors + 1, 2):
        if power in done:
            continue
        conjugates = {power * 2**n % LENGTH for n in range(DEGREE)}
        done |= conjugates
        generator = _product(generator, _minimal(conjugates))
    return Bch(errors, generator)


def _minimal(powers: set[int]) -> int:
    """The polynomial over GF(2) whose roots are these powers of alpha."""
    found = [1]  # coefficients in the field, from x^0 up
    for power in powers:
        raised = [0, *found]
        for i, value in enumerate(found):
            raised[i] ^= _times(value, _EXP[power])
        found = raised
    return sum(value << i for i, value in enumerate(found))


def _locator(syndromes: list[int]) -> list[int]:
    """The shortest register that gives the syndromes, from x^0 up; its degree counts the errors."""
    now, before = [1], [1]
    length, gap, last = 0, 1, 1
    for n, syndrome in enumerate(syndromes):
        taps = list(enumerate(now))[1 : min(n, length) + 1]
        wrong = syndrome ^ _sum(_times(value, syndromes[n - i]) for i, value in taps)
        if wrong == 0:
            gap += 1
            continue
        scale = _times(wrong, _EXP[-_LOG[last] % LENGTH])
        mended = now + [0] * max(0, len(before) + gap - len(now))
        for i, value in enumerate(before):
            mended[i + gap] ^= _times(scale, value)
        if 2 * length <= n:
            before, last, length, gap = now, wrong, n + 1 - length, 0
        now, gap = mended, gap + 1
    while now[-1] == 0:
        now = now[:-1]
    return now


def _value(polynomial: list[int], power: int) -> int:
    """The polynomial at alpha^power."""
    return _sum(
        _EXP[(_LOG[value] + power * i) % LENGTH] for i, value in enumerate(polynomial) if value
    )


def _times(a: int, b: int) -> int:
    return _EXP[(_LOG[a] + _LOG[b]) % LENGTH] if a and b else 0


def _sum(values: Iterable[int]) -> int:
    total = 0
    for value in values:
        total ^= value
    return total


def _remainder(value: int, modulus: int) -> int:
    while value.bit_length() >= modulus.bit_length():
        value ^= modulus << (value.bit_length() - modulus.bit_length())
    return value


def _product(a: int, b: int) -> int:
    total = 0
    for place in range(b.bit_length()):
        if b >> place & 1:
            total ^= a << place
    return total


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [], [0] * (LENGTH + 1), 1
    for power in range(LENGTH):
        powers.append(value)
        logs[value] = power
        value <<= 1
        if value > LENGTH:
            value ^= PRIMITIVE
    return powers, logs


_EXP, _LOG = _tables()
