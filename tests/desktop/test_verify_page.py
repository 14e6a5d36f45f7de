"""The Verify page and the forms of who signs, through the window's own parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fake_studio import FakeStudio
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.facts import Batch, BatchRow, ExportRequest
from desktop.report_pdf import save_pdf
from desktop.views.batch_table import summary
from engine.frame import ExportOptions, Finding, Verdict


def settle(qtbot: QtBot, desk: Desk) -> None:
    qtbot.waitUntil(desk.at_rest, timeout=20_000)
    qtbot.wait(20)


def verified(qtbot: QtBot, desk: Desk, path: Path) -> None:
    """An export of the picture on the canvas, opened on the Verify page."""
    desk.window.export.export_wanted.emit(ExportRequest(path, ExportOptions()))
    settle(qtbot, desk)
    desk.handlers.open_file(path)
    settle(qtbot, desk)


def words_of(widget: object) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel))  # type: ignore[attr-defined]


def test_ingredients_show_as_a_tree_with_thumbnails(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    verified(qtbot, desk, tmp_path / "x.png")
    panel = desk.window.verify
    assert panel._made_from.isVisible()
    told = words_of(panel._tree)
    assert "A photo" in told
    assert "its credentials are intact" in told
    assert told.index("A photo") < told.index("a model")
    pictures = [x for x in panel._tree.findChildren(QLabel) if not x.pixmap().isNull()]
    assert len(pictures) == 1


def test_a_fresh_rendering_can_be_looked_at_beside_the_file_and_as_a_difference(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    verified(qtbot, desk, tmp_path / "x.png")
    photo = desk.window.stage.photo
    own = photo._picture
    assert own is not None
    desk.window.verify.rerender_wanted.emit()
    settle(qtbot, desk)
    beside = photo._picture
    assert beside is not None
    assert beside.width > 2 * own.width
    card = desk.window.verify._compared
    card._view._buttons["difference"].click()
    assert photo._picture is not None
    assert not np.any(photo._picture.buffers[0])
    assert "black is equal" in card._note.text()
    card._view._buttons["file"].click()
    assert photo._picture is own


def test_a_folder_gives_a_table_and_a_row_leads_to_its_file_and_back(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    verified(qtbot, desk, folder / "own.png")
    (folder / "own.png").touch()
    (folder / "other.png").touch()
    desk.handlers.open_file(folder)
    settle(qtbot, desk)
    stage, panel = desk.window.stage, desk.window.verify
    table = stage.batch._table
    assert stage.batch.isVisible()
    assert [table.item(row, 0).text() for row in range(2)] == ["other.png", "own.png"]
    assert [table.item(row, 1).text() for row in range(2)] == ["No credentials", "Your own"]
    table.itemActivated.emit(table.item(1, 2))
    settle(qtbot, desk)
    assert stage.photo.isVisible()
    assert panel._back.isVisible()
    panel._back.click()
    assert stage.batch.isVisible()


def test_a_stopped_folder_keeps_what_was_done(tmp_path: Path) -> None:
    row = BatchRow(tmp_path / "x.png", Verdict(tmp_path / "x.png", "own", "", ()))
    bad = BatchRow(tmp_path / "y.png", None, "The file is a bomb.")
    words = summary(Batch(tmp_path, (row, bad), 9))
    assert words == "Stopped after 2 of 9 pictures. 1 your own, 1 cannot be read."


def test_reports_are_copied_and_saved(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    verified(qtbot, desk, tmp_path / "x.png")
    panel = desk.window.verify
    panel.copy_wanted.emit()
    assert QGuiApplication.clipboard().text().startswith("text: Made by this installation")
    panel.report_named.emit(tmp_path / "r.json")
    assert (tmp_path / "r.json").read_text().startswith("json: ")
    panel.report_named.emit(tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    panel.report_named.emit(tmp_path / "nowhere" / "r.json")
    assert "Cannot write r.json" in panel.message.text
    panel.report_named.emit(tmp_path / "nowhere" / "r.pdf")
    assert "Cannot write r.pdf" in panel.message.text


def test_a_report_of_many_findings_stays_one_page(qtbot: QtBot, tmp_path: Path) -> None:
    findings = tuple(Finding(None, "A long finding, told in many words. " * 6) for _ in range(120))
    verdict = Verdict(tmp_path / "x.png", "none", "No Content Credentials were found.", findings)
    from PySide6.QtGui import QImage

    save_pdf(tmp_path / "r.pdf", verdict, [], QImage())
    data = (tmp_path / "r.pdf").read_bytes()
    assert data.count(b"/Type /Page\n") == 1


def test_a_certificate_of_ones_own_is_handed_on_and_its_passphrase_forgotten(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    panel = desk.window.export
    desk.window.show_export()
    panel._signing.set_open(True)
    form = panel.signing
    form._certificate.set_open(True)
    form._file.setText(str(tmp_path / "gone.p12"))
    form._use.click()
    settle(qtbot, desk)
    assert "Cannot read gone.p12" in panel.message.text
    (tmp_path / "mine.p12").touch()
    form._file.setText(str(tmp_path / "mine.p12"))
    assert not form._key.isEnabled()
    form._secret.setText("very secret")
    form._use.click()
    assert form._secret.text() == ""
    settle(qtbot, desk)
    assert studio.brought == (tmp_path / "mine.p12", None, "very secret")
    assert "your certificate from now on" in panel.message.text
    assert form._local.isVisible()
    assert not form._renew.isVisible()
    form._local.click()
    settle(qtbot, desk)
    assert studio.brought is None


def test_mark_and_time_authority_are_options_of_an_export(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = desk.window.export
    wished: list[ExportRequest] = []
    panel.export_wanted.connect(wished.append)
    panel._path.setText(str(tmp_path / "x.png"))
    panel.submit()
    assert wished[0].options.watermark
    assert wished[0].options.time_authority == ""
    settle(qtbot, desk)
    panel._mark._buttons["off"].click()
    panel.signing._authority.setText(" https://time.example ")
    panel._path.setText(str(tmp_path / "y.png"))
    panel.submit()
    assert not wished[1].options.watermark
    assert wished[1].options.time_authority == "https://time.example"
    assert "looks alone" in panel._mark_words.text()
    settle(qtbot, desk)
