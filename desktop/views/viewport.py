"""Where the picture lies on the canvas: pure geometry of fit, zoom and pan."""

from __future__ import annotations

from dataclasses import dataclass, replace

MARGIN_PX = 24
LOWEST, HIGHEST = 0.05, 64.0


@dataclass(frozen=True)
class Viewport:
    """scale: screen pixels for each picture pixel, None to fit. (x, y): the picture's offset from
    the middle of the canvas, in screen pixels."""

    scale: float | None = None
    x: float = 0.0
    y: float = 0.0

    def scale_on(self, canvas: tuple[int, int], picture: tuple[int, int]) -> float:
        """The scale in force."""
        if self.scale is not None:
            return self.scale
        wide = (canvas[0] - 2 * MARGIN_PX) / max(1, picture[0])
        high = (canvas[1] - 2 * MARGIN_PX) / max(1, picture[1])
        return max(LOWEST, min(wide, high))

    def place(
        self, canvas: tuple[int, int], picture: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """left, top, width, height of the picture on the canvas; whole pixels at the edges."""
        scale = self.scale_on(canvas, picture)
        wide, high = round(picture[0] * scale), round(picture[1] * scale)
        left = round((canvas[0] - wide) / 2 + self.x)
        top = round((canvas[1] - high) / 2 + self.y)
        return left, top, wide, high

    def zoomed(
        self,
        factor: float,
        at: tuple[float, float],
        canvas: tuple[int, int],
        picture: tuple[int, int],
    ) -> Viewport:
        """Zoom so that what is under `at` stays there."""
        old = self.scale_on(canvas, picture)
        new = min(max(old * factor, LOWEST), HIGHEST)
        from_middle = (at[0] - canvas[0] / 2, at[1] - canvas[1] / 2)
        kept = new / old
        return Viewport(
            new,
            from_middle[0] - (from_middle[0] - self.x) * kept,
            from_middle[1] - (from_middle[1] - self.y) * kept,
        )

    def panned(self, dx: float, dy: float, scale: float) -> Viewport:
        """Move the picture; it is no longer fitted."""
        return replace(self, scale=scale, x=self.x + dx, y=self.y + dy)
