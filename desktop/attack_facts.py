"""Frozen values that the Attack page's controllers hand to its views."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QImage

from engine.perturbing import Flip, Look, Report, VictimInfo


@dataclass(frozen=True)
class AttackKit:
    """The networks that there are."""

    infos: tuple[VictimInfo, ...]

    @property
    def attackable(self) -> tuple[VictimInfo, ...]:
        """Those that may be attacked, here or not."""
        return tuple(info for info in self.infos if info.finds)

    def of(self, victim: object) -> VictimInfo | None:
        """What is known of a Recipe's victim."""
        return next((info for info in self.infos if info.victim == victim), None)


@dataclass(frozen=True, eq=False)
class LookView:
    """What an attack does, with its pictures ready to be shown: picture, change, result."""

    look: Look
    images: tuple[QImage, QImage, QImage]
    live: bool


@dataclass(frozen=True, eq=False)
class ReportView:
    """The tables of an attack; an image for each damage."""

    report: Report
    images: tuple[QImage, ...]


@dataclass(frozen=True, eq=False)
class FlipView:
    """What a move in w did, and the pictures before and after."""

    flip: Flip
    before: QImage
    after: QImage
