"""How directions are found: by marks, from the weights, at a boundary, in the styles."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.facts import MarkView
from desktop.kit import Kit, bands
from desktop.messages import Message, plain
from desktop.widgets.button import push
from desktop.widgets.choice import Choice
from desktop.widgets.job_bar import JobBar
from desktop.widgets.mark_grid import MarkGrid
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.segmented import Segmented
from desktop.widgets.text import label
from engine.frame import DirectionInfo, Progress
from engine.wishes import DirectionWish

WAYS = (
    ("labels", "Marks", "Mark pictures as more or less, and learn what tells them apart"),
    ("sefa", "Weights", "SeFa: what the layers' weights react to most; no pictures needed"),
    ("boundary", "Boundary", "InterFaceGAN: a plane between pictures with and without something"),
    ("stylespace", "Styles", "StyleSpace: single channels that move one thing or one place"),
    ("activations", "Early", "GANSpace on early activations, for models without a mapping network"),
)
PLACES = (
    ("mouth", "Mouth", (0.3, 0.6, 0.7, 0.82)),
    ("eyes", "Eyes", (0.22, 0.35, 0.78, 0.56)),
    ("hair", "Top of the head", (0.15, 0.02, 0.85, 0.28)),
    ("ground", "Left edge", (0.0, 0.0, 0.18, 1.0)),
)
NARROW = {"all": "All layers", "coarse": "Coarse layers", "middle": "Middle", "fine": "Fine"}


class FindPanel(QWidget):
    """States what is to be found."""

    find_wanted = Signal(object)  # DirectionWish
    marks_wanted = Signal(str)  # the name under which marks are learnt
    marked = Signal(int, int)
    fresh_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kit: Kit | None = None
        self._attributes: tuple[tuple[str, str], ...] = ()
        self.ways = Segmented("How to find", WAYS)
        self.ways.set_key("labels")
        self.grid = MarkGrid("Pictures to mark")
        self._name = QLineEdit()
        self._name.setPlaceholderText("Name of the direction")
        self._name.setAccessibleName("Name of the direction")
        self._name.setToolTip("What these marks are about, such as: curly hair")
        self._name.setFixedHeight(28)
        self._counts = label(tone="muted", wrap=True)
        self.layers = Choice("Layers", tuple(NARROW.items()))
        self.attribute = Choice("Attribute")
        self.held = Choice("Hold", (("", "Hold nothing"), ("all", "Hold the others")))
        self.space = Choice("Space", (("w", "In w"), ("z", "In z")))
        self.target = Choice("What the channels move")
        self.job = JobBar("finding directions")
        self.message = MessageBar()
        self._found = label(wrap=True)
        self._pages = QStackedWidget()
        pages = (self._marks(), self._page(self.layers), self._page(self.attribute, self.held,
                 self.space), self._page(self.target), QWidget())  # fmt: skip
        for page in pages:
            self._pages.addWidget(page)
        self._go = push("Find", "Find directions this way", "primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 0, 16, 12)
        column.setSpacing(8)
        for part in (self.ways, self._pages, self._go, self.job, self.message, self._found):
            column.addWidget(part)
        self.message.hide()
        self._found.hide()
        self.ways.chosen.connect(self._show_way)
        self.grid.marked.connect(self.marked)
        self._go.clicked.connect(self._submit)
        self.job.cancel_wanted.connect(self.cancel_wanted)
        self._show_way("labels")

    def _marks(self) -> QWidget:
        page = QWidget()
        fresh = push("Other pictures", "Draw other pictures; those that are marked stay", "tight")
        fresh.clicked.connect(self.fresh_wanted)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._name, 1)
        line.addWidget(fresh)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.grid)
        column.addWidget(self._counts)
        column.addLayout(line)
        return page

    def _page(self, *parts: QWidget) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for part in parts:
            column.addWidget(part)
        column.addStretch(1)
        return page

    def set_kit(self, kit: Kit) -> None:
        """Another model, or the same with other directions."""
        self._kit = kit
        self._attributes = tuple(
            (d.name, plain(d.label, 40)) for d in kit.directions if d.method == "named"
        )
        self.attribute.set_choices(self._attributes)
        moved = [(f"a:{key}", words) for key, words in self._attributes]
        self.target.set_choices([*moved, *((f"p:{key}", words) for key, words, _ in PLACES)])
        self._show_way(self.ways.key)

    def show_marks(self, view: MarkView) -> None:
        """Show the pictures and their marks."""
        self.grid.set_marks(view.images, view.marks)
        more, less = view.marks.count(1) + view.kept_more, view.marks.count(-1) + view.kept_less
        self._counts.setText(f"{more} more, {less} less. Click for more, right-click for less.")

    def show_began(self) -> None:
        """A search waits or runs."""
        self.message.hide()
        self._found.hide()
        self.job.show_began("Starting…")
        self._go.setEnabled(False)

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        self.job.show_progress(plain(progress.stage, 80), progress.fraction, progress.left_s)

    def show_found(self, found: tuple[DirectionInfo, ...]) -> None:
        """What was found; the sliders are on the Explore page, under Directions."""
        self.show_stopped()
        lines = [f"{plain(d.label, 40)}: {plain(d.note, 120)}{_moves(d)}" for d in found[:3]]
        more = f"\nand {len(found) - 3} more" if len(found) > 3 else ""
        self._found.setText("\n".join(lines) + more)
        self._found.show()

    def show_stopped(self) -> None:
        """Nothing runs."""
        self.job.show_ended()
        self._go.setEnabled(True)

    def show_message(self, message: Message) -> None:
        """The search failed."""
        self.show_stopped()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.message.show()

    def _show_way(self, key: str) -> None:
        keys = [way[0] for way in WAYS]
        self._pages.setCurrentIndex(keys.index(key) if key in keys else 0)
        for i in range(self._pages.count()):  # a page that is not shown takes no room
            page = self._pages.widget(i)
            assert page is not None
            here = i == self._pages.currentIndex()
            kind = QSizePolicy.Policy.Preferred if here else QSizePolicy.Policy.Ignored
            page.setSizePolicy(QSizePolicy.Policy.Preferred, kind)
        self._pages.adjustSize()
        able = key not in ("boundary",) or bool(self._attributes)
        self._go.setEnabled(able and not self.job.running)
        self._go.setText("Learn" if key == "labels" else "Find")
        self._go.setToolTip(
            "Find directions this way"
            if able
            else "Nothing here reads attributes off this model's pictures: mark pictures instead"
        )

    def _submit(self) -> None:
        way = self.ways.key
        if way == "labels":
            self.marks_wanted.emit(self._name.text().strip())
            return
        self.find_wanted.emit(self._wish(way))

    def _wish(self, way: str) -> DirectionWish:
        if way == "sefa":
            num_ws = self._kit.info.num_ws if self._kit is not None else 1
            layers = bands(num_ws).get(self.layers.key) or None
            return DirectionWish("sefa", layers)
        if way == "boundary":
            own = self.attribute.key
            others = tuple(key for key, _ in self._attributes if key != own)
            held = others if self.held.key else ()
            space = "z" if self.space.key == "z" else "w"
            return DirectionWish(way, attribute=own, hold=held, space=space)  # type: ignore[arg-type]
        if way == "stylespace":
            kind, _, key = self.target.key.partition(":")
            if kind == "p":
                return DirectionWish(way, region=next(r for k, _, r in PLACES if k == key))
            return DirectionWish(way, attribute=key)
        return DirectionWish(way)


def _moves(info: DirectionInfo) -> str:
    """What a direction moves by a tenth of its range or more, strongest first."""
    strong = sorted(info.scores.items(), key=lambda item: -abs(item[1]))
    words = [f"{plain(name, 20)} {value:+.1f}" for name, value in strong if abs(value) >= 0.1]
    return f"; moves {', '.join(words)}".replace("-", "−") if words else ""
