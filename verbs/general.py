"""The verbs for models, pictures and the machine: each asks the engine and prints its answer."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from engine.errors import AtelierError, UsageError
from engine.frame import RenderSettings
from engine.models.diffusion.latent_config import AUTOENCODER
from engine.studio import Studio
from verbs.diffusion_options import denoiser_called
from verbs.recipe_options import recipe_of
from verbs.terminal import say, working

ROOT = Path(__file__).resolve().parents[1]


def demo(options: Namespace) -> int:
    """Write the pictures and the report of a first tour."""
    from engine.services.demo import run_demo

    studio = Studio()
    with working(options) as (bar, token):
        made = run_demo(studio, options.out, options.model, bar, token)
    for label, path in made.items():
        say(f"{label:<14} {path}")
    return 0


def models(options: Namespace) -> int:
    """List what there is."""
    from engine.services.model_list import model_lines, model_rows

    studio = Studio()
    rows = model_rows(studio.library, studio.directions)
    if options.json:
        say(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        say("\n".join(line for row in rows for line in model_lines(row)))
    for name, problem in studio.library.problems().items():
        sys.stderr.write(f"{name}: {problem}\n")
    return 0


def import_model(options: Namespace) -> int:
    """Keep a checkpoint, a diffusion model or a CLIP."""
    from engine.services.import_other import import_other, is_other

    with working(options) as (bar, token):
        if is_other(options.path):
            told = options.path, options.name, bar, token, options.predicts
            say(import_other(Studio().home, *told))
            return 0
        if options.predicts is not None:
            raise UsageError("--predicts is for one file of Stable Diffusion.")
        info = Studio().import_model(options.path, options.name, bar)
    say(f"{info.name}: {info.title}, {info.resolution} px, in {info.folder}")
    return 0


def inspect(options: Namespace) -> int:
    """Tell what a checkpoint is."""
    from engine.services.inspect_published import inspect_published
    from engine.services.models import inspect as look

    found = inspect_published(options.path) or look(options.path)
    if options.json:
        say(json.dumps(found, indent=2))
        return 0
    for name, value in found.items():
        say(f"{name:<16} {json.dumps(value) if isinstance(value, dict) else value}")
    return 0


def render(options: Namespace) -> int:
    """Render one Recipe to a file."""
    from engine.services.render_file import render_file

    studio = Studio(backend=options.backend)
    recipe = recipe_of(options, studio)
    settings = RenderSettings(backend=options.backend)
    render_file(studio.renderer, recipe, options.out, settings, options.size)
    say(str(options.out))
    return 0


def start_of(name: str, studio: Studio) -> Path:
    """The folder of a diffusion model, a ControlNet or an autoencoder. Raises UsageError."""
    found, library = denoiser_called(name, studio), studio.library
    if found is not None:
        return found.folder
    coders = (card["name"] for card in library.others() if card["family"] == AUTOENCODER)
    folders = {coder: library.place_of(coder)[0] for coder in coders}
    folders |= {one.name: one.folder for one in library.controls()}
    if name not in folders:
        known = ", ".join([*(one.name for one in studio.denoisers()), *folders])
        raise UsageError(f"There is nothing to begin with called {name!r}.", f"Use {known}.")
    return folders[name]


def train(options: Namespace) -> int:
    """Train one model."""
    from engine.services.train import train_model

    studio = Studio()
    start = start_of(options.start, studio) if options.start else None
    called = options.name if options.loss is None else f"{options.name}-{options.loss}"
    work = options.work or studio.home / "training" / called
    with working(options) as (bar, token):
        folder = train_model(
            options.name,
            work,
            bar,
            token,
            minutes=options.minutes,
            device=options.device,
            out=options.out,
            loss=options.loss,
            pictures=options.pictures,
            size_px=options.size,
            grows=options.grow,
            steps=options.steps,
            start=start,
        )
    if options.pictures is not None:
        from engine.services.picture_model import skipped_in

        for name, why in skipped_in(work):
            say(f"Skipped {name}: {why}")
    say(f"The model is in {folder}; sample sheets and metrics are in {work}.")
    return 0


def evaluate(options: Namespace) -> int:
    """Measure one model and write its card."""
    from engine.services.evaluate import evaluate as measure

    with working(options) as (bar, token):
        work = Studio().home / "evaluation"
        card = measure(options.name, options.full, bar, token, work=work)
    say(json.dumps(card["scores"], indent=2))
    return 0


def export_onnx(options: Namespace) -> int:
    """Write the ONNX graphs of one model."""
    from engine.services.models import export_onnx as write

    folder, largest = write(Studio().library, options.name, options.out)
    say(f"{folder}: at most {largest} of 255 from torch")
    return 0


def engines(options: Namespace) -> int:
    """Tell, measure or choose what renders the models on this machine."""
    from engine.services.engines import available

    studio = Studio()
    found = studio.models() if options.model is None else (studio.library.find(options.model),)
    rows = []
    for info in found:
        if options.measure and len(available(info)) > 1:
            studio.engines.measure(info)
        if options.use is not None:
            studio.engines.choose(info, None if options.use == "fastest" else options.use)
        engine = studio.engines.of(info)
        rows.append({"model": info.name, "engine": engine.backend, "why": engine.why,
                     "measured_ms": dict(engine.measured_ms)})  # fmt: skip
        if not options.json:
            say(f"{info.name:<32} {engine.words}")
    if options.json:
        say(json.dumps(rows, indent=2))
    return 0


def bench(options: Namespace) -> int:
    """Run a suite of benchmarks from a checkout."""
    if not (ROOT / "tests" / "benchmarks" / "__init__.py").is_file():
        raise AtelierError(
            "The benchmarks are not part of an installed copy.",
            "Run `make bench` in a checkout of the source.",
        )
    sys.path.insert(0, str(ROOT))
    from tests.benchmarks import run

    def told(row: dict[str, Any]) -> None:
        if options.json:
            return
        holds = {True: "holds", False: "MISSED", None: ""}[row["holds"]]
        bar_text = f"bar {row['bar']}" if row["bar"] is not None else ""
        words = (
            f"  {row['name']:<44} {row['value']:>10.4g} {row['unit']:<10} {bar_text:<14} {holds}"
        )
        say(words.rstrip())

    if not options.json:
        say(f"Suite {options.suite}")
    found = run(options.suite, options.out, told)
    say(json.dumps(found, indent=2) if options.json else f"Measured on {found['machine']}")
    return 0


def doctor(options: Namespace) -> int:
    """Tell what this machine has and lacks."""
    from dataclasses import asdict

    from engine.services.doctor import examine

    studio = Studio()
    checks = examine(studio.home, studio.library)
    if options.json:
        say(json.dumps([asdict(check) for check in checks], indent=2))
        return 0
    for check in checks:
        mark = {True: "ok", False: "LACKS", None: "-"}[check.ok]
        say(f"{mark:<6} {check.name:<32} {check.found}")
        if check.remedy:
            say(f"{'':<6} {'':<32} -> {check.remedy}")
    return 0
