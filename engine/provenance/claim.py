"""What an export states of itself, as a C2PA manifest (claim version 2).

The Recipe stands in its assertion as text, the canonical bytes themselves: the SDK's JSON passes
numbers through a parser that moves about one in six by a unit in the last place, and shows lists
of numbers as base64, so an object would not come back as it went in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import ExportError
from engine.frame import USES, BackendName, Mark, Quality, Tier, Use
from engine.image.xmp import SOURCE_TYPES
from engine.path import Path
from engine.provenance import soft_binding
from engine.provenance.origin import (
    SourceType,
    models_of,
    photos_of,
    shaping_of,
    source_type,
)
from engine.provenance.program import NAME, generator_info, program_version
from engine.recipe import ModelRef, Recipe

RECIPE_LABEL = "org.latent-atelier.recipe"
MINING_LABEL = "cawg.training-mining"
THUMBNAIL = "thumbnail.jpg"
_KNOWN_SOURCES = {
    SOURCE_TYPES + "trainedAlgorithmicMedia",
    SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia",
    SOURCE_TYPES + "algorithmicallyEnhanced",
}


@dataclass(frozen=True)
class Made:
    """How this machine made the picture. pixels_sha256: before encoding; see image.pixels. how: see
    frame.Frame."""

    backend: BackendName
    versions: Mapping[str, str]
    pixels_sha256: str
    width: int
    height: int
    quality: Quality
    how: str = ""


@dataclass(frozen=True)
class OpenedPhoto:
    """A picture from outside that takes part. data: its file, for the credentials it may carry."""

    data: bytes
    mime: str
    has_credentials: bool


@dataclass(frozen=True)
class Claim:
    """What an export states. when: ISO 8601. photos: in the order of origin.photos_of.

    allowed_uses: see frame.ExportOptions. mark: the invisible mark that the pixels carry, or None.
    film: what a film was rendered from; recipe is then one of its frames. sheet: the Recipes of all
    pictures on a sheet; recipe is then the first of them. parts: models through which others work
    and that no Recipe names, such as the CLIP that reads a model's texts.
    """

    id: str
    recipe: Recipe
    made: Made
    when: str
    tier: Tier
    thumbnail: bytes
    title: str = ""
    salt: bytes = b""
    photos: tuple[OpenedPhoto, ...] = ()
    allowed_uses: tuple[Use, ...] = ()
    mark: Mark | None = None
    film: Path | None = None
    sheet: tuple[Recipe, ...] = ()
    parts: tuple[ModelRef, ...] = ()

    @property
    def source_type(self) -> SourceType | None:
        """IPTC's kind of source: of a sheet, what any of its pictures is."""
        kinds = [source_type(one) for one in self.sheet or (self.recipe,)]
        composite: SourceType = "compositeWithTrainedAlgorithmicMedia"
        return composite if composite in kinds else kinds[0]

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """Every model that takes part, each once; parts of models come last."""
        named = [model for one in self.sheet or (self.recipe,) for model in models_of(one)]
        known = {model.sha256 for model in named}
        parts = [part for part in self.parts if part.sha256 not in known]
        return tuple(dict.fromkeys([*named, *parts]))


@dataclass(frozen=True)
class Draft:
    """A manifest ready for the SDK, and the ingredients that bring their own credentials."""

    manifest: dict[str, Any]
    streamed: tuple[tuple[dict[str, Any], OpenedPhoto], ...]


def commitment(salt: bytes, recipe: Recipe) -> str:
    """SHA-256 over salt and canonical Recipe: binding, and without the salt not to be guessed."""
    return hashlib.sha256(salt + recipe.canonical).hexdigest()


def draft(claim: Claim, mime: str) -> Draft:
    """The manifest of a claim. Raises ExportError where the claim contradicts itself."""
    listed, streamed = _ingredients(claim)
    manifest = {
        "claim_version": 2,
        "claim_generator_info": [generator_info()],
        "title": claim.title or f"Picture {claim.id[:8]}",
        "format": mime,
        "thumbnail": {"format": "image/jpeg", "identifier": THUMBNAIL},
        "ingredients": listed,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                "data": {"allActionsIncluded": True, "actions": _actions(claim)},
            },
            {"label": RECIPE_LABEL, "kind": "Json", "created": True, "data": _told(claim)},
            {"label": MINING_LABEL, "created": True, "data": {"entries": _uses(claim)}},
            *_soft_binding(claim),
        ],
    }
    check(manifest, [entry for entry, _ in streamed])
    return Draft(manifest, streamed)


def check(manifest: Mapping[str, Any], streamed: list[dict[str, Any]]) -> None:
    """Hold a manifest to the rules that the SDK does not check. Raises ExportError.

    C2PA specification 2.2, sections 11.2.4 and 18.16: the first action says created or opened;
    what was created has no parent; what was opened has exactly one, named by that action.
    """
    actions = manifest["assertions"][0]["data"]["actions"]
    entries = [*manifest["ingredients"], *streamed]
    odd = {entry["relationship"] for entry in entries} - {"parentOf", "inputTo"}
    if odd:
        raise ExportError(f"An ingredient is a parent or an input, got {sorted(odd)}.")
    parents = [entry["label"] for entry in entries if entry["relationship"] == "parentOf"]
    named = [x for a in actions for x in a.get("parameters", {}).get("ingredientIds", ())]
    first = actions[0]["action"]
    kinds = [action["action"] for action in actions]
    if first not in ("c2pa.created", "c2pa.opened") or len({*kinds[1:]} & {first}) > 0:
        raise ExportError(f"A manifest begins with created or opened, once; got {kinds}.")
    if first == "c2pa.created" and parents:
        raise ExportError("A picture that was created has no parent, but one is given.")
    if first == "c2pa.opened" and parents != actions[0]["parameters"]["ingredientIds"]:
        raise ExportError(f"A picture that was opened has one parent, got {len(parents)}.")
    for action in actions:
        stated = action.get("digitalSourceType")
        needed = action["action"] in ("c2pa.created", "c2pa.edited")
        if needed != (stated in _KNOWN_SOURCES) or (stated is not None and not needed):
            raise ExportError(f"{action['action']} states the source type {stated!r}.")
    lost = {entry["label"] for entry in entries} ^ set(named)
    if lost:
        raise ExportError(f"Actions and ingredients do not name each other: {sorted(lost)}.")


def _actions(claim: Claim) -> list[dict[str, Any]]:
    kind = claim.source_type
    ids = [entry["label"] for entry in _models(claim)]
    steps: list[dict[str, Any]] = []
    if photos_of(claim.recipe):
        steps.append({"action": "c2pa.opened", "parameters": {"ingredientIds": ["photo"]}})
    if kind is not None:
        step: dict[str, Any] = {
            "action": "c2pa.edited" if steps else "c2pa.created",
            "digitalSourceType": SOURCE_TYPES + kind,
            "softwareAgent": {"name": NAME, "version": program_version()},
        }
        others = [entry["label"] for entry in _photos(claim)[1:]]
        if ids or others:
            step["parameters"] = {"ingredientIds": [*ids, *others]}
        steps.append(step)
    if not claim.sheet:  # how each of its pictures was cut is told by their own Recipes
        steps += [{"action": action} for action in shaping_of(claim.recipe)]
    if claim.mark is not None:
        steps.append({"action": "c2pa.watermarked.bound"})
    return [{**step, "when": claim.when} for step in steps]


def _uses(claim: Claim) -> dict[str, dict[str, str]]:
    """What others may do, by the words of CAWG's training and data mining assertion 1.1."""
    return {
        f"cawg.{use}": {"use": "allowed" if use in claim.allowed_uses else "notAllowed"}
        for use in USES
    }


def _soft_binding(claim: Claim) -> list[dict[str, Any]]:
    """The mark as a soft binding (C2PA specification 2.2, section 9.3)."""
    if claim.mark is None:
        return []
    value = soft_binding.told(claim.mark)
    data = {"alg": claim.mark.algorithm, "blocks": [{"scope": {}, "value": value}]}
    return [{"label": "c2pa.soft-binding", "created": True, "data": data}]


def _models(claim: Claim) -> list[dict[str, Any]]:
    """The models as ingredients; the private tiers name none."""
    if claim.tier != "recipe":
        return []
    return [
        {
            "title": model.name,
            "format": "application/octet-stream",
            "relationship": "inputTo",
            "description": f"SHA-256 of the weights: {model.sha256}",
            "data_types": [{"type": "c2pa.types.model"}],
            "label": "model" if i == 0 else f"model-{i + 1}",
        }
        for i, model in enumerate(claim.models)
    ]


def _photos(claim: Claim) -> list[dict[str, Any]]:
    """The photos as ingredients, without file names; the first is the parent."""
    return [
        {
            "title": "Photo",
            "format": photo.mime,
            "relationship": "inputTo" if i else "parentOf",
            "label": f"photo-{i + 1}" if i else "photo",
        }
        for i, photo in enumerate(claim.photos)
    ]


def _ingredients(
    claim: Claim,
) -> tuple[list[dict[str, Any]], tuple[tuple[dict[str, Any], OpenedPhoto], ...]]:
    """Ingredients without and with credentials of their own.

    Only a photo that has credentials is handed to the SDK as a file: of any other it would read
    XMP identifiers that are nobody's business. The private tiers keep no credentials, because
    these carry thumbnails and places.
    """
    listed = _models(claim)
    streamed = []
    for entry, photo in zip(_photos(claim), claim.photos, strict=True):
        if photo.has_credentials and claim.tier == "recipe":
            streamed.append((entry, photo))
        else:
            listed.append(entry)
    return listed, tuple(streamed)


def _told(claim: Claim) -> dict[str, Any]:
    """What the manifest tells of the Recipe, by tier."""
    told: dict[str, Any] = {"version": 1, "id": claim.id, "tier": claim.tier}
    if claim.tier == "commitment":
        if len(claim.salt) < 16:
            raise ExportError("A commitment needs a salt of at least 16 bytes.")
        told["commitment"] = {
            "alg": "sha256(salt || recipe)",
            "value": commitment(claim.salt, claim.recipe),
        }
    if claim.tier == "recipe":
        told["recipe"] = claim.recipe.canonical.decode("utf-8")
        told["recipe_sha256"] = claim.recipe.sha256
        told["receipt"] = {**asdict(claim.made), "versions": dict(claim.made.versions)}
        if claim.film is not None:
            told["film"] = {
                "path": claim.film.canonical.decode("utf-8"),
                "path_sha256": claim.film.sha256,
                "frames": claim.film.frames,
            }
        if claim.sheet:
            told["sheet"] = [recipe.sha256 for recipe in claim.sheet]
        if claim.mark is not None:
            told["receipt"]["watermark"] = {
                "alg": claim.mark.algorithm,
                "parameters": dict(claim.mark.parameters),
            }
    return told
