"""What a picture was made from, as a tree, with what is wrong with each part.

The library calls a picture trusted whose parent was tampered with: what failed stands only in the
results kept with the ingredient (two forms, by age) and in the differences found now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.provenance.plain_text import plain

State = Literal["intact", "invalid", "no-credentials"]
_DEEPEST = 16
_MOST = 500
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
    """A picture or model that went into another. faults: codes of the checks that it failed.

    signer: the name in the certificate of its own credentials, not verified. parts: what it was
    itself made from. thumbnail: where the file keeps its picture, "" for nowhere.
    """

    title: str
    relationship: str
    description: str
    has_credentials: bool
    faults: tuple[str, ...]
    signer: str = ""
    parts: tuple[IngredientView, ...] = ()
    thumbnail: str = ""

    @property
    def state(self) -> State:
        """Of this part alone, leaving what it was made from aside."""
        if self.faults:
            return "invalid"
        return "intact" if self.has_credentials else "no-credentials"

    def walk(self) -> Iterator[IngredientView]:
        """This part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "title": self.title,
            "relationship": self.relationship,
            "description": self.description,
            "has_credentials": self.has_credentials,
            "state": self.state,
            "signer": self.signer or None,
            "faults": list(self.faults),
            "ingredients": [part.plain() for part in self.parts],
        }


def read_ingredients(report: Mapping[str, Any]) -> tuple[IngredientView, ...]:
    """The parts of the active manifest; those of manifests that nothing names follow."""
    reader = _Reader(report)
    found = reader.parts_of(report["active_manifest"], 0)
    for label in report["manifests"]:
        if label not in reader.seen:
            found += reader.parts_of(label, 0)
    return (*found, *reader.unnamed())


class _Reader:
    def __init__(self, report: Mapping[str, Any]) -> None:
        self._manifests = report["manifests"]
        self.seen: set[str] = set()
        self._left = _MOST
        self._now: dict[str, list[dict[str, Any]]] = {}
        for delta in report["validation_results"].get("ingredientDeltas") or []:
            address = str(delta.get("ingredientAssertionURI", ""))
            self._now[address] = delta.get("validationDeltas", {}).get("failure") or []

    def parts_of(self, label: str, depth: int) -> tuple[IngredientView, ...]:
        """Each manifest is walked once, so that one that names itself ends."""
        if label in self.seen or label not in self._manifests:
            return ()
        if depth > _DEEPEST or self._left <= 0:
            return (_part({"title": "more than is read"}, [{"code": "too many ingredients"}]),)
        self.seen.add(label)
        found = []
        for entry in self._manifests[label].get("ingredients") or []:
            self._left -= 1
            address = f"self#jumbf=/c2pa/{label}/c2pa.assertions/{entry.get('label', '')}"
            results = (entry.get("validation_results") or {}).get("activeManifest") or {}
            checks = [
                *(results.get("failure") or []),
                *(x for x in entry.get("validation_status") or [] if not x.get("success")),
                *self._now.pop(address, []),
            ]
            own = str(entry.get("active_manifest") or "")
            info = (self._manifests.get(own) or {}).get("signature_info") or {}
            signer = plain(info.get("common_name") or info.get("issuer") or "", 80)
            found.append(_part(entry, checks, signer, self.parts_of(own, depth + 1)))
        return tuple(found)

    def unnamed(self) -> tuple[IngredientView, ...]:
        """Faults found now in what no manifest lists."""
        return tuple(_part({"title": "unnamed"}, checks) for checks in self._now.values())


def _part(
    entry: Mapping[str, Any],
    checks: list[dict[str, Any]],
    signer: str = "",
    parts: tuple[IngredientView, ...] = (),
) -> IngredientView:
    codes = dict.fromkeys(str(check.get("code", "unknown")) for check in checks)
    faults = tuple(plain(code, 80) for code in codes if code not in _NO_FAULT)
    return IngredientView(
        title=plain(entry.get("title") or "unnamed"),
        relationship=plain(entry.get("relationship") or "", 20),
        description=plain(entry.get("description") or ""),
        has_credentials=bool(entry.get("active_manifest")),
        faults=faults,
        signer=signer,
        parts=parts,
        thumbnail=_thumbnail(entry),
    )


def _thumbnail(entry: Mapping[str, Any]) -> str:
    kept = entry.get("thumbnail")
    address = kept.get("identifier") if isinstance(kept, dict) else None
    return address if isinstance(address, str) else ""
