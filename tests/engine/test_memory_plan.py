"""How a model is run follows from what it needs and what a machine has, here made-up ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelError
from engine.models.diffusion.memory_plan import GIB, Needs, Plan, Room, least_plan, plan_for

MILLION = 10**6
# Stable Diffusion 1.5 and SDXL as published in float16.
SD = Needs({"unet.": 860 * MILLION, "vae.": 84 * MILLION, "text.": 123 * MILLION}, 512, 2 * GIB)
SDXL = Needs(
    {"unet.": 2567 * MILLION, "vae.": 84 * MILLION, "text.": 123 * MILLION,
     "text_2.": 695 * MILLION}, 1024, 7 * GIB,
)  # fmt: skip
CONTROL = 361 * MILLION


def planned(needs: Needs, ram: float, card: float = 0) -> Plan:
    return plan_for(needs, Room(int(ram * GIB), int(card * GIB)), "that-model")


def test_a_processor_with_room_computes_in_float32_at_once() -> None:
    plan = planned(SD, 16)
    assert plan.plain
    assert plan.words == "float32 weights on the processor, about 6.0 GiB of memory"


def test_a_large_picture_is_decoded_in_tiles_before_weights_lose_bits() -> None:
    assert planned(SDXL, 32).tile == 0
    wide = replace(SD, side=2048)
    assert planned(wide, 12).way == ("cpu", "float32", 512, False)


def test_where_only_half_fits_weights_are_held_in_bfloat16() -> None:
    plan = planned(SDXL, 15)
    assert (plan.device, plan.weights) == ("cpu", "bfloat16")
    assert plan.words.startswith("bfloat16 weights on the processor")
    assert plan.ram < planned(SDXL, 64).ram


def test_a_small_picture_is_never_cut() -> None:
    assert planned(replace(SD, side=256), 4.2).tile == 0


def test_a_graphics_card_with_room_takes_all_in_float16() -> None:
    assert planned(SDXL, 64, 24).way == ("cuda", "float16", 0, False)


def test_a_small_model_stays_on_the_processor_where_its_pictures_are_exact() -> None:
    assert planned(Needs({"unet.": 5 * MILLION, "vae.": MILLION}, 64, 0), 64, 24).plain


def test_a_small_card_takes_one_part_at_a_time() -> None:
    assert planned(SDXL, 64, 10.5).way == ("cuda", "float16", 0, True)
    assert "one part at a time" in planned(SDXL, 64, 10.5).words


def test_a_card_that_is_too_small_leaves_the_work_to_the_processor() -> None:
    assert planned(SDXL, 64, 2).device == "cpu"


def test_a_controlnet_counts_together_with_its_base() -> None:
    assert planned(SD, 6.1).weights == "float32"
    assert planned(replace(SD, beside=CONTROL), 6.1).weights == "bfloat16"
    assert planned(replace(SDXL, beside=CONTROL), 64, 24).card > planned(SDXL, 64, 24).card


def test_only_what_fits_in_no_way_is_refused_with_what_it_needs() -> None:
    with pytest.raises(ModelError) as caught:
        planned(replace(SDXL, beside=CONTROL), 4)
    assert "that-model with its ControlNets needs about" in caught.value.what
    assert "4.0 GiB are free" in caught.value.what
    assert "smaller model" in str(caught.value)


@given(ram=st.floats(0, 100), card=st.floats(0, 60), beside=st.integers(0, 2 * CONTROL))
def test_a_plan_never_takes_more_than_there_is(ram: float, card: float, beside: int) -> None:
    needs = replace(SDXL, beside=beside)
    room = Room(int(ram * GIB), int(card * GIB))
    try:
        plan = plan_for(needs, room, "it")
    except ModelError:
        assert least_plan(needs).ram > room.ram
    else:
        assert plan.ram <= room.ram
        assert plan.card <= room.card
