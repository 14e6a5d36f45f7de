"""The one funnel from an error to what the user reads."""

from __future__ import annotations

import traceback
import unicodedata
from dataclasses import dataclass
from typing import Literal

from engine.errors import AtelierError, Cancelled, IdentityExpired

Tone = Literal["bad", "good", "plain"]
MAX_CHARACTERS = 400
RENEW = "Renew it now"
LOCATE = "Locate its checkpoint…"


@dataclass(frozen=True)
class Message:
    """What is wrong and what to do. `details` is for copying, never shown by itself.

    action: words for a button that does the remedy, "" for none.
    """

    title: str
    remedy: str = ""
    details: str = ""
    tone: Tone = "bad"
    action: str = ""


def message_of(error: BaseException) -> Message | None:
    """The message for an error; None when the user stopped the work."""
    if isinstance(error, Cancelled):
        return None
    if isinstance(error, AtelierError):
        action = RENEW if isinstance(error, IdentityExpired) else ""
        return Message(plain(error.what), plain(error.remedy), action=action)
    details = "".join(traceback.format_exception(error))
    return Message(
        f"Something unexpected happened: {type(error).__name__}.",
        "Your work is kept. Copy the details if you want to report it.",
        details,
        action="Copy details",
    )


def plain(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Text from outside, made safe to show: no control or direction characters, clipped."""
    kept = "".join(
        " " if char in "\n\t" else char
        for char in text
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co")
    )
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"
