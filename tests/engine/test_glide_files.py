"""Files of GLIDE: base, upsampler and inpainting in the published layout, and their tokenizer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn

from engine.denoising import ClassifierFree, Dab
from engine.diffusion.adm import Attention
from engine.diffusion.glide import _Block
from engine.models.diffusion.adm_config import AdmConfig
from engine.models.diffusion.glide import GlideDenoiser, network_of
from engine.models.diffusion.glide_config import GlideConfig, glide_config
from engine.perception.byte_pairs import BytePairs, read_byte_pairs
from engine.perception.clip.tokenizer import byte_letters
from engine.services.diffusion import Source
from tests.engine.published import bring, node_of, refused, rendered
from tests.engine.test_sdxl_folder import NEGATIVE, PROMPT, says

MERGED = [("h", "a"), ("ha", "t"), ("Ġ", "ha"), ("Ġha", "t"), ("i", "n"), ("in", "g"),
          ("Ġ", "w"), ("Ġw", "o"), ("m", "a"), ("ma", "n"), ("'", "s"), ("Ġ", "Ġ")]  # fmt: skip
TOKENS = [*byte_letters(), *dict.fromkeys(a + b for a, b in MERGED), "<|endoftext|>"]
CONTEXT = 12


def config_of(kind: Any, **more: Any) -> GlideConfig:
    body = AdmConfig(kind, 32, (32, 64), 1, (False, True), 64, 0, 6)
    if kind == "upsampler":
        body = AdmConfig(kind, 32, (32, 32, 64), 1, (False, False, True), 128, 0, 6)
    return GlideConfig(body, len(TOKENS), CONTEXT, 128, 2)


def random_state(config: GlideConfig) -> dict[str, Tensor]:
    torch.manual_seed(0)
    net = network_of(config).to_empty(device="cpu")
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return net.state_dict()


def write_words(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    vocab = json.dumps({token: number for number, token in enumerate(TOKENS)})
    (folder / "encoder.json.gz").write_bytes(gzip.compress(vocab.encode()))
    rows = ["#version: 0.2", *(f"{a} {b}" for a, b in MERGED)]
    (folder / "vocab.bpe").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_glide(path: Path, config: GlideConfig) -> Path:
    write_words(path.parent)
    torch.save(random_state(config), path)
    return path


@pytest.mark.parametrize("kind", ["maker", "upsampler", "inpainter"])
def test_the_published_layout_is_read_and_draws(tmp_path: Path, home: Path, kind: str) -> None:
    config = config_of(kind)
    model = bring(home, write_glide(tmp_path / "glide" / "tiny.pt", config))
    assert isinstance(model, GlideDenoiser)
    assert model.config == config
    assert model.schedule.kind == ("linear" if kind == "upsampler" else "cosine")
    guided = (ClassifierFree(3.0, says(NEGATIVE)),)
    node = node_of(model, steps=2, spacing="trailing", conditioning=says(PROMPT), guidance=guided)
    side, begins = model.info.resolution, model.info.begins_px
    assert (side, begins) == ((128, 32) if kind == "upsampler" else (64, 64))
    seen = np.random.RandomState(0).randint(0, 256, (begins, begins, 3)).astype(np.uint8)
    dabs = (Dab(0.5, 0.5, 0.3),) if kind == "inpainter" else ()
    source = None if kind == "maker" else Source(seen, 1.0, dabs)
    made = rendered(home, node, source)
    assert made.shape == (side, side, 3)
    other = node_of(model, steps=2, spacing="trailing", conditioning=says("a man"))
    assert np.abs(made - rendered(home, other, source)).max() > 1e-3
    if source is not None:
        turned = Source(np.ascontiguousarray(seen[::-1]), 1.0, dabs)
        assert np.abs(made - rendered(home, node, turned)).max() > 1e-3


def test_attention_looks_at_the_text_first_as_published() -> None:
    torch.manual_seed(0)
    heads, width, told = 2, 64, 40
    net = Attention(width, heads, False, told)
    x, text = torch.randn(3, width, 2, 5), torch.randn(3, told, 7)
    with torch.no_grad():
        flat = net.norm(x.flatten(2))
        qkv, more = net.qkv(flat), net.encoder_kv(text)
        found = []
        for head in range(heads):
            size = width // heads
            q, k, v = qkv[:, 3 * size * head : 3 * size * (head + 1)].split(size, 1)
            ek, ev = more[:, 2 * size * head : 2 * size * (head + 1)].split(size, 1)
            k, v = torch.cat([ek, k], 2), torch.cat([ev, v], 2)
            shares = torch.softmax(q.transpose(1, 2) @ k / size**0.5, dim=2)
            found.append((shares @ v.transpose(1, 2)).transpose(1, 2))
        wanted = x + net.proj_out(torch.cat(found, 1)).view(x.shape)
        torch.testing.assert_close(net(x, text), wanted, atol=1e-5, rtol=1e-5)


def test_the_transformer_is_that_of_torch() -> None:
    torch.manual_seed(0)
    width, heads = 128, 2
    ours = _Block(width)
    theirs = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    rows = torch.arange(3 * width).view(heads, 3, -1).transpose(0, 1).flatten()  # head by head
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.attn.c_qkv.weight[rows])
        theirs.self_attn.in_proj_bias.copy_(ours.attn.c_qkv.bias[rows])
        for mine, its in ((ours.attn.c_proj, theirs.self_attn.out_proj), (ours.ln_1, theirs.norm1),
                          (ours.ln_2, theirs.norm2), (ours.mlp.c_fc, theirs.linear1),
                          (ours.mlp.c_proj, theirs.linear2)):  # fmt: skip
            its.weight.copy_(mine.weight)
            its.bias.copy_(mine.bias)
        x = torch.randn(2, 5, width)
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)


def test_what_is_beyond_a_text_is_filled_up_with_its_own_vectors(
    tmp_path: Path, home: Path
) -> None:
    model = bring(home, write_glide(tmp_path / "glide" / "tiny.pt", config_of("maker")))
    assert isinstance(model, GlideDenoiser)
    net = model.net
    with torch.no_grad():
        empty = net.final_ln(net.transformer.resblocks(net.padding_embedding[None]))
        torch.testing.assert_close(model.read([""]), empty)
    assert not torch.allclose(model.read(["hat"]), empty)
    long = "hat " * 40
    assert model.read([long]).shape == (1, CONTEXT, 128)


def test_words_are_parted_as_the_library_parts_them(tmp_path: Path) -> None:
    write_words(tmp_path)
    ours = read_byte_pairs(tmp_path)
    vocab = {token: number for number, token in enumerate(TOKENS)}
    theirs = Tokenizer(models.BPE(vocab, MERGED))
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in ("a hat", "The man's hat", "hat  ing", "  two   hats ", "", "12 hats!? (3,5)",
                 "café 好 ½", "that'll 'so", " \u00a0 x", "'s", "a '"):  # fmt: skip
        assert ours.encode(text) == theirs.encode(text).ids, text
    (tmp_path / "again").mkdir()
    ours.write(tmp_path / "again")
    again = read_byte_pairs(tmp_path / "again")
    assert isinstance(again, BytePairs)
    assert (again.vocab, again.merges) == (ours.vocab, ours.merges)


@pytest.mark.parametrize("body", [
    AdmConfig("maker", 192, (192, 384, 576, 768), 3, (False, True, True, True), 64, 0, 6),
    AdmConfig("inpainter", 192, (192, 384, 576, 768), 3, (False, True, True, True), 64, 0, 6),
    AdmConfig("upsampler", 192, (192, 192, 384, 384, 768, 768), 2, (False,) * 3 + (True,) * 3,
              256, 0, 6),
])  # fmt: skip
def test_the_published_sizes_follow_from_their_shapes(body: AdmConfig) -> None:
    config = GlideConfig(body, 50257, 128, 512, 16)
    shapes = network_of(config).state_dict().items()
    state = {k: np.broadcast_to(np.zeros(1, np.float16), tuple(v.shape)) for k, v in shapes}
    assert glide_config(state, "here") == config


def _drop(name: str) -> Callable[[Path], Any]:
    def change(path: Path) -> None:
        state = torch.load(path)
        state.pop(name)
        torch.save(state, path)

    return change


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no words": (lambda path: (path.parent / "vocab.bpe").unlink(), "has no vocab.bpe"),
    "other words": (
        lambda path: (path.parent / "encoder.json").write_text(
            json.dumps({t: n for n, t in enumerate([*TOKENS, "more"])})
        ),
        "its network",
    ),
    "words with holes": (
        lambda path: (path.parent / "encoder.json").write_text(json.dumps({"a": 5})), "holes",
    ),
    "no text": (_drop("token_embedding.weight"), "lacks"),
    "a tensor less": (_drop("middle_block.1.encoder_kv.bias"), "lacks the tensor"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_or_odd_is_one_clear_error(tmp_path: Path, home: Path, case: str) -> None:
    damage, words = BROKEN[case]
    path = write_glide(tmp_path / "glide" / "tiny.pt", config_of("maker"))
    damage(path)
    assert words in refused(home, path)
