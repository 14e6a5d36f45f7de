"""CLIP by hand: its published layout, its tokenizer, and folders that are no CLIP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.errors import CheckpointError, ModelError
from engine.frame import Progress
from engine.models.library import ModelLibrary
from engine.perception.clip import bpe
from engine.perception.clip.config import ClipConfig, TextSizes, VisionSizes, read_config
from engine.perception.clip.model import Clip, ClipNetwork
from engine.perception.clip.open import build, open_clip
from engine.perception.clip.tokenizer import WHOLE, pieces, read_tokenizer
from engine.services.clips import import_clip, is_clip_folder, opened_clip
from tests.clip_files import (
    GOLDEN,
    TEXT,
    TEXTS,
    images,
    published_config,
    random_tensors,
    tokenizer,
    write_published,
)


def quiet(progress: Progress) -> None:
    """Nobody watches."""


def bring(home: Path, folder: Path, name: str | None = None) -> Any:
    return import_clip(home, folder, name, quiet, CancelToken())


@pytest.mark.parametrize(("act", "legacy"), [("quick_gelu", False), ("gelu", True)])
def test_the_towers_give_what_the_published_code_gives(act: str, legacy: bool) -> None:
    config = published_config(act, legacy)
    clip = Clip(build(read_config(config, "test"), random_tensors(config), "test"), tokenizer())
    texts, pictures = clip.embed_texts(TEXTS), clip.embed_images(torch.from_numpy(images()))
    with np.load(GOLDEN / "towers.npz") as golden:
        assert np.abs(texts.numpy() - golden[f"{act}_texts"]).max() < 2e-5
        assert np.abs(pictures.numpy() - golden[f"{act}_images"]).max() < 2e-5
        logits = (clip.scale * texts @ pictures.T).numpy()
        assert np.abs(logits - golden[f"{act}_logits"]).max() < 2e-4


def test_texts_become_the_numbers_that_the_published_tokenizer_gives() -> None:
    golden = json.loads((GOLDEN / "tokens.json").read_text(encoding="utf-8"))
    known = tokenizer()
    for text in TEXTS:
        assert [known.start, *known.encode(text), known.end] == golden[text]


def test_a_text_falls_into_words_digits_and_signs() -> None:
    assert pieces("don't say 42% – ½!") == ["don", "'t", "say", "4", "2", "%", "–", "½", "!"]


def test_a_text_that_is_too_long_keeps_whole_words_and_says_so() -> None:
    found = tokenizer().tokens(["a face", "a face with glasses and a very long beard"], 8)
    assert found.cut == (False, True)
    assert found.kept[1].startswith("a face with glasses")
    assert "a face with glasses and a very long beard".startswith(found.kept[1])
    assert found.ids.shape == (2, 8)
    assert (found.ids[:, 0] == tokenizer().start).all()
    assert (found.ids[:, -1] == tokenizer().end).all()


def test_learnt_words_are_one_token_and_the_rest_is_bytes() -> None:
    known = bpe.learn(["glasses and glasses"] * 3, 50)
    assert len(known.encode("glasses")) == 1
    assert len(known.encode("ß☺")) == 5
    assert bpe.learn(["glasses and glasses"] * 3, 50).vocab == known.vocab


def test_a_published_folder_is_imported_and_answers_the_same(tmp_path: Path) -> None:
    config = published_config()
    tensors = random_tensors(config)
    places = np.arange(TEXT["max_position_embeddings"])[None]
    stored = {**tensors, "text_model.embeddings.position_ids": places}
    folder = write_published(tmp_path / "clip tiny", config, stored, parts=3)
    assert is_clip_folder(folder)
    info = bring(tmp_path / "home", folder)
    assert (info.name, info.context) == ("clip-tiny", TEXT["max_position_embeddings"])
    clip = opened_clip(info)
    with np.load(GOLDEN / "towers.npz") as golden:
        assert np.abs(clip.embed_texts(TEXTS).numpy() - golden["quick_gelu_texts"]).max() < 2e-5
    assert ModelLibrary(tmp_path / "home").clip("clip-tiny") == info
    with pytest.raises(ModelError, match="here already"):
        bring(tmp_path / "home", folder, "twice")


def test_pictures_of_any_size_are_seen_with_gradients() -> None:
    config = published_config()
    clip = Clip(build(read_config(config, "test"), random_tensors(config), "test"), tokenizer())
    for side in (8, 32, 64):
        picture = torch.rand(2, 3, side, side, requires_grad=True)
        seen = clip.embed_images(picture * 2 - 1)
        assert torch.allclose(seen.norm(dim=1), torch.ones(2), atol=1e-5)
        (slope,) = torch.autograd.grad(seen[:, 0].sum(), picture)
        assert float(slope.abs().max()) > 0


def test_a_tokenizer_in_one_file_reads_the_same(tmp_path: Path) -> None:
    known = tokenizer()
    for pairs in ([f"{a} {b}" for a, b in known.merges], [list(p) for p in known.merges]):
        model = {"vocab": known.vocab, "merges": pairs, "end_of_word_suffix": "</w>"}
        (tmp_path / WHOLE).write_text(json.dumps({"model": model}))
        read = read_tokenizer(tmp_path)
        assert [read.encode(text) for text in TEXTS] == [known.encode(text) for text in TEXTS]


def test_the_small_tower_sees_and_reads() -> None:
    text = TextSizes(600, 32, 64, 1, 1, 16, "gelu", 1e-5, 599)
    config = ClipConfig(text, VisionSizes(hidden_size=24, num_attention_heads=1, image_size=64),
                        8, "portraits", (0.5,) * 3, (0.5,) * 3)  # fmt: skip
    assert read_config(json.loads(json.dumps(config.to_dict())), "x") == config
    network = ClipNetwork(config).eval()
    assert network.images(torch.rand(2, 3, 64, 64)).shape == (2, 8)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("program", "program or a pickle"),
        ("pickle", "no .safetensors"),
        ("config", "no config.json"),
        ("tokenizer", "no tokenizer"),
        ("kind", "'bert'"),
        ("missing", "lacks the tensor"),
        ("shape", "of the shape"),
        ("nan", "not finite"),
        ("act", "hidden_act"),
        ("heads", "heads"),
        ("vocabulary", "token number"),
        ("merge", "which is no pair"),
    ],
)
def test_a_folder_that_is_no_whole_clip_is_refused(tmp_path: Path, spoil: str, words: str) -> None:
    config, tensors = published_config(), random_tensors(published_config())
    if spoil == "kind":
        config["model_type"] = "bert"
    if spoil == "act":
        config["text_config"]["hidden_act"] = "mish"
    if spoil == "heads":
        config["vision_config"]["num_attention_heads"] = 5
    if spoil == "missing":
        del tensors["visual_projection.weight"]
    if spoil == "shape":
        tensors["text_projection.weight"] = np.zeros((8, 15), np.float32)
    if spoil == "nan":
        tensors["logit_scale"] = np.array(np.nan, np.float32)
    if spoil == "vocabulary":
        config["text_config"]["vocab_size"] = 50
        tensors["text_model.embeddings.token_embedding.weight"] = np.zeros((50, 16), np.float32)
    folder = write_published(tmp_path / "clip", config, tensors)
    if spoil == "program":
        (folder / "modeling_clip.py").write_text("raise SystemExit")
    if spoil == "pickle":
        (folder / "model.safetensors").unlink()
    if spoil == "config":
        (folder / "config.json").unlink()
    if spoil == "tokenizer":
        (folder / "merges.txt").unlink()
    if spoil == "merge":
        (folder / "merges.txt").write_text("a b c\n")
    with pytest.raises(CheckpointError) as raised:
        bring(tmp_path / "home", folder)
    assert words in str(raised.value)
    assert raised.value.remedy
    assert all(info.bundled for info in ModelLibrary(tmp_path / "home").clips())


def test_a_clip_whose_weights_were_changed_is_not_opened(tmp_path: Path) -> None:
    config = published_config()
    info = bring(tmp_path, write_published(tmp_path / "clip", config, random_tensors(config)))
    card = json.loads((info.folder / "card.json").read_text())
    card["weights_sha256"] = "0" * 64
    (info.folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not those of its card"):
        open_clip(info.folder)
