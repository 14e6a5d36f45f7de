"""The memory that this machine has. Looking at a graphics card needs torch."""

from __future__ import annotations

from engine.backends.device import cuda_device
from engine.models.diffusion.memory_plan import Room

LEFT_ALONE = 0.1  # the share of what is free that is left to others


def ram_now() -> int:
    """The bytes of main memory that are free at this moment; needs no torch."""
    import psutil

    return int(psutil.virtual_memory().available)


def room_now() -> Room:
    """What is free at this moment, less what is left to others."""
    return _room(ram_now(), now=True)


def room_at_rest() -> Room:
    """What there would be if nothing else ran."""
    import psutil

    return _room(psutil.virtual_memory().total, now=False)


def _room(ram: int, now: bool) -> Room:
    share = 1 - LEFT_ALONE if now else 1.0
    return Room(int(ram * share), int(_card(now) * share))


def _card(now: bool) -> int:
    if cuda_device() is None:
        return 0
    import torch

    if not torch.cuda.is_available():
        return 0
    torch.cuda.empty_cache()  # what torch keeps for later would not count as free
    free, total = torch.cuda.mem_get_info()
    return free if now else total
