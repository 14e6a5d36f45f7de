"""Every small generator that is trained here, by the name of its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.training.families import biggan, dcgan, progan, stylegan1, stylegan3
from engine.training.families.spec import TrainFamily

SPECS: Mapping[str, Callable[[Path], TrainFamily]] = {
    "portraits-biggan": biggan.spec,
    "portraits-stylegan3": stylegan3.spec,
    "portraits-progan": progan.spec,
    "portraits-stylegan": stylegan1.spec,
    "portraits-dcgan": dcgan.spec,
}
