"""A certificate of one's own, brought through the window's own way into the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.controllers.export import ExportController
from desktop.controllers.identity import IdentityController
from desktop.facts import ExportRequest, OwnCertificate
from desktop.lanes import QueueLane
from desktop.messages import Message
from engine.frame import ExportOptions, IdentityStatus, Receipt
from engine.recipe import Generate, Recipe, Seed
from engine.studio import Studio
from tests.provenance.certificate_files import SECRET, Authority, new_key, write_pem, write_pkcs12
from tests.random_model import NAME, write_random_model


@pytest.mark.parametrize("form", ["PKCS#12", "PEM"])
def test_a_certificate_is_brought_signs_an_export_and_verifies(
    qtbot: QtBot, tmp_path: Path, form: str
) -> None:
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    write_random_model(models)
    studio = Studio(tmp_path / "home", passphrase=lambda: "what keeps it here")
    authority, key = Authority(), new_key("p256")
    chain = authority.issue(key, "A studio of one")
    file, private = (
        (write_pkcs12(tmp_path, key, chain), None)
        if form == "PKCS#12"
        else write_pem(tmp_path, key, chain, secret=SECRET)
    )
    lane = QueueLane(name="test")
    identity = IdentityController(studio, lane)
    told: list[Message] = []
    seen: list[IdentityStatus] = []
    identity.told.connect(told.append)
    identity.status_changed.connect(seen.append)
    identity.bring(OwnCertificate(file, private, SECRET))
    qtbot.waitUntil(lambda: lane.idle and bool(told), timeout=100_000)
    assert told[0].tone == "good", told[0].title
    assert "A studio of one" in seen[-1].name
    exports, receipts = ExportController(studio, lane), list[Receipt]()
    exports.done.connect(receipts.append)
    exports.follow(Recipe(Generate(studio.ref(NAME), Seed(3))), False)
    path = tmp_path / "mine.png"
    exports.export(ExportRequest(path, ExportOptions(size_px=64)))
    qtbot.waitUntil(lambda: lane.idle and bool(receipts), timeout=100_000)
    roots = tmp_path / "roots.pem"
    roots.write_text(authority.root_pem)
    elsewhere = Studio(tmp_path / "elsewhere")
    assert studio.verify(path).verdict == "own"
    assert elsewhere.verify(path).verdict == "intact-unverified"
    assert elsewhere.verify(path, anchors=roots).verdict == "trusted"
    lane.close()
