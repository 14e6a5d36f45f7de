"""One pass over an image expression: what each node is made of, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from engine.cancel import CancelToken
from engine.controlling import Drawn, Edges, Pose, controls_of
from engine.denoising import Denoise, Redraw, Upscale
from engine.errors import RecipeError
from engine.frame import BackendName, OnStep, Quality
from engine.image.discs import drawn
from engine.image.edges import canny
from engine.image.heads import head_pose
from engine.image.pixels import crop, resize, straighten
from engine.likening import likenesses_of
from engine.perturbing import Perturb
from engine.recipe import Crop, Generate, Image, Photo, Resize, Straighten, Transform, Tuned
from engine.services.attacks import is_long
from engine.services.diffusion import Source, discs_of
from engine.services.wanted import motion_of

if TYPE_CHECKING:
    from engine.services.render import Renderer

Pixels = UInt8[np.ndarray, "height width 3"]


class Rendering:
    """One pass over an image expression."""

    def __init__(
        self,
        renderer: Renderer,
        backend: BackendName,
        cancel: CancelToken | None,
        fresh: bool,
        on_step: OnStep | None,
        hurry: bool,
    ) -> None:
        self.renderer = renderer
        self.hurry = hurry
        self.quality: Quality = "full"
        self.notice = ""
        self.how = ""
        self.backend: BackendName = backend
        self.cancel = cancel
        self.fresh = fresh
        self.on_step = on_step

    def pixels(self, node: Image) -> Pixels:
        if self.cancel is not None:
            self.cancel.check()
        match node:
            case Generate():
                return self._generated(node, self.backend)
            case Tuned(image, delta):
                return self._generated(image, "torch", delta=delta)
            case Transform(image):
                return self._generated(image, self.backend, motion=motion_of(node))
            case Denoise():
                self.renderer.refuse(node)
                return self._denoised(node, None)
            case Redraw():
                self.renderer.refuse(node)
                below = self._kept(node.image)
                return self._denoised(node.made, Source(below, node.strength, node.only))
            case Upscale():
                self.renderer.refuse(node)
                small, diffusion = self.pixels(node.image), self.renderer.diffusion
                return diffusion.upscale(node, small, self.backend, cancel=self.cancel)
            case Perturb():
                return self._attacked(node)
            case Photo():
                return self.renderer.photo(node)
            case Crop(image, left, top, width, height):
                return crop(self.pixels(image), left, top, width, height)
            case Straighten(image, x, y, side, rotation):
                return straighten(self.pixels(image), x, y, side, rotation)
            case Drawn(side, dabs):
                return drawn(discs_of(dabs), side)
            case Pose(side, yaw, pitch, tilt):
                return head_pose(side, yaw, pitch, tilt)
            case Edges(image, low, high):
                return canny(self._kept(image), low, high)
            case Resize(image, width, height, filter):
                return resize(self.pixels(image), width, height, filter)
        raise RecipeError(
            f"The image {node.op!r} cannot be rendered here.",
            "A newer version of the program may be able to.",
        )

    def _denoised(self, node: Denoise, source: Source | None) -> Pixels:
        made = self.renderer.diffusion.denoise(
            node, self.backend, source=source, fresh=self.fresh, on_step=self.on_step,
            controls=tuple(self._kept(term.image) for term in controls_of(node)),
            likenesses=tuple(self._kept(term.image) for term in likenesses_of(node)),
            cancel=self.cancel,
        )  # fmt: skip
        self.how = made.how or self.how
        return made.pixels

    def _attacked(self, node: Perturb) -> Pixels:
        below = self._kept(node.image)
        hurry = self.hurry and is_long(node)
        self.quality = "preview" if hurry else self.quality
        attacks = self.renderer.attacks
        return attacks.perturb(node, below, fresh=self.fresh, hurry=hurry, cancel=self.cancel)

    def _generated(self, node: Generate, backend: BackendName, **how: Any) -> Pixels:
        made = self.renderer.generate(node, backend, hurry=self.hurry, cancel=self.cancel, **how)
        self.quality = "preview" if made.preview else self.quality
        self.notice = made.notice or self.notice
        return made.pixels

    def _kept(self, image: Image) -> Pixels:
        """The whole picture below, kept at hand: it stays while what is done to it changes."""
        kept, key = self.renderer.pictures, (image, self.backend)
        below = None if self.fresh else kept.get(key)
        if below is None:
            whole = Rendering(self.renderer, self.backend, self.cancel, self.fresh, None, False)
            below = np.ascontiguousarray(whole.pixels(image))
            self.how = whole.how or self.how
            below.setflags(write=False)
            kept.put(key, below)
        return below
