"""The Diffuse page's state and its Recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from desktop.diffuse_state import (
    DiffuseState,
    Stages,
    fitting_spacing,
    is_diffusion,
    recipe_of,
    state_of,
    with_best_pag,
)
from desktop.text_shares import of as texts
from engine.denoising import (
    Classes,
    Classifier,
    ClassifierFree,
    ClipGuidance,
    DenoiserInfo,
    PerturbedAttention,
    Texts,
    TextWeight,
)
from engine.errors import RecipeError
from engine.recipe import ClassWeight, Generate, ModelRef, Recipe, Resize, Seed

MODEL = ModelRef("m", "0" * 64)
STATE = DiffuseState(
    MODEL,
    Seed(5),
    Classes((ClassWeight(3),)),
    (
        ClassifierFree(3.0, Classes((ClassWeight(2),)), 0.1, 0.9),
        Classifier(MODEL, 1, 4.0),
        ClipGuidance(MODEL, "a hat", 4.0, "a man", MODEL, 0.2),
        PerturbedAttention(1.0, 0.1, 0.9),
    ),
    "euler",
    30,
    "karras",
    stages=Stages(MODEL, 2, 0.3, 2),
)


def test_a_state_comes_back_from_its_recipe() -> None:
    assert state_of(recipe_of(STATE)) == STATE
    assert state_of(Recipe(Resize(recipe_of(STATE).image, 512, 512))) == STATE


def test_texts_and_their_blends_come_back() -> None:
    terms = (ClassifierFree(3.0, texts("a man")),)
    state = DiffuseState(MODEL, conditioning=texts("a hat"), terms=terms)
    assert state_of(recipe_of(state)) == state
    assert state.prompt == "a hat"
    assert state.class_index is None
    blend = Texts((TextWeight("a hat", 0.5), TextWeight("a man", 0.5)))
    mixed = replace(state, conditioning=blend, terms=(ClassifierFree(3.0, blend),))
    assert state_of(recipe_of(mixed)) == mixed


def test_a_generators_picture_belongs_elsewhere() -> None:
    recipe = Recipe(Generate(MODEL, Seed(1)))
    assert not is_diffusion(recipe)
    with pytest.raises(RecipeError, match="got 'generate'"):
        state_of(recipe)


def test_a_spacing_that_the_sampler_lacks_is_replaced() -> None:
    assert fitting_spacing("euler", "karras") == "karras"
    assert fitting_spacing("ddim", "karras") == "trailing"


def model(pag: float) -> DenoiserInfo:
    card = {"scores": {"quality": {"pag": pag}}}
    return DenoiserInfo(
        "m", "M", MODEL.sha256, 32, (), False, False, True, Path(), card, usual_pag=1.0
    )  # fmt: skip


def test_perturbed_attention_follows_the_model_until_it_is_chosen() -> None:
    free, first, other = ClassifierFree(3.0), model(1.0), model(0.5)
    assert with_best_pag((free,), None, first) == (free, PerturbedAttention(1.0))
    assert with_best_pag((PerturbedAttention(1.0), free), first, other) == (
        free, PerturbedAttention(0.5),
    )  # fmt: skip
    assert with_best_pag((free, PerturbedAttention(1.0)), first, model(0.0)) == (free,)
    chosen = (free, PerturbedAttention(2.0))
    assert with_best_pag(chosen, first, other) == chosen
    assert with_best_pag((free,), first, other) == (free,)


@pytest.mark.parametrize("card", [{}, {"scores": 1}, {"scores": {"quality": {"pag": "1"}}}])
def test_a_card_that_says_nothing_of_it_asks_for_none(card: dict[str, object]) -> None:
    assert replace(model(1.0), card=card).best_pag == 0
    assert replace(model(1.0), usual_pag=0.0).best_pag == 0
