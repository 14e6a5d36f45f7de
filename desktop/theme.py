"""Colours, type and style sheet, dark and light; every text colour meets WCAG AA."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Mode = Literal["system", "dark", "light"]

GRID = 8
COLUMN_PX = 376
PREFERRED_FONTS = ("Inter", "Noto Sans", "Ubuntu", "Cantarell", "DejaVu Sans")


@dataclass(frozen=True)
class Colours:
    """One theme. `ground` lies behind the picture and is a true grey, so that it tints nothing."""

    ground: str
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    accent_soft: str
    good: str
    warn: str
    bad: str


DARK = Colours(
    ground="#161616",
    window="#1c1c1e",
    panel="#222225",
    raised="#2e2e32",
    hover="#3a3a40",
    line="#313136",
    edge="#77777f",
    text="#ededf0",
    muted="#a9a9b2",
    accent="#93a4ff",
    on_accent="#12142a",
    accent_soft="#31344f",
    good="#74d394",
    warn="#f2bb68",
    bad="#ff9389",
)
LIGHT = Colours(
    ground="#dedede",
    window="#f3f3f5",
    panel="#fbfbfc",
    raised="#ececf0",
    hover="#e0e0e6",
    line="#dcdce1",
    edge="#83838c",
    text="#1b1b1f",
    muted="#5a5a63",
    accent="#3d4fcf",
    on_accent="#ffffff",
    accent_soft="#dfe3fb",
    good="#17703a",
    warn="#7d5200",
    bad="#b0241c",
)

_SHEET = """
QMainWindow, QWidget#surface { background: {window}; }
QWidget#panel, QScrollArea#panel, QWidget#column { background: {panel}; }
QWidget#topbar, QWidget#rail, QWidget#statusbar, QWidget#tray, QWidget#canvasbar
  { background: {window}; }
QWidget#topbar { border-bottom: 1px solid {line}; }
QWidget#statusbar, QWidget#tray { border-top: 1px solid {line}; }
QWidget#rail { border-right: 1px solid {line}; }
QWidget#column { border-left: 1px solid {line}; }
QFrame#rule { background: {line}; border: none; }
QFrame#card { background: {window}; border: 1px solid {line}; border-radius: 8px; }
QLabel { background: transparent; color: {text}; }
QLabel[tone="muted"] { color: {muted}; }
QLabel[tone="good"] { color: {good}; }
QLabel[tone="warn"] { color: {warn}; }
QLabel[tone="bad"] { color: {bad}; }
QLabel[role="title"] { font-size: {title}px; font-weight: 600; }
QLabel[role="strong"], QToolButton[role="header"] { font-weight: 600; }
QToolTip { background: {raised}; color: {text}; border: 1px solid {edge}; padding: 4px 8px; }

QToolButton, QPushButton {
  background: transparent; color: {text}; border: 2px solid transparent; border-radius: 6px;
  padding: 3px 6px; }
QToolButton:hover, QPushButton:hover { background: {hover}; }
QToolButton:pressed, QPushButton:pressed { background: {raised}; }
QToolButton:focus, QPushButton:focus { border-color: {accent}; }
QToolButton:disabled, QPushButton:disabled { color: {edge}; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton:checked { background: {accent_soft}; color: {text}; }
QPushButton { background: {raised}; padding: 4px 12px; }
QPushButton[role="tight"] { padding: 4px 2px; }
QPushButton[role="primary"] { background: {accent}; color: {on_accent}; font-weight: 600;
  padding: 4px 16px; }
QPushButton[role="primary"]:hover { background: {text}; color: {panel}; }
QPushButton[role="primary"]:focus { border-color: {text}; }
QPushButton[role="primary"]:disabled { background: {raised}; color: {edge}; }
QToolButton[role="field"] { background: {raised}; padding: 3px 10px; text-align: left; }
QToolButton[role="field"]:hover { background: {hover}; }
QToolButton[role="field"]:checked { background: {accent_soft}; color: {text}; }
QToolButton[role="header"], QToolButton[role="fold"] { text-align: left; border-radius: 6px;
  padding: 3px 4px; }
QToolButton[role="rail"] { border-radius: 8px; padding: 6px 0 4px 0; color: {muted}; }
QToolButton[role="rail"]:checked { background: {accent_soft}; color: {text}; }
QToolButton[role="segment"] { background: {raised}; border-radius: 6px; padding: 2px 4px;
  color: {text}; }
QToolButton[role="segment"]:hover { background: {hover}; }
QToolButton[role="segment"]:checked { background: {accent_soft}; color: {accent}; }

QLineEdit, QPlainTextEdit { background: {raised}; color: {text}; border: 2px solid transparent;
  border-radius: 6px; padding: 2px 6px; placeholder-text-color: {muted};
  selection-background-color: {accent};
  selection-color: {on_accent}; }
QLineEdit:hover, QPlainTextEdit:hover { background: {hover}; }
QLineEdit:focus, QPlainTextEdit:focus { border-color: {accent}; background: {panel}; }
QLineEdit[wrong="true"] { border-color: {bad}; }
QLineEdit:disabled, QPlainTextEdit:disabled { color: {edge}; }

QMenu { background: {panel}; color: {text}; border: 1px solid {line}; padding: 6px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: {accent_soft}; color: {text}; }
QMenu::item:disabled { color: {edge}; }
QMenu::separator { height: 1px; background: {line}; margin: 6px 8px; }

QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: {hover}; border-radius: 4px; margin: 2px; min-height: 32px;
  min-width: 32px; }
QScrollBar::handle:hover { background: {edge}; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QListView { background: transparent; border: 2px solid transparent; border-radius: 6px;
  color: {text}; outline: none; }
QListView:focus { border-color: {accent}; }
QListView#commands { border: none; }
QListView#commands::item { padding: 7px 8px; border-radius: 6px; }
QListView#commands::item:selected { background: {accent_soft}; color: {text}; }
QTableView { background: transparent; color: {text}; border: 2px solid transparent;
  border-radius: 6px; outline: none; selection-background-color: {accent_soft};
  selection-color: {text}; }
QTableView:focus { border-color: {accent}; }
QTableView::item { padding: 2px 8px; border: none; border-bottom: 1px solid {line}; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: transparent; color: {muted}; border: none;
  border-bottom: 1px solid {edge}; padding: 4px 8px; }
QFrame#palette { background: {panel}; border: 1px solid {edge}; border-radius: 12px; }
QFrame#message { background: {raised}; border: 1px solid {line}; border-radius: 8px; }
QFrame#message QPushButton { background: {hover}; }
QFrame#message QPushButton:hover { background: {line}; }
QFrame#message[tone="bad"] { border-color: {bad}; }
QFrame#message[tone="good"] { border-color: {good}; }

QProgressBar { background: {raised}; border: none; border-radius: 3px; max-height: 6px;
  min-height: 6px; }
QProgressBar::chunk { background: {accent}; border-radius: 3px; }
"""


class Theme(QObject):
    """The theme in use; follows the system unless the user chose one."""

    changed = Signal()

    def __init__(self, mode: Mode = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mode: Mode = mode
        self.colours = DARK
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    def apply(self, mode: Mode) -> None:
        """Use a theme from now on, in every window."""
        self.mode = mode
        self.colours = LIGHT if self._wants_light() else DARK
        _set_current(self.colours)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setPalette(palette(self.colours))
        app.setStyleSheet(sheet(self.colours, body_px()))
        self.changed.emit()

    @Slot()
    def _follow(self) -> None:
        if self.mode == "system":
            self.apply("system")

    def _wants_light(self) -> bool:
        if self.mode != "system":
            return self.mode == "light"
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light


_current = DARK


def _set_current(colours: Colours) -> None:
    global _current
    _current = colours


def current() -> Colours:
    """The colours in use, for what is painted by hand."""
    return _current


def prepare(app: QApplication) -> None:
    """Give the application its style and a font that this machine really has."""
    app.setStyle("Fusion")
    family = QFont().family()
    if sys.platform.startswith("linux"):
        known = set(QFontDatabase.families())
        family = next((name for name in PREFERRED_FONTS if name in known), family)
    font = QFont(family)
    font.setPixelSize(body_px(family))
    app.setFont(font)


def body_px(family: str | None = None) -> int:
    """The body size in pixels; DejaVu draws a size larger than others."""
    name = family or QGuiApplication.font().family()
    return 12 if name.startswith("DejaVu") else 13


def sheet(colours: Colours, body: int) -> str:
    """The style sheet of a theme."""
    text = _SHEET.replace("{title}", str(body + 6))
    for item in fields(colours):
        text = text.replace("{" + item.name + "}", getattr(colours, item.name))
    return text


def palette(colours: Colours) -> QPalette:
    """The palette that hand-painted widgets and Fusion draw with."""
    roles = {
        QPalette.ColorRole.Window: colours.panel,
        QPalette.ColorRole.WindowText: colours.text,
        QPalette.ColorRole.Base: colours.raised,
        QPalette.ColorRole.AlternateBase: colours.panel,
        QPalette.ColorRole.Text: colours.text,
        QPalette.ColorRole.PlaceholderText: colours.muted,
        QPalette.ColorRole.Button: colours.raised,
        QPalette.ColorRole.ButtonText: colours.text,
        QPalette.ColorRole.BrightText: colours.text,
        QPalette.ColorRole.Highlight: colours.accent,
        QPalette.ColorRole.HighlightedText: colours.on_accent,
        QPalette.ColorRole.Link: colours.accent,
        QPalette.ColorRole.ToolTipBase: colours.raised,
        QPalette.ColorRole.ToolTipText: colours.text,
        QPalette.ColorRole.Mid: colours.edge,
        QPalette.ColorRole.Dark: colours.ground,
        QPalette.ColorRole.Light: colours.hover,
        QPalette.ColorRole.Midlight: colours.line,
    }
    made = QPalette()
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    disabled = (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText)
    for role in (*disabled, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.edge))
    return made


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
