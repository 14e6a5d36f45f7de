"""The verbs of the command line that edit: directions, texts, and films for `export`."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict

from engine.errors import UsageError
from engine.frame import DirectionInfo, RenderSettings
from engine.path import Key, Path
from engine.recipe import Generate, Noise, Recipe, Seed, Truncate
from engine.studio import Studio
from engine.wishes import DirectionWish, TextEdit, TextPair, TextWish
from verbs.recipe_options import recipe_of
from verbs.terminal import say, working


def find_directions(options: Namespace) -> int:
    """Find, import or export directions, and say what was found."""
    chosen = [word for word in (options.method, options.keep, options.export) if word]
    if len(chosen) != 1:
        raise UsageError("Give one of --method, --import and --export.")
    studio = Studio()
    if options.export:
        return _export(studio, options)
    with working(options) as (bar, token):
        if options.keep:
            from engine.services.direction_files import import_direction

            found = import_direction(
                studio.home, options.model, options.keep, bar, token, options.anyway
            )
        elif options.method in ("named", "ganspace"):
            from engine.services.discover import find_directions as find_shipped

            found = find_shipped(studio.open(options.model), options.method, bar, token)
        else:
            from engine.services.find import find

            found = find(studio.home, options.model, wish_of(options), bar, token)
    _tell(found, options.json)
    return 0


def wish_of(options: Namespace) -> DirectionWish:
    """What the words of the command line ask for. Raises UsageError."""
    if options.count < 1:
        raise UsageError(f"--count must be at least 1, got {options.count}.")
    return DirectionWish(
        method=options.method,
        layers=_layers(options.layers),
        count=options.count,
        attribute=options.attribute,
        hold=tuple(word for word in options.hold.split(",") if word),
        region=_region(options.region),
        space=options.space,
        name=options.name,
        text=_pair(options) if options.method == "text" else None,
    )


def _pair(options: Namespace) -> TextPair:
    if not options.text:
        raise UsageError("A text is needed, such as: --text 'a face with glasses'.")
    if not 0 <= options.threshold <= 1:
        raise UsageError(f"--threshold must lie in [0, 1], got {options.threshold:g}.")
    return TextPair(options.text, options.neutral, options.clip, options.threshold)


def edit_text(options: Namespace) -> int:
    """Make a picture as a text says, and write its Recipe or its picture."""
    from engine.services.edit_text import edit_text as edit
    from engine.services.edit_text import recipe_at

    if not 0 <= options.steps <= 5000:
        raise UsageError(f"--steps must lie in [0, 5000], got {options.steps}.")
    studio = Studio()
    recipe = recipe_of(options, studio)
    wish = TextWish(recipe, _pair(options), options.way, options.strength, options.steps)
    with working(options) as (bar, token):
        found = edit(studio.home, wish, bar, token, lambda _: None)
    amount = wish.strength if wish.way == "direction" else 1.0
    made = recipe_at(found, studio.store, amount, options.threshold)
    _write(studio, made, options)
    _tell_text(found)
    return 0


def _write(studio: Studio, recipe: Recipe, options: Namespace) -> None:
    from engine.services.render_file import render_file

    if options.out.suffix.lower() == ".json":
        try:
            options.out.write_text(recipe.text() + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{options.out} cannot be written: {error.strerror}.") from error
    else:
        render_file(studio.renderer, recipe, options.out, RenderSettings(), options.size)
    say(str(options.out))


def _tell_text(found: TextEdit) -> None:
    if found.cut:
        say(f"The text was too long for {found.clip.title}: it read {found.read!r}")
    way = "" if found.wish.way == "direction" else f"{found.reached:.0%} of the way"
    say("; ".join(part for part in (found.clip.title, way, found.note) if part))


def _export(studio: Studio, options: Namespace) -> int:
    from engine.services.direction_files import export_direction

    if options.out is None:
        raise UsageError("--export needs --out FILE.")
    say(str(export_direction(studio.home, options.model, options.export, options.out)))
    return 0


def _tell(found: tuple[DirectionInfo, ...], as_json: bool) -> None:
    if as_json:
        say(json.dumps([asdict(item) | {"scores": dict(item.scores)} for item in found], indent=2))
        return
    for item in found:
        say(f"{item.name:<20} {item.label:<20} {item.method:<10} {item.low:g} to {item.high:g}")
        moves = ", ".join(f"{k} {v:+.2f}" for k, v in item.scores.items() if abs(v) >= 0.1)
        if moves or item.note:
            say(f"{'':<20} {item.note}{'; moves ' if moves else ''}{moves}")


def film_of(options: Namespace, studio: Studio) -> Path | None:
    """The film that the words of `export` mean: a file that says "path", or seeds; else None."""
    if options.seeds is not None:
        return _through_seeds(options, studio)
    if options.recipe is None or options.recipe == "-":
        return None
    try:
        with open(options.recipe, "rb") as file:
            text = file.read(2_000_000)
        said = json.loads(text)
    except (OSError, ValueError):
        return None  # recipe_of tells what is wrong with it
    if not isinstance(said, dict) or "path" not in said:
        return None
    return Path.from_json(text)


def _through_seeds(options: Namespace, studio: Studio) -> Path:
    if options.model is None or options.recipe is not None or options.seed is not None:
        raise UsageError("--seeds goes with --model, and with no RECIPE.json or --seed.")
    try:
        seeds = [int(part) for part in options.seeds.split(",")]
    except ValueError as error:
        raise UsageError(f"--seeds is like 1,2,3, got {options.seeds[:40]!r}.") from error
    if len(seeds) < 2 or options.seconds <= 0:
        raise UsageError("A film needs two seeds or more, and more than 0 --seconds.")
    ref, psi = studio.ref(options.model), 0.7 if options.psi is None else options.psi
    noise = Noise(mode=options.noise)
    keys = tuple(
        Key(Generate(ref, Truncate(Seed(n), psi), noise=noise), i * options.seconds)
        for i, n in enumerate(seeds)
    )
    return Path(keys, options.fps, loop_s=options.seconds if options.loop else 0.0)


def _layers(text: str | None) -> tuple[int, ...] | None:
    """ "0-3" or "0,2,5"."""
    if text is None:
        return None
    try:
        if "-" in text:
            first, last = (int(part) for part in text.split("-"))
            found = tuple(range(first, last + 1))
        else:
            found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 0 or max(found) > 63:
        raise UsageError(f"--layers is like 0-3 or 0,2,5, got {text[:40]!r}.")
    return found


def _region(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--region is like 0.3,0.6,0.7,0.85, got {text[:40]!r}.") from error
    return left, top, right, bottom
