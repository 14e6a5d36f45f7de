"""The window: rail, stage, right column, tray, top and status bars."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.facts import ProjectView
from desktop.messages import plain
from desktop.settings import Settings
from desktop.theme import COLUMN_PX
from desktop.views.actions import fill_main_menu, make_actions
from desktop.views.attack_column import AttackColumn
from desktop.views.diffuse_column import DiffuseColumn
from desktop.views.edit_column import EditColumn
from desktop.views.explore_column import ExploreColumn
from desktop.views.export_panel import ExportPanel
from desktop.views.rail import Rail
from desktop.views.stage import Stage
from desktop.views.status_bar import StatusBar
from desktop.views.top_bar import TopBar
from desktop.views.tour_bar import TourBar
from desktop.views.train_column import TrainColumn
from desktop.views.tray import Tray
from desktop.views.verify_panel import VerifyPanel
from desktop.widgets.command_palette import CommandPalette
from desktop.widgets.frames import named
from desktop.widgets.reading_order import set_reading_order
from desktop.widgets.recipe_drag import carries, text_of
from desktop.widgets.section_column import SectionColumn

NAME = "Latent Atelier"
PROJECTS = "Projects and Recipes (*.atelier *.json);;All files (*)"
MODELS = "Models (*.pkl *.pt *.pth *.safetensors *.onnx)"


class MainWindow(QMainWindow):
    """Puts the parts together and shows one page at a time."""

    file_dropped = Signal(object)  # Path
    recipe_dropped = Signal(str)
    recent_chosen = Signal(object)  # Path
    project_named = Signal(object)  # Path to save to
    page_shown = Signal(str)
    model_found = Signal(object, str)  # Path of a checkpoint, the digest it must have or ""
    closing = Signal()

    def __init__(self, settings: Settings, *, trustmark: bool = False) -> None:
        super().__init__()
        self._settings = settings
        self._has_panels = False
        self.page = "explore"
        self.setWindowTitle(NAME)
        self.setMinimumSize(QSize(960, 600))
        self.setAcceptDrops(True)
        self.actions_by_name = make_actions(self)
        menu, self._recent = QMenu(self), QMenu(self)
        fill_main_menu(menu, self._recent, self.actions_by_name)
        self.top = TopBar(self.actions_by_name, menu)
        self.rail = Rail()
        self.stage = Stage(self.actions_by_name)
        self.tour = TourBar()
        self.tray = Tray(settings.is_open("tray", True))
        self.status = StatusBar()
        self.explore = ExploreColumn()
        self.edit = EditColumn()
        self.diffuse = DiffuseColumn()
        self.train = TrainColumn()
        self.attack = AttackColumn()
        self.verify = VerifyPanel()
        self.export = ExportPanel(
            settings.text("export_folder"), settings.text("time_authority"), trustmark=trustmark
        )
        self._column = named(QStackedWidget(), "column")
        self._column.setFixedWidth(COLUMN_PX)
        pages = (self.explore, self.edit, self.diffuse, self.train, self.attack, self.verify)
        columns = (*pages, self.export)
        for panel in columns:
            self._column.addWidget(panel)
        self._lay_out()
        self.palette_popup = CommandPalette(self)
        self.tray.opened.connect(self._remember_tray)
        self.explore.section_toggled.connect(settings.set_open)
        self.diffuse.section_toggled.connect(self._remember_section)
        self.show_page("explore")

    def _lay_out(self) -> None:
        centre = QVBoxLayout()
        centre.setSpacing(0)
        centre.addWidget(self.stage, 1)
        centre.addWidget(self.tour)
        centre.addWidget(self.tray)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addLayout(centre, 1)
        middle.addWidget(self._column)
        surface = named(QWidget(), "surface")
        column = QVBoxLayout(surface)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addLayout(middle, 1)
        column.addWidget(self.status)
        self.setCentralWidget(surface)

    def build_panels(self) -> None:
        """Make the sections of the right column; may come after the first picture was asked for."""
        self.explore.build(self._settings.is_open)
        self._has_panels = True
        if self.page == "edit":
            self._build_edit()

    def _build_edit(self) -> None:
        """The Edit page's sections, when it is first shown."""
        if self._has_panels and not self.edit.sections:
            self.edit.build(self._settings.is_open)

    # --- pages

    def show_page(self, key: str) -> None:
        """Explore, Edit, Diffuse, Train, Attack or Verify."""
        self.page = key
        built = {"diffuse": self.diffuse, "train": self.train, "attack": self.attack}
        if key in built:
            built[key].build(self._settings.is_open)
        self.rail.show_page(key)
        self.stage.show_page(key)
        self.tray.setVisible(key not in ("verify", "train"))
        for name, action in self.actions_by_name.items():
            if name.startswith("train_"):
                action.setEnabled(key == "train")
        if key == "edit":
            self._build_edit()
        self._column.setCurrentWidget(self._page_column)
        self.page_shown.emit(key)

    @property
    def _page_column(self) -> QWidget:
        """The column of the page in use."""
        columns: dict[str, QWidget] = {
            "verify": self.verify,
            "edit": self.edit,
            "diffuse": self.diffuse,
            "train": self.train,
            "attack": self.attack,
        }
        return columns.get(self.page, self.explore)

    @property
    def section_column(self) -> SectionColumn | None:
        """The column of the page in use, where it has sections."""
        column = self._page_column
        return column if isinstance(column, SectionColumn) else None

    def show_export(self) -> None:
        """The export panel, in the place of the sliders."""
        if self.page in ("verify", "train"):
            self.show_page("explore")
        self._column.setCurrentWidget(self.export)
        self.export.focus_first()

    def hide_export(self) -> None:
        """Back to the sliders."""
        self._column.setCurrentWidget(self._page_column)

    @property
    def exporting(self) -> bool:
        """Whether the export panel shows."""
        return self._column.currentWidget() is self.export

    def go_to_canvas(self) -> None:
        """Escape: close what lies over the picture, then give it the focus."""
        self.stage.show_over("")
        if self.exporting:
            self.hide_export()
        self.stage.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_palette(self) -> None:
        """Every action, to be searched."""
        names = self.actions_by_name
        self.palette_popup.open_with([names[key] for key in names if key != "palette"])

    # --- projects

    def show_project(self, view: ProjectView) -> None:
        """The title, and what was open lately."""
        mark = "*" if view.unsaved else ""
        self.setWindowTitle(f"{plain(view.title, 60)}{mark} - {NAME}")
        self._recent.clear()
        self._recent.setEnabled(bool(view.recent))
        for path in view.recent:
            action = self._recent.addAction(plain(path.name, 60))
            action.setToolTip(plain(str(path)))
            action.setData(path)
            action.triggered.connect(self._choose_recent)

    def ask_open(self) -> None:
        """Which project or Recipe to open."""
        name, _ = QFileDialog.getOpenFileName(self, "Open", "", PROJECTS)
        if name:
            self.file_dropped.emit(Path(name))

    def ask_model(self) -> None:
        """Which checkpoint to import."""
        name, _ = QFileDialog.getOpenFileName(self, "Import a model", "", MODELS)
        if name:
            self.model_found.emit(Path(name), "")

    def ask_model_folder(self) -> None:
        """Which folder to import, such as a BigGAN's."""
        name = QFileDialog.getExistingDirectory(self, "Import a model folder")
        if name:
            self.model_found.emit(Path(name), "")

    def locate_model(self, sha256: str) -> None:
        """Where the checkpoint of a missing model is."""
        title = f"Locate the model with SHA-256 {sha256[:12]}…"
        name, _ = QFileDialog.getOpenFileName(self, title, "", MODELS)
        if name:
            self.model_found.emit(Path(name), sha256)

    def ask_save(self, title: str) -> None:
        """Where to save the project."""
        name, _ = QFileDialog.getSaveFileName(
            self, "Save project", f"{title}.atelier", "Projects (*.atelier)"
        )
        if name:
            self.project_named.emit(Path(name))

    def _choose_recent(self) -> None:
        action = self.sender()
        if action is not None and hasattr(action, "data"):
            self.recent_chosen.emit(action.data())

    # --- the window itself

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one file, or one of this window's own pictures over the canvas."""
        if carries(event):
            event.acceptProposedAction()
            return
        if event.source() is not None:
            return
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """The canvas is the place for a picture."""
        event.setAccepted(not carries(event) or self._over_stage(event))

    def _over_stage(self, event: QDropEvent) -> bool:
        return self.stage.rect().contains(self.stage.mapFrom(self, event.position().toPoint()))

    def dropEvent(self, event: QDropEvent) -> None:
        """Pictures are verified, projects and Recipes are opened; what is dragged here is shown."""
        if carries(event):
            if self._over_stage(event):
                self.recipe_dropped.emit(text_of(event))
                event.acceptProposedAction()
            return
        self.file_dropped.emit(Path(event.mimeData().urls()[0].toLocalFile()))
        event.acceptProposedAction()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes down the column as one reads it, through what was made late, too."""
        set_reading_order(self._column)
        return super().focusNextPrevChild(forward)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The palette follows."""
        super().resizeEvent(event)
        self.palette_popup.place()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place on the screen."""
        self._settings.geometry = self.saveGeometry()
        self._settings.set_text("export_folder", self.export.folder)
        self._settings.set_text("time_authority", self.export.signing.time_authority)
        self.closing.emit()
        super().closeEvent(event)

    def remember_train_section(self, key: str, is_open: bool) -> None:
        """A section of the Train page was opened or closed."""
        self._settings.set_open(f"train_{key}", is_open)

    def _remember_section(self, key: str, is_open: bool) -> None:
        self._settings.set_open(f"diffuse_{key}", is_open)

    def _remember_tray(self, is_open: bool) -> None:
        self._settings.set_open("tray", is_open)
