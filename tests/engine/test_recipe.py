"""The Recipe: one value, one text, one name; and a refusal that names the field."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RecipeError
from engine.recipe import (
    MAX_BYTES,
    MAX_NOISE_SEED,
    MAX_SEED,
    Arithmetic,
    Blend,
    ClassWeight,
    Crop,
    Generate,
    Image,
    Latent,
    Mix,
    ModelRef,
    Move,
    Noise,
    Photo,
    Recipe,
    Resize,
    Seed,
    Stored,
    Straighten,
    Term,
    Truncate,
    walk,
)

SHA = "ab" * 32
MODEL = ModelRef("portraits-stylegan2", SHA)
PLAIN = Recipe(Generate(MODEL, Seed(85)))

shas = st.binary(min_size=32, max_size=32).map(bytes.hex)
layer_lists = st.lists(st.integers(0, 63), min_size=1, max_size=6).map(tuple)
amounts = st.floats(-2, 3)


def in_z(children: st.SearchStrategy[Latent]) -> st.SearchStrategy[Latent]:
    return st.one_of(
        st.builds(
            Blend, children, children, amounts, st.just("z"), st.sampled_from(["linear", "slerp"])
        ),
        st.builds(Arithmetic, terms(children), st.just("z")),
        st.builds(Move, children, shas, st.floats(-50, 50), st.none(), st.just("z")),
    )


def terms(children: st.SearchStrategy[Latent]) -> st.SearchStrategy[tuple[Term, ...]]:
    exemplars = st.lists(children, min_size=1, max_size=3).map(tuple)
    term = st.builds(Term, st.floats(-10, 10), exemplars)
    return st.lists(term, min_size=1, max_size=3).map(tuple)


def in_w(children: st.SearchStrategy[Latent]) -> st.SearchStrategy[Latent]:
    psis = st.floats(-2, 2)
    return st.one_of(
        st.builds(Blend, children, children, amounts, st.just("w"), st.just("linear")),
        st.builds(Arithmetic, terms(children), st.just("w")),
        st.builds(Mix, children, children, layer_lists, amounts),
        st.builds(Move, children, shas, st.floats(-50, 50), st.none() | layer_lists),
        st.builds(Truncate, children, psis, st.none() | st.integers(0, 63)),
        st.builds(Truncate, children, st.lists(psis, min_size=1, max_size=5).map(tuple)),
    )


z_latents = st.recursive(
    st.builds(Seed, st.integers(0, MAX_SEED)) | st.builds(Stored, shas, st.just("z")),
    in_z,
    max_leaves=4,
)
latents = st.recursive(z_latents | st.builds(Stored, shas, st.just("w")), in_w, max_leaves=6)
models = st.builds(
    ModelRef,
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
    shas,
)
noises = st.builds(
    Noise,
    st.sampled_from(["const", "random", "none"]),
    st.integers(0, MAX_SEED),
    st.floats(0, 10) | st.lists(st.floats(0, 10), min_size=1, max_size=4).map(tuple),
)
classes = st.lists(st.builds(ClassWeight, st.integers(0, 65535), amounts), max_size=3).map(tuple)
sides = st.integers(1, 8000)
offsets = st.integers(0, 32767)
images = st.recursive(
    st.builds(Generate, models, latents, classes, noises) | st.builds(Photo, shas),
    lambda inner: (
        st.builds(Crop, inner, offsets, offsets, sides, sides)
        | st.builds(
            Straighten,
            inner,
            st.floats(0, 900),
            st.floats(0, 900),
            st.integers(1, 900),
            st.floats(-180, 180),
        )
        | st.builds(Resize, inner, sides, sides, st.sampled_from(["lanczos", "bicubic", "nearest"]))
    ),
    max_leaves=3,
)
recipes = st.builds(Recipe, images)
few = settings(max_examples=40)


def refusal(data: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(json.dumps(data))
    return caught.value


def edited(**changes: Any) -> dict[str, Any]:
    """The plain Recipe as JSON data, with fields of its image replaced."""
    data = json.loads(PLAIN.canonical)
    data["image"].update(changes)
    return dict(data)


# one value, one text, one name


@given(recipes)
def test_a_recipe_comes_back_equal_from_its_canonical_bytes(recipe: Recipe) -> None:
    again = Recipe.from_json(recipe.canonical)
    assert again == recipe
    assert hash(again) == hash(recipe)
    assert again.canonical == recipe.canonical
    assert again.sha256 == recipe.sha256


@few
@given(recipes)
def test_a_recipe_comes_back_equal_from_the_text_for_people(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.text()) == recipe


@few
@given(recipes, recipes)
def test_equal_recipes_and_only_they_share_a_name(one: Recipe, two: Recipe) -> None:
    assert (one == two) == (one.sha256 == two.sha256)


@few
@given(recipes)
def test_the_name_is_the_sha256_of_the_canonical_bytes(recipe: Recipe) -> None:
    assert recipe.sha256 == hashlib.sha256(recipe.canonical).hexdigest()


@few
@given(recipes)
def test_a_recipe_survives_another_process(recipe: Recipe) -> None:
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@few
@given(recipes, st.randoms(use_true_random=False))
def test_the_order_of_fields_in_a_text_does_not_matter(recipe: Recipe, random: Any) -> None:
    def shuffled(data: Any) -> Any:
        if isinstance(data, dict):
            items = [(key, shuffled(value)) for key, value in data.items()]
            random.shuffle(items)
            return dict(items)
        return [shuffled(x) for x in data] if isinstance(data, list) else data

    assert Recipe.from_json(json.dumps(shuffled(json.loads(recipe.canonical)))) == recipe


def test_the_canonical_bytes_of_a_known_recipe_never_change() -> None:
    recipe = Recipe(
        Resize(
            Generate(
                MODEL,
                Move(
                    Mix(
                        Truncate(Blend(Seed(1), Seed(MAX_SEED), 0.25, "z", "slerp"), 0.7),
                        Stored(SHA, "w"),
                        (0, 3),
                    ),
                    SHA,
                    -1.5,
                ),
                (ClassWeight(3),),
                Noise("random", 7, 0.5),
            ),
            512,
            512,
        )
    )
    expected = (
        '{"image":{"filter":"lanczos","height":512,"image":{"classes":[{"index":3,"weight":1}],'
        f'"latent":{{"base":{{"amount":1,"base":{{"base":{{"a":{{"n":1,"op":"seed"}},'
        '"b":{"n":4294967295,"op":"seed"},"curve":"slerp","kind":"z","op":"blend","t":0.25},'
        '"cutoff":null,"op":"truncate","psi":0.7},"layers":[0,3],"op":"mix",'
        f'"source":{{"kind":"w","op":"stored","sha256":"{SHA}"}}}},"direction":"{SHA}",'
        '"kind":"w","layers":null,"op":"move","strength":-1.5},'
        f'"model":{{"name":"portraits-stylegan2","sha256":"{SHA}"}},'
        '"noise":{"mode":"random","seed":7,"strength":0.5},"op":"generate"},'
        '"op":"resize","width":512},"recipe":1}'
    )
    assert recipe.canonical.decode() == expected


def test_whole_numbers_and_minus_zero_have_one_form() -> None:
    assert Move(Seed(1), SHA, 1) == Move(Seed(1), SHA, 1.0)
    one = Recipe(Generate(MODEL, Move(Seed(1), SHA, -0.0)))
    two = Recipe(Generate(MODEL, Move(Seed(1), SHA, 0.0)))
    assert one.canonical == two.canonical
    assert type(Seed(5.0).n) is int  # type: ignore[arg-type]


def test_defaults_may_be_left_out_of_a_text() -> None:
    short = {"recipe": 1, "image": {"op": "generate", "model": MODEL.plain(), "latent": {}}}
    short["image"]["latent"] = {"op": "seed", "n": 85}  # type: ignore[index]
    assert Recipe.from_json(json.dumps(short)) == PLAIN


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAIN.image = Photo(SHA)  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Seed(1).n = 2  # type: ignore[misc]


@few
@given(recipes)
def test_walking_visits_every_node_parents_first(recipe: Recipe) -> None:
    nodes = list(walk(recipe.image))
    assert nodes[0] is recipe.image
    count = recipe.canonical.count(b'"op":')
    assert sum(isinstance(node, Latent | Image) for node in nodes) == count


# what a latent lives in


def test_the_space_of_an_expression_follows_its_kind() -> None:
    assert Seed(1).space == "z"
    assert Stored(SHA, "z").space == "z"
    assert Stored(SHA, "w").space == "w"
    assert Blend(Seed(1), Seed(2), 0.5, "w", "linear").space == "w"
    assert Arithmetic((Term(1, (Seed(1),)),), "z").space == "z"
    assert Mix(Seed(1), Seed(2), (0,)).space == "w"
    assert Move(Seed(1), SHA, 1).space == "w"
    assert Move(Seed(1), SHA, 1, kind="z").space == "z"
    assert Truncate(Seed(1), 1).space == "w"


W = Stored(SHA, "w")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Blend(Seed(1), W, 0.5, "z", "slerp"), "two latents in z"),
        (lambda: Blend(W, Seed(1), 0.5, "z", "linear"), "two latents in z"),
        (lambda: Blend(W, W, 0.5, "w", "slerp"), "slerp is for z"),
        (lambda: Arithmetic((Term(1, (Seed(1), W)),), "z"), "needs latents in z"),
        (lambda: Move(W, SHA, 1, kind="z"), "a base in z"),
        (lambda: Move(Seed(1), SHA, 1, layers=(0,), kind="z"), "no layers"),
        (lambda: Truncate(W, (0.5,), 3), "no place for a cutoff"),
        (lambda: Resize(Photo(SHA), 32768, 32768), "64 million pixels"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(make: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make()


# refusals name the field, and values are checked when they are made


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Seed(-1), "Seed.n"),
        (lambda: Seed(MAX_NOISE_SEED + 1), "Seed.n"),
        (lambda: Seed(1.5), "Seed.n"),  # type: ignore[arg-type]
        (lambda: Seed(True), "Seed.n"),
        (lambda: Seed("1"), "Seed.n"),  # type: ignore[arg-type]
        (lambda: Seed(None), "Seed.n"),  # type: ignore[arg-type]
        (lambda: Stored(SHA.upper(), "w"), "Stored.sha256"),
        (lambda: Stored(SHA + "\n", "w"), "Stored.sha256"),
        (lambda: Stored(SHA, "ws"), "Stored.kind"),  # type: ignore[arg-type]
        (lambda: Blend(Seed(1), Seed(2), 3.01, "z", "slerp"), "Blend.t"),
        (lambda: Blend(Seed(1), Seed(2), math.nan, "z", "slerp"), "Blend.t"),
        (lambda: Blend(Seed(1), Photo(SHA), 1, "w", "linear"), "Blend.b"),  # type: ignore[arg-type]
        (lambda: Term(11, (Seed(1),)), "Term.weight"),
        (lambda: Term(1, ()), "Term.exemplars"),
        (lambda: Term(1, (Seed(1),) * 65), "Term.exemplars"),
        (lambda: Term(1, [Seed(1)]), "Term.exemplars"),  # type: ignore[arg-type]
        (lambda: Arithmetic((), "z"), "Arithmetic.terms"),
        (lambda: Mix(Seed(1), Seed(2), ()), "Mix.layers"),
        (lambda: Mix(Seed(1), Seed(2), (64,)), r"Mix.layers\[0\]"),
        (lambda: Mix(Seed(1), Seed(2), (0, -1)), r"Mix.layers\[1\]"),
        (lambda: Move(Seed(1), SHA, 51), "Move.strength"),
        (lambda: Move(Seed(1), SHA, math.inf), "Move.strength"),
        (lambda: Move(Seed(1), SHA, 1, ()), "Move.layers"),
        (lambda: Truncate(Seed(1), 7.5), "Truncate.psi"),
        (lambda: Truncate(Seed(1), (0.5, -2.5)), r"Truncate.psi\[1\]"),
        (lambda: Truncate(Seed(1), 1, 64), "Truncate.cutoff"),
        (lambda: ModelRef("", SHA), "ModelRef.name"),
        (lambda: ModelRef("a\nb", SHA), "ModelRef.name"),
        (lambda: ModelRef("a" * 129, SHA), "ModelRef.name"),
        (lambda: ClassWeight(65536), "ClassWeight.index"),
        (lambda: Noise("fresh"), "Noise.mode"),  # type: ignore[arg-type]
        (lambda: Noise(strength=-0.1), "Noise.strength"),
        (lambda: Noise(strength=(1.0, 11.0)), r"Noise.strength\[1\]"),
        (lambda: Crop(Photo(SHA), -1, 0, 1, 1), "Crop.left"),
        (lambda: Crop(Photo(SHA), 0, 0, 0, 1), "Crop.width"),
        (lambda: Resize(Photo(SHA), 32769, 1), "Resize.width"),
        (lambda: Resize(Photo(SHA), 1, 1, "best"), "Resize.filter"),  # type: ignore[arg-type]
    ],
)
def test_a_value_out_of_bounds_is_refused_and_named(make: Any, field: str) -> None:
    with pytest.raises(RecipeError, match=field):
        make()


def test_a_refusal_says_what_was_got_and_what_to_do() -> None:
    error = refusal(edited(latent={"op": "truncate", "base": {"op": "seed", "n": 1}, "psi": 7.5}))
    assert error.what == "image.latent.psi must lie in [-2, 2], got 7.5."
    assert error.remedy == "Give a value from -2 to 2."
    error = refusal(edited(latent={"op": "seed", "n": 2**53}))
    assert error.what == "image.latent.n must lie in [0, 9007199254740991], got 9007199254740992."


@pytest.mark.parametrize("text", ["{}", "[]", "7", "null", '{"image": {}}'])
def test_what_is_no_recipe_at_all_is_not_called_a_newer_one(text: str) -> None:
    with pytest.raises(RecipeError, match="This is not a Recipe") as told:
        Recipe.from_json(text)
    assert "newer" not in told.value.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extra": 1}, "image has an unknown field 'extra'"),
        (
            {"op": "sculpt"},
            r"image\.op must be one of crop, denoise, .*resize, .*transform, tuned, upscale",
        ),
        ({"op": ["generate"]}, r"image\.op must be one of"),
        ({"op": "seed"}, r"image\.op must be one of"),
        ({"latent": {"op": "photo", "sha256": SHA}}, r"image\.latent\.op must be one of"),
        ({"latent": {"op": "seed"}}, r"image\.latent lacks the field 'n'"),
        ({"latent": {"op": "seed", "n": 1, "m": 2}}, r"image\.latent has an unknown field 'm'"),
        ({"latent": [1]}, r"image\.latent must be an object"),
        ({"latent": None}, r"image\.latent must be an object"),
        ({"model": {"name": "x"}}, r"image\.model lacks the field 'sha256'"),
        ({"model": "portraits"}, r"image\.model must be an object"),
        ({"classes": {}}, r"image\.classes must be a list"),
        ({"classes": [1]}, r"image\.classes\[0\] must be an object"),
        ({"noise": {"mode": "const", "loud": True}}, r"image\.noise has an unknown field 'loud'"),
        ({"noise": {"strength": "1"}}, r"image\.noise\.strength must be a number"),
        ({"noise": {"strength": True}}, r"image\.noise\.strength must be a number"),
        ({"noise": None}, r"image\.noise must be an object"),
    ],
)
def test_a_text_that_is_wrong_somewhere_is_refused_by_name(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe.from_json(json.dumps(edited(**changes)))


@pytest.mark.parametrize(
    "data",
    [
        None,
        1,
        [],
        {},
        {"recipe": 2, "image": PLAIN.image.plain()},
        {"recipe": "1", "image": PLAIN.image.plain()},
        {"recipe": 1},
        {"recipe": 1, "image": PLAIN.image.plain(), "note": "x"},
    ],
)
def test_a_text_of_another_kind_is_refused(data: Any) -> None:
    assert refusal(data).what


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "\x00",
        b"\xff\xfe",
        b"\xff\xff\xff",
        '{"recipe":1,"recipe":1}',
        PLAIN.canonical.replace(b'"n":85', b'"n":NaN'),
        PLAIN.canonical.replace(b'"n":85', b'"n":Infinity'),
        PLAIN.canonical.replace(b'"n":85', b'"n":85,"n":86'),
        PLAIN.canonical + b"{}",
        "[" * 100_000,
        '{"recipe":1,"image":' * 3000,
        PLAIN.canonical.replace(b"85", b"9" * 5000),
    ],
)
def test_a_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "1e308", "1.5", "-1", "9007199254740992", "0.1e1"]
)
def test_every_number_for_a_seed_is_read_or_refused(number: str) -> None:
    text = PLAIN.canonical.replace(b"85", number.encode())
    if number == "0.1e1":
        assert Recipe.from_json(text) == Recipe(Generate(MODEL, Seed(1)))
        return
    with pytest.raises(RecipeError, match=r"image\.latent\.n"):
        Recipe.from_json(text)


def test_a_text_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(RecipeError, match="1000000 bytes"):
        Recipe.from_json(PLAIN.canonical + b" " * MAX_BYTES)


def test_a_text_nested_too_deep_is_refused() -> None:
    latent: dict[str, Any] = {"op": "seed", "n": 1}
    for _ in range(80):
        latent = {"op": "truncate", "base": latent, "psi": 1}
    assert "nested deeper than 64" in refusal(edited(latent=latent)).what


def test_the_window_can_nest_what_it_needs() -> None:
    latent: Latent = Truncate(Blend(Seed(1), Seed(2), 0.5, "z", "slerp"), 0.7)
    for i in range(10):
        latent = Mix(latent, Seed(i), (i,))
    for i in range(30):
        latent = Move(latent, f"{i:064x}", 1.0)
    recipe = Recipe(Resize(Generate(MODEL, latent), 512, 512))
    assert Recipe.from_json(recipe.canonical) == recipe


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
def test_a_name_that_utf8_cannot_hold_is_refused(name: str) -> None:
    text = json.dumps(edited(model={"name": name, "sha256": SHA}))
    with pytest.raises(RecipeError):
        assert Recipe.from_json(text).canonical


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["op", "n", "recipe", "image", "latent", "model", "a", "b", "psi"]),
        inner,
        max_size=4,
    ),
    max_leaves=8,
))  # fmt: skip
def test_any_json_is_read_or_refused_and_nothing_else(data: Any) -> None:
    for candidate in (data, {"recipe": 1, "image": data}, edited(latent=data)):
        try:
            Recipe.from_json(json.dumps(candidate))
        except RecipeError as error:
            told = str(error)
        else:
            told = "read"
        assert 0 < len(told) < 400


@few
@given(recipes, st.data())
def test_one_changed_field_is_another_recipe_or_refused(
    recipe: Recipe, data: st.DataObject
) -> None:
    """Swap one character of the canonical text; what is still read differs in value or is equal."""
    text = recipe.canonical.decode()
    position = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:position]
        + data.draw(st.sampled_from('0123456789abc"{}[],:-.e '))
        + text[position + 1 :]
    )
    try:
        again = Recipe.from_json(changed)
    except RecipeError:
        return
    assert (again == recipe) == (again.canonical == recipe.canonical)
