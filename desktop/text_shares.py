"""Blends of texts: adding, removing and weighing them, so that the shares keep adding up to one."""

from __future__ import annotations

from engine.denoising import Texts, TextWeight

MOST = 8
LOW, HIGH = -2.0, 3.0  # what one share may be


def of(text: str) -> Texts:
    """What a line of text asks for; nothing when it is empty."""
    return Texts((TextWeight(text),) if text else ())


def written(texts: Texts, index: int, text: str) -> Texts:
    """One text is another; the only one, when empty, is no text at all."""
    if len(texts.weights) < 2:
        return of(text)
    weights = list(texts.weights)
    weights[index] = TextWeight(text, weights[index].weight)
    return Texts(tuple(weights))


def added(texts: Texts, text: str = "") -> Texts:
    """One text more, with as much as each of the others has on average."""
    weights = texts.weights or (TextWeight(""),)
    if len(weights) >= MOST:
        return texts
    share = 1 / (len(weights) + 1)
    kept = _scaled(weights, 1 - share)
    return _whole((*kept, TextWeight(text, share)), len(weights))


def removed(texts: Texts, index: int) -> Texts:
    """Without one text; the others take over its share."""
    left = texts.weights[:index] + texts.weights[index + 1 :]
    if len(left) == 1:
        return of(left[0].text)
    return _whole(_scaled(left, 1.0), 0) if left else Texts()


def weighed(texts: Texts, index: int, share: float) -> Texts:
    """One share is another; the others give or take as they have."""
    if len(texts.weights) < 2:
        return texts
    share = min(max(share, LOW), HIGH)
    others = texts.weights[:index] + texts.weights[index + 1 :]
    scaled = _scaled(others, 1 - share)
    weights = (*scaled[:index], TextWeight(texts.weights[index].text, share), *scaled[index:])
    return _whole(weights, 1 if index == 0 else 0)


def _scaled(weights: tuple[TextWeight, ...], total: float) -> tuple[TextWeight, ...]:
    """The shares in their proportions, or evenly where they have none, with another sum."""
    now = sum(item.weight for item in weights)
    if abs(now) < 1e-3:
        return tuple(TextWeight(item.text, total / len(weights)) for item in weights)
    return tuple(
        TextWeight(item.text, min(max(item.weight * total / now, LOW), HIGH)) for item in weights
    )


def _whole(weights: tuple[TextWeight, ...], rest: int) -> Texts:
    """Shares of three decimals; `rest` is the one that takes up what rounding leaves."""
    shares = [round(item.weight, 3) for item in weights]
    shares[rest] = min(max(round(shares[rest] + 1 - sum(shares), 3), LOW), HIGH)
    return Texts(
        tuple(TextWeight(item.text, share) for item, share in zip(weights, shares, strict=True))
    )
