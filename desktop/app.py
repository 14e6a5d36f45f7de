"""Builds the window and connects its parts; the entry for people and for screenshots."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from desktop import diffuse_wiring, theme, train_wiring, wiring
from desktop.attack_desk import AttackDesk
from desktop.begin_desk import BeginDesk
from desktop.control_desk import ControlDesk
from desktop.controllers.ahead import AheadController
from desktop.controllers.compare import CompareController
from desktop.controllers.conditions import ConditionsController
from desktop.controllers.diffuse import DiffuseController
from desktop.controllers.engines import EnginesController
from desktop.controllers.explore import ExploreController
from desktop.controllers.export import ExportController
from desktop.controllers.favourites import FavouritesController
from desktop.controllers.hand_out import HandOut
from desktop.controllers.history import HistoryController
from desktop.controllers.identity import IdentityController
from desktop.controllers.lattice import LatticeController
from desktop.controllers.layers import LayersController
from desktop.controllers.library import LibraryController
from desktop.controllers.matrix import MatrixController
from desktop.controllers.noise_corners import NoiseCornersController
from desktop.controllers.passphrase import PassphraseBroker
from desktop.controllers.pictures import PicturesController
from desktop.controllers.project import ProjectController
from desktop.controllers.queue import QueueController
from desktop.controllers.render import RenderController
from desktop.controllers.thumbs import ThumbController
from desktop.controllers.train import TrainController
from desktop.controllers.verify import VerifyController
from desktop.edit_desk import EditDesk
from desktop.garbage import Sweeper
from desktop.handlers import Handlers
from desktop.lanes import QueueLane
from desktop.settings import Settings
from desktop.sheet_desk import SheetDesk
from desktop.status import StatusKeeper
from desktop.tour_desk import TourDesk
from desktop.verify_page import VerifyPage
from desktop.views.main_window import MainWindow
from desktop.widgets.icons import app_icon
from engine.errors import BackendError
from engine.studio import Studio

SIZE = (1440, 900)
UNDO_STEPS = 500


class Desk(QObject):
    """Everything that lives while the window is open.

    private: leaves the user's autosave alone, as for a screenshot.
    """

    def __init__(
        self,
        studio: Studio,
        settings: Settings,
        passphrase: PassphraseBroker | None = None,
        *,
        private: bool = False,
    ) -> None:
        super().__init__()
        self.studio = studio
        self.settings = settings
        self.private = private
        self.passphrase = passphrase or PassphraseBroker(self)
        self.theme = theme.Theme(settings.theme, self)
        self.theme.apply(settings.theme)
        self.undo = QUndoStack(self)
        self.undo.setUndoLimit(UNDO_STEPS)
        self.jobs = QueueLane(self, "jobs")
        self.files = QueueLane(self, "files")
        self.library = LibraryController(studio, self.files, self, self.jobs)
        self.library.start(settings.text("model"))
        self.render = RenderController(studio, self)
        self.thumbs = ThumbController(studio, self)
        self.explore = ExploreController(self.undo, studio.check, self)
        self.conditions = ConditionsController(self.explore, self)
        self.layers = LayersController(studio, self)
        self.diffuse = DiffuseController(studio, self.files, self.undo, self)
        self.pictures = PicturesController(studio, self.jobs, self)
        self.train = TrainController(studio, self.undo, self.pictures, self)
        self.compare = CompareController(self.thumbs, self.undo, self)
        self.noises = NoiseCornersController(self.thumbs, self)
        self.queue = QueueController(studio, self)
        self.lattice = LatticeController(self.thumbs, self)
        self.matrix = MatrixController(self.undo, self.thumbs, self)
        self.history = HistoryController(self.undo, self.thumbs, self)
        self.favourites = FavouritesController(studio, self.files, self.history, self)
        self.identity = IdentityController(studio, self.files, self)
        self.verify = VerifyController(studio, self.jobs, self)
        self.exports = ExportController(studio, self.jobs, self)
        self.hand = HandOut(studio, self)
        self.projects = ProjectController(studio, self.files, self.history, self)
        wiring.connect_controllers(self)
        self.window = MainWindow(settings, trustmark=studio.has_trustmark())
        wiring.connect_window(self)
        self.verify_page = VerifyPage(self.window, self)
        self.sheets = SheetDesk(self)
        diffuse_wiring.connect_diffuse(self)
        self.window.diffuse.panel_made.connect(self.connect_diffuse_panel)
        train_wiring.connect_train(self)
        wiring.connect_verify(self)
        wiring.connect_export(self)
        self.edit = EditDesk(self)
        self.begin = BeginDesk(self)
        self.control = ControlDesk(self)
        self.attack = AttackDesk(self)
        self.handlers = Handlers(self)
        self.handlers.connect_parts()
        self.handlers.connect_actions()
        self.tour = TourDesk(self)
        self.window.build_panels()
        self._closed = False
        self._status = StatusKeeper(
            self.window.status, self.jobs, self.render.lane, self.render.latency
        )

    def start(self, size: tuple[int, int] | None = None) -> None:
        """Show the window where it was last."""
        self.window.resize(QSize(*(size or SIZE)))
        if size is None and self.settings.geometry is not None:
            self.window.restoreGeometry(self.settings.geometry)
        self.window.show()
        self.window.stage.canvas.setFocus()
        self._status.start()
        if not self.private:
            self.favourites.start()
            self.projects.start()
            self.tour.first_start()
        self.identity.start()

    def connect_panel(self, key: str, panel: QWidget) -> None:
        """A panel was made, perhaps long after the window."""
        wiring.connect_panel(self, panel)
        if key == "mixing":
            self.matrix.set_open(True)
        elif key == "layers":
            self.layers.set_open(True)

    def connect_diffuse_panel(self, key: str, panel: QWidget) -> None:
        """A panel of the Diffuse page was made."""
        diffuse_wiring.connect_panel(self, panel)
        if key == "compare":
            self.compare.set_open(True)
        elif key == "noise":
            self.noises.set_open(True)

    def connect_train_panel(self, key: str, panel: QWidget) -> None:
        """A panel of the Train page was made."""
        train_wiring.connect_panel(self, panel)

    def ask_train_folder(self) -> None:
        """Which folder of pictures is to be learned."""
        name = QFileDialog.getExistingDirectory(self.window, "Train on the pictures of a folder")
        if name:
            self.train.use_folder(name)

    def shows_picture(self) -> bool:
        """Whether a first picture is on the canvas."""
        return self.render.frame is not None

    def at_rest(self) -> bool:
        """Whether nothing is being rendered, read or written."""
        latest = (self.render.lane, self.layers.lane)
        queues = (self.thumbs.lane, self.queue.lane, self.hand.lane, self.jobs, self.files)
        pages = self.edit.idle and self.attack.idle and self.train.at_rest
        return pages and all(lane.idle for lane in (*latest, *queues))

    def close(self) -> None:
        """Stop timers and threads; keep what was not saved."""
        if self._closed:
            return
        self._closed = True
        self.undo.blockSignals(True)  # it tells of its own end when half of this is gone
        self._status.stop()
        if not self.private:
            self.favourites.keep()
            self.projects.autosave()
        self.projects.close()
        self.passphrase.close()
        self.render.close()
        self.thumbs.close()
        self.queue.close()
        self.edit.close()
        self.train.close()
        self.pictures.close()
        self.attack.close()
        self.studio.stop_workers()
        self.layers.close()
        self.jobs.close()
        self.files.close(finish=True)
        self.hand.close()
        if not self.private and not self.projects.unsaved:
            self.studio.close()  # unsaved work is offered again at the next start


def build(studio: Studio, home: Path, passphrase: PassphraseBroker | None = None) -> Desk:
    """The whole window on a Studio; its settings live in `home`. Needs a QApplication."""
    return Desk(studio, Settings(home / "window.ini"), passphrase)


def main(argv: Sequence[str]) -> int:
    """Open the window and stay until it is closed; the exit code."""
    app = application(argv)
    passphrase = PassphraseBroker()
    studio = Studio(passphrase=passphrase)
    desk = build(studio, studio.home, passphrase)
    desk.start()
    EnginesController(studio, desk.jobs, desk.render, desk)
    AheadController(studio, desk.render, desk.at_rest, desk)
    code = app.exec()
    desk.close()
    return code


def application(argv: Sequence[str] = ("atelier",)) -> QApplication:
    """The one QApplication of this process, with the program's style and font."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QApplication.setDesktopFileName("latent-atelier")
        app = QApplication(list(argv))
        app.setApplicationName("Latent Atelier")
        app.setWindowIcon(app_icon())
        Sweeper(app)
    theme.prepare(app)
    return app


def take_screenshot(
    studio: Studio,
    path: Path | str,
    size: tuple[int, int] = SIZE,
    *,
    mode: theme.Mode = "dark",
    scene: str = "explore",
    file: Path | None = None,
    wait_s: float = 30.0,
) -> Path:
    """Open the real window, wait for its pictures, and save what it shows as a PNG.

    scene: "explore", "mixing", "diffuse", "export", "edit-find-effects" (the Edit page with these
    sections open), "attack-KEY" likewise, "welcome", "tour-KEY" (a stop) or "verify", which shows
    `file`. The user's own settings are neither read nor
    written. Raises BackendError when no picture came within `wait_s`.
    """
    app = application()
    with tempfile.TemporaryDirectory(prefix="atelier-window-") as folder:
        settings = Settings(Path(folder) / "window.ini")
        settings.theme = mode
        desk = Desk(studio, settings, private=True)
        desk.start(size)
        until = time.monotonic() + wait_s
        _turn(app, until, desk.shows_picture)
        _set_scene(desk, scene, file)
        time.sleep(0.2)
        _turn(app, until, desk.at_rest)
        _turn(app, time.monotonic() + 0.2, lambda: False)  # pictures are put in by short timers
        for _ in range(5):  # what came last must be laid out, too
            app.processEvents()
        shown = desk.shows_picture()
        saved = desk.window.grab().save(str(path))
        desk.window.close()
        app.processEvents()
    if not shown or not saved:
        raise BackendError(f"No picture of the window could be made at {path}.")
    return Path(path)


def _set_scene(desk: Desk, scene: str, file: Path | None) -> None:
    if scene == "mixing":
        desk.window.explore.open_section("mixing")
    elif scene.startswith("edit"):
        desk.window.show_page("edit")
        for section in desk.window.edit.sections.values():
            section.set_open(False)
        for key in scene.split("-")[:0:-1]:
            desk.window.edit.open_section(key)
    elif scene.startswith("train"):
        desk.window.actions_by_name["page_train"].trigger()
        desk.train.rehearse(scene.partition("-")[2])
    elif scene.startswith("attack"):
        desk.window.actions_by_name["page_attack"].trigger()
        for key in scene.split("-")[1:]:
            if key == "photo" and file is not None:
                desk.attack.open_photo(file)
            else:
                desk.window.attack.open_section(key)
    elif scene == "welcome":
        desk.tour.welcome()
    elif scene.startswith("tour"):
        desk.settings.set_text("tour", scene.partition("-")[2])
        desk.tour.tour.start()
    elif scene == "diffuse":
        desk.window.actions_by_name["page_diffuse"].trigger()
    elif scene == "export":
        desk.window.show_export()
    elif scene == "verify" and file is not None:
        desk.handlers.open_file(file)


def _turn(app: QApplication, until: float, done: Callable[[], bool]) -> None:
    """Turn the event loop until something is done or the time is over."""
    while time.monotonic() < until:
        app.processEvents()
        if done():
            return
        time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
