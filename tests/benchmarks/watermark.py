"""The mark's attack table, beside other libraries, in one run: same pictures, same PSNR."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from engine.cancel import CancelToken
from engine.image.pixels import resize
from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.embed import LEAST_PSNR, embed
from engine.services.evaluate_watermark import measure_watermark, pictures
from engine.services.many_trials import on_every_core
from engine.services.watermark_attacks import ATTACKS
from tests.benchmarks.figures import Figure
from tests.benchmarks.rivals import at_psnr, rivals

UNMARKED = 500
SHARED = (4, 3, 3)  # faces, drawn portraits, held-out photographs that all libraries are tried on
BARS_MS = {"encode": 300.0, "decode": 150.0, "decode with search, nothing there": 1000.0}


def measure() -> Iterator[Figure]:
    """Our own figures with their bars, then everybody's on the same pictures."""
    card = measure_watermark(False, lambda _: None, CancelToken(), UNMARKED, out=None)
    scores = card["scores"]
    for size in ("512 px", "256 px"):
        table = scores[size]
        yield Figure(f"mark {size}: least PSNR", table["psnr_db"]["least"], "dB", at_least=40)
        yield Figure(f"mark {size}: median PSNR", table["psnr_db"]["median"], "dB")
        yield Figure(f"mark {size}: median SSIM", table["ssim"]["median"], "")
        for name, told in table["whole id read"].items():
            yield Figure(f"mark {size}: {name}", told["share"], "of ids", at_least=told["bar"])
    none = scores["unmarked"]
    yield Figure(f"false ids in {none['pictures']} unmarked", none["false ids"], "ids", at_most=0)
    rate = none["predicted rate a search"] * 1e6
    yield Figure("false ids predicted", rate, "in a million searches")
    for name, taken in scores["ms at 1024 px"].items():
        yield Figure(f"mark 1024 px: {name}", taken, "ms", at_most=BARS_MS[name])
    yield from compared()


def compared() -> Iterator[Figure]:
    """Shares of whole ids and mean bit accuracy, attack by attack, library by library."""
    shared = [pixels for _, pixels in pictures(SHARED, 512)]
    ours = _ours(shared)
    for name, share in ours.items():
        yield Figure(f"side by side: ours, {name}", share, "of ids")
    jobs = [
        (rival.name, number, shared[number]) for rival in rivals() for number in range(len(shared))
    ]
    trials = list(on_every_core(_their_trial, jobs))
    for rival in rivals():
        own = [trial for trial in trials if trial[0] == rival.name]
        for attack in ATTACKS:
            label = f"side by side: {rival.name}, {attack.name}"
            whole = float(np.mean([found[attack.name] == 1.0 for _, found, _ in own]))
            right = float(np.mean([found[attack.name] for _, found, _ in own]))
            yield Figure(label, whole, "of ids", at_most=ours[attack.name])
            yield Figure(f"{label}, bits right", right, "of bits")
        yield Figure(f"side by side: {rival.name}, pictures", len(own), "")
        taken = float(np.median([seconds for _, _, seconds in own]))
        yield Figure(f"side by side: {rival.name}, time a picture", taken, "s")


def _ours(shared: list[Pixels]) -> dict[str, float]:
    read: dict[str, list[bool]] = {attack.name: [] for attack in ATTACKS}
    for number, pixels in enumerate(shared):
        source = np.random.RandomState(number)
        id = int(source.randint(1 << 30))
        marked = embed(pixels, id).pixels
        for attack in ATTACKS:
            read[attack.name].append(detect(attack.damage(marked, source)).id == id)
    return {name: float(np.mean(found)) for name, found in read.items()}


def _their_trial(job: tuple[str, int, Pixels]) -> tuple[str, dict[str, float], float]:
    """Shares of right bits, attack by attack; what was cut or scaled is brought back to size."""
    name, number, pixels = job
    rival = next(one for one in rivals() if one.name == name)
    began = time.perf_counter()
    source = np.random.RandomState(number)
    bits = source.randint(0, 2, rival.bits).tolist()
    marked, strength = at_psnr(rival, pixels, bits, LEAST_PSNR)
    height, width = pixels.shape[:2]
    right = {}
    for attack in ATTACKS:
        back = resize(attack.damage(marked, source), width, height)
        found = rival.read(back, rival.bits, strength)
        right[attack.name] = 0.5 if found is None else float(np.mean(np.equal(found, bits)))
    return name, right, time.perf_counter() - began
