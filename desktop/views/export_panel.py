"""Export as a panel: format, size, what the manifest tells, where; then what came of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from desktop.facts import ExportRequest
from desktop.messages import RENEW, Message, plain
from desktop.places import free_name, pictures_folder
from desktop.views.export_choices import (
    ALLOWED,
    FILTER,
    FORMATS,
    KEYS,
    MARK_WORDS,
    SIZES,
    TIER_WORDS,
    TIERS,
    USE_CHOICES,
    mark_choices,
)
from desktop.views.export_result import ExportResult
from desktop.views.passphrase_ask import PassphraseAsk
from desktop.views.signing_form import SigningForm
from desktop.widgets.button import IconButton, push
from desktop.widgets.message_bar import MessageBar
from desktop.widgets.scroll_column import ScrollColumn
from desktop.widgets.section import Section
from desktop.widgets.segmented import Segmented
from desktop.widgets.text import label
from engine.frame import ExportOptions, IdentityStatus, Progress, Receipt

REPLACE, ELSEWHERE = "Replace it", "Choose another path"


class ExportPanel(ScrollColumn):
    """States what should be exported; the picture is the one on the canvas."""

    export_wanted = Signal(object)  # ExportRequest
    options_changed = Signal(object)  # ExportOptions
    cancel_wanted = Signal()
    verify_wanted = Signal(object)  # Path
    passphrase_given = Signal(str, str)
    renew_wanted = Signal()
    closed = Signal()

    def __init__(self, folder: str, time_authority: str = "", *, trustmark: bool = False) -> None:
        super().__init__("Export")
        self._has_identity = False
        self._form = QWidget()
        self._format = Segmented("Format", FORMATS)
        self._size = Segmented("Size", SIZES)
        tiers = tuple((key, key.capitalize(), words) for key, words in TIER_WORDS.items())
        self._tier = Segmented("Manifest", tiers)
        self._uses = Segmented("Training and mining", USE_CHOICES)
        self._mark = Segmented("Invisible mark", mark_choices(trustmark))
        self._mark_words = label(MARK_WORDS["on"], tone="muted", wrap=True)
        self._tier_words = label(TIER_WORDS["recipe"], tone="muted", wrap=True)
        self._path = QLineEdit(str(free_name(Path(folder or pictures_folder()) / "portrait.png")))
        self._path.setAccessibleName("File")
        self._path.setToolTip("File: where the picture goes")
        self._path.setFixedHeight(28)
        self._title = QLineEdit()
        self._title.setAccessibleName("Title")
        self._title.setToolTip("Title: written into the picture's credentials; may stay empty")
        self._title.setPlaceholderText("Optional")
        self._title.setFixedHeight(28)
        self._identity = label(tone="muted", wrap=True)
        self.signing = SigningForm(time_authority)
        self._signing = Section("Who signs", self._make_signing, False)
        self._go = push("Export", "Export the picture on the canvas (Ctrl+Return)", "primary")
        self.message = MessageBar()
        self._build_form()
        self._ask = PassphraseAsk()
        self._ask.given.connect(self.passphrase_given)
        self._build_progress()
        self._done = ExportResult()
        self._done.verify_wanted.connect(self.verify_wanted)
        self._build()
        self._format.set_key("png")
        self._size.set_key("512")
        self._tier.set_key("recipe")
        self._uses.set_key("none")
        self._mark.set_key("on")

    def _build(self) -> None:
        close = IconButton("close", "Close export", "Back to the sliders (Esc)", size_px=16)
        head = QHBoxLayout()
        head.addWidget(label("Export", role="title"), 1)
        head.addWidget(close)
        column = QVBoxLayout()
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addLayout(head)
        parts = (self._form, self.message, self._ask, self._busy, self._done, self._signing)
        for part in parts:
            column.addWidget(part)
        self.column.addLayout(column)
        self.column.addStretch(1)
        close.clicked.connect(self.closed)
        self.message.action_wanted.connect(self._remedy)
        self._format.chosen.connect(self._set_suffix)
        self._tier.chosen.connect(self._say_tier)
        self.signing.certificate_given.connect(self._expect_new_key)
        self.signing.local_wanted.connect(self._expect_new_key)
        self.signing.renew_wanted.connect(self.renew_wanted)
        self._mark.chosen.connect(self._say_mark)
        for choice in (self._size, self._tier, self._uses, self._mark):
            choice.chosen.connect(self._tell_options)
        self.signing.authority_changed.connect(self._tell_options)
        self._go.clicked.connect(self.submit)
        at_once = QShortcut(QKeySequence("Ctrl+Return"), self)
        at_once.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        at_once.activated.connect(self._go.click)
        self._path.returnPressed.connect(self.submit)

    def _build_form(self) -> None:
        browse = IconButton("folder", "Choose the file", "Choose folder and name")
        browse.clicked.connect(self._browse)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._path, 1)
        line.addWidget(browse)
        column = QVBoxLayout(self._form)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for words, part in (("Format", self._format), ("Size in pixels", self._size)):
            column.addWidget(label(words, tone="muted"))
            column.addWidget(part)
            column.addSpacing(4)
        column.addWidget(label("The manifest tells", tone="muted"))
        column.addWidget(self._tier)
        column.addWidget(self._tier_words)
        column.addSpacing(4)
        column.addWidget(label("An invisible mark", tone="muted"))
        column.addWidget(self._mark)
        column.addWidget(self._mark_words)
        column.addSpacing(4)
        column.addWidget(label("Training and data mining by others", tone="muted"))
        column.addWidget(self._uses)
        column.addSpacing(4)
        column.addWidget(label("Title", tone="muted"))
        column.addWidget(self._title)
        column.addWidget(label("File", tone="muted"))
        column.addLayout(line)
        column.addSpacing(4)
        column.addWidget(self._identity)
        column.addWidget(self._go)

    def _build_progress(self) -> None:
        self._busy = QWidget()
        self._stage = label("Exporting…")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the export")
        self._cancel = push("Cancel", "Stop the export; nothing stays at its path")
        column = QVBoxLayout(self._busy)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stage)
        column.addWidget(self._bar)
        column.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignLeft)
        self._busy.hide()
        self._cancel.clicked.connect(self.cancel_wanted)

    @property
    def folder(self) -> str:
        """Where the next export goes."""
        return str(Path(self._path.text()).parent)

    @property
    def options(self) -> ExportOptions:
        """What is chosen: it holds for every way in which a picture leaves."""
        size = self._size.key
        return ExportOptions(
            size_px=int(size) if size else None,
            tier=TIERS[self._tier.key],
            title=self._title.text().strip(),
            allowed_uses=ALLOWED[self._uses.key],
            watermark=self._mark.key != "off",
            mark="trustmark" if self._mark.key == "trustmark" else "atelier",
            time_authority=self.signing.time_authority,
        )

    @Slot()
    def _tell_options(self) -> None:
        self.options_changed.emit(self.options)

    def focus_first(self) -> None:
        """Ready to export."""
        self._go.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_identity(self, status: IdentityStatus) -> None:
        """Who signs."""
        self._has_identity = status.exists
        self.signing.show_identity(status)
        self._identity.setText(plain(status.text))

    @Slot()
    def submit(self) -> None:
        """State the wish; a file that is there already is replaced only when asked once more."""
        path = Path(self._path.text().strip()).expanduser()
        self._done.hide()
        if path.is_file():
            words = f"{plain(path.name, 60)} is there already."
            self.message.show_message(words, "Give another name, or", "plain", REPLACE)
            self.ensureWidgetVisible(self.message)
            return
        self._submit(path)

    def _submit(self, path: Path) -> None:
        self.message.hide()
        self.export_wanted.emit(ExportRequest(path, self.options))

    def show_began(self) -> None:
        """The export waits or runs."""
        self._stage.setText("Exporting…")
        self._bar.setRange(0, 0)
        self._busy.show()
        if self._go.hasFocus() or self._path.hasFocus():
            self._cancel.setFocus()  # a disabled button would hand the focus to anybody
        self._go.setEnabled(False)

    def show_progress(self, progress: Progress) -> None:
        """How far it is."""
        left = f", {progress.left_s:.0f} s left" if progress.left_s else ""
        self._stage.setText(plain(progress.stage, 80) + left)
        if progress.fraction is not None:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))

    def show_receipt(self, receipt: Receipt) -> None:
        """What the export left behind."""
        self.show_stopped()
        self._path.setText(str(free_name(receipt.path)))
        self._done.show_receipt(receipt)
        self.ensureWidgetVisible(self._done)

    def show_stopped(self) -> None:
        """The export ended, one way or another."""
        held = self._cancel.hasFocus()
        self._go.setEnabled(True)
        if held:
            self._go.setFocus()
        self._busy.hide()
        self._ask.hide()

    def show_message(self, message: Message) -> None:
        """The export failed."""
        self.show_stopped()
        action = message.action or ELSEWHERE
        self.message.show_message(message.title, message.remedy, message.tone, action)
        self.ensureWidgetVisible(self.message)

    @Slot(object)
    def show_signing_message(self, message: Message) -> None:
        """What came of a change of the signer."""
        self._ask.hide()
        self.message.show_message(message.title, message.remedy, message.tone, message.action)
        self.ensureWidgetVisible(self.message)

    def ask_passphrase(self) -> None:
        """The key is locked."""
        self._ask.ask(is_new=not self._has_identity)
        self.ensureWidgetVisible(self._ask)

    def _set_suffix(self, suffix: str) -> None:
        self._path.setText(str(Path(self._path.text()).with_suffix(f".{suffix}")))

    def _say_tier(self, tier: str) -> None:
        self._tier_words.setText(TIER_WORDS[tier])

    def _make_signing(self) -> QWidget:
        return self.signing

    @Slot()
    def _expect_new_key(self) -> None:
        """Where there is no keyring, a passphrase for the new key is asked for, twice."""
        self.message.hide()
        self._has_identity = False

    def _say_mark(self, mark: str) -> None:
        self._mark_words.setText(MARK_WORDS[mark])

    @Slot()
    def _remedy(self) -> None:
        if self.message.action == REPLACE:
            self._submit(Path(self._path.text().strip()).expanduser())
        elif self.message.action == RENEW:
            self.message.hide()
            self.renew_wanted.emit()
        else:
            self._browse()

    def _browse(self) -> None:
        self.message.hide()
        name, _ = QFileDialog.getSaveFileName(self, "Export to", self._path.text(), FILTER)
        if name:
            self._path.setText(name)
            self._format.set_key(KEYS.get(Path(name).suffix.lower(), "png"))

    def _verify(self) -> None:
        self._done.verify()
