"""Export, verify, history, projects and the matrix, through the window's own parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fake_studio import FakeStudio
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.facts import ExportRequest
from desktop.state import recipe_of, state_of
from engine.errors import ProjectError
from engine.frame import ExportOptions
from engine.recipe import Recipe, Resize, Seed
from engine.studio import Entry, Project


def settle(qtbot: QtBot, desk: Desk) -> None:
    qtbot.waitUntil(desk.at_rest, timeout=20_000)
    qtbot.wait(20)


def here(desk: Desk) -> Recipe:
    assert desk.explore.state is not None
    return recipe_of(desk.explore.state)


def test_an_export_tells_its_receipt_and_verifies(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    panel, path = desk.window.export, tmp_path / "portrait.png"
    desk.window.show_export()
    panel.export_wanted.emit(ExportRequest(path, ExportOptions()))
    settle(qtbot, desk)
    assert panel._done.isVisible()
    assert studio.exported[path] == here(desk)
    panel._verify()
    settle(qtbot, desk)
    assert desk.window.page == "verify"
    verdict = desk.verify.verdict
    assert verdict is not None
    assert verdict.verdict == "own"
    desk.window.verify.rerender_wanted.emit()
    settle(qtbot, desk)
    assert desk.verify.verdict.rerender.identical  # type: ignore[union-attr]
    assert desk.window.verify._compared.isVisible()


def test_a_file_that_is_there_is_replaced_only_when_asked_again(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    path = tmp_path / "kept.png"
    path.write_bytes(b"precious")
    desk.window.show_export()
    panel = desk.window.export
    panel._path.setText(str(path))
    panel.submit()
    settle(qtbot, desk)
    assert "is there already" in panel.message.text
    assert path.read_bytes() == b"precious"
    panel.message.action_wanted.emit()
    settle(qtbot, desk)
    assert path in studio.exported
    assert panel._path.text().endswith("kept-2.png")


def test_an_export_takes_the_picture_of_the_moment_it_was_asked(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    studio.delay_s = 0.03
    asked = here(desk)
    desk.exports.export(ExportRequest(tmp_path / "a.png"))
    desk.explore.set_seed(999)
    settle(qtbot, desk)
    assert studio.exported[tmp_path / "a.png"] == asked


def test_a_refused_export_is_told_in_the_panel(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.window.show_export()
    desk.exports.export(ExportRequest(tmp_path / "nowhere" / "a.png"))
    settle(qtbot, desk)
    message = desk.window.export.message
    assert message.isVisible()
    assert "does not exist" in message.text


def test_a_cancelled_export_leaves_nothing(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    studio.delay_s = 0.1
    path = tmp_path / "a.png"
    desk.exports.export(ExportRequest(path))
    qtbot.wait(120)
    desk.exports.cancel()
    settle(qtbot, desk)
    assert not path.exists()
    assert not desk.window.export.message.isVisible()  # stopping is no error


def test_a_verified_recipe_is_restored_into_explore(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    desk.explore.set_seed(77)
    settle(qtbot, desk)
    path = tmp_path / "a.png"
    studio.export(Recipe(Resize(here(desk).image, 512, 512)), path)
    desk.explore.set_seed(5)
    desk.handlers.open_file(path)
    settle(qtbot, desk)
    desk.window.verify.restore_wanted.emit()
    assert desk.window.page == "explore"
    assert desk.explore.state.base == Seed(77)  # type: ignore[union-attr]


def test_a_file_without_credentials_is_told_plainly(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    desk.handlers.open_file(tmp_path / "photo.jpg")
    settle(qtbot, desk)
    assert "Nothing is known" in desk.window.verify._headline.text()
    assert not desk.window.verify._restore.isVisible()


def test_the_history_keeps_what_was_settled_on(desk: Desk, qtbot: QtBot) -> None:
    for seed in (21, 22, 23):
        desk.explore.set_seed(seed)
        settle(qtbot, desk)
    visits = desk.history.state.visits
    assert [v.label for v in visits[1:]] == ["Seed 21", "Seed 22", "Seed 23"]
    assert all(desk.thumbs.get(v.recipe) is not None for v in visits)
    desk.window.tray.visit_chosen.emit(visits[1].recipe)
    assert here(desk) == visits[1].recipe


def test_favourites_can_be_undone(desk: Desk) -> None:
    desk.window.actions_by_name["star"].trigger()
    assert [v.recipe for v in desk.history.state.favourites] == [here(desk)]
    desk.undo.undo()
    assert desk.history.state.favourites == ()


def test_a_project_is_saved_opened_and_listed(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    desk.explore.set_seed(50)
    desk.explore.set_seed(51)
    saved = here(desk)
    desk.projects.save_as(tmp_path / "faces")
    settle(qtbot, desk)
    path = tmp_path / "faces.atelier"
    assert studio.saved[path].recipe == saved
    assert not desk.projects.unsaved
    desk.projects.new()
    desk.explore.set_seed(1)
    desk.handlers.open_file(path)
    settle(qtbot, desk)
    assert here(desk) == saved
    assert len(desk.history.state.visits) == 3
    assert desk.undo.count() == 0
    assert desk.window.windowTitle().startswith("faces")


def test_unsaved_work_is_autosaved_and_offered_again(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot
) -> None:
    desk = make_desk(studio)
    desk.explore.set_seed(60)
    desk.window.close()
    assert studio.autosaved is not None
    assert not studio.closed  # so that the next start offers it
    studio.left_over = studio.autosaved
    again = make_desk(studio)
    settle(qtbot, again)
    assert "not saved" in again.window.stage.message.text
    again.window.stage._act()
    settle(qtbot, again)
    assert again.explore.state.base == Seed(60)  # type: ignore[union-attr]


def test_a_new_project_can_be_taken_back(desk: Desk, qtbot: QtBot) -> None:
    desk.explore.set_seed(60)
    count = len(desk.history.state.visits)
    desk.projects.new()
    assert desk.history.state.visits == ()
    desk.projects.recover()
    settle(qtbot, desk)
    assert len(desk.history.state.visits) >= count


def test_unsaved_work_can_be_taken_back_after_another_project_was_opened(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    studio.saved[tmp_path / "other.atelier"] = Project("other", here(desk))
    desk.explore.set_seed(60)
    mine = here(desk)
    desk.handlers.open_file(tmp_path / "other.atelier")
    settle(qtbot, desk)
    assert here(desk) != mine
    assert "not saved" in desk.window.stage.message.text
    desk.window.stage._act()
    settle(qtbot, desk)
    assert here(desk) == mine
    assert desk.projects.path is None


def test_what_was_opened_is_listed_first_among_the_recent(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        studio.saved[tmp_path / f"{name}.atelier"] = Project(name, here(desk))
        desk.handlers.open_file(tmp_path / f"{name}.atelier")
        settle(qtbot, desk)
    words = [action.text() for action in desk.window._recent.actions()]
    assert words[:2] == ["two.atelier", "one.atelier"]


def test_a_project_that_could_not_be_saved_keeps_its_name(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    def refuse(project: Project, path: Path) -> None:
        raise ProjectError("The disk is full.", "Free some space.")

    desk.explore.set_seed(60)
    desk.projects.save_as(tmp_path / "first.atelier")
    settle(qtbot, desk)
    studio.save_project = refuse  # type: ignore[method-assign]
    desk.explore.set_seed(61)
    desk.projects.save_as(tmp_path / "second.atelier")
    settle(qtbot, desk)
    assert "The disk is full." in desk.window.stage.message.text
    assert desk.window.windowTitle().startswith("first*")
    assert desk.projects.path == tmp_path / "first.atelier"


def test_work_that_goes_on_while_a_project_is_saved_stays_unsaved(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    desk.explore.set_seed(60)
    desk.projects.save_as(tmp_path / "slow.atelier")
    desk.explore.set_seed(61)
    settle(qtbot, desk)
    assert desk.projects.unsaved


def test_a_project_is_never_replaced_under_a_name_that_was_not_asked_about(
    desk: Desk, qtbot: QtBot, studio: FakeStudio, tmp_path: Path
) -> None:
    (tmp_path / "faces.atelier").write_text("somebody's work")
    desk.projects.save_as(tmp_path / "faces")
    settle(qtbot, desk)
    assert "is there already" in desk.window.stage.message.text
    assert studio.saved == {}
    desk.projects.save_as(tmp_path / "faces.atelier")
    settle(qtbot, desk)
    assert len(studio.saved) == 1


def test_a_damaged_project_is_told(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot, tmp_path: Path
) -> None:
    desk = make_desk(studio)

    def refuse(path: Path) -> Project:
        raise ProjectError(f"{path.name} is damaged.", "Open another one.")

    studio.open_project = refuse  # type: ignore[method-assign]
    desk.handlers.open_file(tmp_path / "broken.atelier")
    settle(qtbot, desk)
    assert "broken.atelier is damaged." in desk.window.stage.message.text


def test_a_project_with_a_long_history_opens(
    make_desk: Callable[..., Desk], studio: FakeStudio, qtbot: QtBot, tmp_path: Path
) -> None:
    desk = make_desk(studio)
    state = desk.explore.state
    assert state is not None
    entries = tuple(
        Entry(recipe_of(state_of(Recipe(here(desk).image))), "2026-01-01T00:00:00Z", f"Visit {i}")
        for i in range(150)
    )
    studio.saved[tmp_path / "long.atelier"] = Project("long", here(desk), entries)
    desk.handlers.open_file(tmp_path / "long.atelier")
    settle(qtbot, desk)
    assert len(desk.history.state.visits) == 150


def test_a_dropped_checkpoint_becomes_the_model_in_use(desk: Desk, qtbot: QtBot) -> None:
    desk.handlers.open_file(Path("blue.safetensors"))
    qtbot.waitUntil(lambda: desk.explore.kit is not None and desk.explore.kit.info.name == "blue")
    assert "blue" in [model.name for model in desk.library.models]


def test_a_refused_checkpoint_is_told_where_the_picture_is(desk: Desk, qtbot: QtBot) -> None:
    before = here(desk)
    desk.handlers.open_file(Path("evil.pkl"))
    settle(qtbot, desk)
    assert "evil.pkl wants os.system." in desk.window.stage.message.text
    assert here(desk) == before


def test_a_cell_of_the_matrix_is_taken_as_it_looks(desk: Desk, qtbot: QtBot) -> None:
    desk.window.explore.open_section("mixing")
    settle(qtbot, desk)
    matrix = desk.matrix
    assert len(desk.window.explore.panels["mixing"].grid._pictures) == 24  # type: ignore[attr-defined]
    desk.explore.set_strength((desk.explore.kit.directions[0].sha256, None), 2.0)  # type: ignore[union-attr]
    desk.explore.end_gesture()
    thumbnail = matrix._recipe((2, 3))
    matrix.take(2, 3)
    assert here(desk) == thumbnail
    assert desk.window.explore.panels["mixing"].grid._chosen == (2, 3)  # type: ignore[attr-defined]


def test_the_matrix_renews_its_pictures_and_undoes_its_sources(desk: Desk, qtbot: QtBot) -> None:
    desk.window.explore.open_section("mixing")
    settle(qtbot, desk)
    before = desk.matrix.state
    desk.matrix.draw_source(1, -1)
    desk.matrix.set_band("fine")
    desk.matrix.set_layers((0, 9))
    desk.matrix.set_amount(0.5)
    desk.matrix.end_gesture()
    qtbot.wait(120)
    settle(qtbot, desk)
    assert len(desk.window.explore.panels["mixing"].grid._pictures) == 24  # type: ignore[attr-defined]
    for _ in range(4):
        desk.undo.undo()
    assert desk.matrix.state == before


def test_background_pictures_stand_back_while_the_canvas_is_busy(
    desk: Desk, qtbot: QtBot, studio: FakeStudio
) -> None:
    studio.delay_s = 0.02
    desk.explore.walk_to(0.5, 0.5)
    assert desk.thumbs.lane._held
    desk.explore.end_gesture()
    settle(qtbot, desk)
    assert not desk.thumbs.lane._held


def test_what_was_passed_by_quickly_has_its_picture_in_the_history_too(
    desk: Desk, qtbot: QtBot, studio: FakeStudio
) -> None:
    studio.delay_s = 0.05
    for seed in range(30, 36):
        desk.explore.set_seed(seed)  # no time to render any but the last
    qtbot.waitUntil(desk.at_rest, timeout=15_000)
    visits = desk.history.state.visits
    assert len(visits) == 7
    qtbot.waitUntil(
        lambda: all(desk.thumbs.get(visit.recipe) is not None for visit in visits), timeout=15_000
    )
