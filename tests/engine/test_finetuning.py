"""What the model of codes and texts is taught further: each lesson from its weights to a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors
from engine.controlling import Drawn
from engine.denoising import Dab, Denoise
from engine.diffusion.unet_config import UNetConfig
from engine.errors import TrainingError
from engine.models import library
from engine.models.bundled import bundled_folder
from engine.models.card import read_card
from engine.models.diffusion.condition import Told
from engine.models.diffusion.control import control_numbers
from engine.models.diffusion.control_config import misfit_of
from engine.models.diffusion.latent_denoiser import LatentDenoiser
from engine.models.diffusion.unclip_stages import Prior
from engine.models.library import ModelLibrary
from engine.perception.clip.open import open_clip
from engine.perception.clip.text_tower import PooledTower
from engine.portraits.attributes import COLUMN, sample
from engine.portraits.captions import Dice
from engine.portraits.instructions import EDITS, edited
from engine.recipe import ModelRef, Seed
from engine.services import evaluate_control, evaluate_shown
from engine.services.bundle_diffusion import bundle
from engine.services.check_denoise import check_denoise
from engine.services.demo_systems import system_sheets
from engine.services.evaluate import JUDGE, evaluate
from engine.studio import Studio
from engine.training import autoencoder_run as lessons
from engine.training import codes, tiny_lesson
from engine.training.autoencoder_run import AutoencoderSpec
from engine.training.diffusion_spec import SPECS, TrainDiffusion, further
from engine.training.finetuning import prior_lesson
from engine.training.finetuning.begin import begin, unet_of
from engine.training.finetuning.holes import masks
from engine.training.finetuning.like_run import opened_eyes
from engine.training.finetuning.prior_lesson import prior_config, reader_of, teach_prior
from engine.training.finetuning.specs import FINE
from engine.training.train_autoencoder import train_autoencoder
from engine.training.train_diffusion import train
from tests.random_denoiser import write_random_denoisers

# Its models are taught and exported before the first test: a minute where nothing else runs.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior and a tiny decoder of moments."""
    for lesson in (prior_lesson.teach_prior, tiny_lesson.teach_tiny):
        monkeypatch.setattr(lesson, "__defaults__", (3,))


SMALL = UNetConfig(4, 1, (8, 16), tokens=64, text_width=96, inside=4, whole=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an autoencoder and a model of its codes, taught for moments."""
    place = tmp_path_factory.mktemp("base")
    usual = dict(lessons.SETTINGS)
    small = {"block_out_channels": [8, 8, 8], "norm_num_groups": 4, "sample_size": 16}
    lessons.SETTINGS.update(small)
    try:
        spec = AutoencoderSpec(
            place / "run", steps=4, batch=4, portraits=8, featured=1.0, cache=place / "cache"
        )
        train_autoencoder(spec, place / "coder", lambda progress: None, CancelToken())
    finally:
        lessons.SETTINGS.update(usual)
    codes = _small(SPECS["portraits-latent"](place / "codes"), place)
    train(codes, lambda progress: None, CancelToken())
    bundle(codes, place / "home" / "models" / "portraits-latent", "a machine")
    return place


def _small(spec: TrainDiffusion, place: Path, **more: Any) -> TrainDiffusion:
    unet = replace(SMALL, beside=spec.unet.beside, looks=spec.unet.looks)
    return replace(
        spec, cache=place / "cache", portraits=8, images=8, batch=4, drawn_px=16, unet=unet,
        autoencoder=place / "coder", reading=min(spec.reading, 2), **more,
    )  # fmt: skip


def _taught(base: Path, name: str) -> dict[str, Any]:
    """The card of the model that a lesson becomes; each is taught once."""
    work, made = base / name, base / "home" / "models" / name
    if not made.exists():
        spec = _small(FINE[name](work), base, start=base / "home" / "models" / "portraits-latent")
        train(spec, lambda progress: None, CancelToken())
        assert list((work / "sheets").glob("*.png"))
        bundle(spec, made, "a machine")
    return read_card(made)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("portraits-inpaint", "masked"),
        ("portraits-instruct", "picture"),
        ("portraits-variations", "like"),
    ],
)
def test_a_lesson_becomes_a_model_that_is_shown_a_picture(
    base: Path, name: str, shown: str
) -> None:
    card = _taught(base, name)
    assert card["trained"]["from"]["name"] == "portraits-latent"
    library = ModelLibrary(base / "home", base / "none")
    info = next(one for one in library.denoisers() if one.name == name)
    assert (info.resolution, info.shown, info.reads) == (16, shown, True)
    network = LatentDenoiser(info)
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    inside = torch.zeros(1, 1, 16, 16)
    inside[:, :, :8] = 1.0
    network.show(picture, inside)
    x = torch.randn(1, *network.shape, generator=torch.Generator().manual_seed(1))
    found = network.predict(x, 300.0, [(("a smiling woman", 1.0),)])
    assert found.shape == (1, 1, 4, 4, 4)
    assert network.backend == "onnx"
    plain = LatentDenoiser(info, backend="torch")
    plain.show(picture, inside)
    wanted = plain.predict(x, 300.0, [(("a smiling woman", 1.0),)])
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_a_picture_is_thought_of_where_none_is_shown(base: Path) -> None:
    _taught(base, "portraits-variations")
    library = ModelLibrary(base / "home", base / "none")
    info = next(one for one in library.denoisers() if one.name == "portraits-variations")
    assert info.thinks
    network = LatentDenoiser(info)
    x = torch.randn(1, *network.shape, generator=torch.Generator().manual_seed(1))
    woman, man = ((("a woman", 1.0),), (("an old man with glasses", 1.0),))
    thought = network._beside([Told(woman), Told(man), Told(()), Told(man, away=True)])
    assert thought.shape == (4, 128)
    assert (thought[0] - thought[1]).abs().max() > 1e-4
    assert not thought[2:].any()
    alone = network.predict(x, 300.0, [woman])
    network.show(torch.rand(1, 3, 16, 16) * 2 - 1)
    assert (network._beside([Told(woman)]) - thought[:1]).abs().max() > 1e-4
    network.forget()
    torch.testing.assert_close(network.predict(x, 300.0, [woman]), alone)
    check_denoise(Denoise(ModelRef(info.name, info.sha256), Seed(1)), library, begun=False)


def test_a_prior_learns_whose_picture_it_is() -> None:
    clip = open_clip(bundled_folder() / "portraits-clip")
    eyes = opened_eyes(bundled_folder() / "portraits-clip")
    texts, rows = ("a bearded man", "a smiling woman with glasses"), torch.arange(200) % 2
    said = torch.stack([torch.full((64,), 1.0), torch.full((64,), -1.0)])[rows]
    said = said + 0.1 * torch.randn(200, 64, generator=torch.Generator().manual_seed(0))
    eyes.mean.data, eyes.std.data = said.mean(0, keepdim=True), said.std(0, keepdim=True)

    def captions(index: torch.Tensor) -> list[str]:
        return [texts[row] for row in rows[index].tolist()]

    net = teach_prior(clip, eyes, said, captions, 0, lambda p: None, CancelToken(), steps=60)
    prior, reader = Prior(net, prior_config(clip.network.config)), reader_of(clip)
    tower = reader.tower
    assert isinstance(tower, PooledTower)
    for text, sign in zip(texts, (1, -1), strict=True):
        tokens, whole = tower.read(reader.ids([text, ""]))
        found = prior.think(whole, tokens, reader.kept([text, ""]))
        assert sign * float(found.mean()) > 0.3


def test_a_lesson_becomes_a_controlnet_that_fits(base: Path) -> None:
    card = _taught(base, "portraits-edges")
    library = ModelLibrary(base / "home", base / "none")
    control = next(one for one in library.controls() if one.name == "portraits-edges")
    other = read_card(base / "home" / "models" / "portraits-latent")
    assert misfit_of(control, other["family"], other["config"], "the base") == ""
    assert control_numbers(control) > 0
    assert card["trained"]["images"] == 8


def test_a_controlnet_goes_on_beside_its_model(base: Path) -> None:
    _taught(base, "portraits-edges")
    start = base / "home" / "models" / "portraits-edges"
    spec = _small(FINE["portraits-edges"](base / "on"), base, start=start)
    train(replace(spec, learning_rate=0.0), lambda progress: None, CancelToken())
    before, after = (read_safetensors(at / "weights.safetensors") for at in (start, spec.work))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name].astype(np.float16)) for name in before)


@pytest.mark.parametrize("name", ["portraits-inpaint", "portraits-variations"])
def test_a_lesson_begins_where_the_model_ended(base: Path, tmp_path: Path, name: str) -> None:
    from engine.diffusion.unet import PixelUNet

    start = base / "home" / "models" / "portraits-latent"
    spec = _small(FINE[name](tmp_path), base)
    plain, more = PixelUNet(SMALL), PixelUNet(spec.unet)
    begin(plain.unet, start)
    begin(more.unet, start)
    x, t, text = torch.randn(2, 4, 4, 4), torch.tensor([10.0, 500.0]), torch.randn(2, 64, 96)
    shown = {
        "beside": torch.randn(2, spec.unet.beside, 4, 4) if spec.unet.beside else None,
        "looks": torch.randn(2, spec.unet.looks) if spec.unet.looks else None,
    }
    with torch.no_grad():
        found, wanted = more(x, t, text=text, **shown), plain(x, t, text=text)
    torch.testing.assert_close(found, wanted)


def test_a_model_may_learn_to_hear_the_whole_text(base: Path, tmp_path: Path) -> None:
    from engine.diffusion.unet import PixelUNet

    deaf, start = replace(SMALL, whole=False), tmp_path / "deaf"
    spec = replace(_small(SPECS["portraits-latent"](tmp_path / "run"), base), unet=deaf, images=4)
    train(spec, lambda progress: None, CancelToken())
    bundle(spec, start, "a machine")
    plain, more = PixelUNet(deaf), PixelUNet(SMALL)
    begin(plain.unet, start)
    begin(more.unet, start)
    x, t, text = torch.randn(2, 4, 4, 4), torch.tensor([10.0, 500.0]), torch.randn(2, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(more(x, t, text=text), plain(x, t, text=text))


def test_what_begins_with_itself_forgets_nothing(base: Path) -> None:
    from engine.diffusion.unet import PixelUNet

    _taught(base, "portraits-variations")
    start = base / "home" / "models" / "portraits-variations"
    spec = _small(FINE["portraits-variations"](base / "again"), base)
    again, stored = PixelUNet(spec.unet), unet_of(start)
    begin(again.unet, start)
    for name, value in again.unet.state_dict().items():
        assert torch.equal(value, stored[name]), name


def test_further_lessons_go_on_when_stopped(base: Path, tmp_path: Path) -> None:
    start = base / "home" / "models" / "portraits-latent"
    plan = _small(SPECS["portraits-latent"](tmp_path), base)
    spec = replace(further(plan, start), images=8, batch=4)
    assert (spec.reading, further(plan, start).images) == (0, 4)
    train(replace(spec, images=4), lambda progress: None, CancelToken())
    train(spec, lambda progress: None, CancelToken())
    card = bundle(spec, tmp_path / "model", "a machine")
    assert card["trained"]["images"] == 8
    assert card["command"] == "python main.py train portraits-latent --from portraits-latent"


def test_a_model_of_another_size_is_nothing_to_begin_with(base: Path) -> None:
    from engine.diffusion.unet import PixelUNet

    larger = PixelUNet(replace(SMALL, channels=(8, 24)))
    with pytest.raises(TrainingError, match="not of the kind to begin with"):
        begin(larger.unet, base / "home" / "models" / "portraits-latent")


def test_masks_leave_something_or_nothing() -> None:
    found = masks(200, 32, torch.Generator().manual_seed(0))
    assert found.shape == (200, 1, 32, 32)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    shares = found.mean((1, 2, 3))
    assert 0.05 < (shares == 1).float().mean() < 0.3
    assert (shares > 0).all()


def test_an_edit_changes_what_it_names_and_nothing_else() -> None:
    rows = np.arange(400)
    table = sample(3, rows)
    after, edits = edited(table, 3, rows)
    for before, changed, edit in zip(table, after, edits, strict=True):
        named = {COLUMN[edit.name], *(COLUMN[name] for name, _ in edit.also)}
        different = set(np.flatnonzero(before != changed))
        assert COLUMN[edit.name] in different
        assert different <= named
        assert edit.suits(before)
        words = edit.words(before, Dice(0, 1, 13))
        assert words
        assert "{" not in words
    assert len({edit.name for edit in edits}) == len({edit.name for edit in EDITS})


def test_what_follows_instructions_varies_and_fills_is_measured(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    root = tmp_path / "bundled"
    for name in ("portraits-inpaint", "portraits-instruct", "portraits-variations"):
        _taught(base, name)
    for name in ("portraits-edges", "portraits-pose"):
        _taught(base, name)
    shutil.copytree(base / "home" / "models", root)
    shutil.copytree(bundled_folder() / JUDGE, root / JUDGE)
    for name, value in (("STEPS", 2), ("COUNT_QUICK", 4), ("DRAWN_QUICK", 8)):
        monkeypatch.setattr(evaluate_shown, name, value)
    monkeypatch.setattr(evaluate_control, "COUNT_QUICK", 3)

    def scores(name: str) -> dict[str, Any]:
        card = evaluate(name, False, lambda progress: None, CancelToken(), root)
        return dict(card["scores"])

    followed = scores("portraits-instruct")
    assert 0 <= followed["changed"] <= 1
    assert 0 <= followed["others_kept"] <= 1
    varied = scores("portraits-variations")
    assert 0 <= varied["kept"] <= 1
    assert 0 <= varied["asked"] <= 1
    filled = scores("portraits-inpaint")
    assert filled["rest_moved"] > 0
    assert filled["quality"]["drawn"] == 8
    edges = scores("portraits-edges")
    for name in ("with", "with_twice", "guided", "without"):
        assert 0 <= edges[f"f1_exact_{name}"] <= edges[f"f1_{name}"] <= 1
    posed = scores("portraits-pose")
    assert 0 <= posed["pose_off_with"] <= 1
    assert edges["base"] == read_card(root / "portraits-latent")["weights_sha256"]


def test_lines_one_pixel_off_are_the_same() -> None:
    lines = np.zeros((8, 8), bool)
    lines[3, 1:7] = True
    assert evaluate_control.f1(lines, lines) == 1.0
    assert evaluate_control.f1(np.roll(lines, 1, 0), lines) == 1.0
    assert evaluate_control.f1(np.roll(lines, 1, 0), lines, 0) == 0.0
    assert evaluate_control.f1(np.roll(lines, 3, 0), lines) == 0.0
    assert evaluate_control.f1(np.zeros_like(lines), lines) == 0.0
    half = lines.copy()
    half[:, 4:] = False
    assert 0.5 < evaluate_control.f1(half, lines) < 1.0


def test_an_edit_is_followed_when_most_of_the_way_is_gone() -> None:
    glasses = next(edit for edit in EDITS if (edit.name, edit.to) == ("eyeglasses", 1.0))
    assert evaluate_shown._reached(glasses, "binary", 0.1, 0.9)
    assert not evaluate_shown._reached(glasses, "binary", 0.1, 0.4)
    colour = next(edit for edit in EDITS if edit.name == "hair_color" and edit.to == 3)
    assert evaluate_shown._reached(colour, "categorical", 1, 3)
    hue = next(edit for edit in EDITS if edit.name == "background_hue" and edit.to == 0)
    assert evaluate_shown._reached(hue, "continuous", 0.5, 0.95)
    assert evaluate_shown._one_way(np.array([0.0, 0.3, 0.28, 0.9]))
    assert not evaluate_shown._one_way(np.array([0.0, 0.6, 0.2, 0.9]))
    assert not evaluate_shown._one_way(np.array([0.5, 0.5, 0.52]))


def test_every_kind_has_a_sheet_in_the_demo(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The bundled models have the names of these.
    monkeypatch.setattr(library, "bundled_folder", lambda: base / "none")
    for name in FINE:
        _taught(base, name)
    write_random_denoisers(base / "home" / "models")
    studio = Studio(base / "home")
    dabs = (Dab(0.5, 0.5, 0.2), Dab(0.2, 0.2, 0.1))
    faces = [(Drawn(16, dabs[:k]), 16) for k in (1, 2)]
    sheets = {
        name: (frame, recipes)
        for name, frame, recipes in system_sheets(
            studio.render, studio.denoisers(), studio.controls_beside, faces, CancelToken()
        )
    }
    assert set(sheets) == {"portraits-latent", "tiny-upsampler", *FINE}
    for frame, recipes in sheets.values():
        assert frame.pixels.shape[1] > 800
        assert len(recipes) > 8
        assert frame.recipe == recipes[0]


def test_pictures_are_encoded_once(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = _small(SPECS["portraits-latent"](base / "again"), base)
    (kept,) = (base / "cache").glob("codes-????????????-seed0-8-16px.npy")
    assert np.load(kept).shape == (8, 4, 4, 4)
    monkeypatch.setattr(codes, "_coded", lambda *told: pytest.fail("they were encoded again"))
    train(spec, lambda progress: None, CancelToken())
