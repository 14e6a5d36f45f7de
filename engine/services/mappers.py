"""Trained mappers of texts: kept in the store, and found again for the same text."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.directions.sampling import sample_w
from engine.errors import ModelError, StoreError
from engine.frame import OnProgress, Progress
from engine.recipe import Noise
from engine.services.text_ground import SPREAD, TextSearch
from engine.store import replacing
from engine.wishes import TextWish

if TYPE_CHECKING:
    from engine.editing.text_mapper import Mapper

LIST = "mappers.json"
MOST = 500


def mapper_for(
    search: TextSearch, wish: TextWish, progress: OnProgress, cancel: CancelToken
) -> tuple[Mapper, str]:
    """The mapper of a text, trained now where there is none; and a note that says which.

    Raises Cancelled; then nothing is kept.
    """
    from engine.editing.text_mapper import unpack_mapper

    facts = _facts(search, wish)
    path = search.room.folder_of(search.info) / "text" / LIST
    known = _known(path)
    sha256 = next((str(row["sha256"]) for row in known if _same(row, facts)), "")
    if sha256:
        try:
            return unpack_mapper(search.room.store.get(sha256)), "with the mapper trained before"
        except (StoreError, ModelError):
            known = [row for row in known if row.get("sha256") != sha256]
    began = time.monotonic()
    data = _trained(search, wish, facts, progress, cancel)
    sha256 = search.room.store.put(data)
    _keep(path, [*known, {**facts, "sha256": sha256}][-MOST:])
    return unpack_mapper(data), f"trained in {time.monotonic() - began:.0f} s, kept for next time"


def _trained(
    search: TextSearch,
    wish: TextWish,
    facts: dict[str, str],
    progress: OnProgress,
    cancel: CancelToken,
) -> bytes:
    from engine.editing.generator import differentiable
    from engine.editing.invert import spread
    from engine.editing.text_mapper import MapperSettings, pack_mapper, train_mapper

    model = search.room.model(search.info, "torch")
    w = sample_w(model, SPREAD, 3)
    settings = MapperSettings()
    settings = replace(settings, steps=wish.steps or settings.steps)
    began = time.monotonic()

    def told(step: int, steps: int, share: float) -> None:
        words = f"Training the mapper: {share:.0%} of the way, step {step} of {steps}"
        left = (time.monotonic() - began) / step * (steps - step)
        progress(Progress(words, step / steps, left))

    mapper = train_mapper(
        differentiable(model, Noise()), search.clip, spread(w), w, search.aim, wish.strength,
        settings, cancel, told,
    )  # fmt: skip
    return pack_mapper(mapper, facts)


def _facts(search: TextSearch, wish: TextWish) -> dict[str, str]:
    return {
        "text": search.change.text,
        "neutral": search.change.neutral,
        "clip": search.clip_info.sha256,
        "generator": search.info.sha256,
        "strength": f"{wish.strength:g}",
        "steps": str(wish.steps),
    }


def _same(row: dict[str, str], facts: dict[str, str]) -> bool:
    return all(row.get(name) == value for name, value in facts.items())


def _known(path: Path) -> list[dict[str, str]]:
    """What was trained; a list that is damaged is begun anew."""
    try:
        rows = json.loads(path.read_bytes()[:4_000_000])
    except (OSError, ValueError, RecursionError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _keep(path: Path, rows: list[dict[str, str]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write((json.dumps(rows, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error.strerror}.", "Free some space."
        ) from error
