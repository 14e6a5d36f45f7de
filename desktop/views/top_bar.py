"""The top bar: project, model, undo, palette, identity, export."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from desktop.facts import ProjectView
from desktop.messages import plain
from desktop.views.canvas_bar import action_button
from desktop.widgets.button import IconButton, PushButton
from desktop.widgets.text import label
from engine.frame import IdentityStatus, ModelInfo

SEARCH_PX = 232
FEW = 4


class TopBar(QWidget):
    """States which model is wanted; everything else here is an action."""

    model_chosen = Signal(str)
    identity_wanted = Signal()

    def __init__(self, actions: dict[str, QAction], menu: QMenu) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(48)
        self._main = IconButton("menu", "Main menu", "Project, view and help")
        self._main.setMenu(menu)
        self._main.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
        self._title = label("Untitled", role="strong")
        self._title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._models = QMenu(self)
        self._known: tuple[ModelInfo, ...] = ()
        self._recent: tuple[str, ...] = ()
        self._shown = ""
        self._more = (actions["import_model"], actions["model_card"])
        self._model = IconButton(
            "model", "Model", "Choose the model", text="Opening a model…", role="field"
        )
        self._model.setMenu(self._models)
        self._model.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
        self._model.setMinimumHeight(32)
        self._search = action_button(
            actions["palette"], "search", "Search actions    Ctrl+K", "field"
        )
        self._search.setMinimumSize(QSize(SEARCH_PX, 32))
        self._badge = IconButton(
            "shield", "Signing identity", "Whether exports are signed", text="Signs on first export"
        )
        export = PushButton("Export")
        export.setProperty("role", "primary")
        export.setAccessibleName("Export")
        export.setToolTip(actions["export"].toolTip())
        export.setMinimumHeight(32)
        export.clicked.connect(actions["export"].trigger)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 0, 12, 0)
        line.setSpacing(8)
        for part in (self._main, self._title):
            line.addWidget(part)
        line.addSpacing(8)
        line.addWidget(self._model)
        line.addWidget(action_button(actions["undo"], "undo"))
        line.addWidget(action_button(actions["redo"], "redo"))
        line.addStretch(1)
        line.addWidget(self._search)
        line.addStretch(1)
        line.addWidget(self._badge)
        line.addWidget(export)
        self._badge.clicked.connect(self.identity_wanted)

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Which models there are."""
        self._known = tuple(models)
        self._fill()

    def show_recent(self, names: Sequence[str]) -> None:
        """Which models were used last, newest first."""
        self._recent = tuple(names)
        self._fill()

    def _fill(self) -> None:
        """Those used last where there are many, then all, then what else can be done."""
        self._models.clear()
        by_name = {info.name: info for info in self._known}
        recent = [by_name[name] for name in self._recent if name in by_name]
        if len(self._known) > FEW and len(recent) > 1:
            self._add_group("Used last", recent[:FEW])
        self._add_group("Bundled", [info for info in self._known if info.bundled])
        self._add_group("Imported", [info for info in self._known if not info.bundled])
        self._models.addSeparator()
        for action in self._more:
            self._models.addAction(action)

    def _add_group(self, title: str, models: Sequence[ModelInfo]) -> None:
        if not models:
            return
        self._models.addSeparator()
        head = self._models.addAction(title)
        head.setEnabled(False)
        for info in models:
            words = f"{plain(info.title, 60)}  ·  {info.resolution} px"
            action = self._models.addAction(words)
            action.setData(info.name)
            action.setCheckable(True)
            action.setChecked(info.name == self._shown)
            action.triggered.connect(self._choose)

    def show_model(self, info: ModelInfo) -> None:
        """Which model is on the table."""
        self._shown = info.name
        self._model.setText(plain(info.title, 40))
        for action in self._models.actions():
            action.setChecked(action.data() == info.name)

    def show_project(self, view: ProjectView) -> None:
        """Which project is open, and whether it is saved."""
        title = plain(view.title, 28)
        self._title.setText(f"{title} •" if view.unsaved else title)
        self._title.setToolTip("Not saved yet; autosave keeps it" if view.unsaved else "Saved")

    def show_identity(self, status: IdentityStatus) -> None:
        """Who signs."""
        self._badge.set_icon("verify" if status.exists else "shield")
        words = f"Signs as {plain(status.name, 26)}" if status.exists else "Signs on first export"
        if status.storage == "throwaway":
            words = "Signs for this session only"
        self._badge.setText(words)
        self._badge.setToolTip(plain(status.text))

    def _choose(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.model_chosen.emit(str(action.data()))
