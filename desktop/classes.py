"""Blending classes: shares that add up to one, and their one form in a Recipe."""

from __future__ import annotations

from collections.abc import Sequence

from engine.recipe import ClassWeight

Classes = tuple[ClassWeight, ...]
MOST = 16  # that a Recipe holds
DIGITS = 4
LIMITS = (-2.0, 3.0)


def canonical(classes: Sequence[ClassWeight]) -> Classes:
    """By number, each once, without those that have no share."""
    shares: dict[int, float] = {}
    for item in classes:
        shares[item.index] = shares.get(item.index, 0.0) + item.weight
    return tuple(ClassWeight(n, shares[n]) for n in sorted(shares) if shares[n] != 0)


def with_another(classes: Classes, index: int) -> Classes:
    """One more class, with as large a share as the others have on the average."""
    if any(item.index == index for item in classes) or len(classes) >= MOST:
        return classes
    share = 1.0 / (len(classes) + 1)
    return _summing_to_one((*_scaled(classes, 1 - share), ClassWeight(index, share)), len(classes))


def without(classes: Classes, place: int) -> Classes:
    """One class less; the others share what it had. The last one stays."""
    kept = classes[:place] + classes[place + 1 :]
    return _summing_to_one(_scaled(kept, 1.0), 0) if kept else classes


def with_class(classes: Classes, place: int, index: int) -> Classes:
    """Another class at a place, with the same share; one that is there already changes nothing."""
    if any(item.index == index for item in classes):
        return classes
    return (
        *classes[:place],
        ClassWeight(index, classes[place].weight),
        *classes[place + 1 :],
    )


def with_share(classes: Classes, place: int, share: float) -> Classes:
    """A new share for one class; the others keep their proportions. All add up to one.

    A share may pass the ends 0 and 1 as far as the others can give way.
    """
    share = round(min(max(share, LIMITS[0]), LIMITS[1]), DIGITS)
    others = _scaled(classes[:place] + classes[place + 1 :], 1 - share)
    return (*others[:place], ClassWeight(classes[place].index, share), *others[place:])


def _scaled(classes: Classes, total: float) -> Classes:
    """The same proportions with another sum; alike where there are no proportions to keep."""
    if not classes:
        return ()
    old = sum(item.weight for item in classes)
    shares = (
        [item.weight * total / old for item in classes]
        if abs(old) > 10**-DIGITS
        else [total / len(classes)] * len(classes)
    )
    return tuple(
        ClassWeight(item.index, round(min(max(share, LIMITS[0]), LIMITS[1]), DIGITS))
        for item, share in zip(classes, shares, strict=True)
    )


def _summing_to_one(classes: Classes, place: int) -> Classes:
    """What rounding left over goes to one of them."""
    rest = 1.0 - sum(item.weight for i, item in enumerate(classes) if i != place)
    mended = ClassWeight(classes[place].index, round(rest, DIGITS))
    return (*classes[:place], mended, *classes[place + 1 :])
