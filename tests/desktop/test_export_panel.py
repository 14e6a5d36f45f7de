"""The export panel: every format, what others may do, and renewing an expired identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_studio import FakeStudio
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.facts import ExportRequest
from desktop.messages import RENEW, Message, message_of
from desktop.views.export_choices import FORMATS, KEYS, TIER_WORDS
from desktop.views.export_panel import ExportPanel
from engine.errors import IdentityError, IdentityExpired
from engine.frame import USES


@pytest.fixture
def panel(qtbot: QtBot, tmp_path: Path) -> ExportPanel:
    panel = ExportPanel(str(tmp_path))
    qtbot.addWidget(panel)
    return panel


def _asked(panel: ExportPanel, qtbot: QtBot) -> ExportRequest:
    with qtbot.waitSignal(panel.export_wanted) as caught:
        panel.submit()
    assert caught.args is not None
    request = caught.args[0]
    assert isinstance(request, ExportRequest)
    return request


@pytest.mark.parametrize("key", [key for key, _, _ in FORMATS])
def test_every_format_gives_the_file_its_ending(panel: ExportPanel, qtbot: QtBot, key: str) -> None:
    panel._format._buttons[key].click()
    assert _asked(panel, qtbot).path.suffix == f".{key}"
    assert set(KEYS.values()) == {key for key, _, _ in FORMATS}


def test_others_may_do_nothing_unless_it_is_allowed(panel: ExportPanel, qtbot: QtBot) -> None:
    assert _asked(panel, qtbot).options.allowed_uses == ()
    panel._uses._buttons["all"].click()
    assert _asked(panel, qtbot).options.allowed_uses == USES


def test_trustmark_is_offered_where_its_networks_are(
    panel: ExportPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    assert "trustmark" not in panel._mark._buttons
    assert _asked(panel, qtbot).options.mark == "atelier"
    other = ExportPanel(str(tmp_path), trustmark=True)
    qtbot.addWidget(other)
    other._mark._buttons["trustmark"].click()
    options = _asked(other, qtbot).options
    assert (options.watermark, options.mark) == (True, "trustmark")
    assert "other programs see" in other._mark_words.text()
    other._mark._buttons["off"].click()
    assert not _asked(other, qtbot).options.watermark


def test_the_words_for_the_private_tiers_say_where_the_recipe_stays() -> None:
    for tier in ("commitment", "disclosure"):
        assert "stays in your ledger" in TIER_WORDS[tier]


def test_an_expired_identity_is_renewed_in_one_click(
    desk: Desk, studio: FakeStudio, qtbot: QtBot
) -> None:
    expired = message_of(IdentityExpired("The signing certificate expired.", "Renew it."))
    assert expired is not None
    assert expired.action == RENEW
    panel = desk.window.export
    panel.show_message(expired)
    panel.message._action.click()
    qtbot.waitUntil(lambda: "is renewed" in panel.message.text, timeout=10_000)
    assert studio.renewed == 1
    other = message_of(IdentityError("The passphrase is empty."))
    assert other is not None
    assert other.action == ""


def test_a_ledger_that_was_changed_shows_at_the_start(
    make_desk: Callable[..., Desk], studio: FakeStudio
) -> None:
    studio.ledger_problems = ("Entries 5 to 5 are missing.",)
    desk = make_desk(studio)
    assert "Entries 5" in desk.window.stage.message.text, "a window at rest has told it"


def test_what_the_ledger_tells_outlives_messages_that_go_away_by_themselves(desk: Desk) -> None:
    stage = desk.window.stage
    ledger, good = Message("The ledger was changed.", "", "plain"), Message("Saved.", "", "good")
    picture, other = (
        Message("It does not show.", "", "bad"),
        Message("The disk is full.", "", "bad"),
    )
    stage.show_message(ledger)
    stage.show_picture_message(picture)
    assert stage.message.text == picture.title
    stage.show_message(good)
    assert stage.message.text == good.title
    stage._away.timeout.emit()
    assert stage.message.text == ledger.title
    stage.show_picture_message(picture)
    stage.clear_error()
    assert stage.message.text == ledger.title
    stage.show_message(other)  # of this somebody has to know: it takes the place for good
    stage.clear_error()
    assert stage.message.text == other.title
    stage.message._close.click()
    stage.show_message(good)
    stage._away.timeout.emit()
    assert stage.message.text == "", "what was closed stays closed"
