"""Which signal of the Diffuse page reaches which slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop.views.begin_panel import BeginPanel
from desktop.views.compare_panel import ComparePanel
from desktop.views.diffuse_panels import CascadePanel, ClassPanel
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.queue_panel import QueuePanel
from desktop.views.sampler_panel import SamplerPanel
from desktop.views.seed_panel import SeedPanel

if TYPE_CHECKING:
    from desktop.app import Desk


def connect_diffuse(desk: Desk) -> None:
    """The controller with the canvas, the history, the exports and its own views."""
    diffuse, window, render = desk.diffuse, desk.window, desk.render
    desk.library.others_changed.connect(diffuse.list_again)
    diffuse.recipe_wanted.connect(render.show_recipe)
    diffuse.recipe_wanted.connect(desk.exports.follow)
    diffuse.recipe_wanted.connect(desk.hand.follow)
    diffuse.settled.connect(desk.history.settle)
    diffuse.told.connect(window.stage.show_picture_message)
    diffuse.kit_changed.connect(window.diffuse.set_kit)
    diffuse.state_changed.connect(window.diffuse.show_state)
    diffuse.kit_changed.connect(desk.compare.set_kit)
    diffuse.state_changed.connect(desk.compare.follow)
    diffuse.state_changed.connect(desk.noises.follow)
    desk.noises.view_changed.connect(window.diffuse.show_lattice)
    diffuse.trail_changed.connect(window.stage.trail.set_images)
    diffuse.step_shown.connect(window.stage.canvas.show_picture)
    diffuse.page_wanted.connect(window.show_page)
    render.stepped.connect(diffuse.take_step)
    render.busy_changed.connect(window.stage.show_busy)
    window.stage.trail.scrubbed.connect(diffuse.scrub)
    window.stage.stop_wanted.connect(render.stop)
    desk.compare.view_changed.connect(window.diffuse.show_compare)
    desk.compare.cell_taken.connect(diffuse.take_state)
    diffuse.kit_changed.connect(desk.queue.set_kit)
    diffuse.state_changed.connect(desk.queue.follow)
    desk.queue.view_changed.connect(window.diffuse.show_queue)
    desk.queue.taken.connect(diffuse.take_queued)
    desk.queue.made.connect(desk.thumbs.keep)


def connect_panel(desk: Desk, panel: QWidget) -> None:
    """A panel of the Diffuse column, as soon as it is made."""
    diffuse = desk.diffuse
    if isinstance(panel, SeedPanel):
        panel.seed_entered.connect(diffuse.set_seed)
        panel.random_wanted.connect(diffuse.random_seed)
        panel.next_wanted.connect(diffuse.next_seed)
        panel.previous_wanted.connect(diffuse.previous_seed)
        panel.corners_wanted.connect(diffuse.new_corners)
        panel.pad.moved.connect(diffuse.walk_to)
        panel.pad.gesture_ended.connect(diffuse.end_gesture)
        panel.pad.corner_chosen.connect(diffuse.take_corner)
    elif isinstance(panel, ClassPanel):
        panel.model_chosen.connect(diffuse.use)
        panel.class_chosen.connect(diffuse.set_class)
        panel.texts_changed.connect(diffuse.set_texts)
        panel.gesture_ended.connect(diffuse.end_gesture)
    elif isinstance(panel, BeginPanel):
        desk.begin.connect_panel(panel)
    elif isinstance(panel, SamplerPanel | GuidancePanel | CascadePanel):
        panel.field_changed.connect(diffuse.set_field)
        panel.gesture_ended.connect(diffuse.end_gesture)
        if isinstance(panel, GuidancePanel):
            desk.control.connect_panel(panel)
    elif isinstance(panel, ComparePanel):
        panel.axes_chosen.connect(desk.compare.set_axes)
        panel.texts_written.connect(desk.compare.set_texts)
        panel.cell_taken.connect(desk.compare.take)
        desk.sheets.connect_panel(panel)
    elif isinstance(panel, QueuePanel):
        panel.add_wanted.connect(desk.queue.add)
        panel.shown.connect(desk.queue.take)
        panel.removed.connect(desk.queue.remove)
        panel.moved.connect(desk.queue.move)
        panel.clear_wanted.connect(desk.queue.clear)
        panel.stop_wanted.connect(desk.queue.stop)
