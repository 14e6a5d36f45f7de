"""Searches of the adversarial lab: called in the worker process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.editing import flip as latents
from engine.editing import universal
from engine.editing.generator import differentiable
from engine.editing.invert import spread
from engine.editing.victims import Classifier, ReaderVictim
from engine.errors import ModelError, RecipeError
from engine.frame import OnProgress, Progress
from engine.latent.evaluate import evaluate
from engine.perception.columns import Columns
from engine.perturbing import Flip, FlipWish, VictimInfo
from engine.recipe import Computed, Generate, Image, Recipe, Resize, Setting
from engine.services.attack_tables import node_of
from engine.services.diffusion import Place
from engine.services.perturb import Lab, lab
from engine.services.victims import JUDGE, info_of, victim_of
from engine.services.wanted import class_vector
from engine.services.workroom import READER, workroom

ROUNDS = 12
SPREAD = 2000
SEED = 900_000  # of the portraits that a universal pattern is found on; nothing else uses them
SHOW_S = 0.1


def find_universal(
    place: Place, recipe: bytes, pictures: int, progress: OnProgress, cancel: CancelToken
) -> str:
    """Search for a pattern with the victim, question, budget and seed of a Perturb; its SHA-256."""
    _, node = node_of(recipe)
    room = lab(place)
    info = info_of(room.library, node.victim)
    victim = room.victim(info)
    if info.reads != "portraits" or not info.finds or not isinstance(victim, Classifier):
        raise RecipeError(
            f"A universal pattern is looked for on portraits, which {info.title} does not read.",
            "Choose the attribute network or the noise-aware classifier.",
        )
    victim.question(node.question)
    if not 2 <= pictures <= 500:
        raise RecipeError(f"A pattern is found on 2 to 500 pictures, got {pictures}.")
    levels = _portraits(room, pictures, cancel)

    def seen(step: int, steps: int, fooled: float) -> None:
        words = f"Universal pattern: {fooled:.0%} of the batch fooled"
        progress(Progress(words, step / steps))

    pattern = universal.find(
        victim, levels, node.question, node.epsilon, ROUNDS, node.seed, cancel, seen
    )
    return room.store.put_array(pattern)


def _portraits(room: Lab, count: int, cancel: CancelToken) -> Float[Tensor, "n 3 r r"]:
    """Levels of portraits that the first bundled generator of portraits makes."""
    for info in room.library.models():
        data = info.card.get("data")
        if isinstance(data, dict) and data.get("set") == "portraits":
            model = room.renderer.opened(info)[0]
            z = np.random.RandomState(SEED).randn(count, info.z_dim).astype(np.float32)
            made = []
            for start in range(0, count, 8):
                cancel.check()
                made.append(model.synthesize(model.map(z[start : start + 8], psi=0.7)))
            images = torch.from_numpy(np.concatenate(made))
            return ((images + 1) * 127.5).round().clamp(0, 255)
    raise ModelError("There is no generator of portraits here.", "Install the program again.")


def flip(
    place: Place,
    wish: FlipWish,
    progress: OnProgress,
    cancel: CancelToken,
    frame: Callable[[Any], None],
) -> Flip:
    """The smallest move in w that changes an answer of the attribute network.

    Raises RecipeError for pictures of no generator of portraits, ModelError, Cancelled.
    """
    from engine.backends.torch_backend import to_bytes

    made = _generated(wish.recipe)
    room = workroom(place.home)
    info = room.library.resolve(made.model)
    if room.reader(info) is None:
        raise RecipeError(
            f"Only portraits have attributes to change, and {info.name} makes none.",
            "Choose a picture of the bundled generator.",
        )
    desk = lab(place)
    victim = _reader(desk, victim_of(desk.library, READER))
    judge = _reader(desk, victim_of(desk.library, JUDGE))
    values = victim.question(wish.question).values
    if not 0 <= wish.target < len(values):
        raise RecipeError(
            f"The answers to {wish.question!r} are numbered 0 to {len(values) - 1}, "
            f"got {wish.target}."
        )
    before = room.renderer.render(Recipe(made)).pixels
    if victim.answers(before, wish.question)[0].value == values[wish.target]:
        raise RecipeError(
            f"The network says “{values[wish.target]}” of this picture already.",
            "Choose another answer.",
        )
    model, memo = room.renderer.opened(info, "torch", "")
    ws = evaluate(made.latent, model, room.store.get_array, class_vector(made, info), memo)[0]
    net, around = differentiable(model, made.noise), spread(sample_w(model, SPREAD, 3))
    shown = [0.0]

    def seen(step: int, steps: int, lead: float, image: Tensor) -> None:
        words = f"“{values[wish.target]}” {'leads' if lead >= 0 else 'trails'} by {abs(lead):.1f}"
        progress(Progress(words, step / steps))
        if time.monotonic() - shown[0] >= SHOW_S:
            shown[0] = time.monotonic()
            frame(np.ascontiguousarray(to_bytes(image)[0].numpy()))

    found = latents.flip(net, victim, ws, around, wish.question, wish.target, cancel, seen)
    stored = room.store.put_array(found.ws[0] if info.num_ws == 1 else found.ws)
    told = (
        Setting("question", wish.question),
        Setting("target", values[wish.target]),
        Setting("victim", READER),
    )
    latent = Computed("flip", stored, "w", (), (made.latent,), told)
    recipe = Recipe(replace(made, latent=latent))
    after = room.renderer.render(recipe).pixels
    drift, drifted = _drift(victim, before, after, wish.question)
    return Flip(
        recipe,
        found.reached,
        found.far,
        before=victim.answers(before, wish.question)[0],
        after=victim.answers(after, wish.question)[0],
        judged_before=judge.answers(before, wish.question)[0],
        judged_after=judge.answers(after, wish.question)[0],
        drift=drift,
        drifted=drifted,
    )


def _drift(
    victim: ReaderVictim, before: np.ndarray, after: np.ndarray, question: str
) -> tuple[float, str]:
    """The largest change of another attribute, in shares of its range, and which it is."""
    columns: Columns = victim.reader.columns
    both = np.stack([before.transpose(2, 0, 1), after.transpose(2, 0, 1)])
    scores = victim.reader.scores(both).astype(np.float64)
    moves = {
        column.name: abs(scores[1, i] - scores[0, i]) / column.span
        for i, column in enumerate(columns.items)
        if column.kind != "categorical" and column.given is None and column.name != question
    }
    name = max(moves, key=lambda key: moves[key])
    return float(moves[name]), name.replace("_", " ")


def _generated(recipe: Recipe) -> Generate:
    image: Image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    if not isinstance(image, Generate) or image.latent.space == "s":
        raise RecipeError(
            "Moves in w are for a picture that a generator makes from z or w.",
            "Choose one on Explore, and take back the sliders of style channels.",
        )
    return image


def _reader(room: Lab, info: VictimInfo) -> ReaderVictim:
    found = room.victim(info)
    assert isinstance(found, ReaderVictim)
    return found
