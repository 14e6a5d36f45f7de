"""Turns a training run of a diffusion model, or of its classifier, into a model folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.checkpoints.safetensors_file import read_safetensors
from engine.diffusion.unet import reading_settings
from engine.models.bundled import bundled_folder
from engine.models.card import origin, read_card, training_command
from engine.models.diffusion.control import build_control
from engine.models.diffusion.control_config import CONTROL, ControlConfig
from engine.models.diffusion.control_config import GRAPH as CONTROL_GRAPH
from engine.models.diffusion.denoiser_folder import export_control, export_unet, write_denoiser
from engine.models.diffusion.denoisers import CLASSIFIER, HELPED, NOISY_CLIP, DenoiserConfig
from engine.models.diffusion.denoisers import UNET as GRAPH
from engine.models.diffusion.eyes_config import EYES
from engine.models.diffusion.latent_config import LATENT, TEXT, UNET, VAE, LatentConfig
from engine.models.diffusion.open_denoiser import build_unet
from engine.models.diffusion.prior_config import PRIOR
from engine.models.diffusion.tiny_decoder import TINY
from engine.models.folder import write_folder
from engine.models.shared_weights import SHARES
from engine.perception.clip.config import read_config
from engine.perception.clip.tokenizer import read_tokenizer
from engine.perception.noisy_classifier import NoisyClassifierConfig
from engine.perception.noisy_clip import NoisyClipConfig
from engine.portraits.classes import CLASSES
from engine.training.checkpoint import notes_of
from engine.training.diffusion_spec import TrainDiffusion
from engine.training.finetuning.control_run import control_settings
from engine.training.finetuning.like_run import LOOKING, THINKS, eyes_config
from engine.training.finetuning.prior_lesson import prior_config
from engine.training.latent_run import PREVIEWS, READS
from engine.training.noised_run import WEIGHTS

PROJECTION = "text_projection.weight"
TITLES = {
    "portraits-ddpm": "Portraits, pixel diffusion",
    "portraits-text": "Portraits, text to picture",
    "portraits-latent": "Portraits, latent diffusion",
    "portraits-upsampler": "Portraits, upsampler",
    "portraits-noisy-classifier": "Portraits, noise-aware classifier",
    "portraits-noisy-clip": "Portraits, noise-aware CLIP",
    "portraits-inpaint": "Portraits, inpainting",
    "portraits-instruct": "Portraits, edit instructions",
    "portraits-variations": "Portraits, variations of pictures",
    "portraits-edges": "Portraits, edges",
    "portraits-pose": "Portraits, head pose",
}


def bundle(spec: TrainDiffusion, folder: Path, machine: str) -> dict[str, Any]:
    """Write the moving average of a run (float16), its graph and a card without scores.

    What lies in the folder is replaced as a whole. Returns the card. Raises TrainingError when
    the run left no weights, ModelError when the graph disagrees with torch or the folder cannot
    be written.
    """
    source = spec.work / WEIGHTS
    notes = notes_of(source)
    facts: dict[str, Any] = {
        "name": spec.name,
        "title": TITLES.get(spec.name, spec.name),
        "data": {"set": "portraits", "seed": spec.data_seed, "rows": [0, spec.portraits]},
        "command": training_command(spec.name, spec.start),
        "seed": spec.seed,
        "trained": {
            "images": int(notes.get("images", 0)),
            "seconds": int(notes.get("seconds", 0)),
            "batch": spec.batch,
            "machine": machine,
        },
        "scores": {},
        "licence": "Apache-2.0",
    }
    if spec.start is not None:
        facts["trained"]["from"] = origin(spec.start)
    if spec.unet.upsamples and spec.teacher is not None:
        facts["trained"]["repainted_by"] = origin(spec.teacher)
    tensors = read_safetensors(source)
    if spec.lesson in ("edges", "pose"):
        return _control(spec, folder, tensors, facts)
    if isinstance(spec.reader, NoisyClassifierConfig):
        config = {**spec.reader.to_dict(), "classes": list(CLASSES)}
        return write_folder(folder, CLASSIFIER, config, tensors, facts, replace=True)
    if isinstance(spec.reader, NoisyClipConfig) and spec.teacher is not None:
        teacher = read_card(spec.teacher)
        dim, sha256 = teacher["config"]["projection_dim"], teacher["weights_sha256"]
        tower = replace(spec.reader, dim=dim, clip=sha256).to_dict()
        return write_folder(folder, NOISY_CLIP, tower, tensors, facts, replace=True)
    if spec.autoencoder is not None and spec.teacher is not None:
        return _latent(spec, spec.autoencoder, spec.teacher, folder, tensors, facts)
    classes = CLASSES if spec.unet.classes else ()
    clip = read_card(spec.teacher)["weights_sha256"] if spec.teacher and spec.unet.tokens else ""
    made = DenoiserConfig(spec.unet, spec.schedule, spec.prediction, classes, clip=clip)
    return write_denoiser(folder, made, tensors, facts)


def _control(
    spec: TrainDiffusion, folder: Path, tensors: dict[str, Any], facts: dict[str, Any]
) -> dict[str, Any]:
    assert spec.lesson in ("edges", "pose")
    config = ControlConfig(control_settings(spec.unet), spec.lesson)
    graph = export_control(build_control(config, tensors, folder.name), spec.unet, spec.drawn_px)

    def more(building: Path) -> tuple[str]:
        (building / CONTROL_GRAPH).write_bytes(graph)
        return (CONTROL_GRAPH,)

    return write_folder(folder, CONTROL, config.to_dict(), tensors, facts, more, replace=True)


def _latent(
    spec: TrainDiffusion,
    autoencoder: Path,
    teacher: Path,
    folder: Path,
    tensors: dict[str, Any],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """The U-Net with the autoencoder and the text tower that it was taught with: a whole model."""
    coder, reader = read_card(autoencoder), read_card(teacher)
    clip = read_config(reader["config"], teacher.name)
    config = LatentConfig(
        reading_settings(spec.unet), coder["config"], clip.text, spec.schedule, spec.prediction,
        tiny=True,
    )  # fmt: skip
    whole = {UNET + name: array for name, array in tensors.items()}
    whole |= {VAE + name: array for name, array in read_safetensors(autoencoder / WEIGHTS).items()}
    parts = [(TINY, PREVIEWS), (TEXT, READS)]
    if spec.unet.looks:
        parts += [(EYES, LOOKING), (PRIOR, THINKS)]
        config = replace(config, eyes=eyes_config(clip), prior=prior_config(clip))
        whole[TEXT + PROJECTION] = read_safetensors(teacher / WEIGHTS)[PROJECTION]
    for before, file in parts:
        whole |= {before + name: a for name, a in read_safetensors(spec.work / file).items()}
    facts["parts"] = {part["name"]: part["weights_sha256"] for part in (coder, reader)}
    if autoencoder.parent == bundled_folder():
        facts[SHARES] = {VAE: coder["name"]}
    net = build_unet(spec.unet, tensors, folder.name)
    graphs = {GRAPH: export_unet(net)}
    if not spec.lesson:  # what ControlNets are taught beside
        graphs[HELPED] = export_unet(net, helped=True)

    def more(building: Path) -> tuple[str, ...]:
        for name, graph in graphs.items():
            (building / name).write_bytes(graph)
        return (*graphs, *read_tokenizer(teacher).write(building))

    return write_folder(folder, LATENT, config.to_dict(), whole, facts, more, replace=True)
