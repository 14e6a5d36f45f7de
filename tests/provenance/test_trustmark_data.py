"""TrustMark's bits as its own package writes them, and how its change meets a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frame import Mark
from engine.provenance import soft_binding
from engine.provenance.trustmark.bch import bch
from engine.provenance.trustmark.packet import (
    BCH_3,
    BCH_5,
    SCHEMES,
    Packet,
    from_text,
    packed,
    unpacked,
)
from engine.provenance.trustmark.payload import id_of, packet_of
from engine.provenance.trustmark.picture import VARIANTS, added, read

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "trustmark" / "packets.json").read_text()
)["packets"]
SCHEME = {scheme.name: scheme for scheme in SCHEMES}
Q, P = VARIANTS[0], VARIANTS[1]


@pytest.mark.parametrize("known", GOLDEN, ids=lambda k: f"{k['scheme']}-{len(k['flipped'])}")
def test_packets_are_those_of_the_published_package(known: dict[str, Any]) -> None:
    packet = Packet(SCHEME[known["scheme"]], int(known["data"], 2))
    bits = packed(packet)
    assert "".join(str(int(bit)) for bit in bits) == known["bits"]
    bits[known["flipped"]] = 1 - bits[known["flipped"]]
    found = unpacked(bits > 0)
    assert found is not None
    assert (found.data, found.wrong) == (packet.data, len(known["flipped"]))
    assert from_text(found.text) == packet


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
@settings(max_examples=40, deadline=None)
@given(choice=st.randoms(use_true_random=False))
def test_as_many_wrong_bits_as_promised_are_mended(scheme: Any, choice: Any) -> None:
    packet = Packet(scheme, choice.getrandbits(scheme.data))
    bits = packed(packet) > 0
    for place in choice.sample(range(scheme.data + scheme.checks), scheme.errors):
        bits[place] ^= True
    found = unpacked(bits)
    assert found is not None
    assert (found.data, found.wrong) == (packet.data, scheme.errors)


def test_one_wrong_bit_more_never_gives_the_data_back() -> None:
    rng = np.random.RandomState(0)
    packet = packet_of(0x5A17C0FFEE)
    for _ in range(50):
        bits = packed(packet) > 0
        bits[rng.choice(96, BCH_5.errors + 1, replace=False)] ^= True
        found = unpacked(bits)
        assert found is None or found.data != packet.data


def test_the_codes_have_the_published_lengths() -> None:
    assert [bch(errors).checks for errors in (3, 4, 5, 8)] == [21, 28, 35, 56]
    assert [scheme.data for scheme in SCHEMES] == [40, 61, 68, 75]


def test_what_chance_gives_is_not_taken_for_a_mark() -> None:
    rng = np.random.RandomState(1)
    found = [unpacked(rng.rand(100) > 0.5) for _ in range(3000)]
    near = [packet for packet in found if packet is not None]
    assert len(near) >= 5, "one word in 190 is near a word of some scheme"
    assert len([packet for packet in near if packet.is_clear]) <= 1, "one in 23,000"
    assert Packet(BCH_5, 0, 4).is_clear
    assert not Packet(BCH_3, 0, 2).is_clear


@given(st.integers(0, 2**40 - 1))
def test_an_id_comes_back_and_one_changed_bit_is_nobodys(id: int) -> None:
    packet = packet_of(id)
    assert id_of(packet) == id
    for place in (0, 20, 21, 60):
        assert id_of(Packet(BCH_5, packet.data ^ 1 << place)) is None
    assert id_of(Packet(BCH_3, packet.data)) is None


@pytest.mark.parametrize("text", ["", "1*", "1*01", "9*" + "0" * 61, "1*" + "2" * 61, "1" * 63])
def test_a_soft_binding_that_is_no_packet_states_no_id(text: str) -> None:
    assert from_text(text) is None
    assert soft_binding.read("com.adobe.trustmark.Q", text) is None


def test_a_soft_binding_says_the_id_as_its_algorithm_does() -> None:
    id = (77).to_bytes(5, "big")
    theirs, ours = Mark("com.adobe.trustmark.Q", id), Mark("org.latent-atelier.lattice.1", id)
    assert soft_binding.told(theirs) == packet_of(77).text
    assert soft_binding.told(theirs).startswith("1*")
    for mark in (theirs, ours):
        assert soft_binding.read(mark.algorithm, soft_binding.told(mark)) == id
    assert soft_binding.read(ours.algorithm, "not base64!") is None


def _stamp(picture: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """An encoder that adds stripes and a tint."""
    stripes = np.tile(np.where(np.arange(256) // 16 % 2, 0.05, -0.05), (256, 1))
    return (picture + stripes + 0.1).astype(np.float32)


def _whole(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


def test_the_change_has_the_pictures_size_and_no_tint() -> None:
    picture = _whole(300, 500)
    change = added(picture, np.zeros(100, np.float32), _stamp, Q, 1.0).astype(int) - picture
    assert abs(change.mean()) < 0.1, "the tint is gone"
    assert change.min() == change[150].min() == -6
    assert change.max() == 6
    assert len(np.flatnonzero(np.diff(np.sign(change[150, :, 0])))) >= 15
    assert abs(change[0, 50, 0]) < abs(change[150, 50, 0]), "the edge is soft"


def test_a_stronger_mark_changes_more() -> None:
    picture = _whole(256, 256)
    bits = np.zeros(100, np.float32)
    weak = np.abs(added(picture, bits, _stamp, Q, 1.0).astype(int) - picture).mean()
    assert np.abs(added(picture, bits, _stamp, Q, 1.5).astype(int) - picture).mean() > 1.3 * weak
    assert np.abs(added(picture, bits, _stamp, P, 1.0).astype(int) - picture).mean() > 1.1 * weak


@pytest.mark.parametrize(
    ("shape", "variant", "marked"),
    [
        ((200, 400), Q, (0, 400)),
        ((200, 402), Q, (101, 301)),
        ((200, 300), P, (50, 250)),
        ((200, 200), P, (0, 200)),
    ],
)
def test_long_pictures_are_marked_in_their_middle_square(
    shape: tuple[int, int], variant: Any, marked: tuple[int, int]
) -> None:
    for turned in (False, True):
        picture = _whole(*shape)
        picture = np.ascontiguousarray(np.rot90(picture)) if turned else picture
        stamp = (lambda x, b: _stamp(x.swapaxes(2, 3), b).swapaxes(2, 3)) if turned else _stamp
        out = added(picture, np.zeros(100, np.float32), stamp, variant, 2.0)
        changed = np.flatnonzero((out != picture).any(axis=(1 if not turned else 0, 2)).ravel())
        columns = np.flatnonzero((out != picture).any(axis=2).any(axis=1 if turned else 0))
        assert changed.size
        assert abs(columns.min() - marked[0]) <= 2
        assert abs(columns.max() + 1 - marked[1]) <= 2


def test_the_decoder_sees_the_picture_between_minus_one_and_one() -> None:
    seen: list[np.ndarray] = []

    def decode(planes: np.ndarray) -> np.ndarray:
        seen.append(planes)
        return np.zeros(100, np.float32)

    picture = np.zeros((300, 900, 3), np.uint8)
    picture[:, 300:600] = 255
    assert read(picture, decode, Q, 245).shape == (100,)
    assert seen[0].shape == (1, 3, 245, 245)
    assert seen[0].dtype == np.float32
    assert seen[0].min() == seen[0].max() == 1, "only the middle square"
