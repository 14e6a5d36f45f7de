"""The signing identity: how it is made, kept, unlocked, renewed, and that it never leaks."""

from __future__ import annotations

import datetime as dt
import logging
import os
import stat
from pathlib import Path

import keyring
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from keyring.backend import KeyringBackend

from engine.errors import IdentityError
from engine.provenance.certificates import CLAIM_SIGNING, make_chain
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.vault import system_vault
from engine.provenance.verify import read_credentials
from tests.drawn import identity_in, secrets_of, signed

NOW = dt.datetime.now(dt.UTC)
PASSPHRASE = "a passphrase for tests"


class MemoryVault:
    """A vault that lives as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        return self.kept.get(name)

    def save(self, name: str, secret: str) -> bool:
        self.kept[name] = secret
        return True

    def forget(self, name: str) -> None:
        self.kept.pop(name, None)


def _key_file(home: Path) -> Path:
    (found,) = (home / "identity").glob("*/key.pem")
    return found


def _verdict(data: bytes, identity: Identity) -> str:
    return read_credentials(data, own_roots_pem=identity.own_roots()).verdict


def test_the_chain_is_what_the_certificate_profile_asks() -> None:
    _, chain = make_chain("Test", NOW)
    leaf, issuing = x509.load_pem_x509_certificates(chain.sent_pem.encode())
    (root,) = x509.load_pem_x509_certificates(chain.root_pem.encode())
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    ten_years = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert dt.timedelta(days=3650) < ten_years < dt.timedelta(days=3655)
    assert issuing.not_valid_after_utc > leaf.not_valid_after_utc
    extensions = leaf.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    purposes = list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    above = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    issuer = issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert above.key_identifier == issuer.digest != own.digest


def test_nothing_is_made_before_the_first_export(tmp_path: Path) -> None:
    identity = identity_in(tmp_path)
    status = identity.status()
    assert (status.exists, status.storage) == (False, "none")
    assert identity.own_roots() == ""
    assert list(tmp_path.iterdir()) == []


def test_the_key_file_is_encrypted_and_for_its_owner_alone(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    path = _key_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    # The passphrase is stretched first: the file alone is not to be opened with it.
    with pytest.raises(ValueError, match=r".+"):
        serialization.load_pem_private_key(path.read_bytes(), PASSPHRASE.encode())


def test_only_the_leaf_key_is_on_the_disk(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    private = [p for p in tmp_path.rglob("*") if p.is_file() and b"PRIVATE" in p.read_bytes()]
    assert private == [_key_file(tmp_path)]


def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    path = _key_file(tmp_path)
    path.chmod(0o640)
    with pytest.raises(IdentityError, match=r"chmod 600") as caught:
        identity_in(tmp_path).unlock()
    assert str(path) in caught.value.remedy
    path.chmod(0o600)
    assert identity_in(tmp_path).unlock().storage == "passphrase"


def test_the_same_identity_comes_back_in_another_process(tmp_path: Path) -> None:
    first = identity_in(tmp_path).unlock()
    again = identity_in(tmp_path)
    assert again.status().fingerprint == first.chain.fingerprint
    assert again.status().storage == "passphrase"
    assert _verdict(signed(first), again) == "own"
    assert again.unlock().chain == first.chain


def test_a_wrong_passphrase_is_refused_and_told_to_nobody(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    with pytest.raises(IdentityError, match="does not open") as caught:
        identity_in(tmp_path, "not the secret one").unlock()
    assert "not the secret" not in repr(caught.value) + str(caught.value.__context__)
    assert caught.value.__suppress_context__


def test_the_first_passphrase_is_asked_twice(tmp_path: Path) -> None:
    answers = iter(["one", "two"])
    with pytest.raises(IdentityError, match="differ"):
        Identity(tmp_path, ask=lambda: next(answers), vault=lambda: None).unlock()
    with pytest.raises(IdentityError, match="empty"):
        Identity(tmp_path, ask=lambda: "", vault=lambda: None).unlock()
    assert not (tmp_path / "identity").exists()


def test_a_keyring_keeps_a_random_passphrase(tmp_path: Path) -> None:
    vault = MemoryVault()
    first = Identity(tmp_path, vault=lambda: vault).unlock()
    assert first.storage == "keyring"
    (secret,) = vault.kept.values()
    assert len(secret) >= 40
    assert Identity(tmp_path, vault=lambda: vault).unlock().chain == first.chain
    assert all(secret.encode() not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_without_its_keyring_a_process_signs_for_itself_and_says_so(tmp_path: Path) -> None:
    vault = MemoryVault()
    Identity(tmp_path, vault=lambda: vault).unlock()
    locked = Identity(tmp_path, vault=lambda: None)
    unlocked = locked.unlock()
    assert unlocked.storage == "throwaway"
    assert "this process alone" in unlocked.notice
    assert locked.status().storage == "throwaway"
    data = signed(unlocked)
    assert _verdict(data, locked) == "own"
    assert _verdict(data, Identity(tmp_path, vault=lambda: vault)) == "intact-unverified"


def test_a_passphrase_file_serves_where_nobody_can_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_text("from a file\n")
    path.chmod(0o600)
    identity = identity_in(tmp_path / "home", None)
    assert identity.unlock().storage == "throwaway"
    unlocked = identity.unlock(path)
    assert (unlocked.storage, unlocked.notice) == ("passphrase", "")
    again = identity_in(tmp_path / "home", None).unlock(path)
    assert again.chain == unlocked.chain
    path.chmod(0o644)
    assert "chmod 600" in identity_in(tmp_path / "home", None).unlock(path).notice
    for content in (b"", b"\n", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(IdentityError, match="passphrase file"):
            identity_in(tmp_path / "home", None).unlock(path)


def test_a_throwaway_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    identity_in(tmp_path, None).unlock()
    assert list(tmp_path.rglob("*")) == []


def test_renewal_keeps_what_was_signed_before_as_own(tmp_path: Path) -> None:
    identity = identity_in(tmp_path)
    old = identity.unlock()
    before = signed(old)
    new = identity.renew()
    assert new.chain.fingerprint != old.chain.fingerprint
    after = signed(new)
    later = identity_in(tmp_path)
    assert _verdict(before, later) == _verdict(after, later) == "own"
    assert later.unlock().chain == new.chain
    assert _key_file(tmp_path).parent.name == (tmp_path / "identity/current").read_text()


def test_renewal_needs_the_old_passphrase(tmp_path: Path) -> None:
    first = identity_in(tmp_path).unlock()
    with pytest.raises(IdentityError, match="does not open"):
        identity_in(tmp_path, "another").renew()
    with pytest.raises(IdentityError, match="locked"):
        identity_in(tmp_path, None).renew()
    assert identity_in(tmp_path).unlock().chain == first.chain


def test_a_keyring_identity_is_renewed_with_a_new_secret(tmp_path: Path) -> None:
    vault = MemoryVault()
    identity = Identity(tmp_path, vault=lambda: vault)
    identity.unlock()
    before = dict(vault.kept)
    identity.renew()
    assert len(vault.kept) == 1
    assert not set(vault.kept.values()) & set(before.values())
    assert Identity(tmp_path, vault=lambda: vault).unlock().storage == "keyring"


def test_an_expired_or_early_certificate_is_refused_before_any_work(tmp_path: Path) -> None:
    identity = identity_in(tmp_path)
    identity.unlock()
    with pytest.raises(IdentityError, match=r"expired on .*Renew"):
        identity.unlock(now=NOW + dt.timedelta(days=3700))
    with pytest.raises(IdentityError, match=r"valid from .*clock"):
        identity.unlock(now=NOW - dt.timedelta(days=2))


@pytest.mark.parametrize("name", ["about.json", "chain.pem", "root.pem"])
def test_a_damaged_identity_is_one_clear_error(tmp_path: Path, name: str) -> None:
    identity_in(tmp_path).unlock()
    (_key_file(tmp_path).parent / name).write_bytes(b"\xff\x00 nonsense")
    identity = identity_in(tmp_path)
    for ask in (identity.unlock, identity.own_roots) if name == "root.pem" else (identity.unlock,):
        with pytest.raises(IdentityError, match=r"damaged.*[Mm]ove"):
            ask()


def test_a_pointer_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    (tmp_path / "identity/current").write_text("../../elsewhere")
    with pytest.raises(IdentityError, match="damaged"):
        identity_in(tmp_path).unlock()


class PlainText(KeyringBackend):
    """A keyring that does not say how it keeps its secrets."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("a secret was handed to a keyring that may not encrypt")

    def delete_password(self, service: str, username: str) -> None:
        return None


def test_keyrings_that_are_not_known_to_encrypt_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from keyring.backends import fail, null

    before = keyring.get_keyring()
    try:
        for backend in (fail.Keyring(), null.Keyring(), PlainText()):
            keyring.set_keyring(backend)
            assert system_vault() is None
    finally:
        keyring.set_keyring(before)


def test_nothing_secret_is_in_logs_errors_or_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    unlocked = identity_in(tmp_path).unlock()
    data = signed(unlocked)

    def failing(_: bytes) -> bytes:
        raise IdentityError("The signature could not be made.")

    with pytest.raises(Exception, match="could not be signed") as caught:
        signed(Unlocked(unlocked.chain, "passphrase", failing))
    said = "".join(capfd.readouterr()) + caplog.text + repr(unlocked) + repr(caught.value)
    for secret in secrets_of(tmp_path, PASSPHRASE):
        assert secret not in data
        assert secret not in said.encode()


def test_folders_are_private(tmp_path: Path) -> None:
    identity_in(tmp_path).unlock()
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "identity").stat().st_mode) == 0o700
