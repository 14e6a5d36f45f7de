"""Who signs: renew the identity, bring a certificate of one's own, name a time stamp authority."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.facts import OwnCertificate
from desktop.messages import plain
from desktop.widgets.button import IconButton, push
from desktop.widgets.section import Section
from desktop.widgets.text import label
from engine.frame import IdentityStatus

PKCS12 = (".p12", ".pfx")
CHAINS = "Certificates (*.p12 *.pfx *.pem *.crt *.cer);;All files (*)"
KEYS = "Private keys (*.pem *.key);;All files (*)"
ABOUT = (
    "A PKCS#12 file holds certificate and key; of PEM files give both. The key is kept here, "
    "encrypted. The certificate must be one for signing content (C2PA claim signing or e-mail)."
)
STAMP = (
    "An authority (RFC 3161) proves when a picture was signed. It learns a hash of each export and "
    "your address on the network. Empty: none is asked."
)


class SigningForm(QWidget):
    """States wishes only. What was typed as a passphrase is handed on and forgotten."""

    renew_wanted = Signal()
    local_wanted = Signal()
    certificate_given = Signal(object)  # OwnCertificate
    authority_changed = Signal()

    def __init__(self, time_authority: str = "") -> None:
        super().__init__()
        self._file = _path_field("Certificate: PKCS#12 or PEM chain")
        self._key = _path_field("Private key: PEM")
        self._secret = QLineEdit()
        self._secret.setEchoMode(QLineEdit.EchoMode.Password)
        self._secret.setPlaceholderText("Passphrase of your key, if it has one")
        self._secret.setAccessibleName("Passphrase of your key")
        self._secret.setFixedHeight(28)
        self._authority = _path_field("Address of a time stamp authority")
        self._authority.setPlaceholderText("https://… (optional)")
        self._authority.setText(time_authority)
        self._authority.textChanged.connect(self.authority_changed)
        self._status = label(tone="muted", wrap=True)
        self._renew = push("Renew", "A new key and certificate; older exports stay known as yours")
        self._local = push("Sign as this installation", "Stop using your own certificate")
        self._use = push("Use this certificate", "Sign with it from now on")
        self._certificate = Section("Your own certificate", self._certificate_part, False)
        self._stamp = Section("Time stamps", self._stamp_part, False)
        acts = QHBoxLayout()
        acts.setSpacing(8)
        acts.addWidget(self._renew)
        acts.addWidget(self._local)
        acts.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._status)
        column.addLayout(acts)
        column.addWidget(self._certificate)
        column.addWidget(self._stamp)
        self._renew.clicked.connect(self.renew_wanted)
        self._local.clicked.connect(self.local_wanted)
        self._use.clicked.connect(self._give)
        self._file.textChanged.connect(self._show_key)
        self._show_key("")

    @property
    def time_authority(self) -> str:
        """The address; "" for none."""
        return self._authority.text().strip()

    def show_identity(self, status: IdentityStatus) -> None:
        """Who signs now, and until when."""
        own = status.text.startswith("Exports are signed with your own certificate")
        until = f" Valid until {status.expires}." if status.expires else ""
        self._status.setText(plain(f"{status.name}.{until}" if status.exists else status.text))
        self._renew.setVisible(status.storage in ("keyring", "passphrase") and not own)
        self._local.setVisible(own)

    def _certificate_part(self) -> QWidget:
        rows = (
            _with_picker(self._file, "Choose the certificate", CHAINS),
            _with_picker(self._key, "Choose the private key", KEYS),
        )
        return _column(label(ABOUT, tone="muted", wrap=True), *rows, self._secret, self._use)

    def _stamp_part(self) -> QWidget:
        return _column(label(STAMP, tone="muted", wrap=True), self._authority)

    def _show_key(self, name: str) -> None:
        """A PKCS#12 file brings its key."""
        needed = Path(name.strip()).suffix.lower() not in PKCS12
        self._key.setEnabled(needed)
        ready = bool(name.strip()) and (not needed or bool(self._key.text().strip()))
        self._use.setEnabled(bool(name.strip()))
        self._use.setToolTip("Sign with it from now on" if ready else "Give certificate and key")

    def _give(self) -> None:
        file = Path(self._file.text().strip()).expanduser()
        named = self._key.text().strip() if self._key.isEnabled() else ""
        key = Path(named).expanduser() if named else None
        secret = self._secret.text()
        self._secret.clear()
        self.certificate_given.emit(OwnCertificate(file, key, secret))


def _path_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(name)
    field.setToolTip(name)
    field.setFixedHeight(28)
    return field


def _with_picker(field: QLineEdit, title: str, kinds: str) -> QWidget:
    made = QWidget()
    pick = IconButton("folder", title, title)
    line = QHBoxLayout(made)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    line.addWidget(field, 1)
    line.addWidget(pick)

    def choose() -> None:
        name, _ = QFileDialog.getOpenFileName(made, title, field.text(), kinds)
        if name:
            field.setText(name)

    pick.clicked.connect(choose)
    return made


def _column(*parts: QWidget) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(8, 8, 0, 12)
    column.setSpacing(8)
    for part in parts:
        column.addWidget(part)
    return made
