"""Writing films: MP4 and WebM by PyAV, GIF and WebP animations by Pillow; frame after frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from engine.errors import ExportError

FilmName = Literal["mp4", "webm", "gif", "webp"]
FILM_SUFFIXES: dict[str, FilmName] = {
    ".mp4": "mp4", ".webm": "webm", ".gif": "gif", ".webp": "webp",
}  # fmt: skip
FILM_MIMES: dict[FilmName, str] = {
    "mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp",
}  # fmt: skip
CODECS = {"mp4": "libx264", "webm": "libvpx-vp9"}
QUALITY = {"mp4": {"crf": "14", "preset": "medium"}, "webm": {"crf": "18", "b:v": "0"}}
FEW = 256  # colours of a GIF

Pixels = UInt8[np.ndarray, "height width 3"]


class FilmWriter(Protocol):
    """Takes frames in order; all of one size."""

    def add(self, pixels: Pixels) -> None:
        """The next frame, sRGB."""
        ...


@contextmanager
def writing(path: Path, format: FilmName, fps: float, loop: bool) -> Iterator[FilmWriter]:
    """A writer of a new file at `path`; whole when the block ends well.

    loop: whether a GIF or WebP begins again; video players decide for themselves. Raises
    ExportError where the codec is missing or the disk refuses.
    """
    try:
        if format in ("mp4", "webm"):
            with _video(path, format, fps) as video:
                yield video
        else:
            writer = _Animation(fps)
            yield writer
            writer.save(path, format, loop)
    except OSError as error:
        raise ExportError(
            f"The film cannot be written: {error.strerror or str(error)[:120]}.",
            "Free some space, or choose another format.",
        ) from error


@contextmanager
def _video(path: Path, format: FilmName, fps: float) -> Iterator[_Video]:
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        raise ExportError(
            f"{format.upper()} films need PyAV, which is not installed.",
            "Run: pip install av. GIF, WebP and PNG need nothing more.",
        ) from error
    try:
        # Without it a WebM bears a random number, and the bytes differ from run to run.
        options = {"fflags": "+bitexact"}
        with av.open(str(path), "w", format=format, options=options) as container:
            video = _Video(container, format, Fraction(fps).limit_denominator(1000))
            yield video
            video.end()
    except FFmpegError as error:
        raise ExportError(
            f"The film cannot be encoded as {format.upper()}: {str(error)[:120]}.",
            "Choose another format.",
        ) from error


class _Video:
    """One stream of 4:2:0 video; an odd last row or column is repeated to make the size even."""

    def __init__(self, container: Any, format: FilmName, rate: Fraction) -> None:
        self._container = container
        self._stream = container.add_stream(CODECS[format], rate=rate)
        self._stream.options = dict(QUALITY[format])
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_count = 1  # else the bytes differ from run to run
        self._sized = False

    def add(self, pixels: Pixels) -> None:
        """See FilmWriter."""
        from av import VideoFrame

        height, width = pixels.shape[:2]
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if not self._sized:
            self._stream.height, self._stream.width = even.shape[:2]
            self._sized = True
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        self._send(frame)

    def end(self) -> None:
        """Whatever the encoder still holds."""
        self._send(None)

    def _send(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


class _Animation:
    """Frames of a GIF or a lossless WebP; kept small by being palettes or compressed at once."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._frames: list[Image.Image] = []

    def add(self, pixels: Pixels) -> None:
        """See FilmWriter."""
        self._frames.append(Image.fromarray(pixels))

    def save(self, path: Path, format: FilmName, loop: bool) -> None:
        """Write all frames. Times are whole hundredths (GIF) or thousandths of a second."""
        step = 10 if format == "gif" else 1
        ends = [round(i * 1000 / self._fps / step) * step for i in range(len(self._frames) + 1)]
        times = [b - a for a, b in itertools.pairwise(ends)]
        if format == "gif":
            self._save_gif(path, times, loop)
            return
        again = {"loop": 0 if loop else 1}
        self._frames[0].save(
            path, "WEBP", save_all=True, append_images=self._frames[1:], duration=times,
            lossless=True, quality=60, method=2, minimize_size=False, **again,
        )  # fmt: skip

    def _save_gif(self, path: Path, times: list[int], loop: bool) -> None:
        """One palette for all frames, from a few of them: else colours would flicker."""
        few = self._frames[:: max(1, len(self._frames) // 8)]
        sheet = Image.new("RGB", (few[0].width * len(few), few[0].height))
        for i, frame in enumerate(few):
            sheet.paste(frame, (i * frame.width, 0))
        palette = sheet.quantize(FEW, Image.Quantize.MEDIANCUT)
        dither = Image.Dither.FLOYDSTEINBERG
        frames = [frame.quantize(palette=palette, dither=dither) for frame in self._frames]
        again = {"loop": 0} if loop else {}
        frames[0].save(
            path, "GIF", save_all=True, append_images=frames[1:], duration=times, disposal=1,
            optimize=False, **again,
        )  # fmt: skip
