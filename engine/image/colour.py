"""Embedded colour profiles to sRGB, by Little CMS."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

_SKIP = {"srgb", "srgb iec61966-2.1", "srgb iec61966-2-1", "srgb built-in", "c2"}


def to_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """The picture as RGB in sRGB, and a note where its colours had to be converted or guessed.

    Alpha is left out. A profile that cannot be read or does not fit the picture is ignored: the
    values are then taken as sRGB, and the note says so. A conversion that Pillow does not know
    raises ValueError.
    """
    base = image.convert("RGB") if image.mode in ("RGBA", "P", "1", "RGBX") else image
    profile = image.info.get("icc_profile")
    if not profile:
        return base.convert("RGB"), ""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).strip().lower() in _SKIP:
            return base.convert("RGB"), ""
        target = ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(base, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return base.convert("RGB"), "The colour profile cannot be used; colours are taken as sRGB."
    if made is None:
        return base.convert("RGB"), "The colour profile cannot be used; colours are taken as sRGB."
    return made, "Colours were converted to sRGB by the embedded profile."
