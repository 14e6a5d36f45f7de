"""The stages of a cascade: how many, how much noise, how many steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.diffuse_state import DiffuseState, Stages
from desktop.facts import DiffuseKit
from desktop.views.diffuse_panels import CascadePanel
from engine.denoising import DenoiserInfo, Upscale
from engine.recipe import ModelRef

UPSAMPLER = DenoiserInfo(
    "larger", "Larger", "1" * 64, 64, (), True, False, True, Path("/nowhere")
)  # fmt: skip
REF = ModelRef("larger", UPSAMPLER.sha256)
STATE = DiffuseState(ModelRef("m", "0" * 64))


def test_stages_have_noise_and_steps(qtbot: QtBot) -> None:
    panel = CascadePanel()
    qtbot.addWidget(panel)
    panel.set_kit(DiffuseKit((UPSAMPLER,), (), ()))
    panel.show_state(STATE)
    assert not panel._steps.isEnabled()
    heard: list[object] = []
    panel.field_changed.connect(lambda name, value: heard.append((name, value)))
    panel._count._buttons["2"].click()
    stages = Stages(REF, 2, 0.1, Upscale.steps)
    assert heard == [("stages", stages)]
    panel.show_state(replace(STATE, stages=stages))
    panel._steps._entered(3.0)
    panel._level._entered(0.4)
    assert heard[1:] == [
        ("stages", replace(stages, steps=3)),
        ("stages", replace(stages, level=0.4)),
    ]
    assert isinstance(heard[1][1].steps, int)  # type: ignore[index]
