"""Editing by text on the bundled generator: does the attribute that a text names follow?

Ten texts name one attribute each. Faces are random ones in which the judge sees room for the
change: half of the range for a continuous attribute, the opposite for glasses. A face counts when
the judge, which nothing here was found or trained with, sees the attribute move by 40 % of its
range the way that the text says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from engine.cancel import CancelToken
from engine.directions.measure import draw_faces, styled
from engine.directions.sampling import pictures, read_traits, sample_w
from engine.editing.generator import differentiable
from engine.editing.invert import spread
from engine.editing.text_mapper import MapperSettings, train_mapper
from engine.editing.text_optimise import OptimiseSettings, optimise
from engine.frame import Progress
from engine.models.opened import Model
from engine.perception.reader import Reader
from engine.portraits.attributes import NAMED
from engine.recipe import Noise
from engine.services.text_ground import TextSearch, text_search
from engine.services.workroom import Workroom
from engine.wishes import TextPair, TextWish
from tests.benchmarks.figures import Figure

TEXTS = (
    ("a smiling face", "a frowning face", "smile", 1),
    ("a frowning face", "a smiling face", "smile", -1),
    ("an old person", "a person", "age", 1),
    ("a young person", "a person", "age", -1),
    ("a woman", "a man", "gender", 1),
    ("a man", "a woman", "gender", -1),
    ("a face with glasses", "a face", "eyeglasses", 1),
    ("a face without glasses", "a face with glasses", "eyeglasses", -1),
    ("a face turned to the right", "a face", "yaw", 1),
    ("a face turned to the left", "a face", "yaw", -1),
)
MOVED = 0.4
# Where the sliders of style channels stand, (strength, threshold), as one would drag them: a head
# turns with many channels, and breaks before it turns further.
SLIDERS = {"yaw": (3.0, 0.1)}
POOL = 400
Edit = Callable[[np.ndarray], np.ndarray]  # ws to pictures


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def texts(room: Workroom, model: Model, judge: Reader, faces: int, mapped: int) -> Iterator[Figure]:
    """Each way over all texts, mappers over the first `mapped`; faces: looked at for each."""
    pool = draw_faces(model, POOL, 91).ws
    before = read_traits(judge, pictures(model, pool))
    for way, edits, count in (
        ("search", _searched, len(TEXTS)),
        ("styles", _styled, len(TEXTS)),
        ("mapper", _mapped, mapped),
    ):
        shares, others = [], []
        for text, neutral, name, sign in TEXTS[:count]:
            search = text_search(room, model.info, TextPair(text, neutral), quiet, CancelToken())
            at = lacking(before.values[:, before.names.index(name)], name, sign)[:faces]
            edited = edits(search, model, name)(pool[at])
            change = read_traits(judge, edited).values - before.values[at]
            own = sign * change[:, before.names.index(name)]
            shares.append(float((own >= MOVED).mean()))
            rest = [before.names.index(other) for other in NAMED if other != name]
            others.append(float(np.abs(change[:, rest]).mean()))
            yield Figure(f"text, {way}: {text}", 100 * shares[-1], "of 100", at_least=90)
        yield Figure(
            f"text, {way}: texts that hold", sum(s >= 0.9 for s in shares), f"of {len(shares)}"
        )
        yield Figure(f"text, {way}: change of the others", float(np.mean(others)), "of range")


def lacking(values: np.ndarray, name: str, sign: int) -> np.ndarray:
    """Which faces have room: a half of the range, or clearly the opposite of a yes or no."""
    signed = sign * (values - 0.5) if name == "eyeglasses" else sign * values
    return np.flatnonzero(signed < (-0.3 if name == "eyeglasses" else 0.0))


def _searched(search: TextSearch, model: Model, _: str) -> Edit:
    net, around = differentiable(model, Noise()), spread(sample_w(model, 2000, 3))

    def edit(ws: np.ndarray) -> np.ndarray:
        parts = [
            optimise(
                net, search.clip, around, torch.from_numpy(ws[i : i + 10].copy()), search.aim,
                TextWish.strength, OptimiseSettings(), CancelToken(), lambda *_: None,
            ).numpy()
            for i in range(0, len(ws), 10)
        ]  # fmt: skip
        return pictures(model, np.concatenate(parts))

    return edit


def _styled(search: TextSearch, model: Model, name: str) -> Edit:
    strength, threshold = SLIDERS.get(name, (TextWish.strength, TextPair.threshold))
    vector = search.styles(quiet, CancelToken()).vector(threshold)
    return lambda ws: styled(model, ws, np.float32(strength) * vector)


def _mapped(search: TextSearch, model: Model, _: str) -> Edit:
    w = sample_w(model, 2000, 3)
    around = spread(w)
    mapper = train_mapper(
        differentiable(model, Noise()), search.clip, around, w, search.aim, TextWish.strength,
        MapperSettings(), CancelToken(), lambda *_: None,
    )  # fmt: skip
    return lambda ws: pictures(model, mapper.applied(torch.from_numpy(ws.copy()), around).numpy())
