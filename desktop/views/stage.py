"""The centre: the canvas of the page, and messages that lie over it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.display import Shown
from desktop.facts import Batch
from desktop.messages import Message
from desktop.views.batch_table import BatchTable
from desktop.views.canvas import Canvas
from desktop.views.canvas_bar import CanvasBar
from desktop.views.card_page import CardPage
from desktop.views.train_stage import TrainStage
from desktop.views.welcome_card import WelcomeCard
from desktop.widgets.button import IconButton
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.preview_strip import PreviewStrip

MESSAGE_PX = 520
GOOD_MS = 4000
DROP_HINT = "Drop a picture here, or open one.\nYou will read who signed it and how it was made."
SOURCE_HINT = "Open a picture of your own on the right."


class Stage(QWidget):
    """Explore's canvas with its bar, and the canvas of a verified file."""

    action_wanted = Signal(object)  # Message whose button was pressed
    over_changed = Signal(str)
    stop_wanted = Signal()

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.canvas = Canvas("Canvas", "The first picture is on its way.")
        self.photo = Canvas("Verified picture", DROP_HINT)
        self.batch = BatchTable()
        self.source = Canvas("Your picture", SOURCE_HINT)
        self._page = "explore"
        self._sourced = False
        self.bar = CanvasBar(self.canvas, actions)
        self.trail = PreviewStrip("Steps from noise to picture")
        self._stop = IconButton("close", "Stop", "Stop between two steps", size_px=14)
        self._stop.setEnabled(False)
        self._steps = QWidget()
        steps = QHBoxLayout(self._steps)
        steps.setContentsMargins(12, 6, 8, 6)
        steps.setSpacing(8)
        steps.addWidget(self.trail, 1)
        steps.addWidget(self._stop)
        self._steps.hide()
        self._stop.clicked.connect(self.stop_wanted)
        self._explore = QWidget()
        column = QVBoxLayout(self._explore)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._steps)
        column.addWidget(self.bar)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._explore)
        self._pages.addWidget(self.photo)
        self._pages.addWidget(self.batch)
        self._pages.addWidget(self.source)
        self.sheet = Canvas("Channels of the layer", "The layer's channels are on their way.")
        self.card = CardPage()
        self.lab = TrainStage()
        self._pages.addWidget(self.lab)
        self._pages.addWidget(self.sheet)
        self._pages.addWidget(self.card)
        self.over = ""  # what lies in the canvas's place
        self.card.closed.connect(self.hide_over)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self.message = MessageBar(self)
        self.welcome = WelcomeCard(self)
        self._tabled = False
        self._told: Message | None = None
        self._of_picture = False
        self._kept: Message | None = None
        self._away = QTimer(self, interval=GOOD_MS, singleShot=True)
        self._away.timeout.connect(self._put_away)
        self.message.action_wanted.connect(self._act)

    def show_page(self, key: str) -> None:
        """The canvas of a page; on Verify what was looked at last, a picture or a table."""
        self._page = key
        self._turn()

    def show_photo(self, picture: Shown | None) -> None:
        """A verified picture."""
        self._tabled = False
        self.photo.show_picture(picture)
        self._turn()

    def show_batch(self, batch: Batch) -> None:
        """The table of a folder."""
        self.batch.show_batch(batch)
        self.show_table()

    def show_table(self) -> None:
        """The table of the folder that was verified last."""
        self._tabled = True
        self._turn()

    def show_source(self, sourced: bool) -> None:
        """On the Edit page: the user's own picture, or what is made."""
        self._sourced = sourced
        self._turn()

    def show_over(self, over: str) -> None:
        """Put "card" or "sheet" in the canvas's place; "" brings the picture back."""
        if over != self.over:
            self.over = over
            self._turn()
            self.over_changed.emit(over)

    @Slot()
    def hide_over(self) -> None:
        """The picture again."""
        self.show_over("")
        self.canvas.setFocus()

    def _turn(self) -> None:
        """Show what belongs to the page."""
        self._steps.setVisible(self._page == "diffuse")
        if self._page == "verify":
            place: QWidget = self.batch if self._tabled else self.photo
        elif self._page == "train":
            place = self.lab
        elif self.over:
            place = self.card if self.over == "card" else self.sheet
        else:
            place = self.source if self._page == "edit" and self._sourced else self._explore
        self._pages.setCurrentWidget(place)
        if place is self.card:
            self.card.show_card()
            self.card.setFocus()

    def show_busy(self, busy: bool) -> None:
        """Whether there is something to stop."""
        self._stop.setEnabled(busy)

    def show_message(self, message: Message) -> None:
        """Tell something over the canvas; good news goes away by itself.

        What it takes the place of comes back then, unless that was good news itself.
        """
        self._keep(passing=message.tone == "good")
        self._told, self._of_picture = message, False
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self._place()
        self.message.raise_()
        if message.tone == "good":
            self._away.start()
        else:
            self._away.stop()

    def show_picture_message(self, message: Message) -> None:
        """Tell why a picture does not show; the next one that does ends it."""
        self._keep(passing=True)
        kept = self._kept
        self.show_message(message)
        self._kept, self._of_picture = kept, True

    def clear_error(self) -> None:
        """What was wrong is over: a newer picture shows. A failed save is not over by that."""
        if self._of_picture and self._told is not None and not self._told.action:
            self._put_away()

    def _keep(self, passing: bool) -> None:
        """Remember what stands there, where the next message goes away by itself.

        Else what was found in the ledger at the start would be lost to a first picture that fails.
        """
        told = self._told
        if told is None or self.message.isHidden():
            self._kept = None
        elif not self._of_picture and told.tone != "good":
            self._kept = told if passing else None

    @Slot()
    def _put_away(self) -> None:
        """What went away by itself makes room for what stood there before."""
        self.message.hide()
        kept, self._kept = self._kept, None
        if kept is not None:
            self.show_message(kept)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The message stays at the top, in the middle."""
        super().resizeEvent(event)
        self._place()
        self.welcome.place()

    def _place(self) -> None:
        wide = min(MESSAGE_PX, self.width() - 32)
        self.message.setFixedWidth(wide)
        layout = self.message.layout()
        assert layout is not None
        for _ in range(2):  # lines wrap first, then the heights are known
            layout.activate()
            self.message.resize(wide, layout.totalHeightForWidth(wide))
        self.message.move((self.width() - wide) // 2, 16)

    def _act(self) -> None:
        self.message.hide()
        if self._told is not None:
            self.action_wanted.emit(self._told)
