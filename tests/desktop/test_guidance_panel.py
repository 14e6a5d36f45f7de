"""The stack of guidance terms: texts join classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop.diffuse_state import DiffuseState
from desktop.facts import DiffuseKit
from desktop.views.guidance_panel import GuidancePanel
from desktop.views.term_box import EXAMPLE
from engine.denoising import ClipGuidance, DenoiserInfo, PerturbedAttention
from engine.guides import NoisyClipInfo
from engine.recipe import ModelRef
from engine.wishes import ClipInfo

HERE = Path("/nowhere")
MAKER = DenoiserInfo("maker", "Maker", "1" * 64, 32, ("a", "b"), False, False, True, HERE)
CLIP = ClipInfo("clip", "Clip", "2" * 64, 64, True, HERE)
EYES = NoisyClipInfo("eyes", "Eyes", "3" * 64, 32, CLIP.sha256, HERE)
STATE = DiffuseState(ModelRef("maker", MAKER.sha256), terms=())


@pytest.fixture
def panel(qtbot: QtBot) -> GuidancePanel:
    made = GuidancePanel()
    qtbot.addWidget(made)
    made.set_kit(DiffuseKit((MAKER,), (), (CLIP,), (EYES,)))
    made.show_state(STATE)
    return made


def wanted(panel: GuidancePanel) -> list[Any]:
    heard: list[Any] = []
    panel.field_changed.connect(lambda name, value: heard.append(value))
    return heard


def button(panel: GuidancePanel, words: str) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if b.text() == words)


def press(panel: GuidancePanel, words: str) -> None:
    button(panel, words).click()


def test_a_text_takes_the_noisy_eyes_that_fit(panel: GuidancePanel) -> None:
    heard = wanted(panel)
    press(panel, "Text")
    (term,) = heard[-1]
    assert (term.op, term.text) == ("clip", EXAMPLE)
    assert (term.model.name, term.eyes.name) == ("clip", "eyes")


def test_without_such_eyes_the_gradient_goes_through_the_network(panel: GuidancePanel) -> None:
    panel.set_kit(DiffuseKit((MAKER,), (), (CLIP,)))
    heard = wanted(panel)
    press(panel, "Text")
    assert heard[-1][0].eyes is None


def test_what_is_written_is_stated_once_and_an_empty_text_goes_back(panel: GuidancePanel) -> None:
    term = ClipGuidance(ModelRef("clip", CLIP.sha256), "a hat", 4.0)
    panel.show_state(DiffuseState(STATE.model, terms=(term,)))
    heard = wanted(panel)
    fields = {field.accessibleName(): field for field in panel.findChildren(QLineEdit)}
    text, away = fields["Toward"], fields["Away from"]
    assert text.text() == "a hat"
    text.setText("  a red   hat ")
    text.editingFinished.emit()
    assert [terms[0].text for terms in heard] == ["a red hat"]
    text.setText(" ")
    text.editingFinished.emit()
    assert text.text() == "a hat"
    away.setText("a man")
    away.editingFinished.emit()
    assert heard[-1][0].away == "a man"
    assert len(heard) == 2


def test_attention_joins_once_and_only_where_the_model_has_some(panel: GuidancePanel) -> None:
    assert button(panel, "Attention").isHidden()
    attends = replace(MAKER, usual_pag=1.5)
    panel.set_kit(DiffuseKit((attends,), (), (CLIP,), (EYES,)))
    panel.show_state(STATE)
    heard = wanted(panel)
    press(panel, "Attention")
    assert heard[-1] == (PerturbedAttention(1.5),)
    panel.show_state(replace(STATE, terms=heard[-1]))
    assert not button(panel, "Attention").isEnabled()
