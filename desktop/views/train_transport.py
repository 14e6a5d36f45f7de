"""Run, pause, step, pace; the way behind, with its checkpoints; compare and branch."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from desktop.train_state import TrainState
from desktop.widgets.button import IconButton, push
from desktop.widgets.choice import Choice
from engine.course import LabView

PACES = {1: "1 step", 2: "2 steps", 5: "5 steps", 10: "10 steps", 25: "25 steps", 100: "Fastest"}
KEY_STEP = 10


class StepTrack(QWidget):
    """A line of steps with a tick at each checkpoint and a mark at now. Drag or arrows scrub."""

    sought = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._end, self._at = 1, 0
        self._ticks: tuple[int, ...] = ()
        self.setAccessibleName("Steps")
        self.setToolTip("Drag to rewind to any checkpoint; arrows go 10 steps, Home to the start")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(20)

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(300, 20)

    def show_steps(self, at: int, end: int, ticks: tuple[int, ...]) -> None:
        """Show where it is."""
        self._at, self._end, self._ticks = at, max(1, end), ticks
        self.setAccessibleDescription(f"step {at} of {end}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Line, ticks, mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        middle, wide = self.height() / 2, self.width() - 12
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Midlight), 3))
        painter.drawLine(6, int(middle), self.width() - 6, int(middle))
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        for tick in self._ticks:
            x = int(6 + min(1.0, tick / self._end) * wide)
            painter.drawLine(x, int(middle) - 4, x, int(middle) + 4)
        at = int(6 + min(1.0, self._at / self._end) * wide)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if self.hasFocus():
            painter.setPen(QPen(accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at - 8, int(middle) - 8, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(at - 5, int(middle) - 5, 10, 10)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Scrub."""
        self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub on."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End."""
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self._end}
        moves = {Qt.Key.Key_Left: -KEY_STEP, Qt.Key.Key_Right: KEY_STEP}
        key = Qt.Key(event.key())
        if key in ends:
            self.sought.emit(ends[key])
        elif key in moves:
            self.sought.emit(max(0, self._at + moves[key]))
        else:
            super().keyPressEvent(event)

    def _seek(self, x: float) -> None:
        """The checkpoint nearest to the pointer; where there is none yet, the step itself."""
        step = round(min(max((x - 6) / max(1, self.width() - 12), 0.0), 1.0) * self._end)
        if self._ticks and step <= self._ticks[-1]:
            step = min(self._ticks, key=lambda tick: abs(tick - step))
        if step != self._at:
            self._at = step
            self.sought.emit(step)


class TrainTransport(QWidget):
    """States what shall be done with time."""

    run_flipped = Signal()
    step_wanted = Signal()
    restart_wanted = Signal()
    sought = Signal(int)
    pace_chosen = Signal(int)
    compare_flipped = Signal()
    branch_wanted = Signal()
    arrows_flipped = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._restart = IconButton("reset", "Restart", "Back to the first step")
        self._run = IconButton("play", "Run", "Run or pause the training (K)")
        self._step = IconButton("next", "Step", "One step of the training (.)")
        self._pace = Choice("Pace")
        self._pace.setToolTip("Steps of the training in one update of the view")
        self._pace.set_choices([(str(key), words) for key, words in PACES.items()])
        self._pace.setFixedWidth(96)
        self.track = StepTrack()
        self._rate = QLabel()
        self._rate.setProperty("tone", "muted")
        self._rate.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._rate.setMinimumWidth(148)
        self._arrows = IconButton(
            "move", "Arrows", "Show where made points are pushed", checkable=True
        )
        self._arrows.setChecked(True)
        self._compare = push("Compare", "A second lane on the same seed, or one lane only")
        self._branch = push("Branch here", "Go on from this step in a second lane, to be changed")
        line = QHBoxLayout()
        line.setSpacing(8)
        left: tuple[QWidget, ...] = (self._restart, self._run, self._step, self._pace)
        right: tuple[QWidget, ...] = (self._rate, self._arrows, self._compare, self._branch)
        for part in left:
            line.addWidget(part)
        line.addStretch(1)
        for part in right:
            line.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.track)
        column.addLayout(line)
        self._restart.clicked.connect(self.restart_wanted)
        self._run.clicked.connect(self.run_flipped)
        self._step.clicked.connect(self.step_wanted)
        self._pace.chosen.connect(self._choose_pace)
        self._arrows.toggled.connect(self.arrows_flipped)
        self._compare.clicked.connect(self.compare_flipped)
        self._branch.clicked.connect(self.branch_wanted)
        self.track.sought.connect(self.sought)

    def show_state(self, state: TrainState, end: int) -> None:
        """What the buttons do now."""
        self._compare.setText("One lane" if len(state.courses) == 2 else "Compare")

    def show_transport(self, running: bool, pace: int) -> None:
        """Whether it runs, and how fast."""
        self._run.set_icon("pause" if running else "play")
        self._run.setAccessibleName("Pause" if running else "Run")
        self._pace.set_key(str(pace))

    def show_view(self, view: LabView, end: int) -> None:
        """Where it is."""
        self.track.show_steps(view.step, end, view.checkpoints)
        rate = f"{view.steps_per_s:,.0f} steps/s" if view.running else "at rest"
        self._rate.setText(f"step {view.step:,}, {rate}")

    def _choose_pace(self, key: str) -> None:
        self.pace_chosen.emit(int(key))
