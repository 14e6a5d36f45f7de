"""What the C2PA library reports of a file, as plain data: checks, signer, statements, ingredients.

Everything here was written by whoever signed the file. Text is made plain before it leaves.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import c2pa

from engine.provenance.claim import MINING_LABEL, RECIPE_LABEL
from engine.provenance.ingredients import IngredientView, read_ingredients
from engine.provenance.plain_text import plain, plain_data

_MOST_PICTURES, _MOST_BYTES = 40, 2_000_000
Check = tuple[str, str]
"""A validation code of the C2PA specification (section 15), and the address of what it is about."""


@dataclass(frozen=True)
class ManifestView:
    """The active manifest, and every ingredient below it.

    label: its name in the file. recipe_data: the Recipe assertion as it stands in the file, unread
    and unclipped. uses: what others may do with the picture. marks: the soft bindings stated.
    pictures: thumbnails that the file keeps of ingredients, undecoded, by their place in the walk.
    """

    label: str

    passed: tuple[Check, ...]
    failed: tuple[Check, ...]
    signer: str
    issuer: str
    algorithm: str
    time_stamp: str | None
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    ingredients: tuple[IngredientView, ...]
    title: str
    generator: str
    actions: tuple[Mapping[str, Any], ...]
    recipe_data: Mapping[str, Any] | None
    uses: Mapping[str, str]
    marks: tuple[Mapping[str, str], ...]
    pictures: Mapping[int, bytes]

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
    parts = read_ingredients(report)
    return ManifestView(
        label=str(label),
        passed=_checks(results["success"]),
        failed=_checks(results["failure"]),
        signer=plain(signature.get("common_name") or signature.get("issuer") or "", 80),
        issuer=plain(signature.get("issuer") or "", 80),
        algorithm=plain(signature.get("alg") or "", 20),
        time_stamp=plain(signature["time"], 40) if signature.get("time") else None,
        valid_from=_moment(validity.get("notBefore")),
        valid_to=_moment(validity.get("notAfter")),
        ingredients=parts,
        title=plain(manifest.get("title", "")),
        generator=_generator(manifest),
        actions=_actions(raw),
        recipe_data=_recipe_data(raw),
        uses=_uses(raw),
        marks=_marks(raw),
        pictures=_pictures(reader, parts),
    )


def _pictures(reader: c2pa.Reader, parts: tuple[IngredientView, ...]) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    every = (part for top in parts for part in top.walk())
    for place, part in enumerate(islice(every, _MOST_PICTURES)):
        if not part.thumbnail:
            continue
        kept = io.BytesIO()
        try:
            reader.resource_to_stream(part.thumbnail, kept)
        except c2pa.C2paError:
            continue  # a picture that cannot be had is no fault of the credentials
        if kept.tell() <= _MOST_BYTES:
            found[place] = kept.getvalue()
    return found


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


def _uses(raw: Mapping[str, Any]) -> Mapping[str, str]:
    """What the signer allows others, by the CAWG or the older C2PA assertion."""
    for label in (MINING_LABEL, "c2pa.training-mining"):
        data = raw.get("assertions", {}).get(label)
        entries = data.get("entries") if isinstance(data, dict) else None
        if isinstance(entries, dict):
            return {
                plain(key, 60): plain(entry.get("use", ""), 20)
                for key, entry in list(entries.items())[:20]
                if isinstance(entry, dict)
            }
    return {}


def _marks(raw: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """The soft bindings that the signer states: algorithm and value, see soft_binding."""
    found: list[Mapping[str, str]] = []
    for label, data in raw.get("assertions", {}).items():
        if str(label).startswith("c2pa.soft-binding") and isinstance(data, dict):
            blocks = data.get("blocks") or [{}]
            value = blocks[0].get("value", "") if isinstance(blocks[0], dict) else ""
            found.append({"alg": plain(data.get("alg", ""), 80), "value": plain(value, 200)})
    return tuple(found[:10])
