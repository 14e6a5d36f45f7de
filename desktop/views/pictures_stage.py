"""The centre of the Train page on pictures: the same seeds as they improve, and curves."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop import theme
from desktop.widgets.button import IconButton, push
from desktop.widgets.curve_plot import CurvePlot, Series
from desktop.widgets.text import label
from engine.course import PictureView

HINT = (
    "Press Run to train a small GAN.\n"
    "It saves itself every half minute and goes on where it stopped."
)
SHOWN_SKIPPED = 200


class SheetPicture(QWidget):
    """A sheet of small pictures, as large as there is room, in whole pixels where it can."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._image = QImage()
        self._hint = HINT
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(240, 120))

    def set_image(self, image: QImage, hint: str) -> None:
        """Show a sheet, or the hint where there is none."""
        self._image, self._hint = image, hint
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The sheet in the middle."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Dark))
        if self._image.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._hint)
            return
        wide = self.width() / self._image.width()
        scale = min(wide, self.height() / self._image.height())
        scale = float(int(scale)) if scale >= 2 else scale
        w, h = self._image.width() * scale, self._image.height() * scale
        place = QRectF((self.width() - w) / 2, (self.height() - h) / 2, w, h)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)


class PicturesStage(QWidget):
    """States that it shall run or pause, and that its model is to be used."""

    run_flipped = Signal()
    use_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.sheet = SheetPicture("Pictures of the same seeds")
        self.losses = CurvePlot("Losses", unit="images")
        self.quality = CurvePlot("Coverage", (0.0, 1.0), "images")
        self.distance = CurvePlot("Fréchet distance", unit="images")
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName("Progress of the training")
        self._skipped = label("", tone="warn", wrap=True)
        self._skipped.hide()
        self._run = IconButton("play", "Run", "Run or pause the training (K)")
        self._use = push(
            "Use this model", "Put what was trained into the model menu, with its card", "primary"
        )
        self._use.setEnabled(False)
        plots = QHBoxLayout()
        plots.setSpacing(12)
        for plot in (self.losses, self.quality, self.distance):
            plots.addWidget(plot, 1)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._run)
        line.addWidget(self._words, 1)
        line.addWidget(self._use)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.sheet, 3)
        column.addLayout(plots, 1)
        column.addWidget(self._skipped)
        column.addWidget(self._bar)
        column.addLayout(line)
        self._run.clicked.connect(self.run_flipped)
        self._use.clicked.connect(self.use_wanted)

    def show_running(self, running: bool) -> None:
        """Whether it trains."""
        self._run.set_icon("pause" if running else "play")
        self._run.setAccessibleName("Pause" if running else "Run")

    def show_view(self, view: PictureView | None) -> None:
        """One moment of a run, or none."""
        self._use.setEnabled(view is not None and view.stage != "reading" and view.images > 0)
        if view is None:
            self.sheet.set_image(QImage(), HINT)
            self._words.setText("")
            self._bar.setValue(0)
            self._skipped.hide()
            return
        h, w = view.grid.shape[:2]
        image = QImage(view.grid.tobytes(), w, h, 3 * w, QImage.Format.Format_RGB888).copy()
        self.sheet.set_image(image if view.stage != "reading" else QImage(), view.words + "…")
        self._words.setText(_words(view))
        self._bar.setValue(round(1000 * view.images / max(1, view.total)))
        self._show_skipped(view.skipped)
        colours = theme.current()
        tones = {"accent": colours.accent, "warn": colours.warn, "good": colours.good}
        for plot in (self.losses, self.quality, self.distance):
            plot.set_tones(tones)
            plot.set_marks(view.marks)
        end = float(view.total)
        self.losses.set_curves(
            view.steps, {"D": Series(view.loss_d, "warn"), "G": Series(view.loss_g)}, end
        )
        self.quality.set_curves(
            view.measured,
            {"precision": Series(view.precision), "recall": Series(view.recall, "good")},
            end,
        )
        self.distance.set_curves(view.measured, {"": Series(view.frechet)}, end)

    def _show_skipped(self, skipped: tuple[tuple[str, str], ...]) -> None:
        """How many pictures were left out; which and why in the tooltip."""
        self._skipped.setVisible(bool(skipped))
        if skipped:
            one = "picture was" if len(skipped) == 1 else "pictures were"
            first = ", ".join(name for name, _ in skipped[:3])
            more = " and others" if len(skipped) > 3 else ""
            self._skipped.setText(f"{len(skipped)} {one} skipped: {first}{more}. Hover for why.")
            lines = [f"{name}: {why}" for name, why in skipped[:SHOWN_SKIPPED]]
            self._skipped.setToolTip("\n".join(lines))


def _words(view: PictureView) -> str:
    """How far it is, how fast, and how long it takes yet."""
    parts = [view.words, f"{view.images:,} of {view.total:,} images"]
    if view.stage == "training" and view.images_per_s > 0:
        parts.append(f"{view.images_per_s:.0f} images/s")
        if view.left_s is not None:
            parts.append(f"about {_time(view.left_s)} left")
    return ", ".join(parts)


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"
