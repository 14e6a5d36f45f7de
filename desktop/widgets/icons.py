"""Line icons, drawn from a 24-unit grid in the colour that is asked for."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_DOTS = "".join(
    f'<circle cx="{x}" cy="{y}" r="1.3" fill="#" stroke="none"/>'
    for x, y in ((8, 8), (16, 8), (12, 12), (8, 16), (16, 16))
)
_STAR = "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1.1 5.9-5.3-2.9-5.3 2.9 1.1-5.9L3.5 9.7l5.9-.8z"

SHAPES: dict[str, str] = {
    "explore": '<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="3"/>'
    '<circle cx="8" cy="17" r="3"/>',
    "edit": '<path d="M4.5 19.5l1-4.2L15.8 5a2 2 0 0 1 2.9 0l.4.4a2 2 0 0 1 0 2.9L8.7 18.6z"/>'
    '<path d="M13.8 7l3.3 3.3"/>',
    "diffuse": '<circle cx="6" cy="6" r="1.2"/><circle cx="12" cy="5" r="1"/>'
    '<circle cx="5" cy="12" r="1"/><circle cx="18" cy="7.5" r=".8"/>'
    '<circle cx="8" cy="18" r=".8"/><circle cx="14.5" cy="14.5" r="5.5"/>',
    "verify": '<path d="M12 3l7.5 3v5.5c0 4.6-3.2 7.8-7.5 9.5-4.3-1.7-7.5-4.9-7.5-9.5V6z"/>'
    '<path d="M8.7 12l2.4 2.4 4.4-4.6"/>',
    "shield": '<path d="M12 3l7.5 3v5.5c0 4.6-3.2 7.8-7.5 9.5-4.3-1.7-7.5-4.9-7.5-9.5V6z"/>',
    "undo": '<path d="M8.5 14.5L4 10l4.5-4.5"/><path d="M4 10h10a5.5 5.5 0 0 1 0 11h-3"/>',
    "redo": '<path d="M15.5 14.5L20 10l-4.5-4.5"/><path d="M20 10H10a5.5 5.5 0 0 0 0 11h3"/>',
    "turn left": '<path d="M5 4v5h5"/><path d="M5.6 9a7.5 7.5 0 1 1-.9 5"/>',
    "turn right": '<path d="M19 4v5h-5"/><path d="M18.4 9a7.5 7.5 0 1 0 .9 5"/>',
    "export": '<path d="M12 15V4M7.5 8.5L12 4l4.5 4.5"/><path d="M4.5 15v4.5h15V15"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M20 20l-4.8-4.8"/>',
    "dice": '<rect x="4" y="4" width="16" height="16" rx="3.5"/>' + _DOTS,
    "play": '<path d="M8 5.5l10.5 6.5L8 18.5z"/>',
    "pause": '<path d="M8.5 5.5v13M15.5 5.5v13"/>',
    "train": '<path d="M4 4v16h16"/><path d="M7 8c3 0 3 7.5 6 7.5S17 12 20 12"/>'
    '<circle cx="15.5" cy="6.5" r="2"/>',
    "attack": '<circle cx="12" cy="12" r="7.5"/><circle cx="12" cy="12" r="2.5"/>'
    '<path d="M12 2.5v4M12 17.5v4M2.5 12h4M17.5 12h4"/>',
    "tour": '<path d="M6 20.5V4"/><path d="M6 5h11.5l-2.5 4 2.5 4H6"/>',
    "previous": '<path d="M15 5.5L8.5 12l6.5 6.5"/>',
    "next": '<path d="M9 5.5l6.5 6.5L9 18.5"/>',
    "down": '<path d="M6 9.5l6 6 6-6"/>',
    "right": '<path d="M9.5 6l6 6-6 6"/>',
    "star": f'<path d="{_STAR}"/>',
    "star-full": f'<path d="{_STAR}" fill="#"/>',
    "history": '<path d="M4.5 12a7.5 7.5 0 1 0 2.5-5.6L4.5 8.5"/><path d="M4.5 4v4.5H9"/>'
    '<path d="M12 8v4.5l3 1.8"/>',
    "fit": '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
    "actual": '<path d="M5.5 8.5L8 7v10M16 8.5L18.5 7v10M12 10v.3M12 14.5v.3"/>',
    "pixels": '<path d="M4 4h16v16H4zM4 12h16M12 4v16"/><path d="M4 4h8v8H4zM12 12h8v8h-8z" '
    'fill="#" stroke="none" opacity=".35"/>',
    "pin": '<path d="M12 15.5V21M8.5 3.5h7l-.8 6 3.3 3v3H6v-3l3.3-3z"/>',
    "wipe": '<rect x="3.5" y="5" width="17" height="14" rx="2"/><path d="M12 2.5v19"/>'
    '<path d="M4 5.5h8v13H4z" fill="#" stroke="none" opacity=".35"/>',
    "side": '<rect x="3.5" y="5" width="7.5" height="14" rx="1.5"/>'
    '<rect x="13" y="5" width="7.5" height="14" rx="1.5"/>',
    "difference": '<circle cx="9.5" cy="12" r="6"/><circle cx="14.5" cy="12" r="6"/>',
    "copy": '<rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2"/>'
    '<path d="M15.5 8.5V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v7.5a2 2 0 0 0 2 2h2.5"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "check": '<path d="M5 12.5l4.5 4.5L19 7"/>',
    "warn": '<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17.2v.3"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.5v.4"/>',
    "cross": '<circle cx="12" cy="12" r="8.5"/><path d="M9 9l6 6M15 9l-6 6"/>',
    "question": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M9.6 9.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.9M12 16.5v.3"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
    "folder": '<path d="M3.5 6.5h6l2 2.5h9v10h-17z"/>',
    "open": '<path d="M3.5 6.5h6l2 2.5h9v10h-17z"/><path d="M12 16v-5M9.7 13L12 10.8l2.3 2.2"/>',
    "swap": '<path d="M4 8.5h14M14.5 5L18 8.5 14.5 12M20 15.5H6M9.5 12L6 15.5 9.5 19"/>',
    "reset": '<path d="M4.5 12a7.5 7.5 0 1 0 2.5-5.6L4.5 8.5"/><path d="M4.5 4v4.5H9"/>',
    "model": '<path d="M12 3.5l8 4.3v8.4l-8 4.3-8-4.3V7.8z"/><path d="M4 7.8l8 4.4 8-4.4M12 '
    '12.2v8.3"/>',
    "menu": '<path d="M4.5 7h15M4.5 12h15M4.5 17h15"/>',
    "move": '<path d="M12 3v18M3 12h18M9.5 5.5L12 3l2.5 2.5M9.5 18.5L12 21l2.5-2.5M5.5 9.5L3 '
    '12l2.5 2.5M18.5 9.5L21 12l-2.5 2.5"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "layers": '<path d="M12 4l8.5 4.5L12 13 3.5 8.5z"/><path d="M4 12.5l8 4.3 8-4.3M4 16.5l8 4.3 '
    '8-4.3"/>',
    "enlarge": '<path d="M13.5 4H20v6.5M20 4l-7 7M10.5 20H4v-6.5M4 20l7-7"/>',
    "up": '<path d="M6 14.5l6-6 6 6"/>',
    "picture": '<rect x="3.5" y="4.5" width="17" height="15" rx="2"/>'
    '<circle cx="9" cy="10" r="1.7"/><path d="M4 17l5-4 3.5 2.8 3-2.6 4.5 3.8"/>',
}


APP_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    '<rect width="64" height="64" rx="15" fill="#23253f"/>'
    '<path d="M14 50V24a18 18 0 0 1 36 0v26z" fill="#93a4ff"/>'
    '<circle cx="32" cy="28" r="9" fill="#23253f"/>'
    '<path d="M17 50a15 12 0 0 1 30 0z" fill="#23253f"/></svg>'
)


def app_icon() -> QIcon:
    """The program's own icon: a head in an arch."""
    image = QPixmap(128, 128)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(APP_ICON.encode())).render(painter, QRectF(image.rect()))
    painter.end()
    return QIcon(image)


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size_px: int, ratio: float = 1.0) -> QPixmap:
    """An icon of this program's own making; nothing from outside is ever parsed here."""
    body = SHAPES[name].replace('fill="#"', f'fill="{colour}"')
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{colour}" stroke-width="1.7" stroke-linecap="round" '
        f'stroke-linejoin="round">{body}</svg>'
    )
    made = QPixmap(round(size_px * ratio), round(size_px * ratio))
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(made.rect()))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def icon(name: str, colour: str, dimmed: str, size_px: int, ratio: float = 1.0) -> QIcon:
    """The icon for a button, with its disabled look."""
    made = QIcon(pixmap(name, colour, size_px, ratio))
    made.addPixmap(pixmap(name, dimmed, size_px, ratio), QIcon.Mode.Disabled)
    return made
