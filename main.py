"""Latent Atelier: the window, or the same engine from the command line. Qt is imported late."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from engine.errors import AtelierError, Cancelled, UsageError
from engine.frame import USES
from engine.wishes import NEUTRAL, TEXT_WAYS, TextPair
from verbs import run
from verbs.diffusion_options import add_diffusion_options, add_grid_options
from verbs.recipe_options import add_recipe_options


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb, or open the window when none is given; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    try:
        if options.verb is None:
            return _window(options)
        return run(options)
    except Cancelled:
        return _say("Stopped.", 1)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    except BrokenPipeError:
        # Whoever read the output has had enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except AtelierError as error:
        if options.debug:
            traceback.print_exc()
        lines = [error.what, error.remedy] if error.remedy else [error.what]
        return _say("\n".join(lines), 2 if isinstance(error, UsageError) else 1)


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


def _window(options: argparse.Namespace) -> int:
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _check_display()
    if options.screenshot is not None:
        from desktop.app import take_screenshot
        from engine.studio import Studio

        take_screenshot(Studio(), options.screenshot)
        return 0
    from desktop.app import main as open_window

    return open_window(sys.argv[:1])


def _check_display() -> None:
    """Qt would end the whole process where there is none."""
    named = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in named):
        raise AtelierError(
            "There is no display here for the window.",
            "Run with --offscreen, or: python main.py demo --out DIR",
        )


def build_parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
    )
    shared.add_argument(
        "--progress",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show progress even where stderr is no terminal",
    )
    parser = argparse.ArgumentParser(
        prog="atelier",
        description="A studio for the latent spaces of image generators. Without a verb the "
        "window opens.",
    )
    parser.set_defaults(debug=False, progress=False)
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--offscreen", action="store_true", help="run without a display")
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=text, parents=[shared])

    _making(verb)
    _looking(verb)
    _building(verb)
    _attacking(verb)
    return parser


def _making(verb) -> None:  # type: ignore[no-untyped-def]
    demo = verb("demo", "headless: explore, mix, move, export signed, verify; writes a report")
    demo.add_argument("--out", type=Path, required=True, metavar="DIR")
    demo.add_argument("--model", metavar="NAME")
    for name, text in (
        ("render", "render a Recipe to .png or .npy, for scripts"),
        (
            "export",
            "render and sign: a Recipe as .png, .jpg, .webp, .tiff, .avif; a film as .mp4...",
        ),
    ):
        one = verb(name, text)
        add_recipe_options(one)
        add_diffusion_options(one)
        one.add_argument("--backend", choices=("onnx", "native", "torch"))
        one.add_argument("--size", type=int, metavar="PX", help="the longer side; export: 512")
        one.add_argument("--out", type=Path, required=True, metavar="FILE")
        if name == "export":
            add_grid_options(one)
            one.add_argument("--tier", choices=("recipe", "commitment", "disclosure"))
            one.add_argument("--title", default="")
            one.add_argument("--passphrase-file", type=Path, metavar="FILE")
            one.add_argument(
                "--allow",
                action="append",
                default=[],
                choices=[use.replace("_", "-") for use in USES],
                help="what others may do with the picture; nothing by default",
            )
            one.add_argument("--no-watermark", action="store_true", help="add no invisible mark")
            one.add_argument(
                "--mark",
                choices=("atelier", "trustmark"),
                default="atelier",
                help="trustmark needs Adobe's networks, see docs/watermark.md",
            )
            one.add_argument("--time-authority", default="", metavar="URL", help="off by default")
            one.add_argument("--seeds", metavar="1,2,3", help="a film through seeds, with --model")
            one.add_argument("--seconds", type=float, default=1.5, metavar="S", help="per key")
            one.add_argument("--loop", action="store_true", help="a film back to its first key")
            one.add_argument("--fps", type=float, default=25.0, metavar="N")
            one.add_argument("--json", action="store_true")


def _looking(verb) -> None:  # type: ignore[no-untyped-def]
    models = verb("models", "what is bundled and what was imported")
    models.add_argument("--json", action="store_true")
    check = verb("verify", "what is known of a picture file")
    check.add_argument("file", type=Path)
    check.add_argument("--json", action="store_true")
    check.add_argument("--crjson", action="store_true", help="for other programs: crJSON")
    check.add_argument("--rerender", action="store_true", help="render its Recipe and compare")
    check.add_argument("--trust", type=Path, metavar="ROOTS.pem")
    check.add_argument("--require-trusted", action="store_true")
    identity = verb("identity", "who signs the exports; renew it, or bring your own certificate")
    what = identity.add_mutually_exclusive_group()
    what.add_argument("--renew", action="store_true", help="new key and certificates")
    what.add_argument("--local", action="store_true", help="back to an identity made here")
    what.add_argument("--pkcs12", type=Path, metavar="FILE", help="your certificate and key")
    what.add_argument("--certificate", type=Path, metavar="CHAIN.pem", help="yours, with --key")
    identity.add_argument("--key", type=Path, metavar="KEY.pem")
    identity.add_argument("--key-passphrase-file", type=Path, metavar="FILE")
    identity.add_argument("--passphrase-file", type=Path, metavar="FILE")
    identity.add_argument("--json", action="store_true")
    ledger = verb("ledger", "what was exported; sign an extract of it, or keep another's")
    act = ledger.add_mutually_exclusive_group()
    act.add_argument("--export", type=Path, metavar="FILE", help="write a signed extract")
    act.add_argument("--import", dest="keep", type=Path, metavar="FILE", help="keep another's")
    ledger.add_argument("--trust", type=Path, metavar="ROOTS.pem")
    ledger.add_argument("--last", type=int, default=20, metavar="N")
    ledger.add_argument("--passphrase-file", type=Path, metavar="FILE")
    ledger.add_argument("--json", action="store_true")
    inspect = verb("inspect", "what a checkpoint is, without keeping it")
    inspect.add_argument("path", type=Path, metavar="FILE_OR_FOLDER")
    inspect.add_argument("--json", action="store_true")
    doctor = verb("doctor", "what this machine has and lacks, with the command that mends it")
    doctor.add_argument("--json", action="store_true")
    engines = verb("engines", "what renders each model here; measure it anew, or choose")
    engines.add_argument("--model", metavar="NAME", help="this one alone")
    act = engines.add_mutually_exclusive_group()
    act.add_argument("--measure", action="store_true", help="compare the engines on this machine")
    act.add_argument("--use", choices=("onnx", "native", "torch", "fastest"))
    engines.add_argument("--json", action="store_true")
    bench = verb("bench", "measure speed on this machine, from a checkout")
    suites = ("first", "gan", "editing", "provenance", "diffusion", "labs")
    bench.add_argument("--suite", choices=suites, default="first")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--out", type=Path, metavar="FILE")


def _attacking(verb) -> None:  # type: ignore[no-untyped-def]
    one = verb("attack", "change what a network says of a picture, by very little")
    one.add_argument("picture", nargs="?", type=Path, metavar="PHOTO|RECIPE.json")
    one.add_argument("--model", metavar="NAME", help="attack a generated picture, with --seed")
    one.add_argument("--seed", type=int, metavar="N")
    one.add_argument("--network", metavar="NAME", help="by default one that reads the picture")
    one.add_argument("--networks", action="store_true", help="list the networks, and end")
    one.add_argument("--ask", metavar="ATTRIBUTE", help="class, mark, smile, eyeglasses...")
    one.add_argument("--want", metavar="ANSWER", help="by name or number; else any other one")
    methods = ("fast", "iterated", "momentum", "pgd", "pgd-l2")
    one.add_argument("--method", choices=methods, default="fast")
    one.add_argument("--epsilon", type=float, default=8.0, metavar="E", help="levels of 255")
    one.add_argument("--steps", type=int, default=10, metavar="N")
    one.add_argument("--momentum", type=float, default=1.0, metavar="M")
    one.add_argument("--outlive", default="", metavar="resize,jpeg,rotation,brightness")
    one.add_argument("--tables", action="store_true", help="what transfers, what outlives damage")
    one.add_argument("--out", type=Path, metavar="FILE", help=".json, or a signed picture")
    one.add_argument("--no-watermark", action="store_true", help="add no invisible mark")
    one.add_argument("--passphrase-file", type=Path, metavar="FILE")
    one.add_argument("--json", action="store_true")


def _building(verb) -> None:  # type: ignore[no-untyped-def]
    bring = verb("import", "read a checkpoint safely, check it, keep it")
    bring.add_argument("path", type=Path, metavar="FILE_OR_FOLDER")
    bring.add_argument("--name", metavar="N")
    words = "of one file of Stable Diffusion 2.x; it is tried where nothing is said"
    bring.add_argument("--predicts", choices=("epsilon", "v"), help=words)
    find = verb("find-directions", "find directions in a model's latent space")
    find.add_argument("--model", required=True, metavar="NAME")
    find.add_argument(
        "--method",
        metavar="named|ganspace|sefa|stylespace|boundary|activations|text",
        help="or --import or --export a file",
    )
    find.add_argument("--layers", metavar="0-3", help="w layers, for sefa")
    find.add_argument("--count", type=int, default=8, metavar="N", help="how many are kept")
    find.add_argument("--attribute", default="", metavar="A", help="boundary, stylespace")
    find.add_argument("--hold", default="", metavar="A,B", help="attributes a boundary leaves")
    find.add_argument("--region", metavar="L,T,R,B", help="stylespace: a place, in shares")
    find.add_argument("--space", choices=("z", "w"), default="w", help="of a boundary")
    find.add_argument("--name", default="", metavar="N", help="of the direction, for text")
    _texts(find)
    find.add_argument("--import", dest="keep", type=Path, metavar="FILE")
    find.add_argument("--anyway", action="store_true", help="import from another model")
    find.add_argument("--export", metavar="NAME", help="write this direction to --out")
    find.add_argument("--out", type=Path, metavar="FILE")
    find.add_argument("--json", action="store_true")
    edit = verb("edit-text", "make a picture as a text says; writes its Recipe or its picture")
    add_recipe_options(edit)
    _texts(edit)
    edit.add_argument("--way", choices=TEXT_WAYS, default="optimise")
    edit.add_argument("--strength", type=float, default=3.0, metavar="S", help="in deviations")
    edit.add_argument("--steps", type=int, default=0, metavar="N", help="of search or training")
    edit.add_argument("--size", type=int, metavar="PX", help="the longer side of a picture")
    edit.add_argument("--out", type=Path, required=True, metavar="FILE", help=".json, .png or .npy")
    train = verb("train", "train a bundled model anew; a run found in the work folder goes on")
    train.add_argument("name", metavar="NAME")
    train.add_argument("--minutes", type=float, metavar="T")
    train.add_argument("--device", metavar="D", help="cpu, cuda, or the best here")
    train.add_argument("--work", type=Path, metavar="DIR", help="checkpoints and sample sheets")
    train.add_argument("--loss", metavar="L", help="of a GAN: wgan-gp, lsgan, hinge, ...")
    train.add_argument("--pictures", type=Path, metavar="DIR", help="for the name pictures")
    train.add_argument("--size", type=int, default=32, metavar="PX", help="for the name pictures")
    train.add_argument("--grow", action="store_true", help="pictures: from 4 px up, as a ProGAN")
    train.add_argument("--steps", type=int, metavar="N", help="pictures: where the run ends")
    begins = "a diffusion model, or an autoencoder, to begin with"
    train.add_argument("--from", dest="start", metavar="MODEL", help=begins)
    train.add_argument("--out", type=Path, metavar="DIR", help="the model folder to write")
    measure = verb("evaluate", "measure a bundled model, the watermark or the labs; write the card")
    measure.add_argument("name", metavar="NAME|watermark|labs")
    length = measure.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true")
    length.add_argument("--full", action="store_true")
    graphs = verb("export-onnx", "write a model's ONNX graphs and check them against torch")
    graphs.add_argument("name", metavar="NAME")
    graphs.add_argument("--out", type=Path, metavar="DIR")


def _texts(one: argparse.ArgumentParser) -> None:
    """The words that a text edit needs."""
    one.add_argument("--text", default="", metavar="T", help="such as: 'a face with glasses'")
    one.add_argument("--neutral", default=NEUTRAL, metavar="T", help=f"without it: {NEUTRAL!r}")
    one.add_argument("--clip", default="", metavar="NAME", help="the bundled one")
    one.add_argument(
        "--threshold",
        type=float,
        default=TextPair("").threshold,
        metavar="B",
        help="how relevant a style channel must be, 0 to 1",
    )


if __name__ == "__main__":
    sys.exit(main())
