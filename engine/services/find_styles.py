"""Finds style channels: those that move an attribute most, or a place of the picture alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from engine.directions import stylespace
from engine.directions.effects import Slider
from engine.directions.measure import draw_faces, scores, styled
from engine.directions.sampling import pictures, sample_w, to_ws
from engine.frame import Progress
from engine.models.opened import Model
from engine.services.find_search import SEED, Search, trait, traits_of

TRIED = 24  # channels that are tried on faces, of those that rank highest
STYLE_RANGE = 6.0


def find_channels(search: Search) -> list[Slider]:
    """Single style channels for an attribute, or for a place of the picture."""
    wish = search.wish
    model = search.room.model(search.info, "torch")
    if wish.region is not None:
        return _of_region(search, model)
    _, w, traits = traits_of(search, model, search.reader())
    values = trait(traits, wish.attribute)
    styles = _styles(model, w, search)
    order, theta = stylespace.ranked_channels(styles, values)
    return _tried(search, model, styles, order[:TRIED], np.sign(theta))


def _styles(model: Model, w: Float32[np.ndarray, "n w_dim"], search: Search) -> np.ndarray:
    parts = []
    for start in range(0, len(w), 32):
        search.cancel.check()
        parts.append(model.styles(to_ws(w[start : start + 32], search.info.num_ws)))
    return np.concatenate(parts)


def _tried(
    search: Search, model: Model, styles: np.ndarray, order: np.ndarray, signs: np.ndarray
) -> list[Slider]:
    """Those of the channels that move their attribute most, and others least."""
    from engine.portraits.attributes import NAMED

    wish, reader = search.wish, search.reader()
    names = tuple(dict.fromkeys((wish.attribute, *NAMED)))
    faces = draw_faces(model, 12, SEED + 2)
    rated = []
    for done, channel in enumerate(order, 1):
        sign = float(signs[channel]) or 1.0
        vector = stylespace.channel_vector(int(channel), styles, sign)
        name = f"style-{channel}-{wish.attribute}"
        note = f"style channel {channel}, for {wish.attribute}"
        slider = Slider(name, vector, -STYLE_RANGE, STYLE_RANGE, None, "s", note)
        row = scores(model, reader, faces, slider, names, search.cancel)
        own, rest = row[wish.attribute], sum(abs(v) for k, v in row.items() if k != wish.attribute)
        rated.append((own * abs(own) / (abs(own) + rest + 1e-3), slider))
        search.progress(Progress("trying style channels", done / len(order)))
    rated.sort(key=lambda item: -item[0])
    return [slider for _, slider in rated[: wish.count]]


def _of_region(search: Search, model: Model) -> list[Slider]:
    """The channels whose change lies most in a region, among those that change it visibly."""
    wish, info = search.wish, search.info
    assert wish.region is not None
    mask = stylespace.inside(wish.region, info.resolution, info.resolution)
    styles = _styles(model, sample_w(model, 400, SEED), search)
    faces = draw_faces(model, 4, SEED + 2)
    before = pictures(model, faces.ws)
    rated = []
    for channel in range(styles.shape[1]):
        vector = stylespace.channel_vector(channel, styles)
        if vector.any():
            after = styled(model, faces.ws, 5 * vector, search.cancel)
            share, size = stylespace.locality(before, after, mask)
            rated.append((share if size > 2.0 else 0.0, channel, vector))
        search.progress(Progress("trying style channels", (channel + 1) / styles.shape[1]))
    rated.sort(key=lambda item: -item[0])
    return [
        Slider(f"style-{c}-place", v, -STYLE_RANGE, STYLE_RANGE, None, "s",
               f"style channel {c}: {share:.0%} of its change lies in the region")
        for share, c, v in rated[: wish.count]
    ]  # fmt: skip
