"""What of a state is kept when another model is put on the table."""

from __future__ import annotations

from dataclasses import replace

from desktop.kit import START_PSI, Kit
from desktop.noise_layers import fits
from desktop.state import STILL, ExploreState
from engine.recipe import Noise


def carried(state: ExploreState, kit: Kit) -> ExploreState:
    """What of a state means something to another model."""
    return replace(
        state,
        model=kit.ref,
        psi=state.psi if isinstance(state.psi, float) else START_PSI,
        cutoff=None,
        moves=(),
        mixes=(),
        noise=state.noise if fits(state.noise, len(kit.anatomy.noisy)) else Noise(),
        classes=kit.start_classes,
        motion=state.motion if kit.anatomy.movable else STILL,
    )
