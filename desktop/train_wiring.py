"""Which signal of the Train page reaches which slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop.views.runs_panel import RunsPanel
from desktop.views.train_panels import ControlsPanel, DataPanel, ExperimentPanel, LossPanel

if TYPE_CHECKING:
    from desktop.app import Desk


def connect_train(desk: Desk) -> None:
    """The controller with the stage and its own column."""
    train, window = desk.train, desk.window
    lab = window.stage.lab
    train.presets_changed.connect(window.train.set_presets)
    train.state_changed.connect(window.train.show_state)
    train.state_changed.connect(lab.show_state)
    train.view_changed.connect(lab.show_view)
    train.view_changed.connect(window.train.show_view)
    train.transport_changed.connect(lab.transport.show_transport)
    train.told.connect(window.stage.show_message)
    train.page_wanted.connect(window.show_page)
    window.page_shown.connect(train.follow_page)
    lab.stroked.connect(train.draw)
    transport = lab.transport
    transport.run_flipped.connect(train.flip_running)
    transport.step_wanted.connect(train.step)
    transport.restart_wanted.connect(train.restart)
    transport.sought.connect(train.seek)
    transport.pace_chosen.connect(train.set_pace)
    transport.compare_flipped.connect(train.flip_compare)
    transport.branch_wanted.connect(train.branch)
    transport.arrows_flipped.connect(lab.set_arrows)
    train.folder_wanted.connect(desk.ask_train_folder)
    pictures = desk.pictures
    pictures.view_changed.connect(lab.pictures.show_view)
    pictures.running_changed.connect(lab.pictures.show_running)
    pictures.runs_changed.connect(window.train.show_runs)
    pictures.told.connect(window.stage.show_message)
    pictures.model_kept.connect(desk.library.start)
    lab.pictures.run_flipped.connect(train.flip_running)
    lab.pictures.use_wanted.connect(pictures.use_model)
    window.train.panel_made.connect(desk.connect_train_panel)
    window.train.section_toggled.connect(window.remember_train_section)


def connect_panel(desk: Desk, panel: QWidget) -> None:
    """A panel of the Train column, as soon as it is made."""
    train = desk.train
    if isinstance(panel, ControlsPanel):
        panel.field_changed.connect(train.set_field)
        panel.gesture_ended.connect(train.end_gesture)
    if isinstance(panel, DataPanel):
        panel.data_chosen.connect(train.set_data)
        panel.clear_wanted.connect(train.clear_drawing)
        panel.growth_flipped.connect(train.set_growth)
    elif isinstance(panel, LossPanel):
        panel.loss_chosen.connect(train.set_loss)
    elif isinstance(panel, RunsPanel):
        panel.run_chosen.connect(train.go_on)
        desk.pictures.list_runs()
    elif isinstance(panel, ExperimentPanel):
        panel.preset_chosen.connect(train.use_preset)
        panel.pair_wanted.connect(train.use_pair)
        panel.method_chosen.connect(train.set_method)
        panel.lane_chosen.connect(train.edit_lane)
