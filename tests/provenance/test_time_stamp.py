"""A time stamp of an authority that is known proves when a picture was signed; another does not."""

from __future__ import annotations

import datetime as dt
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.image.codec import encode
from engine.provenance.keys import Identity, Unlocked
from engine.provenance.sign import sign_picture
from engine.provenance.verify import read_credentials
from tests.drawn import claim_for, generated, pixels_of

LATE = dt.datetime.now(dt.UTC) + dt.timedelta(days=3700)
SETTINGS = """
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = nobody
[nobody]
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/root.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class TimeAuthority:
    """An authority on this machine: its address, and its root."""

    address: str
    root_pem: str


def _openssl(folder: Path, *words: str) -> bytes:
    command = ["openssl", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def time_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which can be a time stamp authority, is not installed here")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(SETTINGS.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    of = ("-config", "tsa.cnf")
    root = ("-x509", "-extensions", "root", "-subj", "/O=Tests/CN=Time root", "-out", "root.pem")
    _openssl(folder, *new, *of, *root, "-days", "9", "-keyout", "root.key")
    subject = ("-subj", "/O=Tests/CN=Time", "-keyout", "tsa.key", "-out", "tsa.csr")
    _openssl(folder, *new, *of, *subject)
    issuer = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "8")
    extras = ("-extfile", "tsa.cnf", "-extensions", "stamps", "-in", "tsa.csr", "-out", "tsa.pem")
    _openssl(folder, "x509", "-req", *issuer, *extras)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(asked)
            told = _openssl(folder, "ts", "-reply", *of, "-section", "tsa", "-queryfile", "query")
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield TimeAuthority(
        f"http://127.0.0.1:{server.server_port}/", (folder / "root.pem").read_text()
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_a_known_authoritys_time_stamp_outlives_the_certificate(
    unlocked: Unlocked, identity: Identity, time_authority: TimeAuthority, format: str
) -> None:
    picture = encode(pixels_of(generated().image), format)  # type: ignore[arg-type]
    data = sign_picture(
        picture, f"image/{format}", claim_for(generated()), unlocked, time_authority.address
    )
    roots, stamps = identity.own_roots(), time_authority.root_pem
    known = read_credentials(data, own_roots_pem=roots, anchors_pem=stamps)
    assert known.verdict == "own"
    assert known.signed_at is not None
    late = read_credentials(data, own_roots_pem=roots, anchors_pem=stamps, now=LATE)
    assert (late.verdict, late.signed_at) == ("own", known.signed_at)
    assert any("A time stamp says: signed" in finding.text for finding in late.findings)
    unknown = read_credentials(data, own_roots_pem=roots)
    assert (unknown.verdict, unknown.signed_at) == ("own", None)
    assert any("not known, so it proves nothing" in x.text for x in unknown.findings)
    assert read_credentials(data, own_roots_pem=roots, now=LATE).verdict == "expired"
