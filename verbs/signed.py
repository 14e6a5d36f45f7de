"""The verbs that sign, verify and keep account: export, verify, identity, ledger."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from engine.errors import UsageError
from engine.frame import USES, ExportOptions
from engine.studio import Studio
from verbs.diffusion_options import comparison_of
from verbs.recipe_options import recipe_of
from verbs.terminal import ask_passphrase, say, working


def export(options: Namespace) -> int:
    """Export one Recipe, signed."""
    from engine.services.report import receipt_data

    studio = Studio(backend=options.backend, passphrase=ask_passphrase)
    from verbs.editing import film_of

    film = film_of(options, studio)
    recipe = None if film is not None else recipe_of(options, studio)
    if film is not None and options.across is not None:
        raise UsageError("--across makes a sheet of pictures, not of a film.")
    grid = None if recipe is None else comparison_of(options, recipe, studio)
    wanted = ExportOptions(
        size_px=512 if options.size is None else options.size or None,
        tier=options.tier or "recipe",
        title=options.title,
        passphrase_file=options.passphrase_file,
        allowed_uses=tuple(use for use in USES if use.replace("_", "-") in options.allow),
        time_authority=options.time_authority,
        watermark=not options.no_watermark,
        mark=options.mark,
    )
    with working(options) as (bar, token):
        if film is not None:
            receipt = studio.export_film(film, options.out, wanted, bar, token)
        elif grid is not None:
            receipt = studio.export_grid(grid, options.out, wanted, bar, token)
        else:
            assert recipe is not None
            receipt = studio.export(recipe, options.out, wanted, bar, token)
    if options.json:
        say(json.dumps(receipt_data(receipt), indent=2))
    else:
        say(f"{receipt.path}  signed by {receipt.signer}, verifies as {receipt.verdict}")
        if receipt.notice:
            say(receipt.notice)
    return 0


def verify(options: Namespace) -> int:
    """Tell what is known of a file."""
    from engine.services.report import exit_code, stated_backend, verdict_data, verdict_text

    if options.crjson:
        return _crjson(options)
    verdict = Studio().verify(options.file, options.rerender, options.trust)
    made_with = stated_backend(verdict)
    if verdict.rerender is not None and not verdict.rerender.identical and made_with == "torch":
        # Only the backend that made a picture can give it back to the bit.
        verdict = Studio(backend="torch").verify(options.file, True, options.trust)
    if options.json:
        say(json.dumps(verdict_data(verdict), indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(verdict_text(verdict))
    return exit_code(verdict, options.require_trusted)


def _crjson(options: Namespace) -> int:
    """The report that other programs read, of the same anchors."""
    from engine.services.verify import report_for_others

    found = report_for_others(options.file, options.trust)
    if found is None:
        sys.stderr.write("No Content Credentials that can be read were found.\n")
        return 3
    say(found)
    return 0


def identity(options: Namespace) -> int:
    """Tell who signs, after changing it where that was asked."""
    from engine.services.identity import status_data, use_certificate

    one = Studio(passphrase=ask_passphrase).identity
    if (options.certificate is None) != (options.key is None):
        raise UsageError("Give --certificate CHAIN.pem and --key KEY.pem together.")
    if options.renew:
        one.renew(options.passphrase_file)
    elif options.local:
        one.use_local(options.passphrase_file)
    elif options.pkcs12 or options.certificate:
        use_certificate(
            one,
            options.pkcs12 or options.certificate,
            options.key,
            options.key_passphrase_file,
            options.passphrase_file,
        )
    status = one.status()
    if options.json:
        say(json.dumps(status_data(status), indent=2))
    else:
        say(f"{status.name}  until {status.expires}" if status.exists else "No identity yet.")
        say(status.text)
    return 0


def ledger(options: Namespace) -> int:
    """Tell what was exported, or write or keep a signed extract."""
    from engine.services.extracts import export_extract

    studio = Studio(passphrase=ask_passphrase)
    if options.export is not None:
        count = export_extract(
            studio.ledger, studio.identity, options.export, options.passphrase_file
        )
        say(f"{options.export}: {count} exports, signed by {studio.identity.status().name}")
        return 0
    if options.keep is not None:
        extract = studio.extracts(options.trust).keep(options.keep)
        known = "" if extract.trusted else " (not verified)"
        say(f"{len(extract.rows)} exports of “{extract.signer}”{known} are kept.")
        return 0
    return _tell_ledger(studio, options)


def _tell_ledger(studio: Studio, options: Namespace) -> int:
    rows, problems = studio.ledger.rows(limit=options.last), studio.ledger.problems
    if options.json:
        told = [
            {
                "id": row.id,
                "created": row.created,
                "status": row.status,
                "path": str(row.path),
                "sha256": row.sha256 or None,
                "tier": row.tier,
                "mark": f"{row.mark:010x}",
            }
            for row in rows
        ]
        say(json.dumps({"problems": list(problems), "rows": told}, indent=2))
    else:
        for row in rows:
            say(f"{row.created[:19]}  {row.status:<8} {row.id[:8]}  {row.path}")
        for problem in problems:
            sys.stderr.write(f"The ledger: {problem}\n")
    return 1 if problems else 0
