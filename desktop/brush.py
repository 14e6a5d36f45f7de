"""What a round brush does to a mask of discs."""

from __future__ import annotations

Spot = tuple[float, float]
Disc = tuple[float, float, float]  # middle and radius in shares of the picture
MOST_DABS = 600


def dabbed(
    mask: tuple[Disc, ...], spot: Spot, brush: float, wipe: bool, most: int = MOST_DABS
) -> tuple[Disc, ...]:
    """The mask with a dab of a brush of that radius; wipe takes those away that it reaches.

    The same mask where the dab would add nothing: it lies on the last one, or there are too many.
    """
    if wipe:
        return tuple(disc for disc in mask if _apart(disc, spot) > brush**2)
    last = mask[-1] if mask else None
    near = last is not None and last[2] == brush and _apart(last, spot) < (brush / 3) ** 2
    return mask if near or len(mask) >= most else (*mask, (*spot, brush))


def _apart(disc: Disc, spot: Spot) -> float:
    return (disc[0] - spot[0]) ** 2 + (disc[1] - spot[1]) ** 2
