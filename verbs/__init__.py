"""The command line's verbs: each asks the engine, and prints what it answers."""

from __future__ import annotations

from argparse import Namespace


def run(options: Namespace) -> int:
    """Do what the verb asks; returns the exit code."""
    from verbs import attacking, editing, general, signed

    name = "import_model" if options.verb == "import" else options.verb.replace("-", "_")
    rooms = (general, editing, attacking, signed)
    room = next(room for room in rooms if hasattr(room, name))
    code: int = getattr(room, name)(options)
    return code
