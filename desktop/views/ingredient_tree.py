"""What a picture was made from, as a tree with thumbnails and the state of each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.messages import plain
from desktop.widgets.icon_label import IconLabel
from desktop.widgets.text import label, short_digests

SIDE_PX, STEP_PX, MOST = 48, 16, 60
_RELATIONS = {"parentOf": "edited from", "inputTo": "made with", "componentOf": "contains"}
_STATES = {
    "intact": ("check", "good", "its credentials are intact"),
    "invalid": ("cross", "bad", "does not pass"),
    "no-credentials": ("info", "muted", "no credentials of its own"),
}


class IngredientTree(QWidget):
    """Rows set in by their depth; screen readers hear the depth as well."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)

    def show_parts(self, parts: Sequence[Mapping[str, Any]], pictures: Mapping[int, QImage]) -> int:
        """Show the parts of a verdict's claim; pictures by their place in the walk. How many."""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        count = 0
        for place, (depth, part) in enumerate(_walked(parts, 0)):
            if place == MOST:
                self._rows.addWidget(label("and more, that are not shown", tone="muted"))
                break
            self._rows.addWidget(_Row(depth, part, pictures.get(place)))
            count += 1
        return count


class _Row(QWidget):
    def __init__(self, depth: int, part: Mapping[str, Any], picture: QImage | None) -> None:
        super().__init__()
        title = plain(str(part["title"]), 80)
        icon, tone, state = _STATES[str(part["state"])]
        relation = _RELATIONS.get(str(part["relationship"]), "contains")
        line = QHBoxLayout(self)
        line.setContentsMargins(min(depth, 8) * STEP_PX, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(_picture(part, picture), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, wrap=True, selectable=True))
        kind = f"{relation}; {state}" if part["relationship"] != "inputTo" else relation
        signer = part.get("signer")
        if signer:
            kind += f"; its certificate names {plain(str(signer), 60)}"
        words.addWidget(label(kind, tone="muted", wrap=True))
        detail = plain(str(part.get("description") or ""), 200)
        if detail:
            below = label(short_digests(detail), tone="muted", wrap=True)
            below.setToolTip(detail)
            words.addWidget(below)
        line.addLayout(words, 1)
        if part["state"] != "no-credentials":
            line.addWidget(IconLabel(icon, tone, 18), 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(f"Level {depth + 1}: {title}, {kind}")


def _picture(part: Mapping[str, Any], picture: QImage | None) -> QWidget:
    if picture is None:
        icon = "model" if part["relationship"] == "inputTo" else "picture"
        holder = QWidget()
        holder.setFixedSize(QSize(SIDE_PX, 32))
        inner = QHBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(IconLabel(icon, "muted", 24), 0, Qt.AlignmentFlag.AlignCenter)
        return holder
    small = QLabel()
    small.setAccessibleName(f"Thumbnail of {plain(str(part['title']), 80)}")
    scale = small.devicePixelRatioF()
    side = round(SIDE_PX * scale)
    image = picture.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    image.setDevicePixelRatio(scale)
    small.setPixmap(QPixmap.fromImage(image))
    small.setFixedSize(QSize(SIDE_PX, SIDE_PX))
    small.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return small


def _walked(
    parts: Sequence[Mapping[str, Any]], depth: int
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for part in parts:
        yield depth, part
        yield from _walked(part.get("ingredients", ()), depth + 1)
