"""The frozen state of the Attack page, and the two functions between it and a Recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.errors import RecipeError
from engine.perturbing import (
    Attack,
    FastGradient,
    Iterated,
    MarkReader,
    Perturb,
    Projected,
    TransformName,
    Universal,
    Victim,
    VictimInfo,
)
from engine.recipe import Generate, Image, Latent, Photo, Recipe, Resize, Seed, Truncate, walk

Method = Literal["fast_gradient", "iterated", "momentum", "linf", "l2", "universal"]
METHOD_TITLES: dict[Method, str] = {
    "fast_gradient": "Fast gradient sign",
    "iterated": "Iterated",
    "momentum": "Iterated with momentum",
    "linf": "Projected, L-inf",
    "l2": "Projected, L2",
    "universal": "Universal pattern",
}
FORGED_ID = 0x0BADC0FFEE


@dataclass(frozen=True)
class AttackState:
    """Everything that the Attack page shows of the picture.

    image: what is attacked. target: the wanted answer by its number; None is any other one.
    pattern: of the universal attack, "" while there is none. momentum and steps are kept while a
    method that has none is chosen.
    """

    image: Image
    victim: Victim
    question: str
    target: int | None = None
    method: Method = "fast_gradient"
    epsilon: float = 8.0
    steps: int = 10
    momentum: float = 1.0
    transforms: tuple[TransformName, ...] = ()
    draws: int = 5
    seed: int = 0
    pattern: str = ""

    @property
    def base(self) -> Latent:
        """The latent of a generated picture, below its truncation; seed 0 of anything else."""
        if not isinstance(self.image, Generate):
            return Seed(0)
        latent = self.image.latent
        return latent.base if isinstance(latent, Truncate) else latent

    @property
    def is_photo(self) -> bool:
        """Whether a picture from outside is attacked."""
        return any(isinstance(node, Photo) for node in walk(self.image))


def recipe_of(state: AttackState) -> Recipe:
    """The one Recipe of a state. A universal attack without a pattern is the bare picture."""
    attack = _attack(state)
    if attack is None:
        return Recipe(state.image)
    plain = isinstance(attack, Universal)
    return Recipe(
        Perturb(
            state.image,
            state.victim,
            attack,
            state.epsilon,
            state.question,
            None if plain else state.target,
            () if plain else state.transforms,
            state.draws,
            state.seed,
        )
    )


def state_of(recipe: Recipe) -> AttackState:
    """The state that shows a Recipe. Raises RecipeError for what attacks nothing."""
    image: Image = recipe.image
    while isinstance(image, Resize):  # what an export adds
        image = image.image
    if not isinstance(image, Perturb):
        raise RecipeError(
            f"Attack shows pictures that were attacked, got {image.op!r}.",
            "Open the Recipe of such a picture.",
        )
    state = AttackState(
        image.image,
        image.victim,
        image.question,
        image.target,
        epsilon=image.epsilon,
        transforms=image.transforms,
        draws=image.draws,
        seed=image.seed,
    )
    match image.attack:
        case FastGradient():
            return state
        case Iterated(steps, momentum):
            if momentum:
                return replace(state, method="momentum", steps=steps, momentum=momentum)
            return replace(state, method="iterated", steps=steps)
        case Projected(norm, steps):
            return replace(state, method=norm, steps=steps)
        case Universal(pattern):
            return replace(state, method="universal", pattern=pattern)
    raise RecipeError(f"The attack {image.attack.op!r} has no controls here.")


def is_attack(recipe: Recipe) -> bool:
    """Whether the Attack page is the one for this picture."""
    image = recipe.image
    while isinstance(image, Resize):
        image = image.image
    return isinstance(image, Perturb)


def first_state(image: Image, infos: tuple[VictimInfo, ...]) -> AttackState:
    """An attack to begin with, on a network that reads such pictures."""
    photo = any(isinstance(node, Photo) for node in walk(image))
    info = fitting(infos, "photographs" if photo else "portraits")
    question = next((q for q in info.questions if q.name == "smile"), info.questions[0])
    return AttackState(image, info.victim, question.name)


def with_image(state: AttackState, image: Image, infos: tuple[VictimInfo, ...]) -> AttackState:
    """The state with another picture; another network where this one reads no such pictures."""
    changed = replace(state, image=image)
    known = next((info for info in infos if info.victim == state.victim), None)
    wanted = "photographs" if changed.is_photo else "portraits"
    if known is not None and known.reads in (wanted, "marks"):
        return changed
    info = fitting(infos, wanted)
    return with_victim(changed, info)


def with_victim(state: AttackState, info: VictimInfo) -> AttackState:
    """The state with another network: its question of the same name, or its first."""
    question = info.question(state.question) or next(
        (one for one in info.questions if one.name == "smile"), info.questions[0]
    )
    same = question.name == state.question
    count = len(question.values)
    keeps = same and state.target is not None and state.target < count
    method: Method = "iterated" if state.method == "universal" else state.method
    if isinstance(info.victim, MarkReader) or info.reads != "portraits":
        return replace(
            state, victim=info.victim, question=question.name, target=None, method=method
        )
    return replace(
        state,
        victim=info.victim,
        question=question.name,
        target=state.target if keeps else None,
        method=method,
    )


def fitting(infos: tuple[VictimInfo, ...], reads: str) -> VictimInfo:
    """A network that is here, may be attacked and reads such pictures; else the first that may."""
    able = [info for info in infos if info.finds and not info.missing]
    return next((info for info in able if info.reads == reads), able[0])


def _attack(state: AttackState) -> Attack | None:
    match state.method:
        case "fast_gradient":
            return FastGradient()
        case "iterated":
            return Iterated(state.steps)
        case "momentum":
            return Iterated(state.steps, state.momentum)
        case "universal":
            return Universal(state.pattern) if state.pattern else None
        case _:
            return Projected(state.method, state.steps)
