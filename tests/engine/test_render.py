"""Recipes become pictures: the same bytes everywhere, and clear words where they cannot."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from engine.cancel import CancelToken
from engine.errors import (
    BackendError,
    Cancelled,
    DirectionError,
    ImageError,
    ModelError,
    RecipeError,
    StoreError,
)
from engine.frame import ModelInfo, RenderSettings
from engine.image.codec import encode
from engine.image.pixels import pixels_sha256
from engine.models.card import read_card, write_card
from engine.recipe import (
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
    Truncate,
)
from engine.services.pixel_cache import PixelCache
from engine.services.render_file import render_file
from engine.studio import Studio
from tests.random_model import NAME

ROOT = Path(__file__).parents[2]
CONST = Noise()


def portrait(studio: Studio, latent: Latent | None = None, noise: Noise = CONST) -> Generate:
    return Generate(studio.ref(NAME), latent or Truncate(Seed(7), 0.7), noise=noise)


def everything(studio: Studio) -> Recipe:
    """A Recipe with every kind of node that a face can have."""
    smile = studio.directions(NAME)[0]
    lattice = Blend(
        Blend(Seed(1), Seed(2), 0.3, "z", "slerp"),
        Blend(Seed(3), Seed(4), 0.3, "z", "slerp"),
        0.6,
        "z",
        "slerp",
    )
    latent = Mix(Truncate(lattice, 0.8), Truncate(Seed(9), 0.8), (2, 3, 4), 0.5)
    moved = Move(latent, smile.sha256, 1.5)
    return Recipe(Resize(portrait(studio, moved, Noise("random", 3)), 40, 24))


SCRIPT = """
import sys
from engine.frame import RenderSettings
from engine.image.pixels import pixels_sha256
from engine.recipe import Recipe
from engine.studio import Studio

recipe = Recipe.from_json(sys.stdin.buffer.read())
frame = Studio().render(recipe, RenderSettings(backend=sys.argv[1]))
print(pixels_sha256(frame.pixels), "torch" in sys.modules)
"""


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_a_recipe_gives_the_same_bytes_in_any_process(studio: Studio, backend: str) -> None:
    recipe = everything(studio)
    here = studio.render(recipe, RenderSettings(backend=backend))  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend],
        input=recipe.canonical,
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    digest, torch_loaded = done.stdout.decode().split()
    assert digest == pixels_sha256(here.pixels)
    assert torch_loaded == str(backend == "torch")
    assert done.stderr == b""


def test_both_backends_give_the_same_picture(studio: Studio) -> None:
    recipe = everything(studio)
    a = studio.render(recipe, RenderSettings(backend="onnx"))
    b = studio.render(recipe, RenderSettings(backend="torch"))
    assert (a.backend, b.backend) == ("onnx", "torch")
    assert a.pixels.shape == (24, 40, 3)
    assert np.abs(a.pixels.astype(int) - b.pixels).max() <= 2


def test_what_was_rendered_is_at_hand_and_nobody_can_write_to_it(studio: Studio) -> None:
    recipe = everything(studio)
    first = studio.render(recipe)
    assert studio.render(recipe).pixels is first.pixels
    anew = studio.render_anew(recipe)
    assert anew.pixels is not first.pixels
    np.testing.assert_array_equal(anew.pixels, first.pixels)
    assert first.pixels.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        first.pixels[0, 0, 0] = 1


def test_a_preview_says_that_it_is_the_full_picture(studio: Studio) -> None:
    recipe = Recipe(portrait(studio))
    preview = studio.render(recipe, RenderSettings(quality="preview"))
    assert preview.quality == "full"
    np.testing.assert_array_equal(preview.pixels, studio.render_anew(recipe).pixels)


def test_photos_are_cropped_and_resized(studio: Studio) -> None:
    picture = np.random.RandomState(0).randint(0, 256, (20, 30, 3), dtype=np.uint8)
    photo = Photo(studio.store.put(encode(picture, "png")))
    crop = studio.render(Recipe(Crop(photo, 5, 2, 10, 8))).pixels
    np.testing.assert_array_equal(crop, picture[2:10, 5:15])
    assert studio.render(Recipe(Resize(photo, 64, 32))).pixels.shape == (32, 64, 3)
    with pytest.raises(ImageError):
        studio.render(Recipe(Crop(photo, 25, 2, 10, 8)))
    with pytest.raises(StoreError, match="0" * 64):
        studio.render(Recipe(Photo("0" * 64)))


def test_noise_is_part_of_the_picture(studio: Studio) -> None:
    noises = [Noise(), Noise("none"), Noise("random", 1), Noise("random", 2), Noise(strength=3)]
    frames = [studio.render(Recipe(portrait(studio, noise=noise))) for noise in noises]
    assert len({pixels_sha256(frame.pixels) for frame in frames}) == len(noises)


def test_a_model_that_is_not_here_is_named_with_its_digest(studio: Studio) -> None:
    recipe = Recipe(Generate(ModelRef("elsewhere", "ab" * 32), Seed(1)))
    with pytest.raises(ModelError, match=f"'elsewhere'.*{'ab' * 32}"):
        studio.render(recipe)


def test_a_model_is_found_by_its_digest_under_any_name(studio: Studio, info: ModelInfo) -> None:
    recipe = Recipe(Generate(ModelRef("renamed", info.sha256), Truncate(Seed(7), 0.7)))
    here = studio.render(Recipe(portrait(studio)))
    np.testing.assert_array_equal(studio.render(recipe).pixels, here.pixels)


def test_a_direction_for_another_model_is_refused(home: Path, model_folder: Path) -> None:
    other = home / "models" / "other"
    shutil.copytree(model_folder, other)
    write_card(other, {**read_card(other), "name": "other", "weights_sha256": "cd" * 32})
    listing = other / "directions.json"
    sha256 = read_card(model_folder)["weights_sha256"]
    text = listing.read_text().replace(sha256, "cd" * 32)
    listing.write_text(text)
    studio = Studio(home)
    vector = np.ones(16, np.float32) * 0.25
    theirs = studio.store.put_array(vector)
    listing.write_text(text.replace(studio.directions("other")[0].sha256, theirs))
    studio.refresh()
    assert studio.directions("other")[0].sha256 == theirs
    with pytest.raises(DirectionError, match="found on another model"):
        studio.render(Recipe(portrait(studio, Move(Seed(1), theirs, 1.0))))
    own = studio.directions(NAME)[0].sha256
    studio.render(Recipe(portrait(studio, Move(Seed(1), own, 1.0))))


def test_a_direction_of_another_size_is_refused(studio: Studio) -> None:
    longer = studio.store.put_array(np.ones(512, np.float32))
    with pytest.raises(DirectionError, match="w of 512 values, but the model makes 16"):
        studio.render(Recipe(portrait(studio, Move(Seed(1), longer, 1.0))))
    with pytest.raises(DirectionError, match="missing"):
        studio.render(Recipe(portrait(studio, Move(Seed(1), "ef" * 32, 1.0))))


def test_layers_and_classes_that_the_model_lacks_are_refused(studio: Studio) -> None:
    with pytest.raises(RecipeError):
        studio.render(Recipe(portrait(studio, Mix(Seed(1), Seed(2), (0, 40)))))
    node = Generate(studio.ref(NAME), Seed(1), (ClassWeight(0),))
    with pytest.raises(RecipeError, match="knows no classes"):
        studio.render(Recipe(node))
    with pytest.raises(BackendError, match="float32"):
        studio.render(Recipe(portrait(studio)), RenderSettings(precision="float16"))


def test_a_cancelled_render_stops(studio: Studio) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        studio.render(everything(studio), cancel=token)


def test_several_threads_render_at_once(studio: Studio) -> None:
    recipes = [Recipe(portrait(studio, Truncate(Seed(n), 0.7))) for n in range(12)]
    found: dict[int, str] = {}

    def work(offset: int) -> None:
        for i in range(len(recipes)):
            n = (i + offset) % len(recipes)
            digest = pixels_sha256(studio.render_anew(recipes[n]).pixels)
            assert found.setdefault(n, digest) == digest

    threads = [threading.Thread(target=work, args=(3 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(recipes)


def test_the_cache_keeps_to_its_bytes() -> None:
    cache = PixelCache(3000)
    for n in range(10):
        cache.put(n, np.zeros((10, 30, 3), np.uint8))
    assert [n for n in range(10) if cache.get(n) is not None] == [7, 8, 9]
    cache.get(7)
    cache.put(10, np.zeros((10, 30, 3), np.uint8))
    assert [n for n in range(11) if cache.get(n) is not None] == [7, 9, 10]
    cache.put("large", np.zeros((100, 100, 3), np.uint8))
    assert cache.get("large") is None


def test_the_numbers_are_the_picture_before_it_became_bytes(studio: Studio, tmp_path: Path) -> None:
    for image in (portrait(studio), Resize(portrait(studio), 20, 20)):
        recipe = Recipe(image)
        path = tmp_path / "x.npy"
        render_file(studio.renderer, recipe, path, RenderSettings())
        numbers = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        assert numbers.dtype == np.float32
        pixels = studio.render(recipe).pixels
        assert numbers.shape == (1, 3, *pixels.shape[:2])
        back = np.clip(np.rint(numbers[0].transpose(1, 2, 0) * 127.5 + 127.5), 0, 255)
        np.testing.assert_array_equal(back.astype(np.uint8), pixels)


def test_an_image_of_an_unknown_kind_is_refused(studio: Studio) -> None:
    @dataclass(frozen=True)
    class Later(Image):
        op: ClassVar[str] = "later"

    with pytest.raises(RecipeError, match="'later' cannot be rendered here"):
        studio.render(Recipe(Later()))
    Image.members.pop("later")
