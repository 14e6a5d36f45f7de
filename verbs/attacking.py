"""The verb `attack` of the command line: a picture, a network, and what became of its answer."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict

from engine.errors import UsageError
from engine.frame import ExportOptions
from engine.perturbing import (
    MARK_IDS,
    TRANSFORMS,
    Attack,
    FastGradient,
    Iterated,
    Look,
    MarkReader,
    Perturb,
    Projected,
    Report,
    VictimInfo,
    photo_to_attack,
)
from engine.recipe import Generate, Image, Photo, Recipe, Resize, Seed, Truncate
from engine.studio import Studio
from verbs.recipe_options import image_of_recipe
from verbs.terminal import say, working


def attack(options: Namespace) -> int:
    """Attack a picture and tell what the network says before and after."""
    studio = Studio()
    try:
        return _attack(options, studio)
    finally:
        studio.stop_workers()


def _attack(options: Namespace, studio: Studio) -> int:
    if options.networks:
        return _list(studio, options.json)
    recipe = _recipe(options, studio)
    studio.check(recipe)

    def draw(wanted: Recipe) -> object:
        return studio.render(wanted).pixels

    with working(options) as (bar, token):
        look = studio.attacks.look(recipe, draw, cancel=token)  # type: ignore[arg-type]
        tables = None
        if options.tables:
            tables = studio.attacks.report(recipe, draw, bar, token)  # type: ignore[arg-type]
        if options.out is not None:
            _write(options, studio, recipe)
    if options.json:
        say(json.dumps(_plain(look, tables), indent=2))
    else:
        _tell(look, tables)
        if options.out is not None:
            say(str(options.out))
    return 0


def _recipe(options: Namespace, studio: Studio) -> Recipe:
    """What the words mean. Raises UsageError, RecipeError, ImageError."""
    image = _image(options, studio)
    if isinstance(image, Perturb):
        return Recipe(image)
    infos = studio.attacks.victims()
    photo = isinstance(image, Photo | Resize)
    info = _network(options.network, infos, photo)
    question = options.ask or info.questions[0].name
    target = None if options.want is None else _target(options.want, info, question)
    transforms = tuple(word for word in options.outlive.split(",") if word)
    unknown = [word for word in transforms if word not in TRANSFORMS]
    if unknown:
        raise UsageError(f"--outlive knows {', '.join(TRANSFORMS)}, got {unknown[0][:40]!r}.")
    made = Perturb(
        image,
        info.victim,
        _method(options),
        options.epsilon,
        question,
        target,
        transforms,
    )
    return Recipe(made)


def _image(options: Namespace, studio: Studio) -> Image:
    if options.picture is None:
        if options.model is None or options.seed is None:
            raise UsageError("Give a picture, a RECIPE.json, or --model NAME and --seed N.")
        return Generate(studio.ref(options.model), Truncate(Seed(options.seed), 0.7))
    if options.model is not None or options.seed is not None:
        raise UsageError("Give a picture, or --model and --seed, not both.")
    image = image_of_recipe(options.picture)
    return photo_to_attack(*studio.open_photo(options.picture)) if image is None else image


def _network(key: str | None, infos: tuple[VictimInfo, ...], photo: bool) -> VictimInfo:
    if key is not None:
        found = next((info for info in infos if info.key == key), None)
        if found is None:
            names = ", ".join(info.key for info in infos)
            raise UsageError(f"There is no network {key[:80]!r}; here are: {names}.")
        return found
    reads = "photographs" if photo else "portraits"
    return next(info for info in infos if info.reads == reads and info.finds)


def _target(word: str, info: VictimInfo, question: str) -> int:
    if isinstance(info.victim, MarkReader):
        try:
            id = int(word, 16)
        except ValueError:
            id = -1
        if not 0 <= id < MARK_IDS:
            raise UsageError(f"An id has up to ten hexadecimal digits, got {word[:40]!r}.")
        return id
    asked = info.question(question)
    if asked is None:
        names = ", ".join(one.name for one in info.questions[:12])
        raise UsageError(f"{info.key} is not asked for {question[:40]!r}; it knows {names}.")
    if word.isdigit():
        return int(word)
    for index, value in enumerate(asked.values):
        if value.lower() == word.lower():
            return index
    near = [value for value in asked.values if word.lower() in value.lower()][:5]
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise UsageError(f"{info.key} has no answer {word[:40]!r} to {question!r}.{hint}")


def _method(options: Namespace) -> Attack:
    match options.method:
        case "fast":
            return FastGradient()
        case "iterated":
            return Iterated(options.steps)
        case "momentum":
            return Iterated(options.steps, options.momentum)
        case "pgd":
            return Projected("linf", options.steps)
        case _:
            return Projected("l2", options.steps)


def _write(options: Namespace, studio: Studio, recipe: Recipe) -> None:
    if options.out.suffix.lower() == ".json":
        options.out.write_text(recipe.text() + "\n", encoding="utf-8")
        return
    marked = not options.no_watermark
    wanted = ExportOptions(passphrase_file=options.passphrase_file, watermark=marked)
    studio.export(recipe, options.out, wanted)


def _list(studio: Studio, as_json: bool) -> int:
    infos = studio.attacks.victims()
    if as_json:
        rows = [
            {
                "name": info.key,
                "title": info.title,
                "reads": info.reads,
                "attackable": info.finds,
                "missing": info.missing or None,
                "questions": {q.name: list(q.values) for q in info.questions},
            }
            for info in infos
        ]
        say(json.dumps(rows, indent=2))
        return 0
    for info in infos:
        say(f"{info.key:<28} {info.reads:<12} {info.title}")
        asked = ", ".join(question.name for question in info.questions)
        say(f"{'':<28} asked for: {asked}")
        if info.missing:
            say(f"{'':<28} not installed. {info.missing}")
        if not info.finds:
            say(f"{'':<28} never attacked: it shows what transfers")
    return 0


def _tell(look: Look, tables: Report | None) -> None:
    say(f"before   {look.before[0].value} {look.before[0].share:.1%}")
    say(f"after    {look.after[0].value} {look.after[0].share:.1%}")
    say(f"change   at most {look.largest} of 255, rms {look.rms:.2f}")
    say(f"reached  {'yes' if look.reached else 'no'}")
    if tables is None:
        return
    for row in tables.transfer:
        name = f"{row.title} {row.question}".strip()
        changed = "changed" if row.changed else "same"
        say(f"{name:<44} {row.before.value} -> {row.after.value}  {changed}")
    for one in tables.survival:
        say(f"{one.damage:<44} {one.answer.value}  {'holds' if one.holds else 'lost'}")


def _plain(look: Look, tables: Report | None) -> dict[str, object]:
    found: dict[str, object] = {
        "recipe_sha256": look.recipe.sha256,
        "before": [asdict(one) for one in look.before],
        "after": [asdict(one) for one in look.after],
        "largest": look.largest,
        "rms": round(look.rms, 4),
        "reached": look.reached,
    }
    if tables is not None:
        found["transfer"] = [asdict(row) | {"changed": row.changed} for row in tables.transfer]
        found["survival"] = [
            {"damage": one.damage, "answer": asdict(one.answer), "holds": one.holds}
            for one in tables.survival
        ]
    return found
