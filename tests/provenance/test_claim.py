"""What a manifest says, and what it must not say."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import c2pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExportError
from engine.frame import Mark
from engine.image.codec import encode
from engine.image.xmp import SOURCE_TYPES
from engine.provenance.claim import RECIPE_LABEL, OpenedPhoto, check, commitment, draft
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.sdk import context
from engine.provenance.sign import has_credentials, sign_picture
from engine.provenance.verify import read_credentials
from engine.recipe import Crop, Generate, Image, Mix, ModelRef, Move, Photo, Recipe, Seed, Truncate
from tests.drawn import MODEL, claim_for, generated, pixels_of, signed


@dataclass(frozen=True)
class Repainted(Image):
    """A stand-in for what joins later: a model that works on a picture."""

    op: ClassVar[str] = "test-repainted"
    image: Image
    model: ModelRef


PHOTO = Recipe(Crop(Photo("a" * 64), 1, 2, 8, 9))
EDITED = Recipe(Repainted(Photo("a" * 64), MODEL))


def _manifest(data: bytes, mime: str = "image/png") -> dict[str, Any]:
    """The manifest as another C2PA program reads it."""
    reader = c2pa.Reader.try_create(mime, io.BytesIO(data), context=context())
    assert reader is not None
    return dict(reader.get_active_manifest() or {})


def _actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    (found,) = [a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2"]
    assert found["created"]
    assert found["data"]["allActionsIncluded"]
    return list(found["data"]["actions"])


def _photo(data: bytes | None = None, credentials: bool = False) -> OpenedPhoto:
    return OpenedPhoto(
        data or encode(pixels_of(generated().image), "png"), "image/png", credentials
    )


def test_a_generated_picture_says_created_by_a_trained_model(png: bytes) -> None:
    manifest = _manifest(png)
    assert manifest["claim_version"] == 2
    (info,) = manifest["claim_generator_info"]
    assert info["name"] == "Latent Atelier"
    assert {"version", "operating_system"} <= set(info)
    created, resized = _actions(manifest)
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"] == SOURCE_TYPES + "trainedAlgorithmicMedia"
    assert created["softwareAgent"]["name"] == "Latent Atelier"
    assert len(created["parameters"]["ingredients"]) == 1
    assert resized["action"] == "c2pa.resized"
    assert "digitalSourceType" not in resized


def test_the_model_is_an_ingredient_with_its_digest(png: bytes) -> None:
    (model,) = _manifest(png)["ingredients"]
    assert (model["title"], model["relationship"]) == (MODEL.name, "inputTo")
    assert MODEL.sha256 in model["description"]


def test_the_recipe_assertion_is_json_with_recipe_and_receipt(png: bytes) -> None:
    (found,) = [a for a in _manifest(png)["assertions"] if a["label"] == RECIPE_LABEL]
    assert found["kind"] == "Json"
    data = found["data"]
    assert Recipe.from_json(data["recipe"]) == generated(side=128)
    assert hashlib.sha256(data["recipe"].encode()).hexdigest() == data["recipe_sha256"]
    assert data["receipt"]["backend"] == "onnx"
    assert {"versions", "pixels_sha256", "width", "height", "quality"} <= set(data["receipt"])


def test_the_thumbnail_is_small_and_the_whole_overhead_too(png: bytes) -> None:
    plain = encode(pixels_of(generated(side=128).image), "png")
    assert _manifest(png)["thumbnail"]["format"] == "image/jpeg"
    assert len(png) - len(plain) < 25_000


@given(
    st.floats(-50, 50, allow_subnormal=False),
    st.lists(st.floats(-2, 2), min_size=1, max_size=12),
    st.lists(st.integers(0, 63), min_size=1, max_size=12),
)
@settings(max_examples=25, deadline=None)
def test_every_number_and_list_of_a_recipe_comes_back_exactly(
    unlocked: Unlocked, strength: float, psi: list[float], layers: list[int]
) -> None:
    latent = Move(
        Mix(Truncate(Seed(2**32 - 1), tuple(psi)), Seed(1), tuple(layers)), "d" * 64, strength
    )
    recipe = Recipe(Generate(MODEL, latent))
    found = read_credentials(signed(unlocked, recipe=recipe))
    assert found.recipe == recipe
    assert found.recipe.canonical == recipe.canonical


def test_a_photo_changed_by_a_model_is_opened_then_edited(unlocked: Unlocked) -> None:
    data = _sign(unlocked, EDITED, _photo())
    manifest = _manifest(data)
    opened, edited = _actions(manifest)
    assert opened["action"] == "c2pa.opened"
    assert "digitalSourceType" not in opened
    assert edited["digitalSourceType"] == SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
    relations = sorted(i["relationship"] for i in manifest["ingredients"])
    assert relations == ["inputTo", "parentOf"]
    assert read_credentials(data).verdict == "intact-unverified"


def test_a_photo_merely_cropped_claims_no_model(unlocked: Unlocked) -> None:
    actions = _actions(_manifest(_sign(unlocked, PHOTO, _photo())))
    assert [a["action"] for a in actions] == ["c2pa.opened", "c2pa.cropped"]
    assert all("digitalSourceType" not in a for a in actions)


def test_a_photos_own_credentials_are_kept(unlocked: Unlocked, png: bytes) -> None:
    assert has_credentials(png, "image/png")
    data = _sign(unlocked, EDITED, _photo(png, credentials=True))
    parent = next(i for i in _manifest(data)["ingredients"] if i["relationship"] == "parentOf")
    assert parent["active_manifest"]
    assert parent["title"] == "Photo"


def test_a_photos_metadata_does_not_leave(unlocked: Unlocked) -> None:
    canary = "canary-of-a-private-place"
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r d="{canary}"/></x:xmpmeta>'.encode()
    photo = encode(pixels_of(generated().image), "png", xmp=xmp, text={"Author": canary})
    assert canary.encode() in photo
    assert canary.encode() not in _sign(unlocked, EDITED, _photo(photo))


@pytest.mark.parametrize("tier", ["commitment", "disclosure"])
def test_private_tiers_hold_back_recipe_model_and_the_photos_credentials(
    unlocked: Unlocked, png: bytes, tier: str
) -> None:
    recipe, photo = EDITED, _photo(png, credentials=True)
    data = _sign(unlocked, recipe, photo, tier=tier, salt=b"s" * 32)
    for hidden in (MODEL.name, MODEL.sha256, "test-repainted", recipe.sha256, "receipt"):
        assert hidden.encode() not in data
    assert b"a" * 64 not in data
    found = read_credentials(data)
    assert found.verdict == "intact-unverified"
    assert found.recipe is None
    assert any("held back" in finding.text for finding in found.findings)
    (parent,) = _manifest(data)["ingredients"]
    assert "active_manifest" not in parent


def test_a_commitment_binds_and_needs_its_salt(unlocked: Unlocked) -> None:
    salt = bytes(range(32))
    data = _sign(unlocked, generated(), None, tier="commitment", salt=salt)
    told = read_credentials(data).claim["export"]["commitment"]["value"]
    assert told == commitment(salt, generated())
    assert told not in (commitment(salt, generated(8)), commitment(b"", generated()))
    with pytest.raises(ExportError, match="salt"):
        draft(claim_for(generated(), tier="commitment"), "image/png")


def _plain_manifest() -> dict[str, Any]:
    made = draft(claim_for(generated()), "image/png")
    return dict(json.loads(json.dumps(made.manifest)))


def test_what_was_created_has_no_parent() -> None:
    manifest = _plain_manifest()
    manifest["ingredients"].append({"label": "photo", "relationship": "parentOf"})
    with pytest.raises(ExportError, match="no parent"):
        check(manifest, [])


def test_what_was_opened_has_one_parent() -> None:
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["photo"]}}
    parent = {"label": "photo", "relationship": "parentOf"}
    manifest = _plain_manifest()
    manifest["assertions"][0]["data"]["actions"] = [opened]
    for parents in ([], [parent, {**parent, "label": "photo-2"}]):
        with pytest.raises(ExportError, match="one parent"):
            check({**manifest, "ingredients": parents}, [])
    check({**manifest, "ingredients": []}, [parent])


@pytest.mark.parametrize("source", [None, "https://example.com/made-up", SOURCE_TYPES + "x"])
def test_only_known_source_types_are_signed(source: str | None) -> None:
    manifest = _plain_manifest()
    manifest["assertions"][0]["data"]["actions"][0]["digitalSourceType"] = source
    with pytest.raises(ExportError, match="source type"):
        check(manifest, [])


def test_created_and_opened_do_not_go_together() -> None:
    manifest = _plain_manifest()
    actions = manifest["assertions"][0]["data"]["actions"]
    manifest["assertions"][0]["data"]["actions"] = [*actions, actions[0]]
    with pytest.raises(ExportError, match="begins with"):
        check(manifest, [])


def test_a_recipe_too_large_for_a_manifest_is_one_clear_error(unlocked: Unlocked) -> None:
    recipe = generated(11)
    picture = encode(pixels_of(recipe.image), "png")
    object.__setattr__(recipe, "canonical", recipe.canonical + b" " * 1_200_000)
    with pytest.raises(ExportError, match="too large") as caught:
        sign_picture(picture, "image/png", claim_for(recipe), unlocked)
    assert "tier" in caught.value.remedy


def _sign(
    unlocked: Unlocked, recipe: Recipe, photo: OpenedPhoto | None, **changes: object
) -> bytes:
    photos = () if photo is None else (photo,)
    claim = claim_for(generated(), **changes)
    values = {**vars(claim), "recipe": recipe, "photos": photos}
    data = encode(pixels_of(generated().image), "png")
    return sign_picture(data, "image/png", type(claim)(**values), unlocked)


def test_titles_default_to_nothing_personal(png: bytes, identity: Identity) -> None:
    assert _manifest(png)["title"] == "Picture abababab"
    assert identity.status().name.startswith("Installation ")


def _data(manifest: dict[str, Any], label: str) -> dict[str, Any]:
    (found,) = [a for a in manifest["assertions"] if a["label"] == label]
    return dict(found["data"])


def test_others_may_do_nothing_with_a_picture_unless_its_maker_says_so(unlocked: Unlocked) -> None:
    uses = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")
    plain = _data(_manifest(signed(unlocked)), "cawg.training-mining")["entries"]
    assert plain == {f"cawg.{use}": {"use": "notAllowed"} for use in uses}
    data = signed(unlocked, allowed_uses=("data_mining",))
    told = _data(_manifest(data), "cawg.training-mining")["entries"]
    assert told["cawg.data_mining"] == {"use": "allowed"}
    assert told["cawg.ai_training"] == {"use": "notAllowed"}
    assert read_credentials(data).claim["uses"]["cawg.data_mining"] == "allowed"


def test_a_mark_is_an_action_and_a_soft_binding_under_its_own_name(unlocked: Unlocked) -> None:
    mark = Mark("org.latent-atelier.mark.1", b"\x01\x02\x03\x04\x05", {"strength": 2})
    data = signed(unlocked, mark=mark)
    manifest = _manifest(data)
    assert _actions(manifest)[-1]["action"] == "c2pa.watermarked.bound"
    told = _data(manifest, "c2pa.soft-binding")
    assert told["alg"] == mark.algorithm
    assert told["blocks"][0]["value"] == "AQIDBAU="
    assert read_credentials(data).claim["watermarks"] == [
        {"alg": mark.algorithm, "value": "AQIDBAU="}
    ]
    assert _data(manifest, RECIPE_LABEL)["receipt"]["watermark"]["parameters"] == {"strength": 2}


@pytest.mark.parametrize("relationship", ["componentOf", "made-up"])
def test_ingredients_are_parents_or_inputs_and_named_by_an_action(relationship: str) -> None:
    manifest = _plain_manifest()
    extra = {"label": "more", "relationship": relationship}
    with pytest.raises(ExportError, match="parent or an input"):
        check({**manifest, "ingredients": [*manifest["ingredients"], extra]}, [])
    extra["relationship"] = "inputTo"
    with pytest.raises(ExportError, match="name each other"):
        check({**manifest, "ingredients": [*manifest["ingredients"], extra]}, [])
