"""Which signal reaches which slot. Controllers and views never meet elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop.views.class_panel import ClassPanel
from desktop.views.directions_panel import DirectionsPanel
from desktop.views.layers_panel import LayersPanel
from desktop.views.mixing_panel import MixingPanel
from desktop.views.motion_panel import MotionPanel
from desktop.views.noise_panel import NoisePanel
from desktop.views.seed_panel import SeedPanel
from desktop.views.truncation_panel import TruncationPanel

if TYPE_CHECKING:
    from desktop.app import Desk


def connect_controllers(desk: Desk) -> None:
    """What controllers tell each other."""
    explore, render = desk.explore, desk.render
    desk.library.kit_ready.connect(explore.set_kit)
    desk.library.missing.connect(explore.model_missing)
    desk.library.awaited.connect(explore.await_missing)
    explore.recipe_wanted.connect(desk.layers.follow)
    explore.model_wanted.connect(desk.library.use_ref)
    explore.kit_changed.connect(render.forget)
    explore.kit_changed.connect(desk.matrix.set_kit)
    explore.recipe_wanted.connect(render.show_recipe)
    explore.recipe_wanted.connect(desk.exports.follow)
    explore.recipe_wanted.connect(desk.hand.follow)
    explore.state_changed.connect(desk.lattice.follow)
    explore.state_changed.connect(desk.matrix.follow)
    explore.settled.connect(desk.history.settle)
    render.frame_ready.connect(desk.history.take_frame)
    render.busy_changed.connect(desk.thumbs.hold)
    desk.matrix.cell_taken.connect(explore.take_mix)
    desk.exports.done.connect(desk.identity.refresh_after)
    desk.hand.copied.connect(desk.identity.refresh_after)


def connect_window(desk: Desk) -> None:
    """What controllers show, and what the window's fixed parts ask for."""
    window, explore = desk.window, desk.explore
    explore.kit_changed.connect(window.explore.set_kit)
    explore.state_changed.connect(window.explore.show_state)
    desk.lattice.view_changed.connect(window.explore.show_lattice)
    desk.matrix.view_changed.connect(window.explore.show_matrix)
    desk.history.view_changed.connect(window.tray.show_history)
    window.tray.visit_chosen.connect(desk.history.choose)
    window.tray.star_wanted.connect(desk.history.star)
    window.tray.rated.connect(desk.history.rate)
    window.tray.tagged.connect(desk.history.tag)
    window.tray.kept.connect(desk.history.keep)
    desk.history.told.connect(window.stage.show_message)
    desk.matrix.told.connect(window.stage.show_message)
    window.tray.set_drag(desk.hand.data_of)
    desk.favourites.told.connect(window.stage.show_message)
    desk.library.listed.connect(window.top.show_models)
    window.top.model_chosen.connect(desk.library.use)
    desk.identity.status_changed.connect(window.top.show_identity)
    desk.identity.status_changed.connect(window.export.show_identity)
    desk.projects.view_changed.connect(window.top.show_project)
    desk.projects.view_changed.connect(window.show_project)
    window.project_named.connect(desk.projects.save_as)
    window.recent_chosen.connect(desk.projects.open)
    for controller in (explore, desk.render):
        controller.told.connect(window.stage.show_picture_message)
    for other in (desk.library, desk.projects):
        other.told.connect(window.stage.show_message)
    desk.hand.told.connect(window.stage.show_message)
    desk.projects.recovery_offered.connect(window.stage.show_message)
    desk.identity.ledger_told.connect(window.stage.show_message)
    window.explore.panel_made.connect(desk.connect_panel)
    window.model_found.connect(desk.library.bring)
    desk.library.began.connect(window.stage.message.hide)
    explore.kit_changed.connect(window.stage.card.set_kit)
    window.stage.canvas.plane_moved.connect(desk.conditions.move_by)
    window.stage.canvas.plane_rested.connect(explore.end_gesture)
    desk.layers.view_changed.connect(window.explore.show_layers)


def connect_verify(desk: Desk) -> None:
    """The Verify page."""
    panel, verify = desk.window.verify, desk.verify
    panel.file_chosen.connect(verify.verify)
    panel.restore_wanted.connect(verify.restore)
    panel.rerender_wanted.connect(verify.rerender)
    panel.folder_chosen.connect(verify.verify_folder)
    panel.table_wanted.connect(desk.window.stage.show_table)
    panel.stop_wanted.connect(verify.stop)
    panel.copy_wanted.connect(verify.copy_report)
    panel.report_named.connect(verify.save_report)
    panel.view_chosen.connect(desk.verify_page.show_view)
    desk.window.stage.batch.file_chosen.connect(verify.verify)
    verify.folder_began.connect(panel.show_folder_began)
    verify.folder_progressed.connect(panel.show_folder_progress)
    verify.folder_done.connect(panel.show_batch)
    verify.folder_done.connect(desk.window.stage.show_batch)
    verify.stopped.connect(panel.show_stopped)
    verify.compared.connect(desk.verify_page.keep_comparison)
    verify.compared.connect(panel.show_comparison)
    verify.began.connect(panel.show_began)
    verify.inspected.connect(desk.verify_page.show_inspection)
    verify.rerender_began.connect(panel.show_rerendering)
    verify.rerendered.connect(panel.show_verdict)
    verify.told.connect(panel.show_message)


def connect_export(desk: Desk) -> None:
    """The export panel."""
    panel, exports = desk.window.export, desk.exports
    panel.export_wanted.connect(exports.export)
    panel.options_changed.connect(desk.hand.set_options)
    desk.hand.set_options(panel.options)
    panel.cancel_wanted.connect(exports.cancel)
    for cancel in (panel.cancel_wanted, desk.window.status.cancel_wanted):
        cancel.connect(desk.passphrase.give_up)
    panel.passphrase_given.connect(desk.passphrase.answer)
    panel.closed.connect(desk.window.hide_export)
    exports.began.connect(panel.show_began)
    exports.progressed.connect(panel.show_progress)
    exports.done.connect(panel.show_receipt)
    exports.stopped.connect(panel.show_stopped)
    exports.told.connect(panel.show_message)
    panel.renew_wanted.connect(desk.identity.renew)
    panel.signing.certificate_given.connect(desk.identity.bring)
    panel.signing.local_wanted.connect(desk.identity.use_local)
    desk.identity.told.connect(panel.show_signing_message)


def connect_panel(desk: Desk, panel: QWidget) -> None:
    """A panel of the Explore column, as soon as it is made."""
    explore, matrix, conditions = desk.explore, desk.matrix, desk.conditions
    if isinstance(panel, SeedPanel):
        panel.seed_entered.connect(explore.set_seed)
        panel.random_wanted.connect(explore.random_seed)
        panel.next_wanted.connect(explore.next_seed)
        panel.previous_wanted.connect(explore.previous_seed)
        panel.corners_wanted.connect(explore.new_corners)
        panel.pad.moved.connect(explore.walk_to)
        panel.pad.gesture_ended.connect(explore.end_gesture)
        panel.pad.corner_chosen.connect(explore.take_corner)
    elif isinstance(panel, TruncationPanel):
        panel.psi_changed.connect(explore.set_psi)
        panel.layer_psi_changed.connect(explore.set_layer_psi)
        panel.gesture_ended.connect(explore.end_gesture)
    elif isinstance(panel, DirectionsPanel):
        panel.strength_changed.connect(explore.set_strength)
        panel.gesture_ended.connect(explore.end_gesture)
        panel.reset_wanted.connect(explore.reset_directions)
    elif isinstance(panel, NoisePanel):
        panel.noise_changed.connect(conditions.set_noise)
        panel.layer_mode_changed.connect(conditions.set_layer_mode)
        panel.layer_strength_changed.connect(conditions.set_layer_strength)
        panel.gesture_ended.connect(explore.end_gesture)
    elif isinstance(panel, ClassPanel):
        panel.class_chosen.connect(conditions.set_class)
        panel.class_added.connect(conditions.add_class)
        panel.class_removed.connect(conditions.remove_class)
        panel.share_changed.connect(conditions.set_share)
        panel.gesture_ended.connect(explore.end_gesture)
    elif isinstance(panel, MotionPanel):
        panel.motion_changed.connect(conditions.set_motion)
        panel.reset_wanted.connect(conditions.reset_motion)
        panel.gesture_ended.connect(explore.end_gesture)
        panel.by_hand_wanted.connect(desk.window.actions_by_name["move_plane"].setChecked)
        desk.window.actions_by_name["move_plane"].toggled.connect(panel.show_by_hand)
        panel.show_by_hand(desk.window.actions_by_name["move_plane"].isChecked())
    elif isinstance(panel, LayersPanel):
        panel.layer_chosen.connect(desk.layers.choose)
        panel.large_wanted.connect(desk.handlers.show_sheet)
        desk.layers.trouble.connect(panel.show_trouble)
        desk.window.stage.over_changed.connect(desk.handlers.follow_over)
    elif isinstance(panel, MixingPanel):
        panel.cell_taken.connect(matrix.take)
        panel.source_wanted.connect(matrix.draw_source)
        panel.dropped.connect(matrix.drop)
        panel.grid.set_drag(desk.hand.carrying(matrix.recipe_at))
        panel.bases_wanted.connect(matrix.draw_bases)
        panel.styles_wanted.connect(matrix.draw_styles)
        panel.canvas_wanted.connect(matrix.base_from_canvas)
        panel.band_chosen.connect(matrix.set_band)
        panel.layers_chosen.connect(matrix.set_layers)
        panel.amount_changed.connect(matrix.set_amount)
        panel.amount_ended.connect(matrix.end_gesture)
        panel.mix_amount_changed.connect(explore.set_mix_amount)
        panel.mix_removed.connect(explore.remove_mix)
        panel.gesture_ended.connect(explore.end_gesture)
