"""Which models there are: bundled beside the program, and imported under the home folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.checkpoints.digest import weights_sha256
from engine.checkpoints.safetensors_file import read_safetensors
from engine.controlling import ControlInfo
from engine.denoising import DenoiserInfo
from engine.errors import ModelError
from engine.frame import ModelInfo
from engine.guides import ClassifierInfo, NoisyClipInfo
from engine.models.bundled import bundled_folder
from engine.models.card import CARD, WEIGHTS, config_of, info_of, is_generator, read_card
from engine.models.diffusion import denoisers
from engine.models.diffusion.adm_config import ADM, adm_info
from engine.models.diffusion.control_config import CONTROL, control_info
from engine.models.diffusion.glide_config import GLIDE, glide_info
from engine.models.diffusion.imagen_config import IMAGEN, imagen_info
from engine.models.diffusion.kandinsky_config import KANDINSKY, kandinsky_info
from engine.models.diffusion.latent_config import LATENT, latent_info
from engine.models.diffusion.textless_config import TEXTLESS, textless_info
from engine.models.diffusion.unclip_config import (
    UNCLIP,
    UNCLIP_LIKE,
    unclip_info,
    unclip_like_info,
)
from engine.models.families import check_fits
from engine.models.layouts import onnx
from engine.recipe import ModelRef
from engine.wishes import ClipInfo

CLIP = "clip"
MAIN = "portraits-stylegan2"  # the generator that everything begins with
MAKERS = {
    denoisers.DENOISER: denoisers.denoiser_info,
    LATENT: latent_info,
    TEXTLESS: textless_info,
    UNCLIP: unclip_info,
    UNCLIP_LIKE: unclip_like_info,
    ADM: adm_info,
    IMAGEN: imagen_info,
    GLIDE: glide_info,
    KANDINSKY: kandinsky_info,
}
Kind = TypeVar(
    "Kind", ModelInfo, DenoiserInfo, ClassifierInfo, ClipInfo, NoisyClipInfo, ControlInfo
)


class ModelLibrary:
    """The model folders of this installation. Looking again costs a few small files.

    home: the user's data folder. bundled: where the shipped models lie. A damaged folder is not
    listed; `problems` tells of it, and asking for it by name raises its error.
    """

    def __init__(self, home: Path, bundled: Path | None = None) -> None:
        self.imported = home / "models"
        self.bundled = bundled_folder() if bundled is None else bundled
        self._models: dict[str, ModelInfo] = {}
        self._others: dict[str, dict[str, Any]] = {}
        self._problems: dict[str, ModelError] = {}
        self._denoisers: dict[str, DenoiserInfo] = {}
        self._classifiers: dict[str, ClassifierInfo] = {}
        self._clips: dict[str, ClipInfo] = {}
        self._places: dict[str, tuple[Path, bool]] = {}
        self._noisy_clips: dict[str, NoisyClipInfo] = {}
        self._controls: dict[str, ControlInfo] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look at the folders again, as after an import."""
        self._models, self._others, self._problems = {}, {}, {}
        self._denoisers, self._classifiers, self._places = {}, {}, {}
        self._clips, self._noisy_clips, self._controls = {}, {}, {}
        for parent, bundled in ((self.bundled, True), (self.imported, False)):
            folders = sorted(parent.iterdir()) if parent.is_dir() else []
            for folder in folders:
                if folder.name.startswith("."):
                    continue  # an import that is being written
                if (folder / CARD).is_file() or (folder / WEIGHTS).is_file():
                    self._add(folder, bundled)

    def _add(self, folder: Path, bundled: bool) -> None:
        try:
            card = read_card(folder)
            if is_generator(card):
                self._models.setdefault(card["name"], info_of(folder, card, bundled))
            elif card["family"] in MAKERS:
                info = MAKERS[card["family"]](folder, card, bundled)
                self._denoisers.setdefault(info.name, info)
            else:
                if card["family"] == denoisers.CLASSIFIER:
                    found = denoisers.classifier_info(folder, card)
                    self._classifiers.setdefault(found.name, found)
                elif card["family"] == denoisers.NOISY_CLIP:
                    tower = denoisers.noisy_clip_info(folder, card)
                    self._noisy_clips.setdefault(tower.name, tower)
                elif card["family"] == CONTROL:
                    control = control_info(folder, card, bundled)
                    self._controls.setdefault(control.name, control)
                elif card["family"] == CLIP:
                    self._clips.setdefault(card["name"], clip_info(folder, card, bundled))
                self._others.setdefault(card["name"], card)
                self._places.setdefault(card["name"], (folder, bundled))
        except ModelError as error:
            self._problems[folder.name] = error

    def models(self) -> tuple[ModelInfo, ...]:
        """Every generator: MAIN, then the other bundled ones, then the rest, by name."""
        order = sorted(self._models.values(), key=lambda m: (not m.bundled, m.name != MAIN, m.name))
        return tuple(order)

    def denoisers(self) -> tuple[DenoiserInfo, ...]:
        """Every diffusion model, bundled ones first, by name."""
        return tuple(sorted(self._denoisers.values(), key=lambda m: (not m.bundled, m.name)))

    def classifiers(self) -> tuple[ClassifierInfo, ...]:
        """Every noise-aware classifier, by name."""
        return tuple(self._classifiers[name] for name in sorted(self._classifiers))

    def clips(self) -> tuple[ClipInfo, ...]:
        """Every network for texts and pictures, bundled ones first, by name."""
        return tuple(sorted(self._clips.values(), key=lambda c: (not c.bundled, c.name)))

    def noisy_clips(self) -> tuple[NoisyClipInfo, ...]:
        """Every picture tower for noisy pictures, by name."""
        return tuple(self._noisy_clips[name] for name in sorted(self._noisy_clips))

    def controls(self) -> tuple[ControlInfo, ...]:
        """Every ControlNet, by name."""
        return tuple(self._controls[name] for name in sorted(self._controls))

    def clip(self, name: str = "") -> ClipInfo:
        """The CLIP of that name, the first one for "". Raises ModelError that lists them."""
        known = self.clips()
        found = next((info for info in known if name in ("", info.name)), None)
        if found is None:
            listed = ", ".join(info.name for info in known) or "none"
            raise ModelError(
                f"There is no CLIP called {name[:80]!r}; here are: {listed}."
                if name
                else "No CLIP is installed here: a text cannot be compared with pictures.",
                "Import one: a folder as transformers writes it, with its tokenizer.",
            )
        return found

    def denoiser(self, ref: ModelRef) -> DenoiserInfo:
        """The diffusion model with the digest that a Recipe names. Raises ModelError."""
        return self._found(self._denoisers.values(), ref)

    def classifier(self, ref: ModelRef) -> ClassifierInfo:
        """The noise-aware classifier with that digest. Raises ModelError."""
        return self._found(self._classifiers.values(), ref)

    def clip_of(self, ref: ModelRef) -> ClipInfo:
        """The CLIP with that digest. Raises ModelError."""
        return self._found(self._clips.values(), ref)

    def control(self, ref: ModelRef) -> ControlInfo:
        """The ControlNet with that digest. Raises ModelError."""
        return self._found(self._controls.values(), ref)

    def parts(self, ref: ModelRef) -> tuple[ModelRef, ...]:
        """What a model works through besides its own weights: the CLIP that reads its texts."""
        info = next((one for one in self._denoisers.values() if one.sha256 == ref.sha256), None)
        if info is None or not info.clip:
            return ()
        clip = next((one for one in self._clips.values() if one.sha256 == info.clip), None)
        return (
            ModelRef(f"the CLIP of {info.name}"[:128] if clip is None else clip.name, info.clip),
        )

    def noisy_clip(self, ref: ModelRef) -> NoisyClipInfo:
        """The picture tower for noisy pictures with that digest. Raises ModelError."""
        return self._found(self._noisy_clips.values(), ref)

    def _found(self, known: Iterable[Kind], ref: ModelRef) -> Kind:
        found = next((info for info in known if info.sha256 == ref.sha256), None)
        if found is None:
            raise self._absent(ref)
        return found

    def others(self) -> tuple[dict[str, Any], ...]:
        """Cards of what is no generator: networks that judge pictures, and the like."""
        return tuple(self._others[name] for name in sorted(self._others))

    def place_of(self, name: str) -> tuple[Path, bool]:
        """The folder of one of `others`, and whether it came with the program."""
        return self._places[name]

    def problems(self) -> dict[str, ModelError]:
        """Folder name to why it cannot be used."""
        return dict(self._problems)

    def find(self, name: str) -> ModelInfo:
        """The generator of that name. Raises ModelError that lists what there is."""
        if name in self._models:
            return self._models[name]
        if name in self._problems:
            raise self._problems[name]
        if name in self._denoisers:
            raise ModelError(
                f"{name} is a diffusion model, which has no latent space to map.",
                f"Use --model {name} with --steps, or the Diffuse page.",
            )
        if name in self._others:
            raise ModelError(f"{name} makes no pictures; it is a {self._others[name]['family']}.")
        known = ", ".join(self._models) or "none"
        raise ModelError(
            f"There is no model called {name[:80]!r}; here are: {known}.",
            "Import it, or choose one of these.",
        )

    def resolve(self, ref: ModelRef) -> ModelInfo:
        """The generator with the digest that a Recipe names; its name may differ.

        Raises ModelError that names the model and its SHA-256.
        """
        return self._found(self._models.values(), ref)

    def _absent(self, ref: ModelRef) -> ModelError:
        if ref.name in self._problems:
            return self._problems[ref.name]
        return ModelError(
            f"The Recipe needs the model {ref.name!r} with weights {ref.sha256}, "
            "which is not installed here.",
            "Import that model, or open the Recipe with another one.",
        )

    def resolution(self, ref: ModelRef) -> int:
        """The side of what a generator or a diffusion model makes, in px. Raises ModelError."""
        known = {info.sha256: info.resolution for info in self._denoisers.values()}
        found = known.get(ref.sha256)
        return self.resolve(ref).resolution if found is None else found

    def has(self, ref: ModelRef) -> bool:
        """Whether the weights that a Recipe names are here."""
        kinds = (
            self._models, self._denoisers, self._classifiers, self._clips, self._noisy_clips,
            self._controls,
        )  # fmt: skip
        return any(info.sha256 == ref.sha256 for kind in kinds for info in kind.values())

    def store_folders(self) -> tuple[Path, ...]:
        """Folders with stored directions that belong to models."""
        folders = [info.folder / "store" for info in self.models()]
        folders += [self.imported / info.name / "store" for info in self.models()]
        return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def clip_info(folder: Path, card: dict[str, Any], bundled: bool) -> ClipInfo:
    """What the rest needs to know of a CLIP without loading it. Raises ModelError."""
    sizes = card["config"].get("text_config")
    context = sizes.get("max_position_embeddings") if isinstance(sizes, dict) else None
    if type(context) is not int or context < 3:
        raise ModelError(
            f"The card of {folder.name} has a damaged config: it says no length of texts.",
            "Import or train the model again.",
        )
    name, title, sha256 = card["name"], card["title"], card["weights_sha256"]
    return ClipInfo(name, title, sha256, context, bundled, folder)


def load_tensors(info: ModelInfo) -> dict[str, np.ndarray]:
    """The model's tensors as stored, checked against the card's digest and the layout.

    Raises ModelError that names the file, the digest that the card expects, and the remedy.
    """
    if info.family == onnx.NAME:
        from engine.models.foreign import checked_foreign

        return checked_foreign(info)
    path = info.folder / WEIGHTS
    remedy = "Install the program again." if info.bundled else "Import the model again."
    if not path.is_file():
        raise ModelError(
            f"The weights of {info.name} are missing: {path}, expected digest {info.sha256}.",
            remedy,
        )
    tensors = read_safetensors(path)
    digest = weights_sha256(tensors)
    if digest != info.sha256:
        raise ModelError(
            f"The weights of {info.name} are not those of its card: {path} has the digest "
            f"{digest}, expected {info.sha256}.",
            remedy,
        )
    check_fits(config_of(info.card, info.folder), tensors, str(path))
    return tensors
