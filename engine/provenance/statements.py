"""What the signer says of a picture, and the Recipe that a manifest carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import RecipeError
from engine.frame import Finding
from engine.path import Path
from engine.provenance import words
from engine.provenance.claim import RECIPE_LABEL
from engine.provenance.ingredients import IngredientView
from engine.provenance.manifest_view import ManifestView
from engine.provenance.plain_text import plain, plain_data
from engine.recipe import Recipe


@dataclass(frozen=True)
class Statements:
    """claim: JSON data for reports, all foreign text made plain. note: about the Recipe."""

    recipe: Recipe | None
    claim: Mapping[str, Any]
    note: Finding | None
    ingredients: tuple[IngredientView, ...]
    sources: tuple[str, ...]

    def findings(self, *, own: bool) -> tuple[Finding, ...]:
        """The statements in words. own: whether this installation is the one that speaks."""
        who = "This installation says" if own else "The signer says"
        made = [words.source(source) for source in self.sources]
        lines = [Finding(None, f"{who}: {text}.") for text in dict.fromkeys(made) if text]
        for part in self.ingredients[:20]:
            what = {"parentOf": "edited from", "inputTo": "made with"}.get(
                part.relationship, "contains"
            )
            detail = f" ({part.description})" if part.description else ""
            lines.append(Finding(None, f"{who}: {what} “{part.title}”{detail}."))
        shown = self.claim.get("export", {}).get("sheet")
        if isinstance(shown, list):
            text = f"a sheet of {len(shown)} pictures; the Recipe is that of the first"
            lines.append(Finding(None, f"{who}: {text}."))
        return (*lines, self.note) if self.note is not None else tuple(lines)


def read_statements(seen: ManifestView) -> Statements:
    """What the manifest states. The Recipe is read only where its bytes are as signed."""
    data = seen.recipe_data if _as_signed(seen) else None
    recipe, note = _recipe(data)
    sources = tuple(
        str(step["digital_source_type"]) for step in seen.actions if "digital_source_type" in step
    )
    claim: dict[str, Any] = {
        "title": seen.title,
        "generator": seen.generator,
        "actions": [dict(step) for step in seen.actions],
        "ingredients": [part.plain() for part in seen.ingredients],
        "uses": dict(seen.uses),
        "watermarks": [dict(mark) for mark in seen.marks],
        "validation": {
            "passed": _codes(seen.passed),
            "failed": _codes(seen.failed),
        },
    }
    if data is not None:
        claim["export"] = {
            key: plain_data(data[key])
            for key in ("id", "tier", "commitment", "recipe_sha256", "receipt", "sheet")
            if key in data
        }
        film = _film(data)
        if film is not None:
            claim["film"] = film.canonical.decode("utf-8")
    return Statements(recipe, claim, note, seen.ingredients, sources)


def _codes(checks: tuple[tuple[str, str], ...]) -> list[str]:
    return [plain(code, 80) for code in dict.fromkeys(code for code, _ in checks)]


def _as_signed(seen: ManifestView) -> bool:
    """Whether the signature holds and the Recipe assertion's hash is the one that was signed."""
    return seen.has("claimSignature.validated") and any(
        code == "assertion.hashedURI.match" and address.endswith(f"/{RECIPE_LABEL}")
        for code, address in seen.passed
    )


def _film(data: Mapping[str, Any]) -> Path | None:
    """What a film was rendered from, where its bytes are as they were signed."""
    told = data.get("film")
    text = told.get("path") if isinstance(told, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        return Path.from_json(text)
    except RecipeError:
        return None


def _recipe(data: Mapping[str, Any] | None) -> tuple[Recipe | None, Finding | None]:
    if data is None:
        return None, None
    text = data.get("recipe")
    if isinstance(text, str):
        try:
            recipe = Recipe.from_json(text)
        except RecipeError as error:
            return None, Finding(False, f"The Recipe cannot be read: {plain(error.what)}")
        if recipe.sha256 != data.get("recipe_sha256"):
            return None, Finding(False, "The Recipe does not have the SHA-256 that is stated.")
        return recipe, Finding(True, f"The Recipe is in the file (SHA-256 {recipe.sha256}).")
    if data.get("tier") == "commitment":
        return None, Finding(
            None, "The Recipe is held back; a salted commitment lets its owner prove it later."
        )
    return None, Finding(None, "The Recipe is held back.")
