"""Which engine renders a model: measured once, kept, shown, and open to the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.backends.torch_backend import TorchBackend
from engine.errors import BackendError, ModelError
from engine.frame import ModelInfo
from engine.models.torch_generator import build_generator
from engine.recipe import Generate, Recipe, Seed
from engine.services.engines import FILE, Engines, available
from engine.studio import Studio
from tests.random_checkpoints import STYLEGAN2, random_tensors
from tests.random_model import NAME


def test_measuring_keeps_the_fastest_and_says_so(home: Path, info: ModelInfo) -> None:
    engines = Engines(home)
    assert engines.of(info).why == "usual"
    assert not engines.measured(info)
    found = engines.measure(info)
    assert set(found.measured_ms) == set(available(info))
    assert found.backend == min(found.measured_ms, key=lambda name: found.measured_ms[name])
    again = Engines(home)
    assert again.measured(info)
    assert again.of(info) == found
    assert found.backend in found.words
    assert "measured" in found.words


def test_the_users_choice_goes_before_what_was_measured(studio: Studio, info: ModelInfo) -> None:
    recipe = Recipe(Generate(studio.ref(NAME), Seed(1)))
    for name in available(info):
        assert studio.engines.choose(info, name).why == "chosen"
        assert studio.render(recipe).backend == name
    assert studio.engines.choose(info, None).why == "usual"


def test_a_choice_that_cannot_run_here_is_refused(home: Path, info: ModelInfo) -> None:
    with pytest.raises(ModelError, match="cannot run on nonsense"):
        Engines(home).choose(info, "nonsense")  # type: ignore[arg-type]


def test_a_file_of_another_machine_or_a_damaged_one_counts_for_nothing(
    home: Path, info: ModelInfo
) -> None:
    Engines(home).choose(info, "onnx")
    path = home / FILE
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "machine": "another"}))
    assert Engines(home).of(info).why == "usual"
    for damage in ("{", "[]", '{"machine": 3}', '{"machine": 1, "models": 2}'):
        path.write_text(damage)
        assert Engines(home).of(info).why == "usual"


class ShortOfMemory:
    """A generator whose synthesis fails as a full graphics card does, above so many pictures."""

    def __init__(self, generator: Any, fits: int) -> None:
        self.inner, self.fits, self.moved = generator, fits, ""
        self.mapping = generator.mapping
        self.synthesis = self

    def with_noises(self, ws: torch.Tensor, noises: Any, **moved: Any) -> torch.Tensor:
        if len(ws) > self.fits and self.moved != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        image: torch.Tensor = self.inner.synthesis.with_noises(ws, noises, **moved)
        return image

    def to(self, *args: Any, **how: Any) -> Any:
        self.moved = args[0] if args else ""
        return self

    def eval(self) -> Any:
        return self

    def requires_grad_(self, wanted: bool) -> Any:
        return self


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a backend that believes it runs on a card on which so many pictures fit."""
    config = STYLEGAN2["skip, grey, clamped"]
    generator = build_generator(config, random_tensors(config))
    monkeypatch.setattr(TorchBackend, "_there", lambda self, array: torch.from_numpy(array.copy()))

    def make(fits: int) -> tuple[TorchBackend, Any, Any]:
        backend = TorchBackend(ShortOfMemory(generator, fits), "cuda")
        source = np.random.RandomState(0)
        ws = source.randn(5, config.num_ws, config.w_dim).astype(np.float32)
        noises = [source.randn(5, 1, size, size).astype(np.float32) for size in (4, 8, 8)]
        wanted = TorchBackend(generator, "cpu").synthesize(ws, noises)
        return backend, (ws, noises), wanted

    return make


def test_a_card_short_of_memory_renders_fewer_at_once(short: Any) -> None:
    backend, asked, wanted = short(2)
    np.testing.assert_allclose(backend.synthesize(*asked), wanted, atol=1e-5)
    assert backend.device == "cuda"
    assert "fewer at once" in backend.notice


def test_a_card_out_of_memory_hands_over_to_the_processor(short: Any) -> None:
    backend, asked, wanted = short(0)
    np.testing.assert_allclose(backend.synthesize(*asked), wanted, atol=1e-5)
    assert backend.device == "cpu"
    assert "the processor renders now" in backend.notice
    assert backend.pixels(*asked).shape == (5, 8, 8, 1)


def test_memory_that_does_not_do_on_the_processor_is_an_error_with_a_remedy(short: Any) -> None:
    backend, asked, _ = short(0)
    backend.device = "cpu"
    with pytest.raises(BackendError, match="not enough memory"):
        backend.synthesize(*asked)
