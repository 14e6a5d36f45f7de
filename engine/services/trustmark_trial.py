"""The self test of TrustMark's networks: marks written and read back, in a process with limits.

Adobe publishes no SHA-256 of its ONNX files, so what lies in the folder is known by its names, its
ports, and by doing what TrustMark does. A pair that passed is remembered by its digests.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engine.backends.trial import ask, limit
from engine.errors import AtelierError, CheckpointError
from engine.image.pixels import psnr
from engine.provenance.trustmark.packet import packed, unpacked
from engine.provenance.trustmark.payload import packet_of
from engine.provenance.trustmark.picture import VARIANTS, Pixels, added, read
from engine.services.trustmark_folder import paths_of
from engine.services.trustmark_networks import Pair, Port, opened
from engine.store import replacing

FILE = "trustmark.json"
TRIAL_S = 60.0
SPARE_BYTES = 3 * 2**30
COPIES = 4  # of the files' size: weights, packed weights and what is derived of them
IDS = (0x0123456789, 0xFEDCBA9876)
LEAST_PSNR = 30.0  # dB


def check_pair(pair: Pair, known: Path) -> None:
    """Raises CheckpointError unless the pair passes, now or before. known: where that is kept."""
    if pair.digests in _passed(known):
        return
    given = [json.dumps(asdict(port)) for port in (pair.encoder, pair.decoder)]
    place = (os.fspath(pair.folder.absolute()), pair.variant.letter)
    try:
        told = ask(__name__, "trial", *place, *given, seconds=TRIAL_S)
    except TimeoutError:
        told = f"read no mark within {TRIAL_S:.0f} seconds"
    if told != "passed":
        words = "broke the process that tried them, or took more memory than they should"
        raise CheckpointError(
            f"The networks of TrustMark {pair.variant.letter} in {pair.folder} fail their self "
            f"test: they {str(told or words)[:200]}.",
            "Fetch the published networks again, encoder and decoder as .onnx.",
        )
    _remember(known, pair)


def trial(folder: str, letter: str, encoder: str, decoder: str) -> str:
    """The child's whole life: a verdict in words."""
    variant = next(one for one in VARIANTS if one.letter == letter)
    ports = (Port(**json.loads(encoder)), Port(**json.loads(decoder)))
    size = sum(file.stat().st_size for file in paths_of(Path(folder), letter))
    limit(SPARE_BYTES + COPIES * size, TRIAL_S)
    try:
        return judged(Pair(variant, Path(folder), *ports))
    except MemoryError:
        return "take more memory than they should"
    except AtelierError as error:
        return f"cannot be run: {error.what}"


def judged(pair: Pair) -> str:
    """ "passed", or what is wrong with the networks."""
    encode, decode = opened(pair)
    picture = _built_in()
    if unpacked(read(picture, decode, pair.variant, pair.reads_px) > 0) == packet_of(IDS[0]):
        return "read a mark where there is none"
    for id in IDS:
        packet = packet_of(id)
        marked = added(picture, packed(packet), encode, pair.variant, 1.0)
        if psnr(marked, picture) < LEAST_PSNR:
            return f"change the picture too much, to {psnr(marked, picture):.1f} dB"
        found = unpacked(read(marked, decode, pair.variant, pair.reads_px) > 0)
        if found is None or found.data != packet.data:
            return "do not read back the mark that they wrote"
    return "passed"


def _built_in() -> Pixels:
    """A picture of 320 x 256: waves of several lengths in three colours, and a little noise."""
    y, x = np.mgrid[0:256, 0:320].astype(np.float64) / 256
    waves = [np.sin(6.3 * (a * x + b * y) + c) for a, b, c in ((1, 2, 0), (5, 3, 1), (11, 17, 2))]
    grey = 128 + 40 * waves[0] + 20 * waves[1] + 8 * waves[2]
    tints = np.stack([grey, 0.8 * grey + 20, 0.6 * grey + 60 * x], axis=-1)
    noise = np.random.RandomState(0).normal(0, 3, tints.shape)
    return np.ascontiguousarray(np.clip(tints + noise, 0, 255).astype(np.uint8))


def _passed(known: Path) -> list[dict[str, str]]:
    try:
        kept = json.loads(known.read_bytes())
    except (OSError, ValueError):
        return []
    return kept if isinstance(kept, list) else []


def _remember(known: Path, pair: Pair) -> None:
    """What cannot be kept is tried again the next time."""
    try:
        known.parent.mkdir(parents=True, exist_ok=True)
        with replacing(known) as file:
            file.write(json.dumps([*_passed(known), pair.digests][-16:], indent=1).encode())
    except OSError:
        return
