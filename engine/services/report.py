"""Receipts and verifications as JSON data and as plain text."""

from __future__ import annotations

import json
from typing import Any

from engine.frame import (
    BackendName,
    LedgerMatch,
    MarkFound,
    Receipt,
    Verdict,
    VerdictName,
)

EXIT_CODES: dict[VerdictName, int] = {
    "own": 0,
    "trusted": 0,
    "intact-unverified": 0,
    "expired": 1,
    "invalid": 1,
    "damaged": 1,
    "none": 3,
    "remote-not-checked": 3,
}
_SOURCE = "digital_source_type"
_MARKS = {True: "+", False: "!", None: " "}


def exit_code(verdict: Verdict, require_trusted: bool = False) -> int:
    """The command line's answer: 0 intact, 1 not, 3 where nothing is signed or was looked at."""
    if require_trusted and verdict.verdict == "intact-unverified":
        return 1
    return EXIT_CODES[verdict.verdict]


def stated_backend(verdict: Verdict) -> BackendName | None:
    """The backend that the file says it was made with."""
    receipt = verdict.claim.get("export", {}).get("receipt", {})
    name = receipt.get("backend")
    return name if name in ("onnx", "torch", "native") else None


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """The stable JSON form; absent things are null."""
    again = verdict.rerender
    return {
        "verdict": verdict.verdict,
        "file": str(verdict.path),
        "headline": verdict.headline,
        "findings": [{"ok": item.ok, "text": item.text} for item in verdict.findings],
        "signer": verdict.signer,
        "signed_at": verdict.signed_at,
        "recipe": None if verdict.recipe is None else json.loads(verdict.recipe.canonical),
        "recipe_sha256": None if verdict.recipe is None else verdict.recipe.sha256,
        "claim": dict(verdict.claim),
        "certificate": dict(verdict.certificate) or None,
        "claims": _claims(verdict),
        "actions": list(verdict.claim.get("actions", ())),
        "ingredients": list(verdict.claim.get("ingredients", ())),
        "validation": verdict.claim.get("validation"),
        "watermark": _watermark(verdict.watermark),
        "ledger": _ledger(verdict.ledger),
        "notes": list(verdict.notes),
        "rerender": None
        if again is None
        else {
            "identical": again.identical,
            "largest_difference": again.largest_difference,
            "psnr_db": again.psnr_db if again.psnr_db < 1e9 else None,
            "text": again.text,
        },
    }


def _claims(verdict: Verdict) -> dict[str, Any] | None:
    """What the signer asserts, whether or not it is so; None where there are no credentials."""
    claim = verdict.claim
    if not claim:
        return None
    sources = [step["digital_source_type"] for step in claim["actions"] if _SOURCE in step]
    export = claim.get("export", {})
    return {
        "title": claim.get("title"),
        "generator": claim.get("generator"),
        "digital_source_types": list(dict.fromkeys(sources)),
        "uses": claim.get("uses") or None,
        "watermarks": claim.get("watermarks") or None,
        "tier": export.get("tier"),
        "export_id": export.get("id"),
        "commitment": export.get("commitment"),
    }


def _watermark(mark: MarkFound | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    return {
        "id": None if mark.id is None else f"{mark.id:010x}",
        "confidence": mark.confidence,
        "algorithm": mark.algorithm or None,
        "payload": mark.payload or None,
    }


def _ledger(match: LedgerMatch | None) -> dict[str, Any] | None:
    if match is None:
        return None
    return {
        "row": match.row,
        "by": match.by,
        "score": round(match.score, 4),
        "created": match.created,
        "status": match.status,
        "path": str(match.path),
        "recipe_sha256": None if match.recipe is None else match.recipe.sha256,
    }


def verdict_text(verdict: Verdict) -> str:
    """For people: the verdict and every finding, the comparison with a fresh render included."""
    lines = [f"{verdict.path.name}: {verdict.verdict}", verdict.headline]
    lines += [f"  {_MARKS[item.ok]} {item.text}" for item in verdict.findings]
    lines += [f"    {note}" for note in verdict.notes]
    return "\n".join(lines) + "\n"


def receipt_data(receipt: Receipt) -> dict[str, Any]:
    """The stable JSON form of what an export left behind."""
    return {
        "path": str(receipt.path),
        "sha256": receipt.sha256,
        "pixels_sha256": receipt.pixels_sha256,
        "recipe_sha256": receipt.recipe.sha256,
        "backend": receipt.backend,
        "versions": dict(receipt.versions),
        "verdict": receipt.verdict,
        "ledger_id": receipt.ledger_id,
        "signer": receipt.signer,
        "watermark": None if receipt.mark is None else receipt.mark.value.hex(),
        "notice": receipt.notice,
    }
