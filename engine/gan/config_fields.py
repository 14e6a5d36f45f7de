"""Checks that the configs of the classic generators share. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from engine.errors import ModelError

MAX_SIZE = 65535
MAX_RESOLUTION = 2048


def known_fields(
    cls: Any, plain: Mapping[str, Any], title: str, derived: set[str]
) -> dict[str, Any]:
    """The fields of a card's config that make a `cls`, without the `derived` ones.

    Raises ModelError for fields that the config does not have.
    """
    known = {item.name for item in fields(cls)}
    unknown = sorted(str(name)[:40] for name in set(plain) - known - derived)
    if unknown:
        raise ModelError(f"Unknown {title} fields: {unknown}.")
    return {name: value for name, value in plain.items() if name in known}


def check_derived(config: Any, plain: Mapping[str, Any], title: str, derived: set[str]) -> None:
    """Raise ModelError when a card states a derived field otherwise than its sizes give it."""
    for name in sorted(derived & set(plain)):
        if plain[name] != getattr(config, name):
            raise ModelError(
                f"A {title} model of these sizes has {name} {getattr(config, name)}, "
                f"got {str(plain[name])[:40]}."
            )


def check_sizes(title: str, **sizes: Any) -> None:
    """Raise ModelError for a size that is no whole number from 1 to 65535."""
    for name, size in sizes.items():
        if type(size) is not int or not 1 <= size <= MAX_SIZE:
            raise ModelError(
                f"{title}: {name} must be a whole number from 1 to {MAX_SIZE}, "
                f"got {str(size)[:40]}."
            )


def check_flags(title: str, **flags: Any) -> None:
    """Raise ModelError for a flag that is neither true nor false."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ModelError(f"{title}: {name} must be true or false, got {str(flag)[:40]}.")


def check_resolution(title: str, resolution: Any) -> None:
    """Raise ModelError unless the resolution is a power of two from 4 to 2048."""
    if (
        type(resolution) is not int
        or not 4 <= resolution <= MAX_RESOLUTION
        or resolution & (resolution - 1)
    ):
        raise ModelError(
            f"A {title} resolution must be a power of two from 4 to {MAX_RESOLUTION}, "
            f"got {str(resolution)[:40]}."
        )


def resolutions_up_to(resolution: int) -> tuple[int, ...]:
    """4, 8, ... up to the full resolution, in pixels."""
    return tuple(1 << k for k in range(2, resolution.bit_length()))


def check_plan(title: str, resolutions: Sequence[int], channels: Any) -> None:
    """Raise ModelError unless the plan gives feature maps at each of the resolutions alone."""
    if not isinstance(channels, Mapping) or set(channels) != set(resolutions):
        got = sorted(channels) if isinstance(channels, Mapping) else str(channels)[:40]
        raise ModelError(
            f"The channel plan of a {title} model must name the resolutions "
            f"{list(resolutions)}, got {got}."
        )
    check_sizes(title, **{f"channels[{size}]": channels[size] for size in resolutions})


def read_plan(title: str, channels: Any) -> dict[int, int]:
    """A card's channel plan, whose resolutions are JSON strings. Raises ModelError."""
    try:
        return {int(size): count for size, count in channels.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"The channel plan of a {title} model must map resolutions to sizes, "
            f"got {str(channels)[:40]}."
        ) from error
