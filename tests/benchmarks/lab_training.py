"""The training lab: do its experiments show what they say, and how quick is it?

Few seeds here; `python main.py evaluate labs --full` takes ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch

from engine.cancel import CancelToken
from engine.course import Course, LabWish, Sampling
from engine.services.evaluate_labs import COLLAPSED, Outcome, run
from engine.training.lane import Lane
from engine.training.live import CYCLE_S, Lab
from engine.training.presets import PRESETS, preset
from tests.benchmarks.figures import Figure

SEEDS = 2
VIEWS_PER_S = 20
STEPS = 200


def measure_lessons() -> Iterator[Figure]:
    """Every figure of the suite."""
    torch.set_num_threads(1)
    yield from speed()
    yield from collapse()
    yield from other_failures()


def speed() -> Iterator[Figure]:
    """Of one step and one view, in this thread's own time; two lanes as on the page."""
    lane = Lane(Course(preset("collapse").spec))
    lane.go(20)
    yield Figure("a step of a GAN in the plane", _own_ms(lane.advance, STEPS), "ms")
    lane = Lane(Course(preset("collapse-wgan-gp").spec))
    lane.go(20)
    yield Figure("a step of WGAN-GP, two of its critic", _own_ms(lane.advance, STEPS), "ms")
    courses = (Course(preset("collapse").spec), Course(preset("collapse-wgan-gp").spec))
    lab = Lab(LabWish(courses))
    yield Figure("a view of two lanes", _own_ms(lambda: lab.view(), 20), "ms")
    rounds = 20
    lab.obey(LabWish(courses, running=True, pace=5))

    def cycle() -> None:
        lab.work(time.monotonic() + CYCLE_S)
        lab.view()

    per_s = 1000 / _own_ms(cycle, rounds)
    yield Figure("views a second, two lanes, 5 steps each", per_s, "views/s", at_least=VIEWS_PER_S)
    denoiser = Lane(Course(preset("ddpm-ring").spec))
    denoiser.go(20)
    yield Figure("a step of diffusion in the plane", _own_ms(denoiser.advance, STEPS), "ms")

    def look() -> None:
        denoiser.advance()
        denoiser.view(Sampling())

    yield Figure("a step and a view of diffusion, 20 DDIM steps", _own_ms(look, 10), "ms")


def collapse() -> Iterator[Figure]:
    """The collapse, and everything that mends it."""
    found = [_outcome("collapse", seed) for seed in range(SEEDS)]
    yield Figure(
        "modes of 8, mode collapse, most", max(o.covered for o in found), "modes", COLLAPSED
    )
    for one in PRESETS:
        if one.mends == "collapse":
            found = [_outcome(one.key, seed) for seed in range(SEEDS)]
            least = min(o.covered for o in found)
            yield Figure(f"modes of 8, {one.title}, least", least, "modes", at_least=8)


def other_failures() -> Iterator[Figure]:
    """Oscillation by the swing of the generator's loss, vanishing by the generator's gradient."""
    for key in ("oscillation", "oscillation-r1"):
        swing = _outcome(key, 0).swing
        yield Figure(f"swing of the generator's loss, {preset(key).title}", swing, "")
    for key in ("vanishing", "vanishing-nonsaturating", "vanishing-wgan-gp"):
        slope = _outcome(key, 0).slope
        yield Figure(f"gradient of the generator, {preset(key).title}", slope, "")
    yield Figure("modes of 25, Twenty-five modes", _outcome("grid", 0).covered, "modes")
    yield Figure("good samples, diffusion on the ring", _outcome("ddpm-ring", 0).good, "share")


def _outcome(key: str, seed: int) -> Outcome:
    return run(preset(key), seed, CancelToken())


def _own_ms(work: Callable[[], object], times: int) -> float:
    """Milliseconds of this thread's own processor time a call, the best of five parts."""
    work()
    best = float("inf")
    part = max(1, times // 5)
    for _ in range(5):
        began = time.thread_time()
        for _ in range(part):
            work()
        best = min(best, (time.thread_time() - began) / part)
    return best * 1000
