"""The number format in which convolutions and matrix products are fastest."""

from __future__ import annotations

import torch


def fast_format(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the device multiplies it in hardware (on a processor AVX-512 BF16 or AMX),
    None for plain float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        check = getattr(torch.cpu, name, None)
        if check is not None and check():
            return torch.bfloat16
    return None


def casting(device: torch.device, kind: torch.dtype | None) -> torch.autocast:
    """A context in which that format is used; None changes nothing."""
    return torch.autocast(device.type, dtype=kind or torch.bfloat16, enabled=kind is not None)
