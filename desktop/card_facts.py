"""A model's card as one reads it: titled tables of plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.kit import Kit
from desktop.messages import plain
from engine.frame import DirectionInfo

Row = tuple[str, ...]
DEEPEST = 3
MOST_ROWS = 40
_DATA = ("data", "command", "seed", "trained")
_TOLD = {*_DATA, "name", "title", "family", "config", "weights_sha256", "bytes", "scores"}
_TOLD |= {"licence", "source", "source_sha256", "version", "classes", "start_seed"}


@dataclass(frozen=True)
class CardTable:
    """head: the names of the columns, () for a table of names and values."""

    title: str
    rows: tuple[Row, ...]
    head: Row = ()
    note: str = ""


def card_tables(kit: Kit) -> tuple[CardTable, ...]:
    """Everything that the card tells, in the order of reading."""
    card = kit.info.card
    scores = card.get("scores", {})
    scores = scores if isinstance(scores, Mapping) else {}
    rest = {key: value for key, value in card.items() if key not in _TOLD}
    measured = {key: value for key, value in scores.items() if key != "directions"}
    tables = (
        CardTable("What it is", _shape(kit)),
        CardTable("Data and training", _flat({k: card[k] for k in _DATA if k in card})),
        CardTable("Scores", _flat(measured), note="" if measured else "Nothing was measured yet."),
        _directions(kit.directions, scores.get("directions", {})),
        CardTable("Licence", (("Licence", _words(card.get("licence") or "not stated")),)),
        CardTable("Digests", _digests(kit)),
        CardTable("More", _flat(rest)),
    )
    return tuple(table for table in tables if table.rows or table.note)


def _shape(kit: Kit) -> tuple[Row, ...]:
    info, anatomy = kit.info, kit.anatomy
    names = ", ".join(anatomy.classes[:12]) + (", …" if info.c_dim > 12 else "")
    rows = [
        ("Kind", f"{anatomy.family or info.family}, {'bundled' if info.bundled else 'imported'}"),
        ("Picture", f"{info.resolution} × {info.resolution} px"),
        ("Latents", f"z of {info.z_dim}, w of {info.w_dim}, {info.num_ws} layers"),
        ("Classes", f"{info.c_dim}: {names}" if info.c_dim else "none"),
        ("Noise", f"{len(anatomy.noisy)} layers" if anatomy.noisy else "none"),
        ("Motion", "its pictures can be moved and turned" if anatomy.movable else ""),
        ("Version", _words(info.card.get("version", ""))),
    ]
    return tuple((name, plain(value)) for name, value in rows if value)


def _digests(kit: Kit) -> tuple[Row, ...]:
    card = kit.info.card
    rows = [
        ("Weights, SHA-256", kit.info.sha256),
        ("Source file", _words(card.get("source", ""))),
        ("Source, SHA-256", _words(card.get("source_sha256", ""))),
        ("Folder", plain(str(kit.info.folder))),
        ("Size", _bytes(card.get("bytes"))),
    ]
    return tuple(row for row in rows if row[1])


def _directions(found: Sequence[DirectionInfo], measured: Any) -> CardTable:
    rows = measured.get("rows") if isinstance(measured, Mapping) else None
    by_name: Mapping[str, Any] = rows if isinstance(rows, Mapping) else {}
    lines = [_direction(item, by_name.get(item.name)) for item in found[:MOST_ROWS]]
    more = len(found) - len(lines)
    note = "Measured effects are of the whole range, by a network that never guided or trained."
    notes = [note] if by_name else []
    notes += [f"{more} more directions are found by the search of the panel."] if more > 0 else []
    head = ("Direction", "Method", "Range", "Its own effect", "On others, at most")
    return CardTable("Directions", tuple(lines), head, " ".join(notes))


def _direction(item: DirectionInfo, measured: Any) -> Row:
    own = others = ""
    change = measured.get("change") if isinstance(measured, Mapping) else None
    if isinstance(change, Mapping) and all(isinstance(x, int | float) for x in change.values()):
        own = f"{change[item.name]:+.2f}" if item.name in change else ""
        rest = {name: abs(x) for name, x in change.items() if name != item.name}
        worst = max(rest, key=lambda name: rest[name], default="")
        others = f"{rest[worst]:.2f} ({worst})" if worst else ""
    range_ = f"{item.low:g} to {item.high:g}"
    return (plain(item.label, 40), plain(item.method, 20), range_, own, plain(others, 40))


def _flat(data: Mapping[str, Any]) -> tuple[Row, ...]:
    return tuple(list(_lines(data, "", 0))[:MOST_ROWS])


def _lines(data: Mapping[str, Any], before: str, depth: int) -> Iterator[Row]:
    for key, value in data.items():
        name = f"{before}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _lines(value, f"{name}, ", depth + 1)
        elif value not in (None, "", [], {}):
            yield (plain(name[:1].upper() + name[1:], 60), _words(value))


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f") if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return plain(", ".join(_words(item) for item in value[:12]), 200)
    return plain(str(value), 200)


def _bytes(size: Any) -> str:
    return f"{size / 1e6:.1f} MB" if isinstance(size, int) else ""
