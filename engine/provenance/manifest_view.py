"""What the C2PA library reports of a file, as plain data: checks, signer, statements, ingredients.

Everything here was written by whoever signed the file. Text is made plain before it leaves.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import c2pa

from engine.provenance.claim import RECIPE_LABEL
from engine.provenance.plain_text import plain, plain_data

Check = tuple[str, str]
"""A validation code of the C2PA specification (section 15), and the address of what it is about."""

_NO_FAULT = frozenset(
    {
        "signingCredential.untrusted",
        "signingCredential.expired",
        "signingCredential.trusted",
        "ingredient.unknownProvenance",
        "timeStamp.untrusted",
        "timeStamp.trusted",
        "timeStamp.validated",
        "claimSignature.validated",
        "claimSignature.insideValidity",
    }
)


@dataclass(frozen=True)
class IngredientView:
    """A picture or model that went into another. faults: codes of the checks that it failed."""

    title: str
    relationship: str
    description: str
    has_credentials: bool
    faults: tuple[str, ...]


@dataclass(frozen=True)
class ManifestView:
    """The active manifest, and every ingredient below it.

    recipe_data: the Recipe assertion as it stands in the file, unread and unclipped.
    """

    passed: tuple[Check, ...]
    failed: tuple[Check, ...]
    signer: str
    time_stamp: str | None
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    ingredients: tuple[IngredientView, ...]
    title: str
    generator: str
    actions: tuple[Mapping[str, Any], ...]
    recipe_data: Mapping[str, Any] | None

    @property
    def time_proven(self) -> bool:
        """Whether a time stamp of a known authority says when the manifest was signed."""
        return self.time_stamp is not None and self.has("timeStamp.trusted")

    def has(self, code: str) -> bool:
        """Whether the active manifest passed this check."""
        return any(found == code for found, _ in self.passed)


def view(reader: c2pa.Reader) -> ManifestView:
    """Read the library's reports. Raises ValueError, KeyError or TypeError on odd ones."""
    report = json.loads(reader.json())
    exact = json.loads(reader.crjson())
    label = report["active_manifest"]
    manifest = report["manifests"][label]
    raw = next(m for m in exact["manifests"] if m["label"] == label)
    results = report["validation_results"]["activeManifest"]
    signature = manifest.get("signature_info", {})
    validity = raw.get("signature", {}).get("certificateInfo", {}).get("validity", {})
    return ManifestView(
        passed=_checks(results["success"]),
        failed=_checks(results["failure"]),
        signer=plain(signature.get("common_name") or signature.get("issuer") or "", 80),
        time_stamp=plain(signature["time"], 40) if signature.get("time") else None,
        valid_from=_moment(validity.get("notBefore")),
        valid_to=_moment(validity.get("notAfter")),
        ingredients=_ingredients(report),
        title=plain(manifest.get("title", "")),
        generator=_generator(manifest),
        actions=_actions(raw),
        recipe_data=_recipe_data(raw),
    )


def _checks(entries: list[dict[str, Any]]) -> tuple[Check, ...]:
    return tuple((str(entry["code"]), str(entry.get("url", ""))) for entry in entries)


def _moment(text: object) -> dt.datetime | None:
    if not isinstance(text, str):
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _generator(manifest: Mapping[str, Any]) -> str:
    """The program that made the claim (a list in claim version 2, a text in version 1)."""
    info = manifest.get("claim_generator_info") or []
    if info and isinstance(info[0], dict):
        return plain(f"{info[0].get('name', '')} {info[0].get('version', '')}")
    return plain(manifest.get("claim_generator", ""))


def _actions(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    for label, data in raw.get("assertions", {}).items():
        if str(label).startswith("c2pa.actions") and isinstance(data, dict):
            found += [_action(step) for step in data.get("actions", []) if isinstance(step, dict)]
    return tuple(found[:100])


def _action(step: Mapping[str, Any]) -> Mapping[str, Any]:
    agent = step.get("softwareAgent")
    if isinstance(agent, dict):
        agent = f"{agent.get('name', '')} {agent.get('version', '')}"
    told = {
        "action": step.get("action"),
        "when": step.get("when"),
        "digital_source_type": step.get("digitalSourceType"),
        "software_agent": agent,
    }
    return {key: plain_data(value) for key, value in told.items() if value is not None}


def _recipe_data(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    data = raw.get("assertions", {}).get(RECIPE_LABEL)
    return data if isinstance(data, dict) else None


def _ingredients(report: Mapping[str, Any]) -> tuple[IngredientView, ...]:
    """Every ingredient of every manifest in the file, with the faults recorded or found now.

    The library calls a picture trusted whose parent was tampered with: what failed stands only in
    the results kept with the ingredient (two forms, by age) and in the differences found now.
    """
    now: dict[str, list[dict[str, Any]]] = {}
    for delta in report["validation_results"].get("ingredientDeltas") or []:
        address = str(delta.get("ingredientAssertionURI", ""))
        now[address] = delta.get("validationDeltas", {}).get("failure") or []
    found = []
    for label, manifest in report["manifests"].items():
        for entry in manifest.get("ingredients") or []:
            results = (entry.get("validation_results") or {}).get("activeManifest") or {}
            address = f"self#jumbf=/c2pa/{label}/c2pa.assertions/{entry.get('label', '')}"
            checks = [
                *(results.get("failure") or []),
                *(x for x in entry.get("validation_status") or [] if not x.get("success")),
                *now.pop(address, []),
            ]
            found.append(_ingredient(entry, checks))
    for checks in now.values():
        found.append(_ingredient({"title": "unnamed"}, checks))
    return tuple(found)


def _ingredient(entry: Mapping[str, Any], checks: list[dict[str, Any]]) -> IngredientView:
    codes = dict.fromkeys(str(check.get("code", "unknown")) for check in checks)
    faults = tuple(plain(code, 80) for code in codes if code not in _NO_FAULT)
    return IngredientView(
        title=plain(entry.get("title") or "unnamed"),
        relationship=plain(entry.get("relationship") or "", 20),
        description=plain(entry.get("description") or ""),
        has_credentials=bool(entry.get("active_manifest")),
        faults=faults,
    )
