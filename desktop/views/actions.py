"""Every action of the window, by name: its words, its keys, where it works."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True)
class Spec:
    """words: what it does; keys: shortcuts, the first of which is shown."""

    key: str
    words: str
    keys: tuple[str, ...] = ()
    checkable: bool = False


SPECS = (
    Spec("new", "New project", ("Ctrl+N",)),
    Spec("open", "Open project or Recipe…", ("Ctrl+O",)),
    Spec("import_model", "Import a model…", ("Ctrl+I",)),
    Spec("import_folder", "Import a model folder…"),
    Spec("model_card", "About this model", ("Ctrl+M",)),
    Spec("save", "Save project", ("Ctrl+S",)),
    Spec("save_as", "Save project as…", ("Ctrl+Shift+S",)),
    Spec("export", "Export…", ("Ctrl+E",)),
    Spec("verify", "Verify a file…", ("Ctrl+Shift+V",)),
    Spec("undo", "Undo", ("Ctrl+Z",)),
    Spec("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    Spec("palette", "Search actions", ("Ctrl+K",)),
    Spec("copy", "Copy picture", ("Ctrl+C",)),
    Spec("copy_recipe", "Copy Recipe as text", ("Ctrl+Shift+C",)),
    Spec("paste", "Paste Recipe", ("Ctrl+V",)),
    Spec("random", "Random seed", ("R",)),
    Spec("next", "Next seed", ("]",)),
    Spec("previous", "Previous seed", ("[",)),
    Spec("go", "Go to a seed", ("Ctrl+G",)),
    Spec("corners", "New corners for the seed pad"),
    Spec("reset", "Reset all directions", ("Ctrl+0",)),
    Spec("fit", "Fit the picture", ("F",)),
    Spec("actual", "Actual size", ("1",)),
    Spec("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+=")),
    Spec("zoom_out", "Zoom out", ("Ctrl+-",)),
    Spec("pixels", "Show bare pixels", ("X",), True),
    Spec("pin", "Pin this picture to compare", ("P",)),
    Spec("wipe", "Compare with the pinned picture", ("W",), True),
    Spec("side", "Compare side by side", ("Shift+W",), True),
    Spec("difference", "Show the difference to the pinned picture", ("Alt+W",), True),
    Spec("star", "Keep this picture as a favourite", ("S",)),
    Spec("tray", "Open or close the tray", ("H",)),
    Spec("page_explore", "Go to Explore", ("Ctrl+1",)),
    Spec("page_edit", "Go to Edit", ("Ctrl+2",)),
    Spec("page_diffuse", "Go to Diffuse", ("Ctrl+3",)),
    Spec("page_verify", "Go to Verify", ("Ctrl+4",)),
    Spec("page_train", "Go to Train", ("Ctrl+5",)),
    Spec("train_run", "Train: run or pause", ("K",)),
    Spec("train_step", "Train: one step", (".",)),
    Spec("train_restart", "Train: back to the start"),
    Spec("train_branch", "Train: branch here"),
    Spec("train_compare", "Train: compare two lanes, or show one"),
    Spec("page_attack", "Go to Attack", ("Ctrl+6",)),
    Spec("welcome", "Welcome", ("F1",)),
    Spec("tour", "Take the tour, or go on with it", ("Shift+F1",)),
    Spec("show_seed", "Show Seed"),
    Spec("show_directions", "Show Directions", ("D",)),
    Spec("show_truncation", "Show Truncation", ("T",)),
    Spec("show_mixing", "Show Style mixing", ("M",)),
    Spec("show_noise", "Show Noise", ("N",)),
    Spec("show_classes", "Show Class", ("C",)),
    Spec("show_motion", "Show Motion", ("O",)),
    Spec("show_layers", "Show Layers", ("L",)),
    Spec("move_plane", "Move the picture on the canvas", ("V",), True),
    Spec("reset_motion", "Reset the motion", ("Shift+V",)),
    Spec("canvas", "Go to the canvas", ("Esc",)),
    Spec("theme_system", "Theme: as the system", (), True),
    Spec("theme_dark", "Theme: dark", (), True),
    Spec("theme_light", "Theme: light", (), True),
    Spec("quit", "Quit", ("Ctrl+Q",)),
)


def make_actions(window: QWidget) -> dict[str, QAction]:
    """Make every action; the shortcuts work anywhere, but text keeps the keys that it knows."""
    actions: dict[str, QAction] = {}
    for spec in SPECS:
        action = QAction(spec.words, window)
        action.setObjectName(spec.key)
        action.setCheckable(spec.checkable)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        shown = f" ({spec.keys[0]})" if spec.keys else ""
        action.setToolTip(spec.words.rstrip("…") + shown)
        window.addAction(action)
        actions[spec.key] = action
    themes = QActionGroup(window)
    for key in ("theme_system", "theme_dark", "theme_light"):
        themes.addAction(actions[key])
    for key in ("undo", "redo", "wipe", "side", "difference"):
        actions[key].setEnabled(False)
    return actions


def fill_main_menu(menu: QMenu, recent: QMenu, actions: dict[str, QAction]) -> None:
    """The menu behind the button at the top left."""
    for key in ("new", "open"):
        menu.addAction(actions[key])
    recent.setTitle("Open recent")
    menu.addMenu(recent)
    for key in (
        "save",
        "save_as",
        "",
        "import_model",
        "import_folder",
        "model_card",
        "",
        "export",
        "verify",
        "",
        "copy_recipe",
        "",
    ):
        if not key:
            menu.addSeparator()
        elif key in actions:
            menu.addAction(actions[key])
    theme = menu.addMenu("Theme")
    for key in ("theme_system", "theme_dark", "theme_light"):
        theme.addAction(actions[key])
    menu.addAction(actions["palette"])
    help_menu = menu.addMenu("Help")
    for key in ("tour", "welcome"):
        help_menu.addAction(actions[key])
    menu.addSeparator()
    menu.addAction(actions["quit"])
