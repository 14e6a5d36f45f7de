"""What the export panel offers: formats, tiers, what others may do; the words for each."""

from __future__ import annotations

from engine.frame import USES, Tier, Use

Choice = tuple[str, str, str]  # key, words, tooltip

FORMATS: tuple[Choice, ...] = (
    ("png", "PNG", "Without loss: can be compared pixel by pixel later"),
    ("jpg", "JPEG", "Smaller, with a little loss; opens everywhere"),
    ("webp", "WebP", "Without loss, and smaller than a PNG"),
    ("tiff", "TIFF", "Without loss, for printing and image editors"),
    ("avif", "AVIF", "The smallest, with a little loss"),
)
SIZES: tuple[Choice, ...] = (
    ("", "Native", "As many pixels as the model makes"),
    ("256", "256", "256 pixels on the longer side"),
    ("512", "512", "512 pixels on the longer side"),
    ("1024", "1024", "1024 pixels on the longer side"),
)
KEYS = {
    ".png": "png",
    ".jpg": "jpg",
    ".jpeg": "jpg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".avif": "avif",
}
FILTER = (
    "PNG (*.png);;JPEG (*.jpg *.jpeg);;WebP (*.webp);;TIFF (*.tif *.tiff);;AVIF (*.avif);;"
    "All files (*)"
)
TIERS: dict[str, Tier] = {
    "recipe": "recipe",
    "commitment": "commitment",
    "disclosure": "disclosure",
}
TIER_WORDS = {
    "recipe": "The Recipe travels with the picture: anybody can read it and make it again.",
    "commitment": "Only a salted fingerprint of the Recipe travels; the Recipe stays in your "
    "ledger, and you can prove it later by showing it.",
    "disclosure": "Only that a trained model made it, with what program and when. The Recipe "
    "stays in your ledger.",
}
USE_CHOICES: tuple[Choice, ...] = (
    ("none", "Not allowed", "Others may neither train on the picture nor mine it"),
    ("all", "Allowed", "Others may train on the picture and mine it"),
)
MARK_CHOICES: tuple[Choice, ...] = (
    ("on", "Added", "Nobody sees it; a copy without credentials can be found by it"),
    ("off", "Left out", "A copy without its credentials is found by its looks alone"),
)
TRUSTMARK_CHOICE: Choice = (
    "trustmark",
    "TrustMark",
    "Adobe's mark instead: other programs read it, too",
)
MARK_WORDS = {
    "on": "Points to the row in your ledger, from a copy that was cut or saved again, too. "
    "It is never a proof: a mark can be copied.",
    "trustmark": "Adobe's TrustMark, by the networks in your folder. It points to the row in your "
    "ledger, and other programs see that there is one. It is never a proof.",
    "off": "A copy that loses its credentials can then be found by its looks alone.",
}
ALLOWED: dict[str, tuple[Use, ...]] = {"none": (), "all": USES}


def mark_choices(trustmark: bool) -> tuple[Choice, ...]:
    """What may be chosen of invisible marks. trustmark: whether its networks are here."""
    on, off = MARK_CHOICES
    return (on, TRUSTMARK_CHOICE, off) if trustmark else (on, off)
