"""What the window remembers between starts, beside the projects."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from desktop.theme import Mode

RECENT_MODELS = 6


class Settings:
    """A small file in the data folder: theme, geometry, open sections, last model."""

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> Mode:
        """The theme that the user chose; "system" at first."""
        value = self._store.value("theme", "system")
        if value == "dark":
            return "dark"
        return "light" if value == "light" else "system"

    @theme.setter
    def theme(self, mode: Mode) -> None:
        self._store.setValue("theme", mode)

    def is_open(self, section: str, default: bool) -> bool:
        """Whether a collapsible section stood open."""
        value = self._store.value(f"open/{section}", "true" if default else "false")
        return str(value).lower() == "true"

    def set_open(self, section: str, is_open: bool) -> None:
        """Remember a section as open or closed."""
        self._store.setValue(f"open/{section}", "true" if is_open else "false")

    def text(self, name: str, default: str = "") -> str:
        """A remembered word, such as the last folder of an export."""
        value = self._store.value(f"text/{name}", default)
        return value if isinstance(value, str) else default

    def set_text(self, name: str, value: str) -> None:
        """Remember a word."""
        self._store.setValue(f"text/{name}", value)

    @property
    def recent_models(self) -> tuple[str, ...]:
        """The models used last, newest first."""
        return tuple(name for name in self.text("recent_models").split("\n") if name)

    def note_recent_model(self, name: str) -> None:
        """A model is in use."""
        others = [other for other in self.recent_models if other != name]
        self.set_text("recent_models", "\n".join([name, *others][:RECENT_MODELS]))

    @property
    def geometry(self) -> QByteArray | None:
        """The window's place on the screen, if it was ever closed."""
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)
