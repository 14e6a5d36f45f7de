"""Which signal of an Edit panel reaches which slot, as soon as the panel is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop.views.arithmetic_panel import ArithmeticPanel
from desktop.views.corners_panel import CornersPanel
from desktop.views.drag_panel import DragPanel
from desktop.views.effects_panel import EffectsPanel
from desktop.views.find_panel import FindPanel
from desktop.views.movement_panel import MovementPanel
from desktop.views.photo_panel import PhotoPanel
from desktop.views.strip_panel import StripPanel
from desktop.views.text_panel import TextPanel

if TYPE_CHECKING:
    from desktop.edit_desk import EditDesk


def connect_panel(edit: EditDesk, panel: QWidget) -> None:
    """Connect a panel, and tell it what there is to show."""
    if isinstance(panel, FindPanel):
        _find(edit, panel)
    elif isinstance(panel, PhotoPanel):
        _photo(edit, panel)
    elif isinstance(panel, DragPanel):
        _drag(edit, panel)
    elif isinstance(panel, TextPanel):
        _text(edit, panel)
    elif isinstance(panel, MovementPanel):
        _movement(edit, panel)
    elif isinstance(panel, StripPanel):
        _strip(edit, panel)
    elif isinstance(panel, ArithmeticPanel):
        _arithmetic(edit, panel)
    elif isinstance(panel, CornersPanel):
        _corners(edit, panel)
    elif isinstance(panel, EffectsPanel):
        panel.import_wanted.connect(edit.ask_import)
        panel.export_wanted.connect(edit.ask_export)
        panel.rename_wanted.connect(edit.ask_rename)
        panel.remove_wanted.connect(edit.finding.remove)


def _find(edit: EditDesk, panel: FindPanel) -> None:
    finding = edit.finding
    panel.find_wanted.connect(finding.find)
    panel.marks_wanted.connect(finding.learn)
    panel.marked.connect(finding.mark)
    panel.fresh_wanted.connect(finding.fresh)
    panel.cancel_wanted.connect(finding.cancel)
    finding.marks_changed.connect(panel.show_marks)
    finding.began.connect(panel.show_began)
    finding.progressed.connect(panel.show_progress)
    finding.found.connect(panel.show_found)
    finding.stopped.connect(panel.show_stopped)
    finding.told.connect(panel.show_message)


def _photo(edit: EditDesk, panel: PhotoPanel) -> None:
    photo = edit.photo
    panel.open_wanted.connect(edit.ask_photo)
    panel.search_wanted.connect(photo.search)
    panel.resume_wanted.connect(photo.resume)
    panel.cancel_wanted.connect(photo.cancel)
    panel.crop_wanted.connect(edit.desk.window.stage.show_source)
    panel.align_wanted.connect(photo.align)
    panel.widen_wanted.connect(photo.widen)
    panel.turn_changed.connect(photo.turn_to)
    panel.turned.connect(photo.turn_by)
    panel.turn_ended.connect(photo.end_gesture)
    photo.view_changed.connect(panel.show_photo)
    photo.began.connect(panel.show_began)
    photo.progressed.connect(panel.show_progress)
    photo.found.connect(panel.show_found)
    photo.aligned.connect(panel.show_message)
    photo.stopped.connect(panel.show_stopped)
    photo.told.connect(panel.show_message)
    photo.publish()


def _drag(edit: EditDesk, panel: DragPanel) -> None:
    drag = edit.drag
    panel.drag_wanted.connect(drag.start)
    panel.cancel_wanted.connect(drag.cancel)
    panel.clear_wanted.connect(drag.clear)
    panel.mask_cleared.connect(drag.clear_mask)
    panel.mode_chosen.connect(drag.set_mode)
    panel.brush_changed.connect(drag.set_brush)
    panel.step_chosen.connect(drag.go_to_step)
    panel.step_ended.connect(edit.desk.explore.end_gesture)
    drag.view_changed.connect(panel.show_drag)
    drag.began.connect(panel.show_began)
    drag.progressed.connect(panel.show_progress)
    drag.done.connect(panel.show_done)
    drag.stopped.connect(panel.show_stopped)
    drag.told.connect(panel.show_message)
    drag.publish()


def _text(edit: EditDesk, panel: TextPanel) -> None:
    text = edit.text
    panel.start_wanted.connect(text.start)
    panel.cancel_wanted.connect(text.cancel)
    panel.way_chosen.connect(text.set_way)
    panel.strength_changed.connect(text.set_strength)
    panel.threshold_changed.connect(text.set_threshold)
    panel.slide_ended.connect(edit.desk.explore.end_gesture)
    panel.keep_wanted.connect(text.keep_direction)
    panel.import_wanted.connect(edit.ask_clip)
    text.view_changed.connect(panel.show_text)
    text.began.connect(panel.show_began)
    text.progressed.connect(panel.show_progress)
    text.found.connect(panel.show_found)
    text.brought.connect(panel.show_brought)
    text.stopped.connect(panel.show_stopped)
    text.told.connect(panel.show_message)
    text.publish()


def _movement(edit: EditDesk, panel: MovementPanel) -> None:
    film, line = edit.movement, panel.timeline
    panel.add_wanted.connect(film.add)
    panel.setting_changed.connect(film.set_setting)
    panel.loop_changed.connect(film.set_loop)
    panel.loop_ended.connect(film.end_gesture)
    panel.play_wanted.connect(film.play)
    panel.frame_wanted.connect(film.take_frame)
    panel.even_wanted.connect(film.even_out)
    panel.export_wanted.connect(edit.ask_film)
    panel.cancel_wanted.connect(film.cancel)
    panel.clear_wanted.connect(film.clear)
    line.scrubbed.connect(film.scrub)
    line.key_moved.connect(film.move_key)
    line.key_move_ended.connect(film.end_gesture)
    line.key_chosen.connect(film.show_key)
    line.key_removed.connect(film.remove)
    line.dropped.connect(film.drop)
    line.set_drag(edit.desk.hand.carrying(film.recipe_at))
    film.view_changed.connect(panel.show_film)
    film.began.connect(panel.show_began)
    film.progressed.connect(panel.show_progress)
    film.exported.connect(panel.show_receipt)
    film.stopped.connect(panel.show_stopped)
    film.told.connect(panel.show_message)
    film.publish()


def _strip(edit: EditDesk, panel: StripPanel) -> None:
    strip = edit.strip
    panel.add_wanted.connect(strip.add)
    panel.dropped.connect(strip.drop)
    panel.random_wanted.connect(strip.add_random)
    panel.shuffle_wanted.connect(strip.shuffle)
    panel.clear_wanted.connect(strip.clear)
    panel.amount_changed.connect(strip.set_amount)
    panel.strip.painted.connect(strip.paint)
    panel.strip.wiped.connect(strip.wipe)
    panel.strip.paint_ended.connect(edit.desk.explore.end_gesture)
    panel.strip.lock_wanted.connect(strip.flip_lock)
    panel.strip.remove_wanted.connect(strip.remove)
    strip.view_changed.connect(panel.show_strip)
    strip.publish()


def _corners(edit: EditDesk, panel: CornersPanel) -> None:
    corners = edit.corners
    panel.corner_wanted.connect(corners.set_corner)
    panel.dropped.connect(corners.drop)
    panel.set_drag(edit.desk.hand.carrying(corners.recipe_at))
    panel.space_chosen.connect(corners.set_space)
    panel.pad.moved.connect(corners.walk_to)
    panel.pad.gesture_ended.connect(edit.desk.explore.end_gesture)
    corners.view_changed.connect(panel.show_corners)
    corners.publish()


def _arithmetic(edit: EditDesk, panel: ArithmeticPanel) -> None:
    sums = edit.arithmetic
    panel.add_wanted.connect(sums.add)
    panel.show_wanted.connect(sums.show)
    panel.remove_wanted.connect(sums.remove)
    panel.swap_wanted.connect(sums.swap)
    panel.dropped.connect(sums.drop)
    panel.pad.set_drag(edit.desk.hand.carrying(sums.recipe_at))
    panel.space_chosen.connect(sums.set_space)
    panel.amount_changed.connect(sums.set_amount)
    panel.amount_ended.connect(sums.end_gesture)
    panel.result_wanted.connect(sums.show_result)
    panel.direction_wanted.connect(sums.keep_direction)
    panel.clear_wanted.connect(sums.clear)
    sums.view_changed.connect(panel.show_sum)
    sums.publish()
