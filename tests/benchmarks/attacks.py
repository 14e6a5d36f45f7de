"""The adversarial lab: how often attacks succeed, what transfers, what outlives damage.

Photographs are those that packages ship (foolbox: 20 of ImageNet with their labels; scikit-image:
three whose class is plain to see), those alone that the network reads right. They are attacked at
224 px a side, so that a step costs a tenth of a second. Portraits are drawn anew.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.editing import adversarial
from engine.editing.adversarial import Objective
from engine.editing.mark_victim import NO_MARK, MarkVictim
from engine.editing.transformations import BY_NAME
from engine.editing.victims import (
    Classifier,
    ImageNetVictim,
    NoisyVictim,
    ReaderVictim,
    Victim,
    levels_of,
    pixels_of,
)
from engine.errors import ModelError
from engine.models.bundled import bundled_folder
from engine.models.diffusion.open_denoiser import open_classifier
from engine.models.library import ModelLibrary
from engine.perception import imagenet
from engine.perception.reader import open_reader
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.embed import embed
from engine.services.photographs import tuned_on
from engine.services.victims import class_names
from engine.services.watermark_attacks import drawn_portraits, saved, scaled
from tests.benchmarks.figures import Figure

Pixels = np.ndarray
EPSILON, STEPS, SIDE = 8.0, 10, 224
PORTRAITS, MARKED = 24, 8
QUESTIONS = ("smile", "eyeglasses", "gender")
# The classes that scikit-image's photographs plainly show.
PLAIN = {
    "chelsea.png": range(281, 286),  # a cat
    "coffee.png": (504, 967, 968),  # mug, espresso, cup
    "motorcycle_left.png": (665, 670),  # moped, motor scooter
}


@dataclass(frozen=True, eq=False)
class Labelled:
    """A photograph, and the classes that are right."""

    pixels: Pixels
    right: tuple[int, ...]


def measure_attacks() -> Iterator[Figure]:
    """Every figure of the lab. Raises ModelError where photographs or weights are missing."""
    torch.set_num_threads(1)
    yield from on_photographs()
    yield from on_portraits()
    yield from on_the_mark()


def on_photographs() -> Iterator[Figure]:
    """EfficientNet-Lite0, attacked; Lite1 sees what transfers."""
    names = class_names()
    lite0 = ImageNetVictim(imagenet.load(imagenet.LITE0), names)
    lite1 = ImageNetVictim(imagenet.load(imagenet.LITE1), names)
    right = [one for one in labelled() if _says(lite0, one.pixels, "class") in one.right]
    yield Figure("photographs read right by Lite0", len(right), "of 23")
    single, often, wanted = [], [], []
    for index, one in enumerate(right):
        single.append(_fast(lite0, one.pixels, "class"))
        often.append(_iterated(lite0, one.pixels, "class", None))
        target = _target(one, index)
        wanted.append((target, _iterated(lite0, one.pixels, "class", target)))
    pairs = list(zip(right, single, strict=True))
    fooled = [_says(lite0, moved, "class") not in one.right for one, moved in pairs]
    yield Figure("single step, eps 8/255: success", _share(fooled), "share", at_least=0.7)
    hits = [_says(lite0, moved, "class") == target for target, moved in wanted]
    yield Figure("iterated targeted, eps 8/255: success", _share(hits), "share", at_least=0.9)
    seen = [one for one in right if _says(lite1, one.pixels, "class") in one.right]
    yield Figure("of these read right by Lite1", len(seen), f"of {len(right)}")
    for words, moved in (("single step", single), ("iterated", often)):
        kept = [
            _says(lite1, result, "class") not in one.right
            for one, result in zip(right, moved, strict=True)
            if one in seen
        ]
        yield Figure(f"{words}: transfers Lite0 to Lite1", _share(kept), "share")
    yield from _survival(
        "targeted", lite0, "class", [moved for _, moved in wanted], [t for t, _ in wanted]
    )
    yield from _survival_untargeted("single step", lite0, right, single)
    hard = [
        (target, _iterated(lite0, one.pixels, "class", target, ("resize", "jpeg")))
        for one, (target, _) in list(zip(right, wanted, strict=True))[:6]
    ]
    yield from _survival(
        "expectation", lite0, "class", [moved for _, moved in hard], [t for t, _ in hard]
    )


def on_portraits() -> Iterator[Figure]:
    """The attribute network, attacked; the judge and the noise-aware classifier look on."""
    library = ModelLibrary(Path("/nowhere"))
    network = ReaderVictim(open_reader(bundled_folder() / "portraits-attributes"))
    judge = ReaderVictim(open_reader(bundled_folder() / "portraits-judge"))
    info = library.classifiers()[0]
    noisy = NoisyVictim(open_classifier(info), info.resolution, info.classes)
    portraits = list(drawn_portraits(PORTRAITS, 64))
    for question in QUESTIONS:
        own, theirs = [], []
        for pixels in portraits:
            moved = _iterated(network, pixels, question, None, epsilon=4.0)
            own.append(_says(network, moved, question) != _says(network, pixels, question))
            theirs.append(_says(judge, moved, question) != _says(judge, pixels, question))
        yield Figure(f"{question}, iterated, eps 4/255: success", _share(own), "share")
        yield Figure(f"{question}: transfers to the judge", _share(theirs), "share")
    flips, across = [], []
    for pixels in portraits:
        moved = _iterated(noisy, pixels, "class", None, epsilon=4.0)
        flips.append(_says(noisy, moved, "class") != _says(noisy, pixels, "class"))
        across.append(any(_says(network, moved, q) != _says(network, pixels, q) for q in QUESTIONS))
    yield Figure("noise-aware classifier, eps 4/255: success", _share(flips), "share")
    yield Figure("from it to the attribute network", _share(across), "share")


def on_the_mark() -> Iterator[Figure]:
    """How little removes this program's mark, or writes another one."""
    victim = MarkVictim()
    pictures = [next(drawn_portraits(1, 512))]
    pictures += [pixels for pixels, _ in zip(tuned_on(512), range(MARKED - 1), strict=False)]
    marked = [embed(pixels, 1000 + index).pixels for index, pixels in enumerate(pictures)]
    for epsilon in (1.0, 2.0, 3.0):
        moved = [_iterated(victim, pixels, "mark", None, (), epsilon) for pixels in marked]
        gone = [detect(pixels, search=False).id is None for pixels in moved]
        yield Figure(f"mark removed, eps {epsilon:g}/255", _share(gone), "share")
        gone = [_mark(victim, pixels) == NO_MARK for pixels in moved]
        yield Figure(f"... from every cut, too, eps {epsilon:g}/255", _share(gone), "share")
    written = [_iterated(victim, pixels, "mark", 0xF0, (), 2.0) for pixels in pictures]
    forged = [_mark(victim, pixels) == "id 00000000f0" for pixels in written]
    yield Figure("mark forged, eps 2/255", _share(forged), "share")


def labelled() -> list[Labelled]:
    """The photographs. Raises ModelError without the packages that ship them."""
    found = []
    folder = _data_of("foolbox")
    for path in sorted(folder.glob("imagenet_*_*.jpg")):
        label = re.search(r"_(\d+)\.jpg$", path.name)
        assert label is not None
        found.append(Labelled(_square(path), (int(label[1]),)))
    for name, right in PLAIN.items():
        found.append(Labelled(_square(_data_of("skimage") / name), tuple(right)))
    return found


def _data_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"The photographs that {package} ships are not here.",
            "Install the development extra: pip install -e '.[dev]'",
        )
    return Path(spec.origin).parent / "data"


def _square(path: Path) -> Pixels:
    with Image.open(path) as image:
        picture = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _says(victim: Classifier, pixels: Pixels, question: str) -> int:
    with torch.no_grad():
        return int(victim.logits(levels_of(pixels), question).argmax())


def _fast(victim: Victim, pixels: Pixels, question: str) -> Pixels:
    slope = adversarial.slope_of(victim.objective(pixels, question, None))
    moved = adversarial.fast_gradient(levels_of(pixels), slope, EPSILON)
    return pixels_of(adversarial.whole_levels(levels_of(pixels), moved, EPSILON, "linf"))


def _iterated(
    victim: Victim,
    pixels: Pixels,
    question: str,
    target: int | None,
    outlive: tuple[str, ...] = (),
    epsilon: float = EPSILON,
) -> Pixels:
    objective: Objective = victim.objective(pixels, question, target)
    slope = adversarial.slope_of(objective)
    if outlive:
        kinds = [BY_NAME[name] for name in outlive]
        slope = adversarial.expected(objective, kinds, len(kinds) + 1, 0)
    x = levels_of(pixels)
    moved = adversarial.iterated(x, slope, epsilon, STEPS)
    return pixels_of(adversarial.whole_levels(x, moved, epsilon, "linf"))


def _mark(victim: MarkVictim, pixels: Pixels) -> str:
    return victim.answers(pixels, "mark")[0].value


def _target(one: Labelled, index: int) -> int:
    """Any other class, the same in every run."""
    target = (one.right[0] + 137 + 61 * index) % 1000
    return target if target not in one.right else (target + 500) % 1000


def _survival(
    words: str, victim: Classifier, question: str, moved: list[Pixels], targets: list[int]
) -> Iterator[Figure]:
    for damage, results in _damaged(moved):
        kept = [
            _says(victim, pixels, question) == target
            for pixels, target in zip(results, targets, strict=True)
        ]
        yield Figure(f"{words} outlives {damage}", _share(kept), "share")


def _survival_untargeted(
    words: str, victim: Classifier, right: list[Labelled], moved: list[Pixels]
) -> Iterator[Figure]:
    for damage, results in _damaged(moved):
        kept = [
            _says(victim, pixels, "class") not in one.right
            for pixels, one in zip(results, right, strict=True)
        ]
        yield Figure(f"{words} outlives {damage}", _share(kept), "share")


def _damaged(moved: list[Pixels]) -> Iterator[tuple[str, list[Pixels]]]:
    yield "JPEG 75", [saved(pixels, "JPEG", 75) for pixels in moved]
    yield "resize 0.5x", [scaled(pixels, 0.5) for pixels in moved]


def _share(hits: list[bool]) -> float:
    return float(np.mean(hits)) if hits else 0.0
