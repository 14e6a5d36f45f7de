"""The bottom tray: where the user has been, and what was kept. One line high when closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.facts import HistoryView, Visit
from desktop.messages import plain
from desktop.widgets.button import IconButton
from desktop.widgets.recipe_drag import carries, text_of
from desktop.widgets.segmented import Segmented
from desktop.widgets.star_row import StarRow
from desktop.widgets.text import label
from desktop.widgets.thumb_strip import Thumb, ThumbStrip
from engine.recipe import Recipe


class Tray(QWidget):
    """A click on a picture takes it back; its star keeps it."""

    visit_chosen = Signal(object)  # Recipe
    star_wanted = Signal(object)  # Recipe
    rated = Signal(object, int)  # Recipe, stars
    tagged = Signal(object, tuple)  # Recipe, words
    kept = Signal(str)  # a dropped Recipe
    opened = Signal(bool)

    def __init__(self, is_open: bool) -> None:
        super().__init__()
        self.setObjectName("tray")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._which = Segmented(
            "Tray",
            (
                ("history", "History", "Every picture that you settled on"),
                ("favourites", "Favourites", "The pictures that you starred"),
            ),
        )
        self._which.set_key("history")
        self._count = label(tone="muted")
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search: words, tags, 4*")
        self._search.setAccessibleName("Search favourites")
        self._search.setToolTip("Search favourites by words, tags, or by stars: 4* and more")
        self._search.setFixedSize(QSize(184, 26))
        self._flip = IconButton("down", "Open or close the tray", "Open or close the tray (H)")
        self._stars = StarRow("Rating of the favourite")
        self._tags = QLineEdit()
        self._tags.setPlaceholderText("Tags, with commas")
        self._tags.setAccessibleName("Tags of the favourite")
        self._tags.setToolTip("Tags of the favourite that is chosen, with commas between")
        self._tags.setFixedHeight(26)
        self._tags.setMinimumWidth(144)
        self.history = ThumbStrip("History")
        self.favourites = ThumbStrip("Favourites")
        self._pages = QStackedWidget()
        for strip in (self.history, self.favourites):
            self._pages.addWidget(strip)
        self._pages.setFixedHeight(self.history.height())
        self._empty = label("", tone="muted", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages.addWidget(self._empty)
        head = QHBoxLayout()
        head.setContentsMargins(12, 3, 12, 3)
        head.setSpacing(12)
        head.addWidget(self._which)
        head.addWidget(self._count)
        head.addWidget(self._search)
        head.addStretch(1)
        head.addWidget(self._stars)
        head.addWidget(self._tags, 4)
        head.addWidget(self._flip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        inset = QHBoxLayout()
        inset.setContentsMargins(8, 0, 8, 0)
        inset.addWidget(self._pages)
        column.addLayout(inset)
        self._view: HistoryView | None = None
        self._which.chosen.connect(self._choose)
        self._flip.clicked.connect(self.flip)
        self._search.textChanged.connect(self._filter)
        self.favourites.menu_wanted.connect(self._menu)
        self.favourites.rates = True
        self.favourites.rated.connect(self.rated)
        self.favourites.pointed.connect(self._point)
        self._stars.rated.connect(self._rate_asked)
        self._tags.editingFinished.connect(self._tag_asked)
        self._asked: Visit | None = None
        for strip in (self.history, self.favourites):
            strip.chosen.connect(self.visit_chosen)
            strip.starred.connect(self.star_wanted)
        self._set_open(is_open)
        self._arrange()
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a picture of this program."""
        if carries(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Favourites are a place for pictures; over their tab they open. The history writes
        itself."""
        over = self._which.key_at(self._which.mapFrom(self, event.position().toPoint()))
        if over and over != self._which.key:
            self._which.set_key(over)
            self._choose(over)
        event.setAccepted(self._which.key == "favourites")

    def dropEvent(self, event: QDropEvent) -> None:
        """It is kept as a favourite."""
        if self._which.key == "favourites":
            self.kept.emit(text_of(event))
            event.acceptProposedAction()

    def set_drag(self, data_of: Callable[[Recipe], QMimeData]) -> None:
        """What a picture takes along when it is dragged."""
        for strip in (self.history, self.favourites):
            strip.set_drag(data_of)

    def flip(self) -> None:
        """Open when closed, close when open."""
        self._set_open(self._pages.isHidden())
        self.opened.emit(not self._pages.isHidden())

    def show_history(self, view: HistoryView) -> None:
        """Show visits and favourites."""
        self._view = view
        starred = {visit.recipe.sha256 for visit in view.state.favourites}
        current = view.current.sha256 if view.current is not None else ""

        def thumbs(visits: tuple[Visit, ...]) -> list[Thumb]:
            return [
                Thumb(
                    visit.recipe,
                    plain(", ".join((visit.label, *visit.tags)), 90),
                    view.images.get(visit.recipe.sha256),
                    visit.recipe.sha256 in starred,
                    visit.recipe.sha256 == current,
                    "★" * visit.rating,
                )
                for visit in visits
            ]

        self.history.set_thumbs(thumbs(view.state.visits))
        words = self._search.text().lower().split()
        found = tuple(visit for visit in view.state.favourites if matches(visit, words))
        self.favourites.set_thumbs(thumbs(found))
        self._point(self.favourites.key)
        self._arrange()

    def _filter(self) -> None:
        if self._view is not None:
            self.show_history(self._view)

    def _menu(self, recipe: Recipe, place: QPoint) -> None:
        state = self._view.state if self._view is not None else None
        found = [v for v in state.favourites if v.recipe == recipe] if state is not None else []
        if not found:
            return
        self._point(recipe)
        self._asked = found[0]
        menu = QMenu(self)
        for stars in range(6):
            action = menu.addAction("★" * stars if stars else "No stars")
            action.setData(stars)
            action.setCheckable(True)
            action.setChecked(stars == self._asked.rating)
            action.triggered.connect(self._rate)
        menu.addSeparator()
        menu.addAction("Tags…").triggered.connect(self._tag)
        menu.popup(place)

    def _rate(self) -> None:
        action = self.sender()
        if self._asked is not None and isinstance(action, QAction):
            self.rated.emit(self._asked.recipe, int(action.data()))

    def _tag(self) -> None:
        if self._asked is None:
            return
        self._tags.setFocus()
        self._tags.selectAll()

    def _point(self, recipe: Recipe | None) -> None:
        """The favourite whose stars and tags are shown: the one with the focus, or the canvas's."""
        view = self._view
        favourites = () if view is None else view.state.favourites
        wanted = recipe if recipe is not None else None if view is None else view.current
        self._asked = next((visit for visit in favourites if visit.recipe == wanted), None)
        self._stars.setEnabled(self._asked is not None)
        self._tags.setEnabled(self._asked is not None)
        self._stars.set_stars(0 if self._asked is None else self._asked.rating)
        if not self._tags.hasFocus() or not self._tags.isModified():
            self._tags.setText("" if self._asked is None else ", ".join(self._asked.tags))

    def _rate_asked(self, stars: int) -> None:
        if self._asked is not None:
            self.rated.emit(self._asked.recipe, stars)

    def _tag_asked(self) -> None:
        if self._asked is not None and self._tags.isModified():
            self._tags.setModified(False)
            self.tagged.emit(self._asked.recipe, tuple(self._tags.text().split(",")))

    def _choose(self, key: str) -> None:
        if self._pages.isHidden():
            self.flip()
        self._arrange()

    def _arrange(self) -> None:
        state = self._view.state if self._view is not None else None
        favourites = self._which.key == "favourites"
        for part in (self._search, self._stars, self._tags):
            part.setVisible(favourites and not self._pages.isHidden())
        visits = (state.favourites if favourites else state.visits) if state is not None else ()
        count = "1 picture" if len(visits) == 1 else f"{len(visits)} pictures"
        found = self.favourites.count if favourites else len(visits)
        self._count.setText(count if found == len(visits) else f"{found} of {count}")
        if found:
            self._pages.setCurrentWidget(self.favourites if favourites else self.history)
            return
        self._empty.setText(
            "No favourite has all of these words and stars."
            if favourites and visits
            else "Star a picture to keep it here (S), or drop one from any panel."
            if favourites
            else "Every picture you settle on is kept here. Click one to go back."
        )
        self._pages.setCurrentWidget(self._empty)

    def _set_open(self, is_open: bool) -> None:
        self._pages.setVisible(is_open)
        self._flip.set_icon("down" if is_open else "up")


def matches(visit: Visit, words: list[str]) -> bool:
    """Whether a favourite has every word in its label or tags; "3*" asks for so many stars."""
    text = " ".join((visit.label, *visit.tags)).lower()
    for word in words:
        if len(word) == 2 and word[0].isdigit() and word[1] == "*":
            if visit.rating < int(word[0]):
                return False
        elif word not in text:
            return False
    return True
