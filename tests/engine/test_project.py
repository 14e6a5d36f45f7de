"""Projects: one file that comes back the same, never half written, read with suspicion."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ProjectError, StoreError
from engine.project import Autosave, Entry, Project, Recent, load, save
from engine.recipe import (
    Generate,
    Latent,
    ModelRef,
    Move,
    Photo,
    Recipe,
    Resize,
    Seed,
    Stored,
    Truncate,
)
from engine.store import Store

MODEL = ModelRef("portraits-stylegan2", "ab" * 32)
TIME = "2026-03-01T12:00:00Z"


def picture(latent: Latent) -> Recipe:
    return Recipe(Generate(MODEL, Truncate(latent, 0.7)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "projects").mkdir()
    return tmp_path / "projects" / "faces.atelier"


@pytest.fixture
def project(store: Store) -> Project:
    """A project that needs a photo, a direction and a stored latent."""
    photo = store.put(b"a photo" * 1000)
    direction = store.put_array(np.arange(8, dtype=np.float32))
    vector = store.put_array(np.ones((3, 8), np.float32))
    return Project(
        "Faces",
        picture(Move(Seed(1), direction, 1.5)),
        (Entry(picture(Seed(1)), TIME), Entry(picture(Stored(vector, "w")), TIME, "stored")),
        (Entry(Recipe(Resize(Photo(photo), 64, 64)), TIME, "photo ★"),),
        {"panels": ["mix", "truncation"], "x": 0.5, "dark": True},
    )


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    """Write the same zip again with its entries changed."""
    held = entries(path)
    change(held)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(zipfile.ZipInfo(name), data)


# saving and opening


def test_a_project_comes_back_the_same_in_an_empty_store(
    project: Project, store: Store, path: Path, tmp_path: Path
) -> None:
    save(project, store, path)
    other = Store(tmp_path / "other")
    assert load(path, other) == project
    assert len(project.needs()) == 3
    for sha256 in project.needs():
        assert other.get(sha256) == store.get(sha256)


def test_an_empty_project_comes_back(store: Store, path: Path) -> None:
    save(Project(), store, path)
    assert load(path, store) == Project()
    assert list(entries(path)) == ["project.json"]


def test_equal_projects_make_equal_files(project: Project, store: Store, path: Path) -> None:
    save(project, store, path)
    first = path.read_bytes()
    save(Project.from_json(project.to_json()), store, path)
    assert path.read_bytes() == first


def test_the_json_is_canonical(project: Project) -> None:
    import rfc8785

    assert rfc8785.dumps(json.loads(project.to_json())) == project.to_json()


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
moments = st.datetimes().map(lambda t: f"{t.year:04}-{t:%m-%dT%H:%M:%S}Z")
items = st.builds(Entry, st.integers(0, 2**32 - 1).map(lambda n: picture(Seed(n))), moments, texts)
views = st.dictionaries(
    texts,
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    max_size=3,
)


@settings(max_examples=40)
@given(
    st.builds(
        Project,
        texts,
        st.none() | st.integers(0, 9).map(lambda n: picture(Seed(n))),
        st.lists(items, max_size=3).map(tuple),
        st.lists(items, max_size=3).map(tuple),
        views,
    )
)
def test_every_project_comes_back_from_its_json(project: Project) -> None:
    again = Project.from_json(project.to_json())
    assert again == project
    assert again.to_json() == project.to_json()


def test_a_project_file_holds_nothing_but_what_its_pictures_need(
    project: Project, store: Store, path: Path
) -> None:
    store.put(b"a photo of another project")
    save(project, store, path)
    assert set(entries(path)) == {"project.json"} | {f"items/{sha}" for sha in project.needs()}


def test_an_item_that_is_missing_stops_the_save_and_keeps_the_old_file(
    project: Project, store: Store, path: Path, tmp_path: Path
) -> None:
    save(project, store, path)
    before = path.read_bytes()
    with pytest.raises(ProjectError, match=r"was not saved\. The stored item"):
        save(project, Store(tmp_path / "empty"), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_disk_that_refuses_keeps_the_old_file(
    project: Project, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    save(Project("old"), store, path)
    before = path.read_bytes()

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, broken, refuse)
    with pytest.raises(ProjectError, match="No space left") as caught:
        save(project, store, path)
    assert caught.value.remedy.startswith("Free some space")
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_saving_sweeps_what_a_crash_left(store: Store, path: Path) -> None:
    left = path.parent / ".faces.atelier.1-0.atelier-tmp"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    save(Project(), store, path)
    assert os.listdir(path.parent) == [path.name]


def test_saving_into_a_missing_folder_says_so(store: Store, path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be saved"):
        save(Project(), store, path.parent / "nowhere" / "x.atelier")


# values


@pytest.mark.parametrize(
    "make",
    [
        lambda: Entry(picture(Seed(1)), "yesterday"),
        lambda: Entry(picture(Seed(1)), TIME, "two\nlines"),
        lambda: Entry(picture(Seed(1)), TIME, "x" * 201),
        lambda: Project(title="\x07"),
        lambda: Project(title="\ud800"),
        lambda: Project(view={"x": float("nan")}),
        lambda: Project(view={"x": object()}),
        lambda: Project(view={"x": 2**53}),
    ],
)
def test_values_that_a_file_could_not_hold_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ProjectError):
        make()


def test_an_entry_made_now_has_a_time_that_is_read_again() -> None:
    entry = Entry.now(picture(Seed(1)), "first")
    assert Entry(entry.recipe, entry.created, "first") == entry


def changed_json(**changes: Any) -> bytes:
    data = json.loads(Project("x", picture(Seed(1)), (Entry(picture(Seed(2)), TIME),)).to_json())
    data.update(changes)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a project"),
        (b"\xff", "not a project"),
        (b"[" * 100_000, "not a project"),
        (b"[]", "project"),
        (b'{"project":1,"project":1}', "stands twice"),
        (changed_json(project=2), "got 2"),
        (changed_json(extra=1), "unknown field 'extra'"),
        (changed_json(title=5), "A title is one line"),
        (changed_json(recipe=5), "recipe cannot be read"),
        (changed_json(history={}), "history must be a list"),
        (changed_json(history=[1]), r"history\[0\] must be an object"),
        (changed_json(history=[{"created": TIME}]), r"history\[0\] lacks the field 'recipe'"),
        (changed_json(favourites=[{"recipe": {}, "created": TIME}]), r"favourites\[0\]\.recipe"),
        (changed_json(view=[]), "view must be an object"),
        (changed_json(title="x").replace(b'"title": "x"', b'"t": "x"'), "unknown field 't'"),
        (changed_json(view={"a": 1}).replace(b'{"a": 1}', b'{"a": NaN}'), "NaN is no number"),
        (changed_json(view={"a": 1}).replace(b'{"a": 1}', b'{"a": 1e999}'), "plain JSON data"),
    ],
)
def test_json_that_is_wrong_somewhere_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        Project.from_json(data)


# files from strangers


def refused(path: Path, store_root: Path, words: str = ".") -> None:
    """Opening is refused in words, and the store is left as it was."""
    with pytest.raises(ProjectError, match=words) as caught:
        load(path, Store(store_root))
    assert caught.value.remedy
    assert not store_root.exists()


EXTRA: dict[str, Callable[[dict[str, bytes]], Any]] = {
    "a path that climbs": lambda held: held.update({"../evil": b"x"}),
    "an absolute path": lambda held: held.update({"/etc/evil": b"x"}),
    "a folder": lambda held: held.update({"items/": b""}),
    "a stranger": lambda held: held.update({"readme.txt": b"x"}),
    "an upper-case name": lambda held: held.update({f"items/{'AB' * 32}": b"x"}),
    "an item nobody needs": lambda held: held.update({f"items/{'0' * 64}": b"x"}),
    "no project.json": lambda held: held.pop("project.json"),
    "a missing item": lambda held: held.pop(max(held, key=lambda name: name.startswith("items"))),
    "a damaged item": lambda held: held.update({max(held, key=len): b"other bytes"}),
}


@pytest.mark.parametrize("name", EXTRA)
def test_a_zip_with_something_out_of_place_is_refused(
    project: Project, store: Store, path: Path, tmp_path: Path, name: str
) -> None:
    save(project, store, path)
    rewritten(path, EXTRA[name])
    refused(path, tmp_path / "other")


def test_an_untouched_zip_written_by_other_means_opens(
    project: Project, store: Store, path: Path, tmp_path: Path
) -> None:
    """Else the refusals above might refuse for another reason."""
    save(project, store, path)
    rewritten(path, lambda held: None)
    assert load(path, Store(tmp_path / "other")) == project


def test_a_name_that_ends_in_a_nul_is_refused(store: Store, path: Path, tmp_path: Path) -> None:
    save(Project(), store, path)
    rewritten(path, lambda held: held.update({"project.jsonX": held.pop("project.json")}))
    path.write_bytes(path.read_bytes().replace(b"project.jsonX", b"project.json\0"))
    refused(path, tmp_path / "other", "has no place")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_stands_twice_is_refused(
    project: Project, store: Store, path: Path, tmp_path: Path
) -> None:
    save(project, store, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo("project.json"), b"{}")
    refused(path, tmp_path / "other", "twice")


def directory_field(data: bytes, offset: int, form: str, value: int) -> bytes:
    """Change a field of the first entry, in the central directory alone."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [
        (8, "<H", 1),  # encrypted
        (8, "<H", 8),  # sizes follow the data
        (10, "<H", 99),  # packed in an unknown way
        (16, "<I", 1),  # another checksum
        (20, "<I", 1),  # a shorter packed size
        (24, "<I", 10),  # a shorter size
        (24, "<I", 1 << 28),  # a size over the limit
        (24, "<I", 0xFFFFFFFF),  # zip64
        (42, "<I", 5),  # a place inside the entry
    ],
)
def test_a_zip_whose_directory_lies_is_refused(
    store: Store, path: Path, tmp_path: Path, offset: int, form: str, value: int
) -> None:
    save(Project("x" * 100), store, path)
    path.write_bytes(directory_field(path.read_bytes(), offset, form, value))
    refused(path, tmp_path / "other")


def test_a_bomb_is_refused_before_it_unfolds(store: Store, path: Path, tmp_path: Path) -> None:
    bomb = b'{"project":1,"title":"' + b" " * (80 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("project.json"), bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    refused(path, tmp_path / "other", "may have 64 MiB, got 80 MiB")


def test_many_items_of_a_bomb_are_refused_by_their_sum(
    store: Store, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.project.file.MAX_TOTAL", 1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("project.json"), Project().to_json())
        for i in range(4):
            info = zipfile.ZipInfo(f"items/{i:064x}")
            archive.writestr(info, bytes(1 << 19), zipfile.ZIP_DEFLATED)
    refused(path, tmp_path / "other", "may unpack to 1 MiB, got 2 MiB")


def test_too_many_items_are_refused_by_their_number(
    store: Store, path: Path, tmp_path: Path
) -> None:
    save(Project(), store, path)
    data = bytearray(path.read_bytes())
    data[-14:-10] = struct.pack("<HH", 20_000, 20_000)
    path.write_bytes(data)
    refused(path, tmp_path / "other", "10000 items, got 19999")


def test_a_polyglot_is_refused(store: Store, path: Path, tmp_path: Path) -> None:
    save(Project(), store, path)
    data = path.read_bytes()
    for strange in (b"MZ" + data, data + b"PK", data[:-2] + b"\x02\x00ab"):
        path.write_bytes(strange)
        refused(path, tmp_path / "other")


def test_a_cut_file_is_refused(project: Project, store: Store, path: Path, tmp_path: Path) -> None:
    save(project, store, path)
    data = path.read_bytes()
    for length in (0, 10, 22, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        refused(path, tmp_path / "other")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(
    project: Project, store: Store, path: Path, tmp_path: Path, data: st.DataObject
) -> None:
    original = path.with_suffix(".whole")
    if not original.exists():
        save(project, store, original)
    whole = bytearray(original.read_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    try:
        again = load(path, Store(tmp_path / "other"))
    except ProjectError:
        return
    assert again == project


def test_what_is_no_project_says_so(store: Store, path: Path) -> None:
    with pytest.raises(ProjectError, match="There is no project"):
        load(path, store)
    with pytest.raises(ProjectError, match=r"cannot be read|not a project"):
        load(path.parent, store)


def test_items_that_the_store_cannot_keep_are_told(
    project: Project, store: Store, path: Path, tmp_path: Path
) -> None:
    save(project, store, path)
    (tmp_path / "other").write_text("a file stands here")
    with pytest.raises(StoreError, match="cannot keep"):
        load(path, Store(tmp_path / "other"))


# recovery


def test_work_is_offered_after_a_crash_and_not_after_a_clean_end(
    project: Project, store: Store, tmp_path: Path
) -> None:
    home = tmp_path / "data"
    first = Autosave(home, store)
    assert first.recoverable() is None
    first.begin()
    first.write(Project("older"))
    first.write(project)
    crashed = Autosave(home, store)
    assert crashed.recoverable() == project
    crashed.begin()
    assert crashed.recoverable() == project
    crashed.finish()
    assert Autosave(home, store).recoverable() is None
    assert sorted(os.listdir(home)) == ["clean-exit", "session.lock"]


def test_work_that_was_discarded_is_not_offered(
    project: Project, store: Store, tmp_path: Path
) -> None:
    autosave = Autosave(tmp_path / "data", store)
    autosave.begin()
    autosave.write(project)
    autosave.discard()
    autosave.discard()
    assert Autosave(tmp_path / "data", store).recoverable() is None


def test_an_autosave_is_written_though_an_item_is_missing(store: Store, tmp_path: Path) -> None:
    lacking = Project(recipe=picture(Stored("0" * 64, "w")))
    autosave = Autosave(tmp_path / "data", store)
    autosave.write(lacking)
    assert autosave.recoverable() == lacking


def test_two_windows_at_once_keep_their_work_apart(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "data"
    first = Autosave(home, store)
    assert first.recoverable() is None
    first.begin()
    first.write(Project("first"))
    words = (
        "import sys; from pathlib import Path; from engine.project.recovery import Autosave;"
        "from engine.project.values import Project; from engine.store import Store;"
        f"home = Path({str(home)!r}); own = Autosave(home, Store(home / 'store'));"
        "found = own.recoverable(); print(found.title if found else None); own.begin();"
        "own.write(Project('second')); sys.argv[1] == 'well' and own.finish()"
    )

    def another(end: str) -> str:
        command = [sys.executable, "-c", words, end]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert another("well") == "None"  # the first window's work is not what a crash left
    assert first.path.exists()
    assert another("badly") == "None"
    assert another("well") == "second"  # but this is
    assert Autosave(home, store).recoverable() == Project("first")


def test_a_damaged_autosave_is_told_once_and_put_aside(store: Store, tmp_path: Path) -> None:
    autosave = Autosave(tmp_path / "data", store)
    autosave.write(Project())
    autosave.path.write_bytes(autosave.path.read_bytes()[:-5])
    with pytest.raises(ProjectError, match="unsaved work") as caught:
        autosave.recoverable()
    assert "autosave-damaged.atelier" in caught.value.remedy
    assert autosave.recoverable() is None
    assert (tmp_path / "data" / "autosave-damaged.atelier").is_file()


def test_an_autosave_that_cannot_be_written_says_so(store: Store, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands here")
    autosave = Autosave(tmp_path / "data", store)
    with pytest.raises(ProjectError):
        autosave.write(Project())
    with pytest.raises(ProjectError):
        autosave.finish()


# recent projects


def test_recent_projects_are_newest_first_and_at_most_twelve(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "data" / "recent.json")
    paths = [tmp_path / f"{i}.atelier" for i in range(14)]
    for path in paths:
        path.write_bytes(b"")
        recent.add(path)
    recent.add(paths[5])
    expected = [paths[5], *(path for path in reversed(paths[2:]) if path != paths[5])]
    assert Recent(tmp_path / "data" / "recent.json").paths() == tuple(expected)


def test_a_project_that_was_moved_away_is_left_out(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent.json")
    here, gone = tmp_path / "here.atelier", tmp_path / "gone.atelier"
    here.write_bytes(b"")
    recent.add(gone)
    recent.add(here)
    assert recent.paths() == (here,)


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b'[1, null, "", "a\\u0000b"]', b"[" * 9999])
def test_a_damaged_list_counts_as_empty(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "recent.json").write_bytes(data)
    recent = Recent(tmp_path / "recent.json")
    assert recent.paths() == ()
    here = tmp_path / "here.atelier"
    here.write_bytes(b"")
    recent.add(here)
    assert recent.paths() == (here,)


def test_a_list_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands here")
    Recent(tmp_path / "data" / "recent.json").add(tmp_path / "x.atelier")
    assert Recent(tmp_path / "data" / "recent.json").paths() == ()
