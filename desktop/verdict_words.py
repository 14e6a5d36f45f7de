"""A verdict in looks and words, for the panel, the table and the printed page."""

from __future__ import annotations

from desktop.messages import plain
from engine.frame import Verdict
from engine.recipe import Generate, Recipe, Resize, Seed, walk

LOOKS: dict[str, tuple[str, str]] = {
    "own": ("verify", "good"),
    "trusted": ("verify", "good"),
    "intact-unverified": ("shield", "accent"),
    "expired": ("clock", "warn"),
    "invalid": ("cross", "bad"),
    "damaged": ("cross", "bad"),
    "none": ("question", "muted"),
    "remote-not-checked": ("question", "muted"),
}
WORDS: dict[str, str] = {
    "own": "Your own",
    "trusted": "Signer on your trust list",
    "intact-unverified": "Unchanged, signer not verified",
    "expired": "Unchanged, certificate expired",
    "invalid": "Changed or not valid",
    "damaged": "Damaged",
    "none": "No credentials",
    "remote-not-checked": "Credentials elsewhere",
}


def facts(verdict: Verdict) -> list[tuple[str, str]]:
    """Name and words of what the credentials say."""
    lines: list[tuple[str, str]] = []
    if verdict.signer:
        known = verdict.verdict in ("own", "trusted")
        lines.append(("Signed by" if known else "The signer says", plain(verdict.signer, 120)))
    if verdict.signed_at:
        lines.append(("At", plain(verdict.signed_at, 60)))
    if verdict.known_recipe is not None:
        lines += recipe_facts(verdict.known_recipe)
    return lines


def recipe_facts(recipe: Recipe) -> list[tuple[str, str]]:
    """A Recipe in a few words."""
    nodes = list(walk(recipe.image))
    lines: list[tuple[str, str]] = []
    models = dict.fromkeys(node.model.name for node in nodes if isinstance(node, Generate))
    if models:
        lines.append(("Made with", plain(", ".join(models), 120)))
    seeds = dict.fromkeys(str(node.n) for node in nodes if isinstance(node, Seed))
    if seeds:
        lines.append(("Seeds" if len(seeds) > 1 else "Seed", ", ".join(seeds)))
    ops = [node.op for node in nodes if hasattr(node, "op")]
    steps = [
        f"{count} {word if count == 1 else word + 's'}"
        for op, word in (("move", "direction"), ("mix", "mix"), ("blend", "blend"))
        if (count := ops.count(op))
    ]
    if steps:
        lines.append(("Steps", ", ".join(steps).replace("mixs", "mixes")))
    if isinstance(recipe.image, Resize):
        lines.append(("Size", f"{recipe.image.width} × {recipe.image.height} px"))
    lines.append(("Recipe", recipe.sha256[:16] + "…"))
    return lines
