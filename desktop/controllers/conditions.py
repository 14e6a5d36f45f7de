"""What a picture is made under besides its latent: classes, noise, and the plane's motion."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Slot

from desktop.classes import Classes, with_another, with_class, with_share, without
from desktop.controllers.explore import ExploreController
from desktop.noise_layers import with_mode, with_strength
from desktop.state import STILL, Motion
from engine.recipe import Noise, NoiseMode

FARTHEST = 4.0  # picture widths


class ConditionsController(QObject):
    """Turns what hands ask for into states of the Explore page; undo is there."""

    def __init__(self, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._explore = explore

    # --- noise

    @Slot(object)
    def set_noise(self, noise: Noise) -> None:
        """Another noise; live until the gesture ends."""
        if self._explore.state is not None:
            self._explore.change("Noise", replace(self._explore.state, noise=noise))

    @Slot(int, str)
    def set_layer_mode(self, layer: int, mode: NoiseMode) -> None:
        """Another mode for one layer."""
        state, kit = self._explore.state, self._explore.kit
        if state is not None and kit is not None:
            noise = with_mode(state.noise, len(kit.anatomy.noisy), layer, mode)
            self._explore.do(f"Noise of layer {layer}", replace(state, noise=noise))

    @Slot(int, float)
    def set_layer_strength(self, layer: int, strength: float) -> None:
        """Another strength for one layer; live."""
        state, kit = self._explore.state, self._explore.kit
        if state is not None and kit is not None:
            noise = with_strength(state.noise, len(kit.anatomy.noisy), layer, strength)
            self._explore.change(f"Noise of layer {layer}", replace(state, noise=noise))

    # --- classes

    @Slot(int, int)
    def set_class(self, place: int, index: int) -> None:
        """Another class at a place of the blend."""
        state = self._explore.state
        if state is not None and place < len(state.classes):
            self._do_classes(f"Class {index}", with_class(state.classes, place, index))

    @Slot(int)
    def add_class(self, index: int) -> None:
        """Blend one more class in."""
        state = self._explore.state
        if state is not None:
            self._do_classes("Blend a class in", with_another(state.classes, index))

    @Slot(int)
    def remove_class(self, place: int) -> None:
        """Take one class out of the blend."""
        state = self._explore.state
        if state is not None and place < len(state.classes):
            self._do_classes("Take a class out", without(state.classes, place))

    @Slot(int, float)
    def set_share(self, place: int, share: float) -> None:
        """Another share for one class; live."""
        state = self._explore.state
        if state is not None and place < len(state.classes):
            classes = with_share(state.classes, place, share)
            self._explore.change("Share of a class", replace(state, classes=classes))

    def _do_classes(self, text: str, classes: Classes) -> None:
        if self._explore.state is not None:
            self._explore.do(text, replace(self._explore.state, classes=classes))

    # --- the plane

    @Slot(object)
    def set_motion(self, motion: Motion) -> None:
        """Move or turn the plane; live."""
        state, kit = self._explore.state, self._explore.kit
        if state is None or kit is None or not kit.anatomy.movable:
            return
        far = FARTHEST
        kept = Motion(
            round(min(max(motion.x, -far), far), 4),
            round(min(max(motion.y, -far), far), 4),
            round(_turned(motion.rotation), 2),
        )
        self._explore.change("Move the picture", replace(state, motion=kept))

    @Slot(float, float, float)
    def move_by(self, x: float, y: float, rotation: float) -> None:
        """Move on from where the plane is; live."""
        if self._explore.state is not None:
            now = self._explore.state.motion
            self.set_motion(Motion(now.x + x, now.y + y, now.rotation + rotation))

    @Slot()
    def reset_motion(self) -> None:
        """The plane as the model has it."""
        if self._explore.state is not None:
            self._explore.do("Reset the motion", replace(self._explore.state, motion=STILL))


def _turned(degrees: float) -> float:
    """The same turn within [-180, 180]."""
    return degrees if -180 <= degrees <= 180 else (degrees + 180) % 360 - 180
