"""Attacks: gradients against finite differences, budgets, transformations, and the mark."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.cancel import CancelToken
from engine.editing import adversarial, transformations, universal
from engine.editing.mark_victim import MarkVictim, reading
from engine.editing.victims import Classifier, ReaderVictim, levels_of, pixels_of
from engine.errors import Cancelled, RecipeError
from engine.models.bundled import bundled_folder
from engine.perception.reader import open_reader
from engine.perturbing import Question
from engine.portraits.attributes import sample
from engine.portraits.renderer import render
from engine.provenance.fingerprint import Pixels
from engine.provenance.watermark.detect import detect
from engine.provenance.watermark.embed import embed
from engine.provenance.watermark.frame import flattened, luminance, resized
from engine.provenance.watermark.lattice import folded, waves_of

torch.set_num_threads(1)


def portrait(row: int) -> np.ndarray:
    """A drawn portrait, uint8 [64, 64, 3]."""
    levels = render(sample(77, np.array([row])), 64).numpy()[0].transpose(1, 2, 0)
    return np.ascontiguousarray(np.clip(np.rint((levels + 1) * 127.5), 0, 255).astype(np.uint8))


class Linear(Classifier):
    """Two answers by the sign of a weighted sum: every best attack is known."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self.questions = (Question("class", ("no", "yes")),)

    def logits(self, levels: Tensor, question: str) -> Tensor:
        total = (levels / 255 * self.weights).sum((1, 2, 3)) / 100
        return torch.stack([-total, total], 1)


@pytest.fixture(scope="module")
def reader() -> ReaderVictim:
    return ReaderVictim(open_reader(bundled_folder() / "portraits-attributes"))


def _linear() -> tuple[Linear, np.ndarray]:
    rng = np.random.RandomState(0)
    weights = torch.from_numpy(rng.randn(1, 3, 32, 32).astype(np.float32))
    weights -= weights.mean()
    return Linear(weights), rng.randint(60, 190, (32, 32, 3)).astype(np.uint8)


def test_gradients_are_those_of_finite_differences(reader: ReaderVictim) -> None:
    picture = portrait(3)
    objective = reader.objective(picture, "smile", None)
    x = levels_of(picture)
    slope = adversarial.slope_of(objective)(x)
    source = torch.Generator().manual_seed(1)
    for mixed in (0.0, 0.5, 1.0):  # along the gradient, and along any direction beside it
        step = slope / adversarial.rms(slope) + mixed * torch.randn(x.shape, generator=source)
        h = 0.05
        with torch.no_grad():
            numeric = float((objective(x + h * step) - objective(x - h * step))[0]) / (2 * h)
        assert numeric == pytest.approx(float((slope * step).sum()), rel=0.02)


def test_the_marks_gradient_is_that_of_finite_differences() -> None:
    picture = np.kron(portrait(4), np.ones((4, 4, 1), np.uint8))
    objective = MarkVictim().objective(picture, "mark", 12345)
    x = levels_of(picture)
    slope = adversarial.slope_of(objective)(x)
    with torch.no_grad():
        step = slope / adversarial.rms(slope)
        rise = float((objective(x + 0.003 * step) - objective(x - 0.003 * step))[0]) / 0.006
    # Cut values let gradients through, so the slope points the way but is not exact.
    assert rise == pytest.approx(float((slope * step).sum()), rel=0.15)


def test_one_step_of_the_sign_is_the_best_that_a_linear_network_allows() -> None:
    victim, picture = _linear()
    x = levels_of(picture)
    objective = victim.objective(picture, "class", None)
    moved = adversarial.fast_gradient(x, adversarial.slope_of(objective), 4)
    best = float(objective(moved)[0])
    source = torch.Generator().manual_seed(0)
    for _ in range(20):
        other = x + 4 * torch.randn(x.shape, generator=source).sign()
        assert float(objective(other.clamp(0, 255))[0]) <= best + 1e-6


@pytest.mark.parametrize("epsilon", [0.0, 0.4, 1.0, 7.5])
@pytest.mark.parametrize("name", ["fast", "iterated", "momentum", "linf", "l2"])
def test_no_attack_leaves_its_budget(name: str, epsilon: float) -> None:
    victim, picture = _linear()
    x = levels_of(picture)
    slope = adversarial.slope_of(victim.objective(picture, "class", 1))
    moved = {
        "fast": lambda: adversarial.fast_gradient(x, slope, epsilon),
        "iterated": lambda: adversarial.iterated(x, slope, epsilon, 5),
        "momentum": lambda: adversarial.iterated(x, slope, epsilon, 5, 1.0),
        "linf": lambda: adversarial.projected_linf(x, slope, epsilon, 5, 0),
        "l2": lambda: adversarial.projected_l2(x, slope, epsilon, 5, 0),
    }[name]()
    norm = "l2" if name == "l2" else "linf"
    whole = adversarial.whole_levels(x, moved, epsilon, norm)
    change = pixels_of(whole).astype(np.float64) - picture
    if norm == "linf":
        assert np.abs(change).max() <= epsilon
    else:
        assert np.sqrt(np.square(change).mean()) <= epsilon + 1e-6


def test_more_steps_do_more_than_one(reader: ReaderVictim) -> None:
    picture = portrait(5)
    x, objective = levels_of(picture), reader.objective(picture, "eyeglasses", None)
    slope = adversarial.slope_of(objective)
    once = objective(adversarial.fast_gradient(x, slope, 2))
    often = objective(adversarial.iterated(x, slope, 2, 8))
    far = objective(adversarial.projected_linf(x, slope, 2, 8, 0))
    assert float(often[0]) > float(once[0])
    assert float(far[0]) > float(once[0])


def test_an_attack_reaches_the_answer_that_is_wanted(reader: ReaderVictim) -> None:
    picture = portrait(6)
    values = reader.question("hair_color").values
    said = values.index(reader.answers(picture, "hair_color")[0].value)
    target = (said + 2) % len(values)
    objective = reader.objective(picture, "hair_color", target)
    x = levels_of(picture)
    moved = adversarial.iterated(x, adversarial.slope_of(objective), 8, 10)
    result = pixels_of(adversarial.whole_levels(x, moved, 8, "linf"))
    assert reader.answers(result, "hair_color")[0].value == values[target]


def test_a_target_that_is_none_is_refused(reader: ReaderVictim) -> None:
    with pytest.raises(RecipeError, match="numbered 0 to 1"):
        reader.objective(portrait(1), "smile", 7)
    with pytest.raises(RecipeError, match="not asked for 'mood'"):
        reader.question("mood")


def test_expectation_over_nothing_but_the_picture_is_the_plain_gradient() -> None:
    victim, picture = _linear()
    objective = victim.objective(picture, "class", None)
    x = levels_of(picture)
    plain = adversarial.slope_of(objective)(x)
    mean = adversarial.expected(objective, [], 3, 0)(x)
    assert torch.allclose(plain, mean)


def test_what_was_made_to_outlive_turning_outlives_it_better(reader: ReaderVictim) -> None:
    picture = np.kron(portrait(8), np.ones((2, 2, 1), np.uint8))
    x, objective = levels_of(picture), reader.objective(picture, "smile", None)
    slopes = (
        adversarial.slope_of(objective),
        adversarial.expected(objective, [transformations.turned], 6, 0),
    )
    source = torch.Generator().manual_seed(5)
    turned = [adversarial.iterated(x, slope, 3, 6) for slope in slopes]
    scores = []
    with torch.no_grad():
        for moved in turned:
            source.manual_seed(5)
            seen = [transformations.turned(moved, source) for _ in range(12)]
            scores.append(float(torch.stack([objective(one) for one in seen]).mean()))
    assert scores[1] > scores[0]


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_our_jpeg_is_nearly_the_real_one(quality: int) -> None:
    picture = np.kron(portrait(2), np.ones((3, 3, 1), np.uint8))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    real = np.asarray(Image.open(file).convert("RGB")).astype(np.float64)
    ours = pixels_of(transformations.jpeg(levels_of(picture), quality)).astype(np.float64)
    lost = np.sqrt(np.square(real - picture).mean())
    assert np.sqrt(np.square(real - ours).mean()) < max(0.5 * lost, 0.8)


@pytest.mark.parametrize("name", sorted(transformations.BY_NAME))
def test_gradients_pass_through_every_transformation(name: str) -> None:
    x = levels_of(portrait(2)).requires_grad_()
    source = torch.Generator().manual_seed(0)
    transformations.BY_NAME[name](x, source).mean().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0


def test_one_pattern_fools_a_linear_network_on_many_pictures() -> None:
    victim, _ = _linear()
    rng = np.random.RandomState(1)
    pictures = torch.from_numpy(rng.randint(90, 160, (24, 3, 32, 32)).astype(np.float32))
    yes = victim.logits(pictures, "class").argmax(1) == 1
    pattern = universal.find(
        victim, pictures[yes], "class", 8, 6, 0, CancelToken(), lambda *_: None
    )
    assert np.abs(pattern).max() <= 1
    moved = universal.added(pictures[yes], pattern, 8)
    assert float((victim.logits(moved, "class").argmax(1) == 0).float().mean()) > 0.9


def test_an_attack_can_be_stopped() -> None:
    victim, picture = _linear()
    token = CancelToken()
    token.cancel()
    slope = adversarial.slope_of(victim.objective(picture, "class", None))
    with pytest.raises(Cancelled):
        adversarial.iterated(levels_of(picture), slope, 4, 5, cancel=token)


# --- the mark


def _large(row: int) -> np.ndarray:
    return np.asarray(Image.fromarray(portrait(row)).resize((384, 384), Image.Resampling.LANCZOS))


def test_the_reading_with_gradients_is_the_readers_own() -> None:
    picture = embed(_large(1), 77).pixels
    ours = reading(levels_of(picture))[0].numpy()
    theirs = waves_of(folded(flattened(resized(luminance(picture), 256, 256))))
    assert np.abs(ours - theirs).max() < 1e-4


def test_two_levels_remove_the_mark_from_the_whole_picture() -> None:
    assert detect(_moved_by_two_levels(None), search=False).id is None


def test_two_levels_write_another_mark() -> None:
    victim = MarkVictim()
    before = victim.answers(_marked(), "mark")
    after = victim.answers(_moved_by_two_levels(99), "mark")
    assert before[0].value == "id 0000abcdef"
    assert after[0].value == "id 0000000063"
    assert victim.reached(before, after, "mark", 99)


def _moved_by_two_levels(target: int | None) -> Pixels:
    slope = adversarial.slope_of(MarkVictim().objective(_marked(), "mark", target))
    x = levels_of(_marked())
    moved = adversarial.iterated(x, slope, 2, 8)
    return pixels_of(adversarial.whole_levels(x, moved, 2, "linf"))


def _marked() -> Pixels:
    return embed(_large(2), 0xABCDEF).pixels


def test_where_no_mark_is_none_can_be_removed() -> None:
    with pytest.raises(RecipeError, match="carries no mark"):
        MarkVictim().objective(_large(3), "mark", None)
