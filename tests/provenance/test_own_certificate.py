"""Signing with a certificate of one's own, with a key kept elsewhere, and with a time stamp."""

from __future__ import annotations

import datetime as dt
import http.server
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from engine.errors import ExportError, IdentityError
from engine.image.codec import encode
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.own_certificate import from_pem, from_pkcs12
from engine.provenance.sign import check_time_authority, sign_picture
from engine.provenance.signing_key import signing
from engine.provenance.verify import read_credentials
from engine.services.identity import callback_signer, use_certificate
from tests.drawn import claim_for, generated, identity_in, pixels_of, signed
from tests.provenance.certificate_files import SECRET, Authority, new_key, write_pem, write_pkcs12


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def _verdict(data: bytes, identity: Identity, anchors: str = "") -> str:
    return read_credentials(
        data,
        own_roots_pem=identity.own_roots(),
        own_leaves=identity.own_leaves(),
        anchors_pem=anchors,
    ).verdict


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "ed25519", "rsa"])
def test_every_kind_of_key_signs_and_is_own_here_and_trusted_by_its_root_elsewhere(
    tmp_path: Path, authority: Authority, other: Identity, kind: str
) -> None:
    key = new_key(kind)
    chain, private = write_pem(tmp_path, key, authority.issue(key), authority.root, secret=SECRET)
    identity = identity_in(tmp_path / "home")
    identity.bring(*from_pem(chain, private, SECRET))
    again = identity_in(tmp_path / "home")
    data = signed(again.unlock())
    assert again.status().name == "A studio"
    assert _verdict(data, again) == "own"
    assert _verdict(data, other) == "intact-unverified"
    assert _verdict(data, other, authority.root_pem) == "trusted"
    found = read_credentials(data)
    assert found.certificate["sha256"] == again.status().fingerprint
    assert found.signer == "A studio"


def test_a_colleague_under_the_same_root_is_not_own(tmp_path: Path, authority: Authority) -> None:
    key, colleague = new_key("p256"), new_key("p256")
    identity = identity_in(tmp_path / "home")
    leaf = authority.issue(key)
    identity.bring(*from_pem(*write_pem(tmp_path, key, leaf, authority.root), None))
    theirs = from_pem(*write_pem(tmp_path, colleague, authority.issue(colleague)), None)
    data = signed(Unlocked(theirs[1], "external", signing(colleague)))
    assert _verdict(data, identity, authority.root_pem) == "trusted"


def test_a_pkcs12_file_serves_as_well(tmp_path: Path, authority: Authority) -> None:
    key = new_key("p256")
    path = write_pkcs12(tmp_path, key, authority.issue(key), authority.root)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    identity = identity_in(tmp_path / "home")
    unlocked = use_certificate(identity, path, key_passphrase_file=secret)
    assert "BEGIN CERTIFICATE" in unlocked.chain.sent_pem
    assert unlocked.chain.sent_pem.count("BEGIN") == 1, "the root is not sent"
    assert _verdict(signed(unlocked), identity) == "own"
    with pytest.raises(IdentityError, match="cannot be opened") as caught:
        from_pkcs12(path, "wrong")
    assert caught.value.__suppress_context__


def test_the_brought_key_is_kept_encrypted_and_what_was_signed_before_stays_own(
    tmp_path: Path, authority: Authority
) -> None:
    identity = identity_in(tmp_path / "home")
    before = signed(identity.unlock())
    key = new_key("p256")
    identity.bring(*from_pem(*write_pem(tmp_path, key, authority.issue(key)), None))
    (kept,) = (tmp_path / "home" / "identity").glob("*/key.pem")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    between = signed(identity.unlock())
    with pytest.raises(IdentityError, match="renewed by its authority"):
        identity.renew()
    after = signed(identity.use_local())
    assert [_verdict(x, identity) for x in (before, between, after)] == ["own"] * 3


def test_certificates_that_would_not_verify_are_refused_before_they_are_used(
    tmp_path: Path, authority: Authority
) -> None:
    key = new_key("p256")
    server = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    cases = [
        ([authority.issue(key, purposes=server)], "extended key usage"),
        ([authority.issue(key, purposes=())], "lacks the extension"),
        ([authority.issue(new_key("p256"))], "belongs to the key"),
        ([authority.root], "belongs to the key"),
    ]
    for chain, words in cases:
        with pytest.raises(IdentityError, match=words):
            from_pem(*write_pem(tmp_path, key, *chain), None)
    with pytest.raises(IdentityError, match="not fit for Content Credentials"):
        from_pem(*write_pem(tmp_path, authority.key, authority.root), None)
    chain_file, private = write_pem(tmp_path, key, authority.issue(key))
    private.chmod(0o644)
    with pytest.raises(IdentityError, match="read by other users"):
        from_pem(chain_file, private, None)
    chain_file.write_text("nothing")
    with pytest.raises(IdentityError, match="no certificates"):
        from_pem(chain_file, private, None)


def test_dates_are_checked_when_it_is_brought_and_before_each_export(
    tmp_path: Path, authority: Authority
) -> None:
    key = new_key("p256")
    identity = identity_in(tmp_path / "home")
    for days, words in [((-9, -2), "expired on"), ((3, 9), "valid from")]:
        leaf = authority.issue(key, start_days=days[0], end_days=days[1])
        with pytest.raises(IdentityError, match=words):
            identity.bring(*from_pem(*write_pem(tmp_path, key, leaf), None))
    assert not identity.status().exists
    identity.bring(*from_pem(*write_pem(tmp_path, key, authority.issue(key)), None))
    with pytest.raises(IdentityError, match=r"expired on .*new certificate from its authority"):
        identity.unlock(now=authority.now + dt.timedelta(days=200))


def test_a_key_in_a_token_signs_through_a_callback(tmp_path: Path, authority: Authority) -> None:
    key = new_key("p384")
    asked: list[int] = []
    token = signing(key)

    def sign(data: bytes) -> bytes:
        asked.append(len(data))
        return token(data)

    chain, _ = write_pem(tmp_path, key, authority.issue(key))
    outside = callback_signer(chain.read_bytes(), sign)
    identity = Identity(tmp_path / "home", external=outside)
    assert identity.status().storage == "external"
    assert _verdict(signed(identity.unlock()), identity) == "own"
    assert asked
    assert not (tmp_path / "home").exists()


def test_what_a_token_says_when_it_fails_is_told_to_nobody(
    tmp_path: Path, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    key = new_key("p256")

    def failing(data: bytes) -> bytes:
        raise RuntimeError("PIN 4711 was wrong")

    chain, _ = write_pem(tmp_path, key, authority.issue(key))
    with pytest.raises(ExportError, match="could not be signed") as caught:
        signed(callback_signer(chain.read_bytes(), failing))
    assert "4711" not in "".join(capfd.readouterr()) + repr(caught.value)


@pytest.fixture
def no_authority() -> Iterator[str]:
    """A server that answers, but not as a time stamp authority does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_time_authority_that_gives_no_time_stamp_is_told_and_nothing_is_signed(
    unlocked: Unlocked, no_authority: str
) -> None:
    picture = encode(pixels_of(generated().image), "png")
    for address in ("http://127.0.0.1:9/", no_authority):
        with pytest.raises(ExportError, match="time stamp authority") as caught:
            sign_picture(picture, "image/png", claim_for(generated()), unlocked, address)
        assert "nothing was signed" in caught.value.what
        assert "without a time stamp" in caught.value.remedy


@pytest.mark.parametrize("address", ["nonsense", "file:///etc/passwd", "http://", "ftp://x/"])
def test_an_address_that_is_none_is_refused_before_any_work(address: str) -> None:
    with pytest.raises(ExportError, match="has an address like"):
        check_time_authority(address)
    check_time_authority("")
    check_time_authority("http://time.example/tsr")
