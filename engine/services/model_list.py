"""What the verb `models` tells: every model of this installation, generators first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.frame import DirectionInfo, ModelInfo
from engine.models.card import images_taught
from engine.models.library import ModelLibrary
from engine.services.needs import runs_here

Directions = Callable[[str], tuple[DirectionInfo, ...]]
KINDS = {
    "diffusion": "diffusion",
    "latent-diffusion": "diffusion in codes",
    "textless-diffusion": "diffusion",
    "unclip-diffusion": "diffusion of what a CLIP would say",
    "unclip-variations": "diffusion of what a CLIP says of a picture",
    "kandinsky-diffusion": "diffusion in codes of what a CLIP would say",
    "imagen-diffusion": "diffusion",
    "glide": "diffusion",
    "guided-diffusion": "diffusion",
    "control": "ControlNet",
    "noisy-classifier": "noise-aware classifier",
    "clip": "CLIP",
    "perception": "judges pictures",
    "aligner": "finds how faces lie",
}


def model_rows(library: ModelLibrary, directions: Directions) -> list[dict[str, Any]]:
    """One row a model as JSON data: generators, diffusion models, then what looks at pictures.

    runs: of published diffusion models, how they would run at this moment. trained_images: 0 where
    the card tells none. bytes: of the folder, as the card tells it.
    """
    rows = [_generator(info, directions(info.name)) for info in library.models()]
    for info in library.denoisers():
        told = _row(info.card, info.resolution, info.classes, info.bundled)
        more = {"upsamples": info.upsamples, "reads": info.reads, "folder": str(info.folder)}
        if told_to_run := runs_here(info):
            more["runs"] = told_to_run
        rows.append({**told, **more})
    classifiers = {info.name: info for info in library.classifiers()}
    for card in library.others():
        folder, bundled = library.place_of(card["name"])
        one = classifiers.get(card["name"])
        size = card["config"].get("size") if one is None else one.resolution
        told = _row(
            card,
            size if isinstance(size, int) else None,
            () if one is None else one.classes,
            bundled,
        )
        rows.append({**told, "folder": str(folder)})
    return rows


def model_lines(row: Mapping[str, Any]) -> list[str]:
    """A row in words, a few lines."""
    size = f"{row['resolution']:>4} px" if row["resolution"] else f"{'':>7}"
    where = "bundled" if row["bundled"] else "imported"
    kind = KINDS.get(row["family"], row["family"])
    if row.get("upsamples"):
        kind += ", enlarges pictures"
    if row.get("reads"):
        kind += ", reads texts"
    facts = [kind]
    if row["trained_images"]:
        facts.append(f"trained on {row['trained_images']:,} images")
    if row["bytes"]:
        facts.append(f"{row['bytes'] / 1e6:.1f} MB")
    facts.append(row["licence"] or "no licence told")
    lines = [
        f"{row['name']:<28} {size}  {where:<8}  {row['title']}",
        f"{'':<28} {', '.join(facts)}",
        f"{'':<28} weights {row['sha256']}",
    ]
    if "runs" in row:
        lines.append(f"{'':<28} runs: {row['runs']}")
    if "directions" in row:
        names = ", ".join(row["labels"])
        lines.append(f"{'':<28} directions: {names or 'none yet'}")
    if row["classes"]:
        lines += [f"{'':<28} {'classes:' if i == 0 else '':<8} {i} {name}"
                  for i, name in enumerate(row["classes"][:16])]  # fmt: skip
    return lines


def _generator(info: ModelInfo, found: Sequence[DirectionInfo]) -> dict[str, Any]:
    told = _row(info.card, info.resolution, info.card.get("classes") or (), info.bundled)
    return {
        **told,
        "folder": str(info.folder),
        "directions": [item.name for item in found],
        "labels": [item.label for item in found],
    }


def _row(
    card: Mapping[str, Any], resolution: int | None, classes: Sequence[str], bundled: bool
) -> dict[str, Any]:
    size = card.get("bytes")
    return {
        "name": card["name"],
        "title": card["title"],
        "family": card["family"],
        "resolution": resolution,
        "sha256": card["weights_sha256"],
        "bundled": bundled,
        "classes": [str(name) for name in classes],
        "licence": str(card.get("licence") or ""),
        "trained_images": images_taught(card),
        "bytes": size if isinstance(size, int) else 0,
    }
