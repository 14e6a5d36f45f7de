"""Small CLIPs in files: a published folder with random weights, and one of this program.

`python tests/clip_files.py` writes tests/golden/clip again; it needs transformers and tokenizers,
which nothing else here does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.perception.clip import bpe
from engine.perception.clip.tokenizer import Tokenizer

GOLDEN = Path(__file__).parent / "golden" / "clip"
TEXTS = (
    "a face",
    "a face with glasses",
    "An OLD man's  portrait, don't smile! 1234",
    "naïve café, 50% – ½ ☺",
    "a woman with long red hair, wearing sunglasses, smiling broadly, against a mint background",
)
LEARNT = (*TEXTS, "a man with glasses", "a smiling woman", "old men's faces, long hair") * 2
TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 12}  # fmt: skip
VISION = {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2,
          "num_attention_heads": 3, "image_size": 16, "patch_size": 4}  # fmt: skip


def tokenizer() -> Tokenizer:
    """A small vocabulary."""
    return bpe.learn(LEARNT, 60)


def published_config(act: str = "quick_gelu", legacy: bool = False) -> dict[str, Any]:
    """As transformers writes it; legacy: with the end's number that older configs state."""
    known = tokenizer()
    ends = {"bos_token_id": 0, "eos_token_id": 2} if legacy else {"eos_token_id": known.end}
    text = {**TEXT, **ends, "vocab_size": len(known.vocab), "hidden_act": act}
    vision = {**VISION, "hidden_act": act}
    config = {"model_type": "clip", "projection_dim": 8}
    return {**config, "text_config": text, "vision_config": vision}


def random_tensors(config: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of every name."""
    import torch

    from engine.perception.clip.config import read_config
    from engine.perception.clip.model import ClipNetwork

    torch.manual_seed(seed)
    network = ClipNetwork(read_config(config, "test"))
    source = np.random.RandomState(seed)
    found = {}
    for name, value in network.state_dict().items():
        scale = 0.3 if value.ndim > 1 else 0.1
        noise = np.asarray(source.randn(*value.shape), np.float32) * np.float32(scale)
        is_norm = "norm" in name and name.endswith("weight")
        found[name] = np.float32(1) + noise if is_norm else np.asarray(noise, np.float32)
    found["logit_scale"] = np.array(2.0, np.float32)
    return found


def images() -> np.ndarray:
    """Two pictures at the tower's size, in [-1, 1]."""
    return np.random.RandomState(5).uniform(-1, 1, (2, 3, 16, 16)).astype(np.float32)


def write_published(
    folder: Path, config: dict[str, Any], tensors: dict[str, np.ndarray], parts: int = 1
) -> Path:
    """A folder as transformers writes it; parts: over how many .safetensors files."""
    from engine.checkpoints.safetensors_file import write_safetensors

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    names = sorted(tensors)
    if parts == 1:
        write_safetensors(folder / "model.safetensors", tensors)
    else:
        files = [f"model-{i + 1:05}-of-{parts:05}.safetensors" for i in range(parts)]
        for i, file in enumerate(files):
            write_safetensors(folder / file, {n: tensors[n] for n in names[i::parts]})
        where = {n: files[i % parts] for i, n in enumerate(names)}
        index = {"metadata": {}, "weight_map": where}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    tokenizer().write(folder)
    return folder


def _write_golden() -> None:
    """What transformers makes of the same weights, texts and pictures."""
    import tempfile

    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer  # type: ignore[import-not-found]

    GOLDEN.mkdir(parents=True, exist_ok=True)
    found: dict[str, np.ndarray] = {}
    ids = tokenizer().tokens(TEXTS, TEXT["max_position_embeddings"]).ids
    for act, legacy in (("quick_gelu", False), ("gelu", True)):
        config = published_config(act, legacy)
        model = CLIPModel(CLIPConfig(**config)).eval()
        tensors = {k: torch.from_numpy(v) for k, v in random_tensors(config).items()}
        missing = model.load_state_dict(tensors, strict=False)
        assert not missing.unexpected_keys
        assert not [k for k in missing.missing_keys if "position_ids" not in k]
        x = torch.from_numpy(images()) / 2 + 0.5
        mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
        std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
        with torch.no_grad():
            out = model(torch.from_numpy(ids), (x - mean) / std)
        found[f"{act}_texts"] = out.text_embeds.numpy()
        found[f"{act}_images"] = out.image_embeds.numpy()
        found[f"{act}_logits"] = out.logits_per_text.numpy()
    np.savez(GOLDEN / "towers.npz", **found)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        tokenizer().write(Path(name))
        theirs = CLIPTokenizer(f"{name}/vocab.json", f"{name}/merges.txt")
        tokens = {text: theirs(text)["input_ids"] for text in TEXTS}
    text = json.dumps(tokens, indent=1, ensure_ascii=False)
    (GOLDEN / "tokens.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write_golden()
