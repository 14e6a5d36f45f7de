"""The status bar: figures of the machine, and the job at work."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from desktop.facts import StatusView
from desktop.messages import plain
from desktop.widgets.button import IconButton
from desktop.widgets.text import label
from engine.frame import Progress


class StatusBar(QWidget):
    """One quiet line."""

    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(28)
        self._backend = label(tone="muted")
        self._backend.setToolTip("What renders the pictures")
        self._latency = label(tone="muted")
        self._latency.setToolTip(
            "From your hand to the picture on the screen: median and 95th percentile"
        )
        self._counts = label(tone="muted")
        self._counts.setToolTip(
            "Pictures rendered, and requests that a newer one replaced before they began"
        )
        self._memory = label(tone="muted")
        self._memory.setToolTip("Memory of this program")
        self._job = label(tone="muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._bar.setAccessibleName("Progress of the running job")
        self._cancel = IconButton("close", "Cancel the running job", size_px=12)
        self._latency.hide()
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 0, 12, 0)
        line.setSpacing(24)
        for part in (self._backend, self._latency, self._counts, self._memory):
            line.addWidget(part)
        line.addStretch(1)
        for job_part in (self._job, self._bar, self._cancel):
            line.addWidget(job_part)
            job_part.hide()
        line.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self._cancel.clicked.connect(self.cancel_wanted)

    def set_backend(self, words: str) -> None:
        """What renders."""
        if words != self._backend.text():
            self._backend.setText(words)

    def show_figures(self, view: StatusView) -> None:
        """Show what was measured; what was not is left out."""
        self._latency.setVisible(view.p50_ms is not None)
        if view.p50_ms is not None and view.p95_ms is not None:
            self._latency.setText(f"Input to paint {view.p50_ms:.0f} ms, p95 {view.p95_ms:.0f} ms")
        self._counts.setText(f"{view.rendered} rendered, {view.coalesced} coalesced")
        if view.memory_mb is not None:
            self._memory.setText(f"{view.memory_mb:.0f} MB")

    def show_job(self, words: str) -> None:
        """A job began."""
        self._job.setText(plain(words, 60))
        self._bar.setRange(0, 0)
        for part in (self._job, self._bar, self._cancel):
            part.show()

    def show_progress(self, progress: Progress) -> None:
        """How far the job is."""
        if progress.fraction is not None:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))

    def hide_job(self) -> None:
        """No job runs."""
        for part in (self._job, self._bar, self._cancel):
            part.hide()
